"""What a network reads for what, and its surest errors. NumPy, no Keras."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from resnets_utils import DataError

MOST_NUMBERED = 20  # classes; with more, numbers in the squares would not be readable


def confusion_matrix(expected: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count what was read for what.

    Args:
        expected: Integers (m,), 0 to classes - 1: what is shown.
        predicted: Integers (m,): what was read.
        classes: Their number.

    Returns:
        Integers (classes, classes): how often row `expected` was read as the column.
    """
    counts = np.zeros((classes, classes), int)
    for row, column in zip(expected, predicted, strict=True):
        counts[row, column] += 1
    return counts


def confident_errors(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the indices of the images that were read wrongly, the surest of them first.

    Args:
        probabilities: (m, classes).
        labels: Integers (m,).

    Raises:
        DataError: There are more or fewer labels than rows.
    """
    if len(probabilities) != len(labels):
        raise DataError(
            f"confident_errors: found {len(probabilities)} answers and {len(labels)} labels; "
            "expected one for each."
        )
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def plot_confusion(counts: np.ndarray, classes: Sequence[str], axis: Axes | None = None) -> Axes:
    """Draw a confusion matrix, each row coloured by its shares.

    Args:
        counts: Integers (classes, classes), as `confusion_matrix` returns them.
        classes: Names.
        axis: Where to; a new one if None.
    """
    axis = axis or plt.subplots(figsize=(4.5, 4.5), layout="constrained")[1]
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= MOST_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, count or "", ha="center", va="center", color=colour)
        axis.set_xticks(range(len(classes)), classes)
        axis.set_yticks(range(len(classes)), classes)
    axis.set(xlabel="read as", ylabel="shown")
    return axis

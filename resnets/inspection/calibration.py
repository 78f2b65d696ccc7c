"""How sure a network is, beside how often it is right. NumPy, no Keras."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from resnets_utils import TRAINING, VALIDATION, DataError


def _check_answers(confidence: np.ndarray, correct: np.ndarray, bins: int) -> tuple:
    """Return confidences and whether they were right as arrays, or raise a DataError."""
    confidence, correct = np.asarray(confidence, float), np.asarray(correct)
    if confidence.shape != correct.shape or confidence.ndim != 1 or len(confidence) == 0:
        raise DataError(
            f"calibration: found confidences of shape {confidence.shape} and correct of shape "
            f"{correct.shape}; expected (m,) for both, one or more."
        )
    if not (confidence.min() >= 0 and confidence.max() <= 1) or bins < 1:
        raise DataError(
            f"calibration: found confidences from {confidence.min():g} to {confidence.max():g} and "
            f"{bins} bins; expected 0 to 1, and 1 bin or more."
        )
    return confidence, correct.astype(bool)


def calibration_curve(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> np.ndarray:
    """Sort answers by confidence into bins of equal width, and compare with how many were right.

    Args:
        confidence: (m,), the probability of each answer given.
        correct: Booleans (m,): whether it was right.
        bins: How many; the last one holds a confidence of 1 too.

    Returns:
        A row per bin, with the fields low, high, count, confidence and accuracy: means of the
        answers in it, NaN where there is none.

    Raises:
        DataError: The two differ in length, a confidence is outside 0 to 1, or there is no bin.
    """
    confidence, correct = _check_answers(confidence, correct, bins)
    fields = ("low", "high", "count", "confidence", "accuracy")
    table = np.zeros(bins, [(field, int if field == "count" else float) for field in fields])
    edges = np.linspace(0, 1, bins + 1)
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    for k, row in enumerate(table):
        inside = number == k
        means = [np.nan, np.nan]
        if inside.any():
            means = [confidence[inside].mean(), correct[inside].mean()]
        row["low"], row["high"], row["count"] = edges[k], edges[k + 1], inside.sum()
        row["confidence"], row["accuracy"] = means
    return table


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, bins: int = 10
) -> float:
    """Return how far confidence and accuracy are apart: the mean over bins, by their answers.

    Source: C. Guo et al., 2017, arXiv:1706.04599, eq. 3.

    Args:
        confidence, correct, bins: As for `calibration_curve`.

    Returns:
        0 (as sure as right) to 1.

    Raises:
        DataError: As `calibration_curve`.
    """
    table = calibration_curve(confidence, correct, bins)
    gaps = table["count"] * np.abs(table["confidence"] - table["accuracy"])
    return float(np.nansum(gaps) / table["count"].sum())


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities as if the logits had been divided by a temperature.

    Args:
        probabilities: (m, classes).
        temperature: Over 0; below 1 answers become surer, above it less sure.
    """
    logits = np.log(np.maximum(probabilities, 1e-12)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def best_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature, 0.2 to 5, with which the right classes are least surprising.

    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.

    Args:
        probabilities: (m, classes), of images that no accuracy is reported for.
        labels: Integers (m,).
    """
    temperatures = np.geomspace(0.2, 5, 201)
    rows = np.arange(len(labels))
    losses = [
        -np.log(np.maximum(with_temperature(probabilities, t)[rows, labels], 1e-12)).mean()
        for t in temperatures
    ]
    return float(temperatures[np.argmin(losses)])


def plot_reliability(table: np.ndarray, axis: Axes) -> Axes:
    """Draw accuracy against confidence; on the dashed line, a network is as sure as it is right.

    Args:
        table: As `calibration_curve` returns it.
        axis: Where to.
    """
    axis.plot([0, 1], [0, 1], "--", color="grey", lw=1)
    rows = table[table["count"] > 0]
    width = 0.9 * (rows["high"] - rows["low"])
    middle = (rows["low"] + rows["high"]) / 2
    axis.bar(middle, rows["accuracy"], width, color=TRAINING)
    for x, row in zip(middle, rows, strict=True):
        axis.plot([x, x], [row["accuracy"], row["confidence"]], color=VALIDATION, lw=2)
        axis.text(x, 1.03, row["count"], ha="center", fontsize=8)
    axis.plot(middle, rows["confidence"], "_", color=VALIDATION, markersize=12, markeredgewidth=2)
    axis.set(xlim=(0, 1), ylim=(0, 1.1), xlabel="confidence", ylabel="accuracy", aspect="equal")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_major_formatter(PercentFormatter(1))
    return axis

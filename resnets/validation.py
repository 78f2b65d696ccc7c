"""Honest measuring, taught in notebook 06: near-duplicates, folds, confidence intervals."""

from collections.abc import Iterator

import numpy as np

NEAR = 10.0  # grey levels; a choice: closer pairs of SIGNS show one hand in one moment


def shrink(images: np.ndarray, side: int = 16) -> np.ndarray:
    """Average square windows of pixels, so that what is left is the coarse picture.

    Args:
        images: (m, height, width, channels), height and width multiples of `side`.
        side: Height and width of the small images.

    Returns:
        float32 (m, side, side, channels), in the unit of `images`.
    """
    m, height, width, channels = images.shape
    if height % side or width % side:
        raise ValueError(f"shrink: {height} x {width} pixels don't divide into {side} x {side}.")
    windows = images.reshape(m, side, height // side, side, width // side, channels)
    return windows.mean(axis=(2, 4), dtype="float32")


def distances(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far each image is from each other one: root mean square over 16x16 pixels.

    Args:
        images: uint8 (m, height, width, channels), sides multiples of 16.
        others: The like, n of them.

    Returns:
        float32 (m, n), in grey levels, 0 to 255.
    """
    a = shrink(images).reshape(len(images), -1)
    b = shrink(others).reshape(len(others), -1)
    squares = np.mean(a**2, axis=1)[:, None] + np.mean(b**2, axis=1) - 2 * a @ b.T / a.shape[1]
    return np.sqrt(np.maximum(squares, 0))  # rounding may leave a zero slightly negative


def group_near_duplicates(images: np.ndarray, near: float = NEAR) -> np.ndarray:
    """Number the groups of images that are linked by pairs of near-duplicates.

    Args:
        images: uint8 (m, height, width, channels), sides multiples of 16.
        near: Grey levels; closer pairs are near-duplicates.

    Returns:
        Integers (m,): equal numbers for images of one group.
    """
    groups = np.arange(len(images))
    for i, j in zip(*np.nonzero(np.triu(distances(images, images) < near, k=1)), strict=True):
        groups[groups == groups[j]] = groups[i]
    return np.unique(groups, return_inverse=True)[1]


def grouped_folds(
    groups: np.ndarray, folds: int = 5, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Split images into folds of nearly equal size that never part a group.

    Args:
        groups: Integers (m,), as `group_near_duplicates` returns them.
        folds: Number of folds, 2 or more.
        seed: Which group lands in which fold.

    Yields:
        For each fold: indices to train on, indices held out. Every image is held out once.

    Raises:
        ValueError: There are fewer groups than folds, or fewer than two folds.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if not 2 <= folds <= len(names):
        raise ValueError(
            f"grouped_folds: {folds} folds of {len(names)} groups; give 2 to {len(names)} folds."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]  # large groups first, they fit worst
    fold_of, filled = np.empty(len(names), int), np.zeros(folds, int)
    for name in order:
        fold_of[name] = np.argmin(filled)
        filled[fold_of[name]] += sizes[name]
    fold = fold_of[np.searchsorted(names, groups)]
    for k in range(folds):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def confidence_interval(correct: int, images: int, z: float = 1.96) -> tuple[float, float]:
    """Return the range of true accuracies for which a count of correct answers is nothing unusual.

    The images are taken for independent; where they are alike the range is too narrow.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927).

    Args:
        correct: Images answered correctly.
        images: Images asked, 1 or more.
        z: Half-width in standard deviations; 1.96 gives 95 %.

    Returns:
        Lower and upper bound, 0 to 1.
    """
    if not 0 <= correct <= images or images < 1:
        raise ValueError(f"confidence_interval: {correct} correct of {images} images.")
    p = correct / images
    centre = p + z**2 / (2 * images)
    margin = z * np.sqrt(p * (1 - p) / images + z**2 / (4 * images**2))
    return float((centre - margin) / (1 + z**2 / images)), float(
        (centre + margin) / (1 + z**2 / images)
    )

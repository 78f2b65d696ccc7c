"""Near-duplicates, folds and intervals: small cases that can be counted by hand."""

import numpy as np
import pytest

from resnets import validation


def pictures(m, seed=0):
    return (
        np.random.default_rng(seed)
        .integers(256, size=(m, 4, 4, 3), dtype=np.uint8)
        .repeat(8, axis=1)
        .repeat(8, axis=2)
    )  # coarse: averaging to 16x16 keeps them apart


def test_shrink_averages_windows():
    images = np.zeros((1, 32, 48, 1), np.uint8)
    images[0, 0, 0] = 60
    small = validation.shrink(images)
    assert small.shape == (1, 16, 16, 1) and small.dtype == np.float32
    assert small[0, 0, 0, 0] == 60 / (2 * 3) and small.sum() == 10
    with pytest.raises(ValueError, match="40 x 32 pixels don't divide into 16 x 16"):
        validation.shrink(np.zeros((1, 40, 32, 3)))


def test_distances_are_root_mean_squares():
    images, others = pictures(3), pictures(4, seed=1)
    expected = [[np.sqrt(np.mean((a.astype(float) - b) ** 2)) for b in others] for a in images]
    np.testing.assert_allclose(validation.distances(images, others), expected, rtol=1e-4)
    np.testing.assert_allclose(np.diag(validation.distances(images, images)), 0, atol=0.2)


def test_groups_are_chains_of_near_pairs():
    images = pictures(6).astype(int)
    images[1] = np.minimum(images[0] + 7, 255)
    images[2] = np.minimum(images[1] + 7, 255)  # far from 0, near 1: one group
    images[5] = images[3]
    groups = validation.group_near_duplicates(images.astype(np.uint8))
    assert validation.distances(images[[0]], images[[2]])[0, 0] > validation.NEAR
    assert groups[0] == groups[1] == groups[2] and groups[3] == groups[5]
    assert len(set(groups)) == 3


@pytest.mark.parametrize("seed", range(3))
def test_folds_hold_out_every_image_once_and_part_no_group(seed):
    groups = np.repeat(np.arange(40), np.random.default_rng(seed).integers(1, 9, size=40))
    folds = list(validation.grouped_folds(groups, 5, seed))
    assert np.array_equal(np.sort(np.concatenate([out for _, out in folds])), range(len(groups)))
    for kept, held_out in folds:
        assert not set(groups[kept]) & set(groups[held_out])
        assert len(kept) + len(held_out) == len(groups)
    sizes = [len(out) for _, out in folds]
    assert max(sizes) - min(sizes) <= 2


def test_folds_follow_the_seed():
    first, again, other = (list(validation.grouped_folds(np.arange(50), 5, s)) for s in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("folds", [1, 4])
def test_folds_that_cannot_be(folds):
    with pytest.raises(ValueError, match="give 2 to 3 folds"):
        list(validation.grouped_folds(np.array([0, 0, 1, 2]), folds))


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),  # by hand: z² / (n + z²)
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
        (118, 120, 0.9412, 0.9954),
    ],
)
def test_wilson_interval(correct, images, low, high):
    np.testing.assert_allclose(
        validation.confidence_interval(correct, images), (low, high), atol=2e-4
    )


@pytest.mark.parametrize(("correct", "images"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be(correct, images):
    with pytest.raises(ValueError, match="correct of"):
        validation.confidence_interval(correct, images)

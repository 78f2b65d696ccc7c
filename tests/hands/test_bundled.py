"""The bundled data set: its schema, and that it is what `make bundled` renders."""

import dataclasses
import json

import h5py
import numpy as np
import pytest
from PIL import Image

from resnets.hands import data_sets, rendering, variation
from resnets_utils import BUNDLED, ROOT

SIZES = {"train": 1080, "test": 120}


@pytest.fixture(scope="module")
def files():
    found = {}
    for part in SIZES:
        with h5py.File(BUNDLED / f"{part}_signs.h5") as file:
            found[part] = {key: file[key][:] for key in file}
    return found


@pytest.mark.parametrize("part", SIZES)
def test_schema_is_that_of_signs(files, part):
    found, m = files[part], SIZES[part]
    assert set(found) == {f"{part}_set_x", f"{part}_set_y", "list_classes"}
    x, y, classes = found[f"{part}_set_x"], found[f"{part}_set_y"], found["list_classes"]
    assert (x.shape, x.dtype) == ((m, 64, 64, 3), np.uint8)
    assert (y.shape, y.dtype) == ((m,), np.int64)
    assert (classes.tolist(), classes.dtype) == ([0, 1, 2, 3, 4, 5], np.int64)


@pytest.mark.parametrize("part", SIZES)
def test_classes_are_equal_and_shuffled(files, part):
    y = files[part][f"{part}_set_y"]
    assert np.bincount(y).tolist() == [SIZES[part] // 6] * 6
    neighbours = (y[1:] == y[:-1]).mean()
    assert 0.01 < neighbours < 0.4, "sorted or dealt out in turn, not shuffled"


def test_all_images_differ(files):
    images = [*files["train"]["train_set_x"], *files["test"]["test_set_x"]]
    assert len({image.tobytes() for image in images}) == 1200
    assert min(image.std() for image in images) > 8, "an image without a hand"


def test_files_are_small():
    """A clone stays light."""
    assert sum((BUNDLED / f"{part}_signs.h5").stat().st_size for part in SIZES) < 10e6


def test_files_say_how_they_were_rendered():
    for part, size in SIZES.items():
        with h5py.File(BUNDLED / f"{part}_signs.h5") as file:
            made = json.loads(file.attrs[data_sets.MARK])
        assert (made[f"{part if part == 'test' else 'training'} images"], made["seed"]) == (size, 0)
        wanted = json.loads(json.dumps(dataclasses.asdict(variation.LIKE_SIGNS)))
        assert {name: made[name] for name in wanted} == wanted


@pytest.mark.parametrize("index", [0, 1, 540, 1079, 1080, 1199])
def test_images_come_from_the_seed(files, index):
    part, place = ("train", index) if index < 1080 else ("test", index - 1080)
    sign = data_sets.sign_of(0, index)
    assert files[part][f"{part}_set_y"][place] == sign
    stored = files[part][f"{part}_set_x"][place].astype(int)
    # Other processors round otherwise, which moves a pixel on the hand's outline.
    off = np.abs(rendering.picture(0, index, sign, variation.LIKE_SIGNS) - stored)
    assert (off > 2).mean() < 0.01
    assert (
        np.abs(rendering.picture(1, index, sign, variation.LIKE_SIGNS) - stored) > 2
    ).mean() > 0.5


def test_example_is_the_rendered_one():
    with Image.open(ROOT / "images" / "test.jpg") as image:
        found = np.asarray(image).astype(float)
    assert found.shape == (256, 256, 3)
    expected = rendering.picture(0, 1200, 3, variation.LIKE_SIGNS, size=256)
    assert np.abs(found - expected).mean() < 3  # JPEG loses a little

"""The bundled data set: its schema, and that its script draws it."""

import subprocess
import sys
from pathlib import Path

import bundled_data
import h5py
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "datasets" / "bundled"
SCRIPT = ROOT / "tools" / "bundled_data.py"
SIZES = {"train": 1080, "test": 120}


@pytest.fixture(scope="module")
def files():
    found = {}
    for part in SIZES:
        with h5py.File(FOLDER / f"{part}_signs.h5") as file:
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
    assert 0.02 < neighbours < 0.4, "sorted or dealt out in turn, not shuffled"


def test_all_images_differ(files):
    images = [*files["train"]["train_set_x"], *files["test"]["test_set_x"]]
    assert len({image.tobytes() for image in images}) == 1200
    assert min(image.std() for image in images) > 8, "an image without a hand"


def test_files_are_small():
    assert sum((FOLDER / f"{part}_signs.h5").stat().st_size for part in SIZES) < 6e6


def test_labels_come_from_the_seed(files):
    both = np.concatenate([files["train"]["train_set_y"], files["test"]["test_set_y"]])
    np.testing.assert_array_equal(bundled_data.labels(0), both)
    assert not np.array_equal(bundled_data.labels(1), both)


@pytest.mark.parametrize("index", [0, 1, 540, 1079, 1080, 1199])
def test_images_come_from_the_seed(files, index):
    part, place = ("train", index) if index < 1080 else ("test", index - 1080)
    sign = files[part][f"{part}_set_y"][place]
    stored = files[part][f"{part}_set_x"][place]
    np.testing.assert_array_equal(bundled_data.picture(0, index, sign), stored)
    assert not np.array_equal(bundled_data.picture(1, index, sign), stored)


@pytest.mark.parametrize("sign", range(6))
def test_the_whole_hand_is_in_the_frame(sign):
    for index in range(100):
        rng = np.random.default_rng([9, index])
        capsules, _ = bundled_data.place(bundled_data.hand(sign, rng), sign, rng)
        balls = capsules[:-1].reshape(-1, 4)  # the last is the forearm, which comes from outside
        assert (balls[:, :2] - balls[:, 3:]).min() > 0
        assert (balls[:, :2] + balls[:, 3:]).max() < 1


def test_a_shadow_does_not_come_round():
    dot = np.zeros((4, 4))
    dot[3, 1] = 1
    assert not bundled_data.moved(dot, 0, 1).any()
    assert bundled_data.moved(dot, 2, -1)[2, 3] == 1


def test_example_is_the_drawn_one():
    with Image.open(ROOT / "images" / "test.jpg") as image:
        found = np.asarray(image).astype(float)
    assert found.shape == (256, 256, 3)
    assert np.abs(found - bundled_data.picture(0, 1200, 3, 256)).mean() < 3  # JPEG loses a little


def test_files_are_written_whole(tmp_path):
    bundled_data.write_example(tmp_path / "a.jpg", 0)
    before = (tmp_path / "a.jpg").read_bytes()
    with pytest.raises(RuntimeError), bundled_data.complete(tmp_path / "a.jpg") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == before


def test_the_script_writes_both_files(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled_data, "picture", lambda *_: np.full((64, 64, 3), 7, np.uint8))
    assert bundled_data.main(["--seed", "3", "--out", str(tmp_path / "new" / "folder")]) == 0
    with h5py.File(tmp_path / "new" / "folder" / "train_signs.h5") as file:
        np.testing.assert_array_equal(file["train_set_y"][:], bundled_data.labels(3)[:1080])
        assert (file["train_set_x"][:] == 7).all()
    with h5py.File(tmp_path / "new" / "folder" / "test_signs.h5") as file:
        assert file["test_set_x"].shape == (120, 64, 64, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "x"], "'x' is not a whole number"),
        (["--seed=-1"], "'-1' is not a whole number"),
        (["--out", str(SCRIPT)], "cannot make the folder"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

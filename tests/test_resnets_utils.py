"""Loading, one-hot labels, mini-batches, splits, plots: what they promise, and bad input."""

import subprocess
import sys

import h5py
import matplotlib
import numpy as np
import pytest

import resnets_utils
from resnets_utils import (
    BUNDLED,
    DataError,
    convert_to_one_hot,
    load_dataset,
    plot_history,
    random_mini_batches,
    read_results,
    show_images,
    split_validation,
)

matplotlib.use("Agg")


def write_signs(folder, part, images=None, labels=None, classes=None, leave_out=None):
    """Write a small SIGNS file; each argument replaces what would be right."""
    images = np.zeros((12, 64, 64, 3), np.uint8) if images is None else images
    values = {
        f"{part}_set_x": images,
        f"{part}_set_y": np.arange(12) % 6 if labels is None else labels,
        "list_classes": np.arange(6) if classes is None else classes,
    }
    with h5py.File(folder / f"{part}_signs.h5", "w") as file:
        for key, value in values.items():
            if key != leave_out:
                file[key] = value


@pytest.fixture
def signs(tmp_path):
    write_signs(tmp_path, "train")
    write_signs(tmp_path, "test")
    return tmp_path


@pytest.fixture(autouse=True)
def no_signs_dir(monkeypatch):
    monkeypatch.delenv("SIGNS_DIR", raising=False)


# --- what is found, and where ---------------------------------------------------------------------


def test_published_shapes_and_dtypes(capsys):
    train_x, train_y, test_x, test_y, classes = load_dataset(BUNDLED)
    assert train_x.shape == (1080, 64, 64, 3) and train_x.dtype == np.uint8
    assert test_x.shape == (120, 64, 64, 3) and test_x.dtype == np.uint8
    assert train_y.shape == (1, 1080) and test_y.shape == (1, 120)
    assert train_y.dtype == test_y.dtype == np.int64
    assert classes.tolist() == [0, 1, 2, 3, 4, 5]
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "SIGNS: 1080 training and 120 test images from datasets/bundled (rendered hands)"
    ]


def test_the_lines_of_the_published_course_work():
    X_train_orig, Y_train_orig, _X_test_orig, _Y_test_orig, _classes = load_dataset(BUNDLED)
    X_train, Y_train = X_train_orig / 255.0, convert_to_one_hot(Y_train_orig, 6).T
    assert X_train.shape == (1080, 64, 64, 3) and Y_train.shape == (1080, 6)
    (X, Y), *_ = random_mini_batches(X_train, Y_train, mini_batch_size=64, seed=0)
    assert X.shape == (64, 64, 64, 3) and Y.shape == (64, 6)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Point the real and the bundled place to folders of the test's own."""
    folders = {}
    for name in ("argument", "variable", "real", "bundled"):
        folders[name] = tmp_path / name
        folders[name].mkdir()
    monkeypatch.setattr(resnets_utils, "REAL", folders["real"])
    monkeypatch.setattr(resnets_utils, "BUNDLED", folders["bundled"])
    return folders


def fill(folder):
    write_signs(folder, "train")
    write_signs(folder, "test")


def test_order_of_the_places(places, monkeypatch):
    for folder in places.values():
        fill(folder)
    assert resnets_utils.find_signs() == places["real"]
    monkeypatch.setenv("SIGNS_DIR", str(places["variable"]))
    assert resnets_utils.find_signs() == places["variable"]
    assert resnets_utils.find_signs(places["argument"]) == places["argument"]
    monkeypatch.delenv("SIGNS_DIR")
    for part in ("train", "test"):
        (places["real"] / f"{part}_signs.h5").unlink()
    assert resnets_utils.find_signs() == places["bundled"]


def test_a_relative_folder_starts_at_the_repository(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # as a notebook's kernel, which does not run in the shell's folder
    monkeypatch.setenv("SIGNS_DIR", "datasets/bundled")
    assert resnets_utils.find_signs() == BUNDLED
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    fill(tmp_path)
    monkeypatch.setenv("SIGNS_DIR", "~")
    assert resnets_utils.find_signs() == tmp_path


def test_half_a_download_is_no_reason_to_fall_back(places):
    fill(places["bundled"])
    write_signs(places["real"], "train")
    with pytest.raises(DataError, match=r"test_signs\.h5: found no such file.*make data"):
        resnets_utils.find_signs()


def test_a_named_folder_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere.*no such folder.*SIGNS_DIR.*expected"):
        load_dataset()


# --- bad files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a git-LFS pointer"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"<HTML>", "an HTML page"),
        (b"", "an empty file"),
        (b"PK\x03\x04 zip", "a file that begins with"),
    ],
)
def test_another_format_under_the_name(signs, content, finding):
    (signs / "train_signs.h5").write_bytes(content)
    with pytest.raises(DataError, match=rf"train_signs\.h5: found {finding}.*expected HDF5"):
        load_dataset(signs)


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.99])
def test_truncated(signs, keep):
    path = signs / "test_signs.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(DataError, match=r"test_signs\.h5: found a file of .* cut short"):
        load_dataset(signs)


@pytest.mark.parametrize("key", ["train_set_x", "train_set_y", "list_classes"])
def test_missing_key(signs, key):
    write_signs(signs, "train", leave_out=key)
    with pytest.raises(DataError, match=rf"train_signs\.h5: found the keys .*expected .*'{key}'"):
        load_dataset(signs)


@pytest.mark.parametrize(
    ("change", "finding", "expectation"),
    [
        ({"images": np.zeros((12, 32, 32, 3), np.uint8)}, r"\(12, 32, 32, 3\)", "64, 64, 3"),
        ({"images": np.zeros((12, 64, 64), np.uint8)}, r"\(12, 64, 64\)", "64, 64, 3"),
        (
            {"images": np.zeros((0, 64, 64, 3), np.uint8), "labels": np.zeros(0, int)},
            "0, 64",
            "one",
        ),
        ({"images": np.uint8(3)}, r"shape \(\)", "64, 64, 3"),
        ({"images": np.zeros((12, 64, 64, 3), np.float32)}, "float32", "uint8"),
        ({"labels": np.arange(11) % 6}, r"\(11,\)", "12 images"),
        ({"labels": np.arange(12)[np.newaxis] % 6}, r"\(1, 12\)", "12 images"),
        ({"labels": np.linspace(0, 5, 12)}, "float64", "whole numbers"),
        ({"labels": np.arange(12) % 7}, "from 0 to 6", "0 to 5"),
        ({"labels": np.arange(12) % 6 - 1}, "from -1 to 4", "0 to 5"),
        ({"classes": np.int64(6)}, r"classes of shape \(\)", "two or more"),
        ({"classes": np.arange(6.0)}, "classes of dtype float64", "whole numbers"),
        ({"classes": h5py.Empty("i8")}, "classes of shape None", "two or more"),
        ({"images": "not a picture"}, r"images of shape \(\)", "64, 64, 3"),
        ({"images": h5py.Empty("u1")}, "images of shape None", "64, 64, 3"),
        ({"labels": np.array([b"one"] * 12)}, "labels of dtype", "whole numbers"),
        ({"labels": ["one"] * 12}, "labels of dtype object", "whole numbers"),
        ({"labels": np.zeros(12, [("a", "i4")])}, "labels of dtype", "whole numbers"),
    ],
)
def test_broken_schema(signs, change, finding, expectation):
    write_signs(signs, "train", **change)
    with pytest.raises(
        DataError, match=rf"train_signs\.h5: found .*{finding}.*expected.*{expectation}"
    ):
        load_dataset(signs)


def test_files_of_different_sets(signs):
    write_signs(signs, "test", classes=np.arange(10))
    with pytest.raises(DataError, match="found the classes"):
        load_dataset(signs)


def test_a_learner_sees_the_sentence_and_no_traceback():
    code = "from resnets_utils import load_dataset; load_dataset('no/such/folder')"
    shell = (  # as Jupyter runs a cell
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"InteractiveShell.instance().run_cell({code!r})"
    )
    said = subprocess.run([sys.executable, "-c", shell], capture_output=True, text=True, check=True)
    assert "DataError: " in said.stdout and "found no such folder" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr


# --- labels, batches, splits ----------------------------------------------------------------------


def test_one_hot_is_classes_by_images():
    Y = np.array([[2, 0, 5]])
    hot = convert_to_one_hot(Y, 6)
    assert hot.shape == (6, 3)
    assert np.array_equal(hot.argmax(axis=0), [2, 0, 5])
    assert np.array_equal(hot.sum(axis=0), [1, 1, 1])


@pytest.mark.parametrize("Y", [[6], [-1], [0.5]])
def test_one_hot_refuses_what_is_no_label(Y):
    with pytest.raises(ValueError, match="from 0 to 5"):
        convert_to_one_hot(np.array(Y), 6)


@pytest.mark.parametrize("size", [1, 5, 64, 100, 101])
def test_mini_batches_hold_every_image_once_with_its_label(size):
    X = np.arange(100)[:, np.newaxis] * np.ones((1, 3))
    batches = random_mini_batches(X, np.arange(100), size, seed=3)
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert np.array_equal(images[:, 0], labels)
    assert sorted(labels) == list(range(100))
    assert [len(x) for x, _ in batches[:-1]] == [size] * (len(batches) - 1)
    assert len(batches) == -(-100 // size)


def test_mini_batches_follow_the_seed():
    X = np.arange(100)
    first, same, other = (random_mini_batches(X, X, 100, seed)[0][0] for seed in (0, 0, 1))
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_mini_batches_refuse_transposed_labels_and_empty_batches():
    X = np.zeros((10, 2))
    with pytest.raises(ValueError, match="transpose"):
        random_mini_batches(X, np.zeros((6, 10)))
    with pytest.raises(ValueError, match="mini_batch_size is 0"):
        random_mini_batches(X, X, 0)


def test_split_holds_out_the_same_number_of_every_class():
    labels = np.repeat(np.arange(6), 30)[np.newaxis]
    images = np.arange(180)
    kept_x, kept_y, out_x, out_y = split_validation(images, labels, per_class=7, seed=1)
    assert np.bincount(out_y[0]).tolist() == [7] * 6
    assert kept_y.shape == (1, 138) and out_y.shape == (1, 42)
    assert sorted([*kept_x, *out_x]) == list(range(180))
    assert np.array_equal(labels[0, out_x], out_y[0]) and np.array_equal(
        labels[0, kept_x], kept_y[0]
    )
    other = split_validation(images, labels, per_class=7, seed=2)[2]
    assert not np.array_equal(out_x, other)


def test_split_refuses_to_empty_a_class():
    with pytest.raises(ValueError, match="class 0 has 3 images"):
        split_validation(np.zeros(6), np.array([[0, 0, 0, 1, 1, 1]]), per_class=3)


# --- plots and results ----------------------------------------------------------------------------

HISTORY = {"loss": [2, 1, 0.5], "accuracy": [0.2, 0.5, 0.8]}
WITH_VALIDATION = HISTORY | {"val_loss": [2, 1.5, 1], "val_accuracy": [0.2, 0.4, 0.6]}


def test_plot_history_draws_what_it_is_given():
    axes = plot_history(WITH_VALIDATION)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        training, validation = axis.lines
        assert training.get_xdata().tolist() == [1, 2, 3]
        assert list(training.get_ydata()) == WITH_VALIDATION[name]
        assert list(validation.get_ydata()) == WITH_VALIDATION[f"val_{name}"]
        assert (training.get_label(), validation.get_label()) == ("training", "validation")
        assert axis.get_xlabel() == "epoch" and axis.get_ylabel() == name
    assert len(plot_history(HISTORY)[0].lines) == 1


def test_plot_history_says_what_is_missing():
    with pytest.raises(ValueError, match=r"found \['loss'\].*metrics"):
        plot_history({"loss": [1]})


def test_show_images_titles():
    axes = show_images(np.zeros((3, 8, 8, 3)), [1, 2, 3], [1, 0, 3], columns=2)
    assert axes.shape == (2, 2)
    titles = [axis.get_title() for axis in axes.flat]
    assert titles == ["1, read as 1", "2, read as 0", "3, read as 3", ""]


def test_read_results_filters(tmp_path, monkeypatch):
    monkeypatch.setattr(resnets_utils, "ROOT", tmp_path)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "x.csv").write_text("setting,seed\na,0\nb,0\na,1\n")
    assert [row["seed"] for row in read_results("x", setting="a")] == ["0", "1"]
    with pytest.raises(ValueError, match="no row"):
        read_results("x", setting="c")


def test_importing_the_module_does_not_import_tensorflow():
    code = "import sys, resnets_utils; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_quiet_tensorflow_hides_the_notes_and_gives_stderr_back():
    code = (
        "from resnets_utils import quiet_tensorflow\n"
        "import os\n"
        "with quiet_tensorflow():\n    os.write(2, b'note')\n"
        "os.write(2, b'after')"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stderr == "after"

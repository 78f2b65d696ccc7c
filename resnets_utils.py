"""What every notebook imports: SIGNS, one-hot labels, mini-batches, pictures and curves."""

import contextlib
import csv
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from resnets import foreign_files
from resnets.foreign_files import kind_of_file, shortened

ROOT = Path(__file__).resolve().parent
REAL = ROOT / "datasets"  # where `make data` puts the photographs
BUNDLED = REAL / "bundled"  # rendered hands, part of the repository
TRAIN_FILE, TEST_FILE = "train_signs.h5", "test_signs.h5"
IMAGE_SHAPE = (64, 64, 3)
MOST_CLASSES = 1000

# Okabe and Ito's colours: told apart by colour-blind readers, on light and on dark pages. Every
# picture of this project takes its colours from here.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, YELLOW, GREY = "#56B4E9", "#E69F00", "#F0E442", "#595959"
TRAINING, VALIDATION = BLUE, VERMILION
RIGHT, WRONG = GREEN, VERMILION
PLAIN, RESIDUAL = GREY, ORANGE  # without shortcuts, and with them
CLASSES = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE)
HEAT = "inferno"  # the colour map of amounts


class DataError(ValueError):
    """Data that can't be used; the message names file, finding, expectation and remedy."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this in place of a traceback: where the loader noticed it helps nobody.
        return [f"DataError: {self}"]


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keep TensorFlow's start-up notes off the page, and let it use oneDNN on any processor.

    Python's own errors still show. TensorFlow for x86 brings Intel's library oneDNN and leaves it
    off on processors without certain instructions, where ResNet50 then trains at less than half
    the speed (measured on AMD's Zen 3). Set TF_ENABLE_ONEDNN_OPTS=0 to have it off.

    TensorFlow's C++ parts write to the process's standard error before any setting is read, so
    the stream itself is turned away while the `with` block imports TensorFlow.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# --- data -----------------------------------------------------------------------------------------


def find_signs(folder: str | Path | None = None) -> Path:
    """Return the folder that holds the two SIGNS files.

    The first of these that is given or filled: `folder`, the environment variable `SIGNS_DIR`
    (a relative one starts at the repository's root), `datasets/` (the photographs),
    `datasets/bundled/` (rendered hands).

    Raises:
        DataError: A folder was named and does not hold both files, or the bundled set is gone.
    """
    if folder is not None:
        return _with_both_files(Path(folder), "the folder given to load_dataset")
    if os.environ.get("SIGNS_DIR"):
        # Relative to the repository: notebooks run in a folder of their own, not in the shell's.
        try:
            named = ROOT / Path(os.environ["SIGNS_DIR"]).expanduser()
        except RuntimeError:  # ~nobody/x
            found = ascii(os.environ["SIGNS_DIR"][:80])
            raise DataError(
                f"SIGNS_DIR is {found}: found no home folder of that name; expected a folder with "
                f"{TRAIN_FILE} and {TEST_FILE}. {_REMEDY}"
            ) from None
        return _with_both_files(named, "the folder named by SIGNS_DIR")
    if (REAL / TRAIN_FILE).exists() or (REAL / TEST_FILE).exists():
        return _with_both_files(REAL, "the folder that `make data` fills")
    return _with_both_files(BUNDLED, "the set that comes with the repository")


def load_dataset(
    folder: str | Path | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load SIGNS and say in one line which copy of it was read.

    Args:
        folder: Folder with `train_signs.h5` and `test_signs.h5`; see `find_signs` for the default.

    Returns:
        train_x: uint8 images (m, 64, 64, 3).
        train_y: int64 labels (1, m).
        test_x: uint8 images (m_test, 64, 64, 3).
        test_y: int64 labels (1, m_test).
        classes: int64 (6,), the digit that each label stands for.

    Raises:
        DataError: A file is missing, is no HDF5, is cut short or breaks the schema.
    """
    folder = find_signs(folder)
    train_x, train_y, classes = _read_signs(folder / TRAIN_FILE, "train")
    test_x, test_y, test_classes = _read_signs(folder / TEST_FILE, "test")
    if not np.array_equal(classes, test_classes):
        raise DataError(
            f"{shown(folder / TEST_FILE)}: found the classes {shortened(test_classes.tolist())}; "
            f"expected those of {TRAIN_FILE}, {shortened(classes.tolist())}. The two files belong "
            "to different sets; get both again with `make data`."
        )
    kind = "rendered hands" if folder.resolve() == BUNDLED else "your copy"
    print(
        f"SIGNS: {len(train_x)} training and {len(test_x)} test images "
        f"from {shown(folder)} ({kind})"
    )
    return train_x, train_y, test_x, test_y, classes


def _with_both_files(folder: Path, what: str) -> Path:
    """Return `folder` if both SIGNS files are in it; `what` says why it was looked at."""
    if not folder.is_dir():
        raise DataError(
            f"{shown(folder)}: found no such folder ({what}); expected one with {TRAIN_FILE} "
            f"and {TEST_FILE}. {_REMEDY}"
        )
    missing = [name for name in (TRAIN_FILE, TEST_FILE) if not os.path.lexists(folder / name)]
    if missing:
        raise DataError(
            f"{shown(folder / missing[0])}: found no such file ({what}); expected "
            f"{TRAIN_FILE} and {TEST_FILE} there. {_REMEDY}"
        )
    return folder


_REMEDY = (
    "Fetch the photographs with `make data`; or, to use the rendered hands of datasets/bundled, "
    "unset SIGNS_DIR and leave no SIGNS file in datasets."
)


def shown(path: Path) -> str:
    """Return a path as a reader knows it: within the repository without what leads to it."""
    inside = path.is_absolute() and path.is_relative_to(ROOT)
    return printable(path.relative_to(ROOT).as_posix() if inside else str(path))


def printable(text: str) -> str:
    """Return a stranger's text as any screen shows it: other encodings, control characters as "?".

    Names of files may hold bytes of other times, or what moves a terminal's cursor.
    """
    text = text.encode(errors="surrogatepass").decode(errors="replace")
    return "".join(c if c.isprintable() else "?" for c in text)


def _read_signs(path: Path, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read one SIGNS file and check it against the schema; `part` is "train" or "test"."""
    try:
        _refuse_other_formats(path)
        with foreign_files.open_hdf5(path) as file:
            keys = [f"{part}_set_x", f"{part}_set_y", "list_classes"]
            members = [foreign_files.plain(file, key) for key in keys]
            if not all(isinstance(member, h5py.Dataset) for member in members):
                found = sorted(map(str, itertools.islice(file, 10)))
                raise DataError(
                    f"{shown(path)}: found the keys {shortened(found, 200)}; expected {keys}. "
                    f"This is HDF5, but not a SIGNS {part} file. {_REMEDY}"
                )
            _check_schema(path, *members)
            foreign_files.check_data_sets(members, path.stat().st_size)
            images, labels, classes = (member[()] for member in members)
    except DataError:
        raise
    except foreign_files.Foreign as error:
        raise DataError(
            f"{shown(path)}: found {shortened(error, 300)}; expected plain data sets, with all "
            f"their values in this file. Get it from where it is published. {_REMEDY}"
        ) from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise DataError(f"{shown(path)}: {_diagnosis(path, error)} {_REMEDY}") from None
    _check_values(path, labels, classes)
    return images, labels.astype(np.int64)[np.newaxis], classes.astype(np.int64)


def _diagnosis(path: Path, error: Exception) -> str:
    """Return what was found, expected and is to be done where a SIGNS file can't be read."""
    if cause := foreign_files.trouble(error):
        return f"found {cause.found}; expected one that can be read. {cause.remedy}"
    return (
        f"found a file of {path.stat().st_size:,} bytes that HDF5 can't read to its end "
        f"({shortened(error, 200)}); expected a whole HDF5 file. It seems cut short or damaged, "
        "often by a broken download: get it again."
    )


def _refuse_other_formats(path: Path) -> None:
    """Raise a DataError that says what the file is, if it does not begin as HDF5 does."""
    foreign_files.check_ordinary(path)
    with path.open("rb") as file:
        found = kind_of_file(file.read(64))
    if found == "an HDF5 file":
        return
    remedies = {
        "a git-LFS pointer": "Run `git lfs pull` where it came from.",
        "an HTML page": "A browser saved the page about the file: download again.",
    }
    remedy = remedies.get(found, "Move it away.")
    raise DataError(f"{shown(path)}: found {found}; expected HDF5. {remedy} {_REMEDY}")


def _check_values(path: Path, labels: np.ndarray, classes: np.ndarray) -> None:
    """Raise a DataError if classes are no different digits, or labels don't count them."""
    if classes.min() < 0 or classes.max() >= 2**31 or len(np.unique(classes)) < len(classes):
        raise DataError(
            f"{shown(path)}: found the classes {shortened(classes.tolist())}; expected different "
            f"whole numbers of 0 or more. {_REMEDY}"
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(
            f"{shown(path)}: found labels from {labels.min()} to {labels.max()}; expected "
            f"0 to {len(classes) - 1}. {_REMEDY}"
        )


def _check_schema(
    path: Path, images: h5py.Dataset, labels: h5py.Dataset, classes: h5py.Dataset
) -> None:
    """Raise a DataError at the first shape or dtype that breaks SIGNS's schema, before reading."""
    # An empty or scalar data set has no first axis.
    count = images.shape[0] if images.shape else 0
    checks = [
        (
            count > 0 and images.shape[1:] == IMAGE_SHAPE,
            f"images of shape {images.shape}",
            "one or more of (64, 64, 3), so a shape of (m, 64, 64, 3)",
        ),
        (images.dtype == np.uint8, f"images of dtype {images.dtype}", "uint8, 0 to 255"),
        (
            classes.shape is not None
            and len(classes.shape) == 1
            and 2 <= classes.shape[0] <= MOST_CLASSES,
            f"classes of shape {classes.shape}",
            f"a list of two or more, up to {MOST_CLASSES}",
        ),
        (
            np.issubdtype(classes.dtype, np.integer),
            f"classes of dtype {classes.dtype}",
            "whole numbers (int64)",
        ),
        (
            labels.shape == (count,),
            f"labels of shape {labels.shape}",
            f"one for each of the {count} images, so a shape of ({count},)",
        ),
        (
            np.issubdtype(labels.dtype, np.integer),
            f"labels of dtype {labels.dtype}",
            "whole numbers (int64)",
        ),
    ]
    for holds, found, expected in checks:
        if not holds:
            raise DataError(
                f"{shown(path)}: found {shortened(found, 200)}; expected {expected}. {_REMEDY}"
            )


def convert_to_one_hot(Y: np.ndarray, C: int) -> np.ndarray:
    """Turn labels into columns of zeros with a single one.

    Args:
        Y: Integer labels from 0 to C - 1, of shape (1, m) or (m,).
        C: Number of classes.

    Returns:
        float64 (C, m): column j has its one in row Y[j]. Transpose it for Keras.

    Raises:
        ValueError: A label is no whole number from 0 to C - 1.
    """
    labels = np.asarray(Y).reshape(-1)
    if not np.issubdtype(labels.dtype, np.integer) or np.any((labels < 0) | (labels >= C)):
        raise ValueError(
            f"convert_to_one_hot: labels must be whole numbers from 0 to {C - 1}; found "
            f"{labels.dtype} values {np.unique(labels)[:10].tolist()}."
        )
    return np.eye(C)[:, labels]


def random_mini_batches(
    X: np.ndarray, Y: np.ndarray, mini_batch_size: int = 64, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Shuffle images and labels together and cut them into mini-batches.

    Args:
        X: Images (m, ...).
        Y: Labels (m, ...), row i belonging to X[i].
        mini_batch_size: Images per batch, 1 or more.
        seed: The same seed gives the same order; take another one for every epoch.

    Returns:
        List of (X batch, Y batch). All m images occur once; the last batch may be smaller.

    Raises:
        ValueError: X and Y differ in length, or mini_batch_size is below 1.
    """
    if len(X) != len(Y):
        raise ValueError(
            f"random_mini_batches: X holds {len(X)} images and Y {len(Y)} labels. Both start "
            "with the axis of the images: transpose labels of shape (classes, m)."
        )
    if mini_batch_size < 1:
        raise ValueError(f"random_mini_batches: mini_batch_size is {mini_batch_size}; give 1 up.")
    order = np.random.default_rng(seed).permutation(len(X))
    starts = range(0, len(X), mini_batch_size)
    return [(X[part], Y[part]) for part in (order[s : s + mini_batch_size] for s in starts)]


def split_validation(
    images: np.ndarray, labels: np.ndarray, per_class: int = 20, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hold out the same number of images of every class.

    Args:
        images: Images (m, ...).
        labels: Integer labels (1, m), as `load_dataset` returns them.
        per_class: How many of each class are held out.
        seed: Which ones.

    Returns:
        images and labels that stay, then images and labels held out; labels (1, m) as given.

    Raises:
        ValueError: A class has too few images to leave any.
    """
    row = np.reshape(labels, -1)
    held_out = []
    for label in np.unique(row):
        indices = np.flatnonzero(row == label)
        if len(indices) <= per_class:
            raise ValueError(
                f"split_validation: class {label} has {len(indices)} images, too few to hold out "
                f"{per_class} and keep some. Give a smaller per_class."
            )
        held_out.append(np.random.default_rng([seed, label]).permutation(indices)[:per_class])
    mask = np.zeros(len(row), bool)
    mask[np.concatenate(held_out)] = True
    return images[~mask], row[np.newaxis, ~mask], images[mask], row[np.newaxis, mask]


def read_results(name: str, **wanted: str) -> list[dict[str, str]]:
    """Return the rows of `benchmarks/results/{name}.csv` whose columns have the `wanted` values.

    Raises:
        FileNotFoundError: There is no such file of results.
        ValueError: No row has the wanted values.
    """
    path = ROOT / "benchmarks" / "results" / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if all(r[k] == v for k, v in wanted.items())]
    if not rows:
        raise ValueError(f"{shown(path)}: found no row with {wanted}; run the benchmark first.")
    return rows


# --- pictures and curves --------------------------------------------------------------------------


def show_images(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray | None = None,
    columns: int = 8,
) -> np.ndarray:
    """Draw images in a grid, each under its label.

    Args:
        images: (m, height, width, 3), uint8 or floats in [0, 1].
        labels: m labels, of any shape.
        predictions: m predicted labels; where given, a wrong one is written in red.
        columns: Pictures in a row.

    Returns:
        The axes, an object array (rows, columns).
    """
    labels = np.reshape(labels, -1)
    gap = "\n" if any(len(str(label)) > 2 for label in labels) else " "
    rows = max(1, -(-len(images) // columns))
    _, axes = plt.subplots(
        rows, columns, figsize=(1.2 * columns, 1.45 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image)
        if predictions is None:
            axis.set_title(f"{labels[index]}", fontsize=10)
        else:
            guess = np.reshape(predictions, -1)[index]
            colour = RIGHT if guess == labels[index] else WRONG
            text = f"{labels[index]},{gap}read as {guess}"
            axis.set_title(text, fontsize=8, color=colour)
    return axes


def plot_history(history, title: str = "", held_out: str = "validation") -> np.ndarray:
    """Draw loss and accuracy of training and validation over the epochs.

    Args:
        history: What `fit` returned, or a dict of equally long lists `loss`, `accuracy` and,
            where there is validation, `val_loss`, `val_accuracy` (accuracies in 0 to 1).
        title: Written above the two plots.
        held_out: What the second curve is called.

    Returns:
        The two axes: loss, accuracy.

    Raises:
        ValueError: `loss` or `accuracy` is missing.
    """
    series = getattr(history, "history", history)
    missing = [name for name in ("loss", "accuracy") if name not in series]
    if missing:
        raise ValueError(
            f"plot_history: found {sorted(series)}; expected `loss` and `accuracy`. "
            'Compile the model with metrics=["accuracy"].'
        )
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    figure.suptitle(title)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        _plot_curves(axis, series, name, held_out)
    axes[1].set_ylim(0, 1.02)
    axes[1].yaxis.set_major_formatter(PercentFormatter(1))
    return axes


def _plot_curves(axis: Axes, series: dict[str, list[float]], name: str, held_out: str) -> None:
    """Draw one quantity of training and, where there is one, of validation."""
    epochs = range(1, len(series[name]) + 1)
    axis.plot(epochs, series[name], color=TRAINING, label="training")
    if f"val_{name}" in series:
        axis.plot(epochs, series[f"val_{name}"], color=VALIDATION, label=held_out)
    axis.set(xlabel="epoch", ylabel=name)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    axis.legend()

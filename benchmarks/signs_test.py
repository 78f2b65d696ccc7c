"""The one script that reads SIGNS's test images for a figure that a text quotes.

    SIGNS_DIR=folder python benchmarks/signs_test.py convnet-published --seeds 0 1 2 3 4

Trains a setting of the notebooks with each seed and appends a line per seed to the committed log
benchmarks/results/signs_test.csv. Choose with the training images, then read here. A setting
that was read and then rejected keeps its lines in the log, under a name of its own. `model` trains
nothing and reads a finished model: `signs_test.py model models/hands.keras`. The ConvNets
and the recipe also follow the test images while they train; nothing follows from it but the time
at which 98 % were reached. `nearest` trains nothing: it compares each test image with the
training images and writes benchmarks/results/nearest.csv. The log's last column holds the indices
of the images that were read wrongly.
"""

import csv
import resource
import sys
import time
from pathlib import Path

import logs
import numpy as np

from resnets_utils import (
    BUNDLED,
    DataError,
    convert_to_one_hot,
    find_signs,
    load_dataset,
    quiet_tensorflow,
    split_validation,
)

with quiet_tensorflow():
    import keras
    import plain_keras
    import tensorflow as tf

from resnets import callbacks, command_line, convnet, training
from resnets.pictures import classifier
from resnets.resnet50 import ResNet50
from resnets.validation import distances

LOG = logs.RESULTS / "signs_test.csv"
NEAREST = LOG.with_name("nearest.csv")
MORE = ("seconds_to_98", "precision", "peak_gb", "wrong")  # columns that some settings fill
NETWORKS = {  # settings that texts quote: what was trained, and in which notebook
    "convnet-published": ("two-layer ConvNet, published settings", "01"),
    "convnet-finer": ("two-layer ConvNet, finer pooling", "01"),
    "resnet50": ("ResNet50, ten epochs", "04"),
    "recipe": ("ResNet50, 24 epochs, the recipe", "06"),
}
FINER = {"windows": (4, 4), "filters": (16, 32), "pools": (4, 4)}


def prepare(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 images in [0, 1] and one-hot labels (m, 6)."""
    return images.astype("float32") / 255, convert_to_one_hot(labels, 6).T.astype("float32")


def convnet_published(data, test, seed: int) -> dict:
    """Notebook 01: the published settings, all training images, 100 epochs."""
    parameters = convnet.initialize_parameters(seed)
    return _convnet(prepare(*data), prepare(*test), parameters, seed, epochs=100, pools=(8, 4))


def convnet_finer(data, test, seed: int) -> dict:
    """Notebook 01: the improvement, all training images, 60 epochs."""
    parameters = convnet.initialize_parameters(seed, **FINER)
    steps = 60 * -(-len(data[0]) // 64)
    return _convnet(
        prepare(*data),
        prepare(*test),
        parameters,
        seed,
        epochs=60,
        pools=FINER["pools"],
        learning_rate=keras.optimizers.schedules.CosineDecay(0.003, steps),
    )


def _convnet(data, test, parameters, seed, pools, **settings) -> dict:
    start = time.monotonic()
    convnet.train(data, test, parameters, seed=seed, pools=pools, **settings)
    return {
        "images": len(data[0]),
        "train_accuracy": convnet.evaluate(*data, parameters, pools)[1],
        "test_accuracy": convnet.evaluate(*test, parameters, pools)[1],
        "seconds": time.monotonic() - start,
    }


def resnet50(data, test, seed: int) -> dict:
    """Notebook 04: 120 images held out for validation, its recipe, inference mode."""
    keras.utils.set_random_seed(seed)
    train_x, train_y, val_x, val_y = split_validation(*data)
    X_train, Y_train = prepare(train_x, train_y)
    start = time.monotonic()
    model = ResNet50()
    plain_keras.fit(
        model,
        (X_train, Y_train),
        prepare(val_x, val_y),
        plain_keras.NOTEBOOK_04,
        plain_keras.WEIGHT_DECAY_04,
        callbacks=(callbacks.Progress(),),
    )
    training.recalibrate_batchnorm(model, X_train)
    return read(model, (X_train, Y_train), prepare(*test), start)


def recipe(data, test, seed: int) -> dict:
    """Notebook 06: all training images, the recipe's defaults, inference mode."""
    keras.utils.set_random_seed(seed)
    images = prepare(*data)
    start = time.monotonic()
    model = ResNet50(zero_gamma=True)
    curve = Clock(start)
    training.train(model, images, prepare(*test), seed=seed, callbacks=(curve,))
    return read(model, images, prepare(*test), start) | {
        "seconds_to_98": "" if curve.reached is None else round(curve.reached),
        "precision": training.choose_precision(),
        "peak_gb": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f}",
    }


class Clock(keras.callbacks.Callback):
    """Note when the held-out accuracy first reached 98 %, building the network included."""

    def __init__(self, start: float):
        """Take the time at which the clock began."""
        super().__init__()
        self.start, self.reached = start, None

    def on_epoch_end(self, epoch, logs=None):
        """Look at the epoch's result."""
        if self.reached is None and logs["val_accuracy"] >= 0.98:
            self.reached = time.monotonic() - self.start


def read(model, images, test, start: float | None = None) -> dict:
    """Return what the log takes down, in inference mode; `start` is when its training began."""
    seconds = None if start is None else time.monotonic() - start

    def is_right(X, Y):
        return model.predict(X, verbose=0).argmax(axis=1) == Y.argmax(axis=1)

    right = is_right(*test)
    return {
        "images": len(images[0]),
        "train_accuracy": is_right(*images).mean(),
        "test_accuracy": right.mean(),
        "seconds": seconds,
        "wrong": " ".join(map(str, np.flatnonzero(~right))) or "none",
    }


def load_model(path: Path) -> keras.Model:
    """Return a finished model for pictures of SIGNS's kind.

    Raises:
        DataError: The file is missing, is no model, or a model for other pictures.
    """
    model = classifier.load_model(path).model
    shapes = (model.input_shape[1:], model.output_shape[1:])
    if shapes != ((64, 64, 3), (6,)):
        raise DataError(
            f"{path}: found a model from {shapes[0]} to {shapes[1]}; expected one from "
            "(64, 64, 3) to (6,), as tools/make_model.py trains them."
        )
    return model


SETTINGS = {
    "convnet-published": convnet_published,
    "convnet-finer": convnet_finer,
    "resnet50": resnet50,
    "recipe": recipe,
}


def write_nearest(train_x, train_y, test_x, test_y) -> None:
    """Write for each test image how far the nearest training image is, and whether its sign."""
    far = distances(test_x, train_x)
    nearest = far.argmin(axis=1)
    with NEAREST.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["test_image", "nearest", "distance", "same_sign"])
        for i, j in enumerate(nearest):
            same = int(test_y[0, i] == train_y[0, j])
            writer.writerow([i, j, f"{far[i, j]:.2f}", same])


def table(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: the settings that texts quote, over their seeds."""
    heading = ["network", "setting", "notebook", "test accuracy, mean", "worst to best", "seeds"]
    heading += ["fastest training, two cores"]
    cells = []
    for setting, (network, notebook) in NETWORKS.items():
        own = [row for row in rows if row["setting"] == setting]
        if not own:
            continue
        accuracy = logs.mean_and_range(row["test_accuracy"] for row in own)
        seconds = min(int(row["seconds"]) for row in own)
        cells.append([network, f"`{setting}`", notebook, *accuracy, str(len(own)), f"{seconds} s"])
    return logs.table(heading, cells)


def other_readings(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: each reading of a setting that `table` leaves out."""
    return logs.table(
        ["date", "commit", "setting", "seed", "test accuracy"],
        (
            [
                row["date"],
                row["commit"],
                f"`{row['setting']}`",
                row["seed"] or "-",
                logs.mean_and_range([row["test_accuracy"]])[0],
            ]
            for row in rows
            if row["setting"] not in NETWORKS
        ),
    )


def main() -> int:
    """Run one setting with the seeds asked for; return the exit status."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("setting", choices=[*SETTINGS, "nearest", "model"])
    parser.add_argument("file", type=Path, nargs="?", help="of the model")
    parser.add_argument("--seeds", type=command_line.natural, nargs="+", default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    if (options.setting == "model") != (options.file is not None):
        parser.error("give a model's file with the setting `model`, and with no other.")
    try:
        folder = find_signs()
        train_x, train_y, test_x, test_y, _ = load_dataset()
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    if folder.resolve() == BUNDLED:
        print("The log is for photographs: set SIGNS_DIR or run `make data`.", file=sys.stderr)
        return 2
    data, test = (train_x, train_y), (test_x, test_y)
    if options.setting == "nearest":
        write_nearest(*data, *test)
    elif options.setting == "model":
        try:
            model = load_model(options.file)
        except DataError as error:
            print(error, file=sys.stderr)
            return 2
        log(f"model {options.file.stem}", "", read(model, prepare(*data), prepare(*test)))
    else:
        for seed in options.seeds:
            log(options.setting, seed, SETTINGS[options.setting](data, test, seed))
    return 0


def log(setting: str, seed: int | str, result: dict) -> None:
    """Append a reading to the log, and show it."""
    logs.append(
        logs.stamp()
        | {
            "setting": setting,
            "seed": seed,
            "images": result["images"],
            "train_accuracy": f"{result['train_accuracy']:.4f}",
            "test_accuracy": f"{result['test_accuracy']:.4f}",
            "seconds": "" if result["seconds"] is None else f"{result['seconds']:.0f}",
            "tensorflow": tf.__version__,
            "machine": logs.machine(),
            **{name: result[name] for name in MORE if name in result},
        },
        LOG,
    )
    print(f"{setting}, seed {seed}: {result}")


if __name__ == "__main__":
    sys.exit(command_line.run(main))

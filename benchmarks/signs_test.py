"""The one script that reads SIGNS's test images for a figure that a text quotes.

    SIGNS_DIR=folder python benchmarks/signs_test.py convnet-published --seeds 0 1 2 3 4

Trains a setting of the notebooks with each seed and appends a line per seed to the committed log
benchmarks/results/signs_test.csv. Choose with the training images, then read here. A setting
that was read and then rejected keeps its lines in the log, under a name of its own. The ConvNets
also draw the test images' curve while they train, as notebook 01 does; nothing follows from it.
"""

import argparse
import csv
import datetime
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

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
    import tensorflow as tf

from resnets import convnet, training
from resnets.resnet50 import ResNet50

LOG = Path(__file__).parent / "results" / "signs_test.csv"
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
    training.compile_and_fit(model, (X_train, Y_train), prepare(val_x, val_y))
    training.measure_averages(model, X_train)
    seconds = time.monotonic() - start
    return {
        "images": len(X_train),
        "train_accuracy": model.evaluate(X_train, Y_train, verbose=0)[1],
        "test_accuracy": model.evaluate(*prepare(*test), verbose=0)[1],
        "seconds": seconds,
    }


SETTINGS = {
    "convnet-published": convnet_published,
    "convnet-finer": convnet_finer,
    "resnet50": resnet50,
}


def append(row: dict) -> None:
    """Add a line to the log, and the heading where the log is new."""
    new = not LOG.exists()
    with LOG.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row.keys(), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def commit() -> str:
    """Return the checked-out commit, short, with a + where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, cwd=LOG.parent, check=False
        )
        return done.stdout.strip()

    changed = [line for line in git("status", "--porcelain").splitlines() if LOG.name not in line]
    return (git("rev-parse", "--short", "HEAD") or "unknown") + "+" * bool(changed)


def main() -> int:
    """Run one setting with the seeds asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("setting", choices=SETTINGS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    try:
        folder = find_signs()
        train_x, train_y, test_x, test_y, _ = load_dataset()
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    if folder.resolve() == BUNDLED:
        print("The log is for photographs: set SIGNS_DIR or run `make data`.", file=sys.stderr)
        return 2
    for seed in options.seeds:
        result = SETTINGS[options.setting]((train_x, train_y), (test_x, test_y), seed)
        append(
            {
                "date": datetime.date.today().isoformat(),
                "commit": commit(),
                "setting": options.setting,
                "seed": seed,
                "images": result["images"],
                "train_accuracy": f"{result['train_accuracy']:.4f}",
                "test_accuracy": f"{result['test_accuracy']:.4f}",
                "seconds": f"{result['seconds']:.0f}",
                "tensorflow": tf.__version__,
                "machine": f"{platform.machine()} {os.cpu_count()} cores",
            }
        )
        print(f"{options.setting}, seed {seed}: {result}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Folders of any size: peak memory by the number of pictures, and reading against training.

    python benchmarks/folders.py

Makes labelled folders of 100 classes with small pictures, and in a process of its own for each
folder does what train.py does: lists it, decodes it, splits it and trains SmallResNet on it, for
some steps. Appends a line per folder to
benchmarks/results/folders.csv:

images                 how many
peak_mb                most memory of that process
peak_ratio             to that of the smallest folder
decoded_per_second     pictures, from their files
read_per_second        pictures, decoded before, by the batches of the training, changes and all
trained_per_second     pictures, while training
read_to_trained        above 1: training never waits for pictures
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import logs
import numpy as np
from PIL import Image

from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    import keras

from resnets import command_line, resnet50, training
from resnets.pictures import folders, photos

LOG = logs.RESULTS / "folders.csv"
CLASSES = 100
STEPS = 60  # of a training; the first ones, which build the graph, are not timed
WARM = 20
EPOCHS = 3  # of the smallest folder hold as many steps


class FewSteps(keras.callbacks.Callback):
    """Note when each step ended, and stop after some."""

    def __init__(self):
        """Begin with no step."""
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch, logs=None):
        """Take the time."""
        self.ends.append(time.monotonic())
        self.model.stop_training = len(self.ends) >= STEPS


def make_folder(folder: Path, count: int) -> None:
    """Write pictures of 80x60 pixels, no two alike, in folders of 100 classes."""
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class_{label:03}").mkdir(parents=True)
    for k in range(count):
        few = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))
        name = folder / f"class_{k % CLASSES:03}" / f"image_{k:06}.jpg"
        few.resize((80, 60), Image.Resampling.BICUBIC).save(name)


def measure(folder: Path) -> dict:
    """Read and train on a folder in this process; return what it took."""
    start = time.monotonic()
    pictures = folders.gather(folders.find_images(folder), folder.with_suffix(".h5"))
    decoded = len(pictures) / (time.monotonic() - start)
    indices = folders.split(
        pictures.labels, (0.9, 0.1), classes=pictures.classes, checksums=pictures.checksums
    )
    taught, held_out = (pictures.part(part) for part in indices)
    few = held_out.part(np.arange(CLASSES))  # all of them would take minutes
    keras.utils.set_random_seed(0)
    model = resnet50.SmallResNet((photos.SIDE, photos.SIDE, 3), CLASSES, zero_gamma=True)
    recipe = training.Recipe(epochs=EPOCHS)
    steps = FewSteps()
    training.train(model, (taught, taught.labels), (few, few.labels), recipe, callbacks=(steps,))
    ends = steps.ends[WARM:]
    return {
        "images": len(pictures),
        "decoded_per_second": decoded,
        "read_per_second": read_per_second(taught, recipe),
        "trained_per_second": (len(ends) - 1) * recipe.batch_size / (ends[-1] - ends[0]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def read_per_second(pictures: folders.Pictures, recipe: training.Recipe) -> float:
    """Return how many pictures a second a training is given, where it takes no time itself."""
    batches = training.make_batches(pictures, pictures.labels, recipe, seed=1)
    ends = [time.monotonic() for _ in batches.take(WARM + STEPS)][WARM // 2 :]
    return (len(ends) - 1) * recipe.batch_size / (ends[-1] - ends[0])


def in_own_process(folder: Path) -> dict:
    """Return what `measure` found in a process that did nothing else."""
    command = [sys.executable, __file__, "--measure", str(folder)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"folders.py: {' '.join(command)} ended with {done.returncode}.")
    return json.loads(done.stdout.splitlines()[-1])


def line(found: dict, smallest: dict) -> dict[str, str | int]:
    """Return a line of the log, from what was measured on a folder and on the smallest one."""
    return logs.stamp() | {
        "images": found["images"],
        "peak_mb": f"{found['peak_mb']:.0f}",
        "peak_ratio": f"{found['peak_mb'] / smallest['peak_mb']:.3f}",
        "decoded_per_second": f"{found['decoded_per_second']:.0f}",
        "read_per_second": f"{found['read_per_second']:.0f}",
        "trained_per_second": f"{found['trained_per_second']:.0f}",
        "read_to_trained": f"{found['read_per_second'] / found['trained_per_second']:.1f}",
        "machine": logs.machine(),
    }


def table(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: the folders that were measured last, by size."""
    last = {int(row["images"]): row for row in rows}
    heading = ["pictures", "peak memory, MB", "to the smallest", "read and decoded, a second"]
    heading += ["given to a training, a second", "trained on, a second", "given to trained"]
    names = ("decoded_per_second", "read_per_second", "trained_per_second", "read_to_trained")
    return logs.table(
        heading,
        (
            [f"{images:,}", row["peak_mb"], row["peak_ratio"], *(row[name] for name in names)]
            for images, row in sorted(last.items())
        ),
    )


def main() -> int:
    """Measure folders of some sizes; return the exit status."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=command_line.positive, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return 0
    if not 10 * CLASSES <= min(options.sizes) <= max(options.sizes) <= 10**7:
        parser.error(f"found the sizes {options.sizes}; give {10 * CLASSES} to 10,000,000.")
    found = []
    for count in sorted(options.sizes):
        with tempfile.TemporaryDirectory() as folder:
            make_folder(Path(folder) / "pictures", count)
            found.append(in_own_process(Path(folder) / "pictures"))
        row = line(found[-1], found[0])
        logs.append(row, LOG)
        print(", ".join(f"{name} {value}" for name, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

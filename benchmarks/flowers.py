"""Flowers from scratch: the published settings beside the project's own recipe.

    python benchmarks/flowers.py FOLDER shallow-wide-fast --validate    to choose
    python benchmarks/flowers.py FOLDER recipe --seed 0                 the reading that counts
    python benchmarks/flowers.py --table

FOLDER has a folder of pictures per class. They are read at 64x64 and parted into ten tenths,
each class evenly: with seed n, tenth n + 1 is held out, so the seeds' held-out parts have no
picture in common, and the other nine train. --validate measures on the first tenth, which no seed
holds out; eight train, and the seed's held-out tenth is not read. Everything is measured in
inference mode, on a network of new weights. The settings:

published  ResNet50 as flower-recognition-resnet50.ipynb (github.com/jjuinni/Portfolio, commit
           5ed34bc) trains it: L2 1e-4 on every kernel, pictures mirrored, shifted by 0.2, zoomed
           by 0.1, Adam, batches of 40, 64 epochs. There the rate falls where the accuracy on the
           test pictures stands still (ReduceLROnPlateau); that would make them part of the
           training, so here it falls after the epochs after which it fell there, by its log
           (without epochs 5 to 8, which the log lacks).
           BatchNormalization has the project's momentum and measured averages: with Keras's
           own the published network would be judged by its averages, not by its weights. Its
           first convolution has 128 filters, ours 64.
recipe     ResNet50 by `CHOSEN`: the recipe of notebook 06, longer and faster, on pictures that are
           mirrored, too, and moved farther
shallow    BasicBlockResNet by the same: eight layers with weights, 64 to 256 filters, 1.2 million
           parameters

and the CANDIDATES, for --validate alone. A line per training is appended to
benchmarks/results/flowers.csv; what is there already is not trained again. The state is kept in
build/flowers/ after each epoch: interrupted, the same command goes on.
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from resnets_utils import ROOT, DataError, convert_to_one_hot, quiet_tensorflow

with quiet_tensorflow():
    import keras

import logs

from resnets import command_line, training
from resnets.basic_resnet import BasicBlockResNet
from resnets.pictures import classifier, folders, photos
from resnets.resnet50 import ResNet50, SmallResNet
from resnets.training import Recipe
from resnets.validation import NEAR, distances

LOG = logs.RESULTS / "flowers.csv"
STATES = ROOT / "build" / "flowers"
NETWORKS = {build.__name__: build for build in (ResNet50, SmallResNet, BasicBlockResNet)}
TENTHS = (0.1,) * 10  # the first to choose by, the others to hold out
SEEDS = range(len(TENTHS) - 1)


@dataclasses.dataclass(frozen=True)
class Setting:
    """A way to train: the recipe, the network, its arguments, and rates after so many epochs."""

    recipe: Recipe
    network: str = "ResNet50"
    arguments: dict = dataclasses.field(default_factory=lambda: {"zero_gamma": True})
    falls: dict[int, float] = dataclasses.field(default_factory=dict)

    def rate(self, epoch: int, rate: float) -> float:
        """Return an epoch's rate, counted from 0: the last that the falls name, or what it was."""
        return next((low for after, low in reversed(self.falls.items()) if epoch >= after), rate)


PUBLISHED = Recipe(
    epochs=64,
    batch_size=40,
    peak_learning_rate=0.001,
    cosine=False,
    label_smoothing=0,
    rotation=0,
    translation=0.2,
    zoom=0.1,
    brightness=0,
    contrast=0,
    horizontal_flip=True,
)
PLAIN = Recipe(epochs=64, horizontal_flip=True)
WIDE = {"rotation": 0.08, "translation": 0.15, "zoom": 0.3}
# A rate three times SIGNS's; the decay is much for AdamW, but steps are few: over 7,000 of them at
# 0.003 on average, weights that no gradient holds fall to a five-hundredth.
FAST = {"peak_learning_rate": 0.006, "weight_decay": 0.3}
CHOSEN = dataclasses.replace(PLAIN, **WIDE, **FAST)
SHALLOW = {"depth": 8, "filters": 64, "zero_gamma": True}
SETTINGS = {
    "published": Setting(PUBLISHED, arguments={"l2": 1e-4}, falls={14: 2e-4, 25: 1e-4}),
    "recipe": Setting(CHOSEN),
    "shallow": Setting(CHOSEN, "BasicBlockResNet", SHALLOW),
}
CANDIDATES = {
    f"{name}{ending}": Setting(dataclasses.replace(PLAIN, **changes), network, arguments)
    for name, network, arguments in (
        ("recipe", "ResNet50", {"zero_gamma": True}),
        ("small", "SmallResNet", {"zero_gamma": True}),
        ("shallow", "BasicBlockResNet", SHALLOW),
    )
    for ending, changes in (
        ("-plain", {}),
        ("-wide", WIDE),
        ("-fast", FAST),
        ("-wide-fast", WIDE | FAST),
    )
}


def settings_of(setting: Setting) -> str:
    """Return everything that decides a training, as one text that can be compared."""
    values = setting.arguments | dataclasses.asdict(setting.recipe)
    if setting.falls:
        values["falls"] = setting.falls
    return " ".join([setting.network, *(f"{name}={value}" for name, value in values.items())])


def parts(labels: np.ndarray, seed: int, validate: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training images and of those to measure on."""
    first, *others = folders.split(labels, TENTHS)
    held_out = others.pop(seed)
    if validate:
        return np.sort(np.concatenate(others)), first
    return np.sort(np.concatenate([first, *others])), held_out


def near_duplicates(images: np.ndarray, others: np.ndarray) -> int:
    """Return how many of the images show nearly the same as one of the others."""
    return int(np.count_nonzero(distances(images, others).min(axis=1) < NEAR))


class Seconds(keras.callbacks.Callback):
    """Note in the history how long each epoch took: a checkpoint keeps that too."""

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Read it; what later callbacks get is the same dictionary."""
        logs["seconds"] = time.monotonic() - self.start


def run(setting: Setting, pictures: folders.Pictures, seed: int, validate: bool, state: Path):
    """Train, then answer for the part to measure on; return what the log takes down."""
    taught, measured = (
        pictures.part(indices) for indices in parts(pictures.labels, seed, validate)
    )
    data, others = ((part[:], one_hot(part)) for part in (taught, measured))
    near = near_duplicates(others[0], data[0])
    print(f"{len(taught)} pictures train, {len(measured)} measure: {near} of them nearly the same")
    keras.utils.set_random_seed(seed)
    build = NETWORKS[setting.network]
    shape, classes = pictures.shape[1:], len(pictures.classes)
    model = build(input_shape=shape, classes=classes, **setting.arguments)
    falling = (keras.callbacks.LearningRateScheduler(setting.rate),) if setting.falls else ()
    history = training.train(
        model,
        data,
        others if validate else None,  # what is held out is read once, at the end
        setting.recipe,
        seed=seed,
        checkpoint=state,
        keep_checkpoint=True,
        callbacks=(Seconds(), *falling),
    )
    return {
        "images": len(taught),
        "measured": len(measured),
        "near_duplicates": near,
        "accuracy": f"{classifier.measure(model, measured):.4f}",
        "train_accuracy": f"{history['accuracy'][-1]:.4f}",
        "seconds": f"{sum(history['seconds']):.0f}",
        "machine": logs.machine(),
    }


def one_hot(pictures: folders.Pictures) -> np.ndarray:
    """Return the labels as float32 (m, classes)."""
    return convert_to_one_hot(pictures.labels, len(pictures.classes)).T.astype("float32")


def table(rows: list[dict[str, str]], part: str = "held out") -> list[str]:
    """Return the lines of a Markdown table: each setting as it was trained last, over its seeds."""
    rows = [row for row in rows if row["part"] == part]
    last = {row["setting"]: row["settings"] for row in rows}
    heading = ["setting", "epochs", "accuracy, mean", "worst to best", "seeds", "minutes"]
    heading += ["near-duplicates, of pictures measured on"]
    cells = []
    for name, settings in last.items():
        own = [row for row in rows if (row["setting"], row["settings"]) == (name, settings)]
        near, measured = (sum(int(row[n]) for row in own) for n in ("near_duplicates", "measured"))
        cells.append(
            [
                f"`{name}`",
                own[0]["epochs"],
                *logs.mean_and_range(row["accuracy"] for row in own),
                str(len(own)),
                f"{np.mean([float(row['seconds']) for row in own]) / 60:.0f}",
                f"{near} of {measured:,}",
            ]
        )
    return logs.table(heading, cells)


def read_options() -> argparse.Namespace:
    """Return the command line's options; refuse those that don't go together."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="with a folder of pictures per class")
    parser.add_argument("setting", choices=SETTINGS | CANDIDATES, nargs="?")
    parser.add_argument("--seed", type=command_line.natural, choices=SEEDS, default=0)
    parser.add_argument("--validate", action="store_true", help="to choose: the first tenth")
    parser.add_argument(
        "--epochs", type=command_line.positive, help="in place of the setting's own"
    )
    parser.add_argument("--note", default="", help="what the log should say beside it")
    parser.add_argument("--table", action="store_true", help="print what was measured so far")
    options = parser.parse_args()
    if options.setting is None and not options.table:
        parser.error("name a folder of pictures and a setting.")
    if options.setting in CANDIDATES and not options.validate:
        parser.error("candidates are compared with --validate, not on what is held out.")
    return options


def main() -> int:
    """Train one setting with one seed, or print the table; return the exit status."""
    options = read_options()
    part = "validation" if options.validate else "held out"
    if options.table:
        print("\n".join(table(logs.read(LOG), part)))
        return 0
    try:
        pictures = classifier.decoded(folders.find_images(options.folder), photos.SIDE)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    setting = (SETTINGS | CANDIDATES)[options.setting]
    if options.epochs:
        recipe = dataclasses.replace(setting.recipe, epochs=options.epochs)
        setting = dataclasses.replace(setting, recipe=recipe)
    key = {
        "setting": options.setting,
        "seed": str(options.seed),
        "part": part,
        "epochs": str(setting.recipe.epochs),
        "settings": settings_of(setting),
        "pictures": f"{len(pictures)} {pictures.checksum:08x}",
    }
    if any(key.items() <= row.items() for row in logs.read(LOG)):
        print(f"{LOG.name} has it already.")
        return 0
    STATES.mkdir(parents=True, exist_ok=True)
    name = f"{options.setting}-{options.seed}-{folders.checksum_of_text(str(key)):08x}.weights.h5"
    begun = logs.stamp()
    result = run(setting, pictures, options.seed, options.validate, STATES / name)
    logs.append(begun | key | result | {"note": options.note}, LOG)
    (STATES / name).unlink(missing_ok=True)
    print(f"{options.setting}, seed {options.seed}, {part}: {result['accuracy']}")
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

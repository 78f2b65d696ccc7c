"""Choose on the training images alone: folds that never part near-duplicates.

    SIGNS_DIR=folder python benchmarks/choose.py ladder --folds 0 1 2 3 4

Trains ResNet50 by each variant of a group on each fold, seed = fold, and appends a line per
training to benchmarks/results/folds.csv. What is there already, with the same settings and
precision, is not trained again, so the command can be stopped and given again. The test images
are never read.
"""

import dataclasses
import sys
import time

import numpy as np

from resnets_utils import BUNDLED, DataError, find_signs, load_dataset, quiet_tensorflow

with quiet_tensorflow():
    import keras
    import tensorflow as tf

import logs
from signs_test import prepare

from resnets import command_line, training
from resnets.resnet50 import ResNet50
from resnets.training import Recipe
from resnets.validation import group_near_duplicates, grouped_folds

LOG = logs.RESULTS / "folds.csv"
NO_CHANGES = {"rotation": 0, "translation": 0, "zoom": 0, "brightness": 0, "contrast": 0}
BARE = Recipe(
    epochs=10, cosine=False, peak_learning_rate=0.001, warm_up=0, label_smoothing=0, **NO_CHANGES
)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to train: the recipe, how the network begins, and epochs on smaller pictures before."""

    recipe: Recipe
    zero_gamma: bool = False
    small_epochs: int = 0


def ladder() -> dict[str, Variant]:
    """Each rung adds one ingredient to the one before; the last has all, in ten epochs."""
    full = dataclasses.replace(Recipe(), epochs=10)  # short, to compare many
    steps = [
        (
            "schedule",
            {
                "cosine": True,
                "peak_learning_rate": full.peak_learning_rate,
                "warm_up": full.warm_up,
            },
        ),
        ("augmentation", {name: getattr(full, name) for name in NO_CHANGES}),
        ("label smoothing", {"label_smoothing": full.label_smoothing}),
    ]
    rungs, recipe = {"bare": Variant(BARE)}, BARE
    for name, changes in steps:
        recipe = dataclasses.replace(recipe, **changes)
        rungs[f"+ {name}"] = Variant(recipe)
    assert recipe == full, "the ladder has to end at the recipe"
    return rungs | {"+ zero gamma": Variant(recipe, zero_gamma=True)}


def near() -> dict[str, Variant]:
    """What lies near the ladder's last rung: one setting differs, the rest is the same."""
    *_, last = ladder().values()
    changes = {
        "batch 16": {"batch_size": 16},
        "batch 64": {"batch_size": 64},
        "peak 0.001": {"peak_learning_rate": 0.001},
        "peak 0.004": {"peak_learning_rate": 0.004},
        "16 epochs": {"epochs": 16},
        "24 epochs": {"epochs": 24},
    }
    return {
        name: dataclasses.replace(last, recipe=dataclasses.replace(last.recipe, **change))
        for name, change in changes.items()
    }


def sizes() -> dict[str, Variant]:
    """Ten epochs on pictures of 40x40 pixels, where a step takes less time, then 64x64."""
    recipe = dataclasses.replace(
        Recipe(), epochs=8, peak_learning_rate=Recipe().peak_learning_rate / 2
    )
    return {"10 small + 8": Variant(recipe, zero_gamma=True, small_epochs=10)}


GROUPS = {"ladder": ladder, "near": near, "sizes": sizes}


def settings_of(variant: Variant) -> str:
    """Return everything that decides a training, as one text that can be compared."""
    values = dataclasses.asdict(variant.recipe) | {"zero_gamma": variant.zero_gamma}
    for name in ("horizontal_flip", "weight_decay"):  # younger than the log's first lines
        if not values[name]:
            del values[name]
    if variant.small_epochs:
        values["small_epochs"] = variant.small_epochs
    return " ".join(f"{name}={value}" for name, value in values.items())


def resize(images: np.ndarray, side: int = 40) -> np.ndarray:
    """Return float images (m, side, side, channels), averaged where pixels merge."""
    return np.clip(tf.image.resize(images, (side, side), antialias=True), 0, 1)


def run(variant: Variant, data, held_out, seed: int) -> dict[str, str]:
    """Train on `data`, answer for `held_out` in inference mode: before and after measuring."""
    keras.utils.set_random_seed(seed)
    start = time.monotonic()
    model = ResNet50(zero_gamma=variant.zero_gamma)
    if variant.small_epochs:
        small = ResNet50((40, 40, 3), zero_gamma=variant.zero_gamma)
        recipe = dataclasses.replace(Recipe(), epochs=variant.small_epochs)
        training.train(small, (resize(data[0]), data[1]), None, recipe, seed=seed)
        model.set_weights(small.get_weights())
    history = training.train(model, data, held_out, variant.recipe, seed=seed)
    seconds = time.monotonic() - start
    probabilities = model.predict(held_out[0], verbose=0)
    of_right = probabilities[np.arange(len(probabilities)), held_out[1].argmax(axis=1)]
    right = probabilities.argmax(axis=1) == held_out[1].argmax(axis=1)
    return {
        "images": str(len(data[0])),
        "held_out": str(len(right)),
        "train_accuracy": f"{history['accuracy'][-1]:.4f}",
        "moving": f"{history['val_accuracy'][-1]:.4f}",
        "accuracy": f"{right.mean():.4f}",
        "surprise": f"{-np.log(of_right).mean():.4f}",
        "seconds": f"{seconds:.0f}",
    }


def table(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: each variant over its folds, measured averages or not.

    Folds differ in how hard they are, so only variants of the same folds compare.
    """
    heading = ["group", "variant", "folds", "accuracy, mean", "worst to best"]
    heading += ["mean before averages are measured"]
    cells = []
    for group, variant in dict.fromkeys((row["group"], row["variant"]) for row in rows):
        own = [row for row in rows if (row["group"], row["variant"]) == (group, variant)]
        cells.append(
            [
                group,
                variant,
                " ".join(sorted(row["fold"] for row in own)),
                *logs.mean_and_range(row["accuracy"] for row in own),
                logs.mean_and_range(row["moving"] for row in own)[0],
            ]
        )
    return logs.table(heading, cells)


def main() -> int:
    """Run a group's variants on the folds asked for; return the exit status."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--folds", type=command_line.natural, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", nargs="+", help="these variants of the group")
    options = parser.parse_args()
    variants = GROUPS[options.group]()
    unknown = set(options.only or variants) - set(variants)
    if unknown or not set(options.folds) <= set(range(5)):
        parser.error(f"folds are 0 to 4, variants of {options.group}: {', '.join(variants)}")
    try:
        folder = find_signs()
        images, labels = load_dataset()[:2]
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    if folder.resolve() == BUNDLED:
        print("The log is for photographs: set SIGNS_DIR or run `make data`.", file=sys.stderr)
        return 2
    X, Y = prepare(images, labels)
    folds = list(grouped_folds(group_near_duplicates(images)))
    for fold in options.folds:
        for name in options.only or variants:
            key = {
                "fold": str(fold),
                "settings": settings_of(variants[name]),
                "precision": training.choose_precision(),
            }
            if any(key.items() <= row.items() for row in logs.read(LOG)):
                continue
            print(f"\nfold {fold}, {name}: {key['settings']}")
            kept, held_out = folds[fold]
            result = run(variants[name], (X[kept], Y[kept]), (X[held_out], Y[held_out]), fold)
            logs.append(
                logs.stamp()
                | {"group": options.group, "variant": name}
                | key
                | result
                | {"machine": logs.machine()},
                LOG,
            )
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

"""Plain against residual networks at equal depth: can they be trained, and what their gradients do.

    SIGNS_DIR=folder python benchmarks/depth.py           all depths and seeds, about an hour
    python benchmarks/depth.py --table

Trains `BasicBlockResNet` with and without shortcuts, with and without BatchNormalization, on the
training images of fold 0 (notebook 06), without augmentation and label smoothing, so that the
training loss says how well the network fits. A line per training is appended to
benchmarks/results/depth.csv; what is there already is not trained again. Columns:

loss, accuracy      of the training images, mean of the last epoch
held_out            accuracy on fold 0, in inference mode
first, last         gradient norms at initialisation, mean over the convolutions of stages 2 and 4
first_end, last_end the same after the training
"""

import dataclasses
import sys
import time

import numpy as np

from resnets_utils import DataError, convert_to_one_hot, load_dataset, quiet_tensorflow

with quiet_tensorflow():
    import keras

import logs

from resnets import command_line, training
from resnets.basic_resnet import BasicBlockResNet
from resnets.inspection.gradients import gradient_norms, stage_means
from resnets.validation import group_near_duplicates, grouped_folds

LOG = logs.RESULTS / "depth.csv"
DEPTHS = {  # with and without BatchNormalization; bare networks hardly move in six epochs at 20
    "yes": (8, 20, 32, 56),
    "no": (8, 20),
}
RECIPE = dataclasses.replace(
    training.Recipe(),
    epochs=6,
    peak_learning_rate=0.001,
    label_smoothing=0,
    rotation=0,
    translation=0,
    zoom=0,
    brightness=0,
    contrast=0,
)
PROBE = 64  # training images that the gradients are measured on


def data() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return images and one-hot labels of the folds that train, and of fold 0."""
    images, labels = load_dataset()[:2]
    one_hot = convert_to_one_hot(labels, 6).T.astype("float32")
    parts = next(grouped_folds(group_near_duplicates(images)))
    return [(images[indices], one_hot[indices]) for indices in parts]


def run(depth: int, shortcuts: bool, normalised: bool, seed: int, sets) -> dict[str, object]:
    """Train one network; return what the log takes down of it."""
    (images, labels), held_out = sets
    probe = training.as_floats(images[:PROBE]), labels[:PROBE]
    keras.utils.set_random_seed(seed)
    model = BasicBlockResNet(depth, shortcuts=shortcuts, normalised=normalised)
    first, last = stage_means(gradient_norms(model, *probe))
    start = time.monotonic()
    history = training.train(model, (images, labels), recipe=RECIPE, seed=seed)
    seconds = time.monotonic() - start
    first_end, last_end = stage_means(gradient_norms(model, *probe))
    answers = model.predict(training.as_floats(held_out[0]), verbose=0).argmax(axis=1)
    return {
        "loss": f"{history['loss'][-1]:.4f}",
        "accuracy": f"{history['accuracy'][-1]:.4f}",
        "held_out": f"{np.mean(answers == held_out[1].argmax(axis=1)):.4f}",
        "first": f"{first:.3e}",
        "last": f"{last:.3e}",
        "first_end": f"{first_end:.3e}",
        "last_end": f"{last_end:.3e}",
        "losses": " ".join(f"{value:.3f}" for value in history["loss"]),
        "seconds": f"{seconds:.0f}",
    }


def table(lines: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: means and standard deviations over the seeds."""
    heading = ["BatchNormalization", "depth", "shortcuts", "training loss", "first stage"]
    heading += ["last / first"]
    found = []
    kinds = dict.fromkeys((r["normalised"], int(r["depth"]), r["shortcuts"]) for r in lines)
    for kind in sorted(kinds, key=lambda kind: (kind[0] == "no", kind[1], kind[2])):
        own = [r for r in lines if (r["normalised"], int(r["depth"]), r["shortcuts"]) == kind]
        loss = np.array([float(r["loss"]) for r in own])
        first = np.array([float(r["first"]) for r in own])
        ratio = np.array([float(r["last"]) for r in own]) / first
        found.append(
            [
                *map(str, kind),
                f"{loss.mean():.2f} ± {loss.std():.2f}",
                f"{first.mean():.1e}",
                f"{ratio.mean():.2g} ± {ratio.std():.1g}",
            ]
        )
    return logs.table(heading, found)


def main() -> int:
    """Train what the log does not have yet; return the exit status."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=command_line.natural, nargs="+", default=range(5))
    parser.add_argument("--table", action="store_true", help="print what was measured so far")
    options = parser.parse_args()
    if options.table:
        print("\n".join(table(logs.read(LOG))))
        return 0
    try:
        sets = data()
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    for seed in options.seeds:
        for normalised, depths in DEPTHS.items():
            for depth in depths:
                for shortcuts in ("no", "yes"):
                    kind = {
                        "depth": str(depth),
                        "shortcuts": shortcuts,
                        "normalised": normalised,
                        "seed": str(seed),
                    }
                    if any(kind.items() <= row.items() for row in logs.read(LOG)):
                        continue
                    print(kind)
                    begun = logs.stamp()
                    found = run(depth, shortcuts == "yes", normalised == "yes", seed, sets)
                    logs.append(begun | kind | found, LOG)
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

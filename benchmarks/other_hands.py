"""What tools/make_model.py's models know: rendered hands, photographs, shifted ones, skin tones.

    SIGNS_DIR=folder python benchmarks/other_hands.py models/rendered.keras --sets signs shifted
    python benchmarks/other_hands.py --table

Appends a line per set to benchmarks/results/other_hands.csv, all in inference mode. The sets:

signs      the 1,080 training photographs, or with --fold those of one fold; for models that were
           not trained on them
shifted    the same, as resnets/hands/domain_shift.py makes them: in place of other people's hands,
           for the same models
bundled    the 120 test images of datasets/bundled
rendered   600 rendered hands of all kinds, of a seed that no training uses
tones      the like, 960 for each fifth of the skin tones

SIGNS's test images are read by signs_test.py alone. A table shows what was measured last.
"""

import dataclasses
import itertools
import sys
from pathlib import Path

import logs
import numpy as np
from PIL import Image

from resnets_utils import BUNDLED, DataError, find_signs, load_dataset, quiet_tensorflow

with quiet_tensorflow():
    from signs_test import load_model

from resnets import command_line, training
from resnets.hands import data_sets, rendering, variation
from resnets.hands.domain_shift import shift_domains
from resnets.validation import group_near_duplicates, grouped_folds

PHOTOGRAPHS = ["signs", "shifted"]  # have folds
NAMES = [*PHOTOGRAPHS, "bundled", "rendered", "tones"]
LOG = logs.RESULTS / "other_hands.csv"
UNSEEN = 10_000  # a seed that no training uses


def of_seed(seed: int, count: int, how: variation.Variation) -> tuple[np.ndarray, np.ndarray]:
    """Return rendered images (count, 64, 64, 3) and their signs (count,)."""
    signs = np.array([data_sets.sign_of(seed, i) for i in range(count)])
    return np.stack([rendering.picture(seed, i, sign, how) for i, sign in enumerate(signs)]), signs


def sets(name: str, fold: int | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the images and labels behind a name, by the names they have in the log."""
    if name in PHOTOGRAPHS:
        if find_signs().resolve() == BUNDLED:
            raise DataError("signs and shifted are photographs: set SIGNS_DIR or run `make data`.")
        images, labels = load_dataset()[:2]
        if fold is not None:
            _, held_out = list(grouped_folds(group_near_duplicates(images)))[fold]
            images, labels = images[held_out], labels[:, held_out]
        return {
            name: shift_domains(images, labels[0], UNSEEN)
            if name == "shifted"
            else (images, labels[0])
        }
    if name == "bundled":
        *_, images, labels, _ = load_dataset(BUNDLED)
        return {name: (images, labels[0])}
    if name == "rendered":
        return {name: of_seed(UNSEEN, 600, variation.ANY)}
    edges = np.linspace(0, 1, 6)
    return {
        f"tones {low:.1f} to {high:.1f}": of_seed(
            UNSEEN + 1, 960, dataclasses.replace(variation.ANY, tones=(low, high))
        )
        for low, high in itertools.pairwise(edges)
    }


def table(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: for each model the last accuracy on each set."""
    # A fold of the photographs stands for them, where the model was trained on the others.
    last = {(row["model"], row["set"].split(",")[0]): float(row["accuracy"]) for row in rows}
    columns = [name for name in NAMES if name != "tones"]
    cells = []
    for model in dict.fromkeys(row["model"] for row in rows):
        found = [last.get((model, name)) for name in columns]
        own = [f"`{model}`", *("-" if value is None else f"{value:.1%}" for value in found)]
        tones = [v for (its, name), v in last.items() if its == model and name.startswith("tones")]
        cells.append([*own, f"{min(tones):.1%} to {max(tones):.1%}" if tones else "-"])
    return logs.table(["model", *columns, "skin tones, worst to best"], cells)


def main() -> int:
    """Measure a model on the sets asked for; return the exit status."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES[2:])
    parser.add_argument(
        "--fold", type=command_line.natural, choices=range(5), help="photographs of this fold only"
    )
    parser.add_argument("--note", default="", help="what the log should say of the training")
    parser.add_argument("--look", type=Path, help="write a sheet of each set's first images here")
    parser.add_argument("--table", action="store_true", help="print what was measured so far")
    options = parser.parse_args()
    if options.table:
        print("\n".join(table(logs.read(LOG))))
        return 0
    if options.model is None:
        parser.error("name a model's file, models/small.keras for example.")
    try:
        model = load_model(options.model)
        chosen = {
            key: value for name in options.sets for key, value in sets(name, options.fold).items()
        }
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    begun = logs.stamp()
    for name, (images, labels) in chosen.items():
        of_fold = options.fold is not None and name in PHOTOGRAPHS
        answers = model.predict(training.as_floats(images), verbose=0).argmax(axis=1)
        by_sign = [np.mean(answers[labels == sign] == sign) for sign in range(6)]
        row = begun | {
            "model": options.model.stem,
            "note": options.note,
            "set": f"{name}, fold {options.fold}" if of_fold else name,
            "images": len(images),
            "accuracy": f"{np.mean(answers == labels):.4f}",
            "by_sign": " ".join(f"{value:.3f}" for value in by_sign),
        }
        logs.append(row, LOG)
        print(f"{options.model.stem} on {name}: {row['accuracy']}, by sign {row['by_sign']}")
        if options.look:
            options.look.mkdir(parents=True, exist_ok=True)
            grid = images[:60].reshape(5, 12, 64, 64, 3).swapaxes(1, 2).reshape(320, 768, 3)
            Image.fromarray(grid).save(options.look / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

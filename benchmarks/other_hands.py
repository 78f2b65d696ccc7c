"""What the models of tools/make_model.py know: rendered hands, photographs, strangers, skin tones.

    SIGNS_DIR=folder python benchmarks/other_hands.py models/rendered.keras --sets signs strangers
    python benchmarks/other_hands.py --table

Appends a line per set to benchmarks/results/other_hands.csv, all in inference mode. The sets:

signs      the 1,080 training photographs, or with --fold those of one fold; for models that were
           not trained on them
strangers  the same, each cut out, framed by the hand, put before another wall, in other colours,
           photographed anew: in place of other people's hands, for the same models
bundled    the 120 test images of datasets/bundled
rendered   600 rendered hands of all kinds, of a seed that no training uses
tones      the like, 960 for each fifth of the skin tones

SIGNS's test images are read by signs_test.py alone. A table shows what was measured last.
"""

import argparse
import csv
import dataclasses
import itertools
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from resnets_utils import BUNDLED, DataError, find_signs, load_dataset, quiet_tensorflow

with quiet_tensorflow():
    from signs_test import append, commit, load_model

from resnets import hands, rendering, training
from resnets.validation import group_near_duplicates, grouped_folds

NAMES = ["signs", "strangers", "bundled", "rendered", "tones"]
LOG = Path(__file__).parent / "results" / "other_hands.csv"
UNSEEN = 10_000  # a seed that no training uses
CUT = dataclasses.replace(hands.ANY, clutter=0)


def cut_out(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph's hand, the wall taken out of its edge (64, 64, 3), and where it is.

    SIGNS's walls are grey, its hands are not. The second array (64, 64) is 0 to 1.
    """
    pixels = image / 255
    colourful = hands.blur(np.ptp(pixels, axis=2) / pixels.max(axis=2).clip(0.05), 0.7)
    skin = np.clip((colourful - 0.16) / 0.1, 0, 1)
    wall = np.median(pixels[skin < 0.1], axis=0) if (skin < 0.1).any() else np.ones(3)
    share = skin[:, :, None]
    return np.clip((pixels - (1 - share) * wall) / np.maximum(share, 0.3), 0, 1), skin


def frame(skin: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Return the box (left, up, right, down) that a hand in front of a camera might fill."""
    rows, columns = np.nonzero(skin > 0.5)
    top, width = rows.min(), np.ptp(columns)
    height = min(rows.max() - top, 1.6 * width + 8)  # hand and wrist, not the arm
    side = max(height, width) * rng.uniform(1.0, 1.25)
    left = columns[rows <= top + height].mean() - side / 2
    up = top + height / 2 - side / 2 + rng.normal(0, 0.03) * side
    return left, up, left + side, up + side


def crop(channel: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return a box of `channel` (64, 64) at (64, 64), zeros where it reaches out of it."""
    wide = Image.fromarray(np.pad(channel, 64).astype(np.float32))
    shifted = tuple(v + 64 for v in box)
    return np.clip(wide.resize((64, 64), Image.Resampling.BICUBIC, box=shifted), 0, 1)


def stranger(image: np.ndarray, index: int) -> np.ndarray:
    """Return a photograph (64, 64, 3) as another camera might have taken it elsewhere."""
    rng = np.random.default_rng([UNSEEN, index])
    hand, skin = cut_out(image)
    if np.count_nonzero(skin > 0.5) < 50:
        raise DataError(f"photograph {index}: found no hand.")
    box = frame(skin, rng)
    share = crop(skin, box)[:, :, None]
    hand = hands.linear(np.stack([crop(c, box) for c in np.moveaxis(hand, 2, 0)], axis=2))
    hand = hand * rng.uniform(0.5, 1.4) * np.exp(rng.normal(0, 0.08, 3))
    light = share * hand + (1 - share) * hands.wall(64, CUT, rng)
    if rng.random() < 0.5:
        light = light[:, ::-1]
    return hands.photograph(light, CUT, rng)


def strangers(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all photographs that show a hand as strangers', and their labels."""
    kept, found = [], []
    for index, image in enumerate(images):
        try:
            found.append(stranger(image, index))
            kept.append(index)
        except DataError as error:
            print(error)
    return np.stack(found), labels[kept]


def of_seed(seed: int, count: int, how: hands.Variation) -> tuple[np.ndarray, np.ndarray]:
    """Return rendered images (count, 64, 64, 3) and their signs (count,)."""
    signs = np.array([rendering.sign_of(seed, i) for i in range(count)])
    return np.stack([hands.picture(seed, i, sign, how) for i, sign in enumerate(signs)]), signs


def sets(name: str, fold: int | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the images and labels behind a name, by the names they have in the log."""
    if name in ("signs", "strangers"):
        if find_signs().resolve() == BUNDLED:
            raise DataError(
                "signs and strangers are photographs: set SIGNS_DIR or run `make data`."
            )
        images, labels = load_dataset()[:2]
        if fold is not None:
            _, held_out = list(grouped_folds(group_near_duplicates(images)))[fold]
            images, labels = images[held_out], labels[:, held_out]
        return {name: strangers(images, labels[0]) if name == "strangers" else (images, labels[0])}
    if name == "bundled":
        *_, images, labels, _ = load_dataset(BUNDLED)
        return {name: (images, labels[0])}
    if name == "rendered":
        return {name: of_seed(UNSEEN, 600, hands.ANY)}
    edges = np.linspace(0, 1, 6)
    return {
        f"tones {low:.1f} to {high:.1f}": of_seed(
            UNSEEN + 1, 960, dataclasses.replace(hands.ANY, tones=(low, high))
        )
        for low, high in itertools.pairwise(edges)
    }


def table(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a Markdown table: for each model the last accuracy on each set."""
    # A fold of the photographs stands for them, where the model was trained on the others.
    last = {(row["model"], row["set"].split(",")[0]): float(row["accuracy"]) for row in rows}
    columns = [name for name in NAMES if name != "tones"]
    lines = [f"| model | {' | '.join(columns)} | skin tones, worst to best |"]
    lines.append("|" + "---|" * (len(columns) + 2))
    for model in dict.fromkeys(row["model"] for row in rows):
        found = [last.get((model, name)) for name in columns]
        cells = ["-" if value is None else f"{value:.1%}" for value in found]
        tones = [v for (own, name), v in last.items() if own == model and name.startswith("tones")]
        cells.append(f"{min(tones):.1%} to {max(tones):.1%}" if tones else "-")
        lines.append(f"| `{model}` | {' | '.join(cells)} |")
    return lines


def main() -> int:
    """Measure a model on the sets asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES[2:])
    parser.add_argument("--fold", type=int, choices=range(5), help="photographs of this fold only")
    parser.add_argument("--note", default="", help="what the log should say of the training")
    parser.add_argument("--look", type=Path, help="write a sheet of each set's first images here")
    parser.add_argument("--table", action="store_true", help="print what was measured so far")
    options = parser.parse_args()
    if options.table:
        if not LOG.exists():
            parser.error(f"there is no {LOG.name} yet: measure a model first.")
        with LOG.open(newline="", encoding="utf-8") as file:
            print("\n".join(table(list(csv.DictReader(file)))))
        return 0
    if options.model is None:
        parser.error("name a model's file, models/small.keras for example.")
    try:
        chosen = {
            key: value for name in options.sets for key, value in sets(name, options.fold).items()
        }
        model = load_model(options.model)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    for name, (images, labels) in chosen.items():
        answers = model.predict(training.as_floats(images), verbose=0).argmax(axis=1)
        by_sign = [np.mean(answers[labels == sign] == sign) for sign in range(6)]
        row = {
            "date": time.strftime("%Y-%m-%d"),
            "commit": commit(),
            "model": options.model.stem,
            "note": options.note,
            "set": name if options.fold is None else f"{name}, fold {options.fold}",
            "images": len(images),
            "accuracy": f"{np.mean(answers == labels):.4f}",
            "by_sign": " ".join(f"{value:.3f}" for value in by_sign),
        }
        append(row, LOG)
        print(f"{options.model.stem} on {name}: {row['accuracy']}, by sign {row['by_sign']}")
        if options.look:
            options.look.mkdir(parents=True, exist_ok=True)
            grid = images[:60].reshape(5, 12, 64, 64, 3).swapaxes(1, 2).reshape(320, 768, 3)
            Image.fromarray(grid).save(options.look / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())

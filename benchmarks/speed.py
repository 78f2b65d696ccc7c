"""Time ResNet50's training, the series' way beside others, in one run on one machine.

    SIGNS_DIR=folder python benchmarks/speed.py     whole trainings of ten epochs, or to 95 %
    python benchmarks/speed.py --epochs 3           epoch times and first-epoch overhead alone
    python benchmarks/speed.py --table              the table of the last run again

Contenders take turns, each in a process of its own: `ours` (resnets/training.py), `keras` (the
same recipe with Keras's layers, Adam and `fit`, TensorFlow as it comes, float32), `keras-onednn`
(the like with oneDNN, which TensorFlow leaves off on some processors), `published` (the public
solutions' training: Adam, no augmentation, TensorFlow as it comes), `pytorch` (the same network
and recipe, channels_last, the precision that `ours` chooses). PyTorch needs an environment:

    python -m venv build/torch
    build/torch/bin/pip install -r benchmarks/requirements.txt
    python benchmarks/speed.py --torch-python build/torch/bin/python

An epoch is 864 images and a look at 216 others, the first fold of choose.py, on which the whole
recipe of 24 epochs ends at 97.7 %: hence 95 % as the target. A training ends when it gets there,
or after the epochs asked for, to which its schedule, if it has one, is fitted. Results go to
build/bench/: speed.csv, a line per epoch, and speed_summary.csv. Every run replaces them. The
run that notebook 06 and docs/speed.md show was made with --out benchmarks/results.
"""

import argparse
import csv
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import logs
import numpy as np

from resnets import command_line
from resnets.validation import group_near_duplicates, grouped_folds
from resnets_utils import ROOT, DataError, load_dataset, quiet_tensorflow

HERE = Path(__file__).parent
LOG = logs.RESULTS / "speed.csv"  # the run that texts quote
CONTENDERS = ("ours", "keras", "keras-onednn", "published", "pytorch")
TARGET = 0.95  # held-out accuracy at which a training ends


def contend(name: str, data_file: str, settings_file: str) -> None:
    """Train as the contender does, in this process; print a line of JSON per epoch."""
    if name in ("ours", "keras-onednn"):
        with quiet_tensorflow():  # which switches oneDNN on
            import keras
    else:
        import keras  # TensorFlow as it comes
    import plain_keras

    from resnets import training
    from resnets.resnet50 import ResNet50

    data = np.load(data_file)
    settings = json.loads(Path(settings_file).read_text(encoding="utf-8"))
    recipe = training.Recipe(**settings["recipe"])
    one_hot = np.eye(6, dtype="float32")
    sets = [
        (training.as_floats(data[f"{part}_x"]), one_hot[data[f"{part}_y"]])
        for part in ("train", "val")
    ]

    class Report(keras.callbacks.Callback):
        """Print the seconds since `fit` began; stop at the target."""

        def on_epoch_end(self, epoch, logs=None):
            seconds = time.monotonic() - start
            accuracy = float(logs["val_accuracy"])
            print("\n" + json.dumps({"seconds": seconds, "val_accuracy": accuracy}), flush=True)
            self.model.stop_training = accuracy >= settings["target"]

    keras.utils.set_random_seed(settings["seed"])
    model = ResNet50(zero_gamma=name != "published")
    start = time.monotonic()
    if name == "ours":
        training.train(model, *sets, recipe, settings["seed"], callbacks=(Report(),))
    elif name.startswith("keras"):
        plain_keras.fit(model, *sets, recipe, callbacks=(Report(),))
    else:
        plain_keras.fit_published(model, *sets, recipe.epochs, callbacks=(Report(),))
    print("\n" + json.dumps({"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


def run(command: list[str]) -> list[dict]:
    """Run a contender and return its lines; show them as they come."""
    lines = []
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=nowhere, text=True) as process:
        for line in process.stdout:
            if line.startswith("{"):
                lines.append(json.loads(line))
                print("   ", line.strip(), flush=True)
    if process.returncode:
        raise SystemExit(f"speed.py: {' '.join(command)} ended with {process.returncode}.")
    return lines


def measure(options: argparse.Namespace) -> list[dict]:
    """Run every contender in turn, `rounds` times; return a row per epoch."""
    from resnets.training import Recipe, choose_precision

    images, labels = load_dataset()[:2]
    kept, held_out = next(grouped_folds(group_near_duplicates(images)))
    settings = {
        "recipe": dataclasses.asdict(Recipe(epochs=options.epochs)),
        "target": TARGET,
        "precision": choose_precision(),
        "seed": 0,
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data_file, settings_file = Path(folder) / "data.npz", Path(folder) / "settings.json"
        parts = {"train": kept, "val": held_out}
        arrays = {f"{part}_x": images[indices] for part, indices in parts.items()}
        arrays |= {f"{part}_y": labels[0, indices] for part, indices in parts.items()}
        np.savez(data_file, **arrays)
        for round_ in range(options.rounds):
            settings_file.write_text(json.dumps(settings | {"seed": round_}), encoding="utf-8")
            for name in options.contenders:
                print(f"round {round_ + 1} of {options.rounds}, {name}")
                files = [str(data_file), str(settings_file)]
                command = [sys.executable, __file__, "--contend", name, *files]
                if name == "pytorch":
                    command = [options.torch_python, str(HERE / "pytorch_resnet50.py"), *files]
                *epochs, last = run(command)
                rows += [
                    {"contender": name, "round": round_, "epoch": k + 1, **values, **last}
                    for k, values in enumerate(epochs)
                ]
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "precision": settings["precision"],
        "machine": logs.machine(),
    }
    return [row | about for row in rows]


def summary(rows: list[dict]) -> list[dict]:
    """Return a row per contender: medians over its epochs after the first, and over rounds."""
    table = []
    for name in dict.fromkeys(row["contender"] for row in rows):
        own = [row for row in rows if row["contender"] == name]
        firsts, others, reached = [], [], []
        for round_ in sorted({row["round"] for row in own}):
            run_ = [row for row in own if row["round"] == round_]
            seconds = np.diff([0] + [float(row["seconds"]) for row in run_])
            firsts.append(seconds[0])
            others.extend(seconds[1:])
            good = [r for r in run_ if float(r["val_accuracy"]) >= TARGET]
            reached.append(float(good[0]["seconds"]) / 60 if good else None)
        table.append(
            {
                "contender": name,
                "epoch": np.median(others),
                "overhead": np.median(firsts) - np.median(others),
                "reached": None if None in reached else np.median(reached),
                "best": max(float(row["val_accuracy"]) for row in own),
                "epochs": max(int(row["epoch"]) for row in own),
                "peak_gb": max(float(row["peak_gb"]) for row in own),
            }
        )
    return table


def write_summary(rows: list[dict], path: Path) -> None:
    """Write the summary, rounded, for notebook 06 and the figure."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = ("contender", "epoch_s", "ratio", "overhead_s", "peak_gb", "minutes_to_95")
        names += ("precision", "machine")
        writer.writerow(names)
        table = summary(rows)
        plain = plain_epoch(table)
        for row in table:
            numbers = (f"{row['epoch']:.1f}", f"{row['epoch'] / plain:.2f}")
            numbers += (f"{row['overhead']:.0f}", f"{row['peak_gb']:.1f}")
            numbers += ("" if row["reached"] is None else f"{row['reached']:.1f}",)
            about = (rows[0]["precision"], rows[0]["machine"])
            writer.writerow((row["contender"], *numbers, *about))


def plain_epoch(table: list[dict]) -> float:
    """Return plain Keras's seconds per epoch, which the ratios are to."""
    return next((row["epoch"] for row in table if row["contender"] == "keras"), np.nan)


def table(rows: list[dict]) -> list[str]:
    """Return what ran where, and the lines of the summary as a Markdown table.

    Ratios are to plain Keras in the same run.
    """
    found = summary(rows)
    plain = plain_epoch(found)
    about = f"{rows[0]['machine']}, ours and pytorch in {rows[0]['precision']}, {rows[0]['date']}"
    heading = ["training", "epoch, ratio to plain Keras", "epoch, s", "first epoch more, s"]
    heading += ["peak memory, GB"]
    whole = any(row["reached"] is not None for row in found)  # short runs say nothing of it
    if whole:
        heading += [f"minutes to {TARGET:.0%}", "epochs"]
    lines = []
    for row in found:
        cells = [row["contender"], f"{row['epoch'] / plain:.2f}", f"{row['epoch']:.1f}"]
        cells += [f"{row['overhead']:.0f}", f"{row['peak_gb']:.1f}"]
        if whole:
            minutes = f"not reached, {row['best']:.1%} at best"
            cells.append(minutes if row["reached"] is None else f"{row['reached']:.1f}")
            cells.append(str(row["epochs"]))
        lines.append(cells)
    return [about, "", *logs.table(heading, lines)]


def main() -> int:
    """Measure, or print the last measurement; return the exit status."""
    parser = command_line.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=command_line.positive, default=1)
    parser.add_argument(
        "--epochs", type=command_line.positive, default=10, help="of each training, at most"
    )
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--torch-python", help="a Python that has PyTorch")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", metavar="FOLDER")
    parser.add_argument("--table", action="store_true", help="print the last run's table")
    parser.add_argument("--contend", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contend:
        contend(*options.contend)
        return 0
    if options.epochs < 2:
        parser.error("give 2 epochs or more, as the first is not like the others.")
    log = options.out / "speed.csv"
    if not options.table:
        if not options.torch_python and "pytorch" in options.contenders:
            print("No PyTorch: give --torch-python to time it too.", file=sys.stderr)
            options.contenders = [name for name in options.contenders if name != "pytorch"]
        try:
            rows = measure(options)
        except DataError as error:
            print(error, file=sys.stderr)
            return 2
        options.out.mkdir(parents=True, exist_ok=True)
        with log.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif not log.exists():
        parser.error(f"there is no {log}: measure first, or name another folder with --out.")
    rows = logs.read(log)
    write_summary(rows, log.with_name("speed_summary.csv"))
    print("\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

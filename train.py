"""Train a network on a folder that holds a folder of pictures per class.

    python train.py flowers                        a round of ten epochs, 70/30
    python train.py flowers --until 85             rounds until 85 % of a validation part, 70/15/15
    python train.py flowers --begin models/hands.keras

Writes models/FOLDER.keras, and beside it the curves, FOLDER.png. The same command again trains
further; the file changes when its accuracy on the held-out pictures is higher. Interrupted, the
same command goes on where it was. --network and --begin are for a model that is not there yet.

Exit status: 0 trained, 1 the target was not reached, 2 the folder or the model can't be used,
130 interrupted.
"""

import argparse
import contextlib
import dataclasses
import os
import sys
from pathlib import Path

from resnets.command_line import Parser, natural, percent, positive, shares
from resnets.command_line import run as run_command

ROOT = Path(__file__).resolve().parent
OWN = ("hands", "rendered", "signs", "small")  # models of tools/make_model.py, kept in models/ too


def main(arguments: list[str] | None = None) -> int:
    """Train as asked; return the exit status."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="one folder of pictures per class")
    parser.add_argument("--model", type=Path, help="the file, models/FOLDER.keras")
    parser.add_argument("--until", type=percent, metavar="PERCENT", help="train until this")
    parser.add_argument("--most", type=positive, default=10, help="rounds at most, with --until")
    parser.add_argument("--epochs", type=positive, default=10, help="of a round")
    parser.add_argument("--parts", type=shares, help="70/30, and 70/15/15 with --until")
    parser.add_argument("--seed", type=natural, default=0, help="of the split and all else")
    parser.add_argument("--leave-out", action="append", default=[], help="a class; may be repeated")
    parser.add_argument("--network", choices=("ResNet50", "SmallResNet"), help="of a new model")
    parser.add_argument(
        "--begin",
        type=Path,
        help="what a new model begins with: a trained .keras file, or the published ImageNet "
        "weights of ResNet50, an .h5 file",
    )
    parser.add_argument("--json", action="store_true", help="the results as JSON, alone on stdout")
    options = parser.parse_args(arguments)
    parts = options.parts or ((0.7, 0.15, 0.15) if options.until else (0.7, 0.3))
    if options.until and len(parts) != 3:
        parser.error("--until needs three parts: training, validation and test, as 70/15/15.")
    name = Path(os.path.realpath(options.folder)).name  # of a link that goes round, too
    if options.model is None and name.lower() in OWN:
        parser.error(
            f"{options.folder}: its model would be models/{name}.keras, which tools/make_model.py "
            f"writes. Name another: --model models/my_{name}.keras"
        )
    path = options.model or ROOT / "models" / f"{name}.keras"
    try:
        return run(path, options, parts)
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it was.", file=sys.stderr)
        return 130


def run(path: Path, options: argparse.Namespace, parts: tuple[float, ...]) -> int:
    """Train and print the results; return the exit status."""
    # Here, because TensorFlow takes seconds: --help and a wrong option need none of it.
    from resnets.pictures import classifier
    from resnets_utils import DataError

    words = contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext()
    try:
        with words:
            facts = train(path, options, parts)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(classifier.as_json({"model": str(path)} | dataclasses.asdict(facts)))
    return 1 if options.until and facts.accuracy < options.until else 0


def train(path: Path, options: argparse.Namespace, parts: tuple[float, ...]):
    """Make the model where it is missing, train it, draw its curves; return its facts."""
    from resnets.pictures import classifier, folders, photos
    from resnets_utils import DataError

    folder = folders.find_images(options.folder, options.leave_out)
    if not path.exists():
        # What can't be trained on is refused before there is a model for it.
        pictures = classifier.decoded(folder, photos.SIDE)
        folders.split(pictures.labels, parts, options.seed, pictures.classes, pictures.checksums)
        classifier.new_model(
            path,
            classes=folder.classes,
            network=options.network or "ResNet50",
            begin=options.begin,
            seed=options.seed,
        )
    elif options.network or options.begin:
        found = classifier.load_model(path).model.name
        if options.network not in (None, found):
            raise DataError(
                f"{path}: found a model already, {found}; --network {options.network} is for a new "
                "one. Delete it, or name another with --model."
            )
        print(f"{path}: found a model already, so this trains it further.")
    common = {
        "epochs": options.epochs,
        "parts": parts,
        "seed": options.seed,
        "leave_out": options.leave_out,
        "then": lambda facts: draw(facts.history, path),
    }
    if options.until:
        classifier.train_until(path, options.folder, options.until, options.most, **common)
    else:
        classifier.train_model(path, options.folder, **common)
    return classifier.facts_of(path)


def draw(history: dict[str, list[float]], path: Path) -> None:
    """Write a model's curves beside it; where that fails, say so: the model is whole."""
    if not history:
        return  # a model from elsewhere may need no round
    import matplotlib

    matplotlib.use("Agg")
    from resnets.atomic_files import replacing
    from resnets_utils import plot_history

    axes = plot_history(history, path.stem)
    picture = path.with_suffix(".png")
    try:
        with replacing(picture) as new:
            axes[0].figure.savefig(new, dpi=150)
        print(f"curves: {picture}")
    except OSError as error:
        print(f"{picture}: the curves could not be written ({error}).", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run_command(main))

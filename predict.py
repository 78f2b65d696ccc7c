"""Say what a photograph shows.

    python predict.py images/test.jpg
    python predict.py --model models/flowers.keras *.jpg --json

Without --model it reads hand signs, with models/hands.keras where `make model` made it, else with
models/small.keras, which comes with the repository. Of each photograph the middle square is read.

Exit status: 0 all were read, 1 some were not, 2 none was, 130 interrupted.
"""

import argparse
import glob
import itertools
import os
import sys
from pathlib import Path

from resnets.command_line import Parser, run

ROOT = Path(__file__).resolve().parent
MODELS = (ROOT / "models" / "hands.keras", ROOT / "models" / "small.keras")


def main(arguments: list[str] | None = None) -> int:
    """Read the options, and answer; return the exit status."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, help="a .keras file; its own classes are used")
    parser.add_argument(
        "--pixels",
        choices=("0-1", "0-255"),
        help="what a model from elsewhere takes, where it is not noticed",
    )
    parser.add_argument("--json", action="store_true", help="all probabilities, as JSON")
    options = parser.parse_args(arguments)
    try:
        return answer_all(options)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def expanded(path: Path) -> list[Path]:
    """Return a path, or the files that *.jpg stands for: Windows' shells leave that to programs."""
    # Path's own functions raise on names that are too long, or full of stars.
    found = [] if os.path.exists(path) else glob.glob(str(path))  # noqa: PTH110, PTH207
    return sorted(map(Path, found)) or [path]


def answer_all(options: argparse.Namespace) -> int:
    """Print an answer per photograph; return the exit status."""
    # Here, because TensorFlow takes seconds: --help and a wrong option need none of it.
    from resnets.pictures import classifier, photos
    from resnets_utils import DataError, printable

    path = options.model or next((path for path in MODELS if path.exists()), MODELS[-1])
    try:
        model = classifier.load_model(path, options.pixels)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    rows = []
    for photograph in itertools.chain.from_iterable(map(expanded, options.photographs)):
        name = printable(str(photograph))
        row = {"file": name}
        try:
            found = model.answer(photos.read_photo(photograph, model.model.input_shape[1]))
        except DataError as error:
            row["error"] = printable(str(error))
            print(row["error"], file=sys.stderr)
        else:
            row |= {"label": found.label, "probabilities": found.probabilities}
            if not options.json:
                print(f"{name}: {found.label} ({found.probabilities[found.label]:.1%})")
        rows.append(row)
    if options.json:
        print(classifier.as_json(rows))
    failed = sum("error" in row for row in rows)
    return 0 if not failed else 1 if failed < len(rows) else 2


if __name__ == "__main__":
    sys.exit(run(main))

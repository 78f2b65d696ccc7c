"""Render hands: a data set of any size, a contact sheet, or one picture.

    python tools/render_hands.py set --train 10000 --test 600 --out build/hands
    python tools/render_hands.py sheet --out build/hands.png
    python tools/render_hands.py picture --sign 3 --size 256 --out build/hand.jpg

`resnets/hands/rendering.py` says how. A set is in the format of SIGNS: SIGNS_DIR=build/hands makes
every notebook and script read it. Interrupted, the same command goes on where it was.
"""

import contextlib
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from resnets.atomic_files import advice, replacing, writable
from resnets.command_line import Parser, natural, run, whole
from resnets.hands import data_sets, rendering, variation
from resnets_utils import ROOT, DataError, load_dataset

STYLES = {"signs": variation.LIKE_SIGNS, "any": variation.ANY}
DEFAULTS = {"set": "hands", "sheet": "hands.png", "picture": "hand.jpg"}  # in build/


def sheet(seed: int, how: variation.Variation, columns: int = 12) -> Image.Image:
    """Return a row of rendered hands for each sign, and beside it what `load_dataset` finds."""
    with contextlib.redirect_stdout(sys.stderr):
        images, labels, *_ = load_dataset()  # first: it may refuse
    blocks = [
        [rendering.picture(seed, columns * sign + i, sign, how) for i in range(columns)]
        for sign in range(6)
    ]
    for sign, row in enumerate(blocks):
        row.extend(images[labels[0] == sign][:columns])
    grid = np.concatenate([np.concatenate(row, axis=1) for row in blocks])
    return Image.fromarray(grid).resize((2 * grid.shape[1], 2 * grid.shape[0]))


def save(image: Image.Image, out: Path) -> None:
    """Write a picture in the format that its name ends in, whole or not at all."""
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise DataError(f"{out}: found the ending {out.suffix!r}; expected .png or .jpg.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as new:
        image.save(new, quality=92)


def images(text: str) -> int:
    """Return a number of images that a disk may hold."""
    return whole(text, 0, 10**7)


def side(text: str) -> int:
    """Return the side of a picture; what rendering takes grows with its square."""
    return whole(text, 0, 1024)


def main(arguments: list[str] | None = None) -> int:
    """Render what is asked for; return the exit status."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=DEFAULTS)
    parser.add_argument("--train", type=images, default=10_000, help="training images of a set")
    parser.add_argument("--test", type=images, default=600, help="test images of a set")
    parser.add_argument("--seed", type=natural, default=1, help="of the pictures")
    parser.add_argument("--style", choices=STYLES, default="any", help="signs: SIGNS's manner")
    parser.add_argument("--index", type=natural, default=0, help="of the picture")
    parser.add_argument("--sign", type=natural, default=5, help="that the picture shows")
    parser.add_argument("--size", type=side, default=64, help="of the picture, pixels")
    parser.add_argument("--out", type=Path, help="default: in build/, see above")
    options = parser.parse_args(arguments)
    how, seed = STYLES[options.style], options.seed
    out = options.out or writable(ROOT / "build") / DEFAULTS[options.what]
    try:
        if options.what == "set":
            data_sets.write_set(out, options.train, options.test, seed, how)
        elif options.what == "sheet":
            save(sheet(seed, how), out)
        else:
            pixels = rendering.picture(seed, options.index, options.sign, how, options.size)
            save(Image.fromarray(pixels), out)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"{error.filename or out}: {error.strerror or error}. {advice(error)}", file=sys.stderr
        )
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it was.", file=sys.stderr)
        return 130
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))

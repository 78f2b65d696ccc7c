"""Write the tables of README.md and docs/ anew, from the logs in benchmarks/results/.

    python benchmarks/results_tables.py

A page says where a table goes:

    <!-- results: flowers -->
    ...
    <!-- /results -->

What stands between these lines is replaced. The names are those of `tables`; docs/results.md has
all of them. What stands around them is written by hand and names no figure of a log.
"""

import re
import sys

import choose
import depth
import flowers
import folders
import logs
import other_hands
import signs_test
import speed

from resnets import command_line
from resnets_utils import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BEGIN, END = "<!-- results: ", "<!-- /results -->"
BLOCK = re.compile(rf"({BEGIN}(\S+) -->\n)(.*?)({END})", re.DOTALL)


def tables() -> dict[str, list[str]]:
    """Return the lines of each table, by the name that pages have for it."""
    readings, trainings = logs.read(signs_test.LOG), logs.read(flowers.LOG)
    return {
        "signs": signs_test.table(readings),
        "other-readings": signs_test.other_readings(readings),
        "folds": choose.table(logs.read(choose.LOG)),
        "depth": depth.table(logs.read(depth.LOG)),
        "speed": speed.table(logs.read(speed.LOG)),
        "other-hands": other_hands.table(logs.read(other_hands.LOG)),
        "flowers": flowers.table(trainings),
        "flowers-validation": flowers.table(trainings, "validation"),
        "folders": folders.table(logs.read(folders.LOG)),
    }


def fill(text: str, found: dict[str, list[str]]) -> str:
    """Return a page's text with the tables that it asks for.

    Raises:
        ValueError: It asks for a table that there is none of, or does not say where one ends.
    """
    blocks = BLOCK.findall(text)
    unknown = {name for _, name, _, _ in blocks} - set(found)
    if unknown:
        raise ValueError(f"no table is called {', '.join(unknown)}; expected one of {list(found)}.")
    if not len(blocks) == text.count(BEGIN) == text.count(END):
        raise ValueError(f"found a table without end; expected {END} after each {BEGIN}name -->.")
    return BLOCK.sub(lambda block: "\n".join([block[1], *found[block[2]], "", block[4]]), text)


def main() -> int:
    """Fill every page; return the exit status."""
    command_line.Parser(description=__doc__.splitlines()[0]).parse_args()
    found = tables()
    for page in PAGES:
        try:
            page.write_text(
                fill(page.read_text(encoding="utf-8"), found), encoding="utf-8", newline="\n"
            )
        except ValueError as error:
            print(f"{page.name}: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))

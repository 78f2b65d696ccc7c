"""Make the students' copies of the notebooks, and the folders that are handed out with them.

    python -m grading.release                    write exercises/ from notebooks/
    python -m grading.release --release          one folder and zip per notebook in build/release/
    python -m grading.release --release 02 04    these only

A student's copy has stubs in place of the solutions, no outputs, and a header that loads the
extension for blanks. nbgrader's own preprocessors make it, so that `nbgrader generate_assignment`
reads the same sources. A release holds one such copy and what it needs to run: neither the answers
of its own notebook, nor those of another that it can do without.
"""

import ast
import re
import shutil
import sys
import tomllib
import zipfile
from argparse import Namespace
from pathlib import Path

import nbformat
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    IncludeHeaderFooter,
    LockCells,
)
from traitlets.config import Config

from grading.modules import (
    BLANKS,
    CORE,
    PROBE,
    ROOT,
    STUB,
    WIRE,
    imports,
    needed_modules,
    parse_code,
)
from resnets.atomic_files import Busy, advice, locked, writable, write
from resnets.command_line import Parser, quoted, run

SOURCES = ROOT / "notebooks"
EXERCISES = ROOT / "exercises"
RELEASES = ROOT / "build" / "release"
HEADER = Path(__file__).with_name("exercises_header.ipynb")
PREPROCESSORS = (
    IncludeHeaderFooter,
    CheckCellMetadata,
    LockCells,
    ClearSolutions,
    ClearOutput,
)
EXTENSION = re.compile(r"^%load_ext (\S+)", re.MULTILINE)
LOOSE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+://|#)([^)\s]+)\)")  # to a file, not a site
FILE_IN_CODE = re.compile(r'ROOT / "(images|models)" / "([\w.-]+)"')
ENVIRONMENT = """\
name: resnets
channels: [conda-forge, nodefaults]
dependencies: ["python {python}", pip, {{pip: [-r requirements.txt]}}]
"""
README = """\
# {title}

The assignment is the notebook [{notebook}]({notebook}). You need Python 3.11, 3.12 or 3.13 and
4 GB of disk; on Windows, write `py` for `python3` and `.venv\\Scripts\\python` for
`.venv/bin/python`.

```
python3 -m venv .venv
.venv/bin/python -m pip install -r requirements.txt
.venv/bin/python -m jupyterlab {notebook}
```

With conda: `conda env create -f environment.yml`, `conda activate resnets`,
`jupyter lab {notebook}`.

Unpack the zip first. Write your code where it says `# Your code here`, in place of that line and
of the `raise` below it. The cell after each blank checks what you wrote: after a change, run both.
"Run All" goes to the end of an unfinished copy; an error of your own stops it there. Hand in the
notebook under the name that it has. The other files only have to stay where they are. Where the
text names `make`, `tools/` or `benchmarks/`, it speaks of the project that this comes from.
"""


# --- the student's copy ---------------------------------------------------------------------------


def student_copy(source: Path) -> nbformat.NotebookNode:
    """Return a notebook with blanks for solutions and without outputs.

    Raises:
        nbgrader.validator.ValidationError: The metadata of its cells are not as nbgrader wants
            them, or two have the same grade_id.
        RuntimeError: A region has no end, or stands in a cell that is not marked for it.
    """
    config = Config()
    config.IncludeHeaderFooter.header = str(HEADER)
    config.ClearSolutions.code_stub = {"python": STUB}
    notebook, resources = nbformat.read(source, as_version=4), {}
    for preprocessor in PREPROCESSORS:
        notebook, resources = preprocessor(config=config).preprocess(notebook, resources)
    notebook.metadata.pop("code_of_outputs", None)  # there are none, see resnets/notebook_watch.py
    nbformat.validate(notebook)
    return notebook


def write_exercises(folder: Path = EXERCISES) -> list[Path]:
    """Write the copies of all notebooks into `folder`, remove those whose source is gone."""
    written = []
    for source in sorted(SOURCES.glob("[0-9]*.ipynb")):
        write(folder / source.name, to_text(student_copy(source)))
        written.append(folder / source.name)
    for path in set(folder.glob("*.ipynb")) - set(written):
        path.unlink()
    return written


def to_text(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


# --- what a copy needs ----------------------------------------------------------------------------


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the sources of a notebook's code cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def modules_of(notebook: nbformat.NotebookNode) -> dict[str, set[str]]:
    """Return the modules that a notebook imports, with the names taken, and its extensions."""
    found = imports(parse_code(code_of(notebook)))
    for name in EXTENSION.findall("\n".join(code_of(notebook))):
        found.setdefault(name, set())
    return found


def needed_files(notebook: nbformat.NotebookNode) -> set[Path]:
    """Return the pictures and models that a copy opens, and the data and results it reads."""
    code = "\n".join(code_of(notebook))
    files = {ROOT / folder / name for folder, name in FILE_IN_CODE.findall(code)}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            targets = [ROOT / "notebooks" / link[2] for link in LOOSE_LINK.findall(cell.source)]
            files |= {path.resolve() for path in targets if path.suffix != ".ipynb"}
    helpers = modules_of(notebook).get("resnets_utils", set())
    if "load_dataset" in helpers:
        files |= set((ROOT / "datasets" / "bundled").glob("*.h5"))
    if "read_results" in helpers:
        files |= set((ROOT / "benchmarks" / "results").glob("*.csv"))
    return files


# --- a release ------------------------------------------------------------------------------------


def build_release(stem: str, folder: Path) -> Path:
    """Fill a folder with a student's copy and what it needs, without its answers.

    Args:
        stem: The notebook's name, such as "02_identity_block".
        folder: Where to; made if it is not there.

    Returns:
        The folder. The notebook lies at its top, everything else where it lies in the repository.

    Raises:
        FileNotFoundError: There is no such notebook.
        ValueError: The folder is not empty.
    """
    source = SOURCES / f"{stem}.ipynb"
    if not source.is_file():
        raise FileNotFoundError(f"{source}: there is no such notebook to release.")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder}: a release wants an empty folder; this one holds files.")
    copy = student_copy(source)
    for path, text in modules_for(copy, source).items():
        write(folder / path, text)
    for file in needed_files(copy) | {ROOT / "LICENSE"}:
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = LOOSE_LINK.sub(link_in_release, cell.source)
    write(folder / source.name, to_text(copy))
    write(folder / "README.md", README.format(title=title_of(copy), notebook=source.name))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    write(folder / "requirements.txt", "\n".join(project["dependencies"]) + "\n")
    write(folder / "environment.yml", ENVIRONMENT.format(python=project["requires-python"]))
    return folder


def modules_for(copy: nbformat.NotebookNode, source: Path) -> dict[Path, str]:
    """Return the modules that a copy needs, without answers: their places and their texts.

    Out go the functions that the notebook asks for, and those that another one asks for and
    nothing here uses. The checks' own modules stay as they are: they hold no answers, though they
    may use the same names for something else.
    """
    files = needed_modules(modules_of(copy))
    checks = {name for name in modules_of(copy) if name.startswith("resnets.checks")}
    checks = needed_modules({CORE, WIRE, PROBE, BLANKS, *checks})
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    own = answers_of(source)
    others = {name for path in SOURCES.glob("[0-9]*.ipynb") for name in answers_of(path)}
    trees = [ast.parse(text) for file, text in texts.items() if file not in checks]
    used = {name for tree in [*trees, parse_code(code_of(copy))] for name in names_used(tree)}
    return {
        file.relative_to(ROOT): text
        if file in checks
        else without_functions(text, own | (others - used))
        for file, text in texts.items()
    }


def names_used(tree: ast.Module) -> set[str]:
    """Return the names that some code reads or imports, but for a function's use of itself."""
    found = set()
    for part in tree.body:
        names = {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(part) if isinstance(n, ast.Attribute)}
        names |= {n.name for n in ast.walk(part) if isinstance(n, ast.alias)}
        found |= names - {getattr(part, "name", None)}
    return found


def answers_of(source: Path) -> set[str]:
    """Return the functions that a notebook's solution cells define."""
    cells = [
        cell
        for cell in nbformat.read(source, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    ]
    trees = [ast.parse(cell.source) for cell in cells]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def without_functions(text: str, names: set[str]) -> str:
    """Return a module's text without the functions of these names."""
    lines = text.splitlines(keepends=True)
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
            end = node.end_lineno
            while end < len(lines) and not lines[end].strip():
                end += 1
            del lines[start:end]
    return "".join(lines).rstrip("\n") + "\n"


def link_in_release(link: re.Match) -> str:
    """Return a link as it reads in a release: pictures beside the notebook, notebooks as text."""
    mark, text, target = link.groups()
    if target.partition("#")[0].endswith(".ipynb"):
        return text
    return f"{mark}[{text}]({target.removeprefix('../')})"


def title_of(notebook: nbformat.NotebookNode) -> str:
    """Return the text of a notebook's first heading."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def write_release(stem: str, folder: Path = RELEASES) -> Path:
    """Write the folder `stem` and the archive `stem.zip` into a folder; return the archive."""
    final, part = folder / stem, folder / f".{stem}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        build_release(stem, part)
        archive = folder / f".{stem}.zip.part"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in sorted(path for path in part.rglob("*") if path.is_file()):
                # The date is fixed: the same files make the same archive, byte by byte.
                info = zipfile.ZipInfo(f"{stem}/{path.relative_to(part).as_posix()}")
                info.external_attr = 0o644 << 16
                zipped.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
        shutil.rmtree(final, ignore_errors=True)
        part.replace(final)
        archive.replace(folder / f"{stem}.zip")
    finally:
        shutil.rmtree(part, ignore_errors=True)
        (folder / f".{stem}.zip.part").unlink(missing_ok=True)
    return folder / f"{stem}.zip"


def shown(path: Path) -> str:
    """Return a path as the command line names it: in the repository without what leads there."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = Parser(description="Make the students' copies of the notebooks.")
    parser.add_argument("notebooks", nargs="*", help="with --release: names or their beginnings")
    parser.add_argument("--release", action="store_true", help="make folders to hand out")
    options = parser.parse_args(arguments)
    stems = [path.stem for path in sorted(SOURCES.glob("[0-9]*.ipynb"))]
    for wanted in options.notebooks if options.release else ():
        if not any(stem.startswith(wanted) for stem in stems):
            print(f"No notebook begins with {quoted(wanted)}; there are {stems}.", file=sys.stderr)
            return 2
    folder = writable(RELEASES) if options.release else EXERCISES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "copies"):
            make_copies(folder, stems, options)
    except Busy as error:
        print(f"{shown(folder)}: {error.strerror}. {advice(error)}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.filename is None:
            raise  # the standard output's
        print(f"{error.filename}: {error.strerror}. {advice(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was named is whole; run it again for the rest.", file=sys.stderr)
        return 130
    return 0


def make_copies(folder: Path, stems: list[str], options: Namespace) -> None:
    """Write what the command line asks for, and name what is whole."""
    if not options.release:
        for path in write_exercises(folder):
            print(shown(path))
        return
    for stem in stems:
        if not options.notebooks or stem.startswith(tuple(options.notebooks)):
            print(shown(write_release(stem, folder)), flush=True)


if __name__ == "__main__":
    sys.exit(run(main))

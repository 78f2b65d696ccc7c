"""What there is to grade: the tasks of the solved notebooks, and the notebooks handed in.

A notebook handed in is a stranger's file. It is read with limits; what is wrong with it becomes a
sentence.
"""

import ast
import json
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from grading.modules import STUB, imports, parse_code

LARGEST = 20 * 2**20  # bytes of a notebook without its outputs and pictures
LARGEST_FILE = 100 * 2**20  # ... and with them
MOST_PARTS = 5_000_000  # lists and items in a file larger than LARGEST: each takes memory
MOST_CELLS = 20_000
MOST_TEXT = 2**20  # characters of a cell that is not code: more is a picture
EMPTY = STUB.splitlines()[-1]
REGION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION", re.MULTILINE | re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')  # in JSON
TASK_LINE = re.compile(r"\*\*(Task \d+)\*\*\s*(?:\([^)]*\))?[.:]?\s*([^\n]*)")


class Unreadable(Exception):
    """A file that is no notebook to grade; the text says why."""


class NotJSON(Exception):
    """A text that is no JSON."""


@dataclass(frozen=True)
class Task:
    """One task of a notebook: what its check is called with, and what it is worth."""

    name: str  # the solution cell's grade_id
    check_id: str  # the check cell's
    check: str
    answers: tuple[str, ...]
    points: float
    title: str = field(repr=False)  # for pages alone: no verdict depends on it


@dataclass
class Assignment:
    """A solved notebook: its tasks, and how its cells are told apart from a student's."""

    stem: str
    title: str
    modules: set[str] = field(default_factory=set)  # where it imports its checks from
    tasks: list[Task] = field(default_factory=list)
    checks: dict[str, Task] = field(default_factory=dict)  # by grade_id, cell id, and text
    slow: set[str] = field(default_factory=set)  # ids and texts of cells that are not run
    texts: set[str] = field(default_factory=set)  # code as released
    blanks: set[str] = field(default_factory=set)  # texts of empty blanks


@dataclass(frozen=True)
class Step:
    """One thing to do with a notebook: run a cell, or check a task where its check stands."""

    cell: int  # number of the code cell, from 1
    source: str = ""
    task: Task | None = None
    own: bool = False  # written or changed by the student


@dataclass
class Submission:
    """A notebook handed in; `problem` says why it can't be graded."""

    student: str
    path: Path
    assignment: str = ""  # the gradebook's name for it
    stem: str = ""
    problem: str = ""
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# --- the solved notebooks -------------------------------------------------------------------------


def load_assignments(folder: Path) -> dict[str, Assignment]:
    """Return the assignments among the notebooks of a folder, by stem.

    Raises:
        Unreadable: A notebook can't be read, or a check is not called or imported as it must be.
    """
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        assignment = load_assignment(path)
        if assignment.tasks:
            found[assignment.stem] = assignment
    return found


def load_assignment(path: Path) -> Assignment:
    """Return a solved notebook's tasks; there may be none."""
    cells = read_cells(path)
    assignment = Assignment(path.stem, path.stem)
    text = ""
    titles = {}
    for cell in cells:
        source, graded = cell["source"], grading(cell)
        if cell["cell_type"] == "markdown":
            if heading := re.match(r"# (.+)", source):
                assignment.title = heading[1].strip()
            text = source
        elif graded.get("grade"):
            add_check(assignment, cell, titles, path)
        elif cell["cell_type"] == "code":
            if graded.get("solution"):
                name = graded.get("grade_id", "")
                titles[name] = title_of(text, name)
                assignment.blanks.add(plain(blanked(source)))
            elif "slow" in (cell["metadata"].get("tags") or []):
                assignment.slow |= {cell.get("id", ""), plain(source)} - {""}
            assignment.texts |= {plain(source), plain(blanked(source))}
    add_modules(assignment, cells, path)
    return assignment


def add_check(assignment: Assignment, cell: dict, titles: dict, path: Path) -> None:
    """Add the task of a check cell."""
    graded = grading(cell)
    identity, source = graded["grade_id"], cell["source"]
    try:
        call = ast.parse(source).body[0].value
        check, answers = call.func.id, tuple(argument.id for argument in call.args)
        points = float(graded["points"])
    except (SyntaxError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise Unreadable(
            f"{path.name}, cell {identity}: found {source.strip()[:80]!r}; expected one call such "
            f"as check_name(answer), with points in the metadata"
        ) from None
    name = identity.removesuffix("-check")
    task = Task(name, identity, check, answers, points, titles.get(name, name))
    assignment.tasks.append(task)
    for key in (identity, cell.get("id", ""), plain(source)):
        if key:
            assignment.checks[key] = task


def add_modules(assignment: Assignment, cells: list[dict], path: Path) -> None:
    """Note which modules the notebook imports its checks from: they have to be loaded to judge."""
    sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    found = imports(parse_code(sources)) if assignment.tasks else {}
    for task in assignment.tasks:
        modules = {module for module, names in found.items() if task.check in names}
        if not modules:
            raise Unreadable(
                f"{path.name}, cell {task.check_id}: nothing imports {task.check}; expected a line "
                f"`from ... import {task.check}` in the notebook"
            )
        assignment.modules |= modules


def title_of(text: str, name: str) -> str:
    """Return a task's title: from the line "**Task 3** (4 points). Write ..." of its text."""
    match = TASK_LINE.search(text)
    if not match:
        return name
    rest = re.split(r"(?<=[.:;])\s", match[2].strip())[0].rstrip(".:;").replace("`", "")
    return f"{match[1]}: {rest[:90]}" if rest else match[1]


def blanked(source: str) -> str:
    """Return a cell's text as it is handed out: each solution replaced by the blank."""
    return REGION.sub(
        lambda found: "\n".join(found[1] + line for line in STUB.splitlines()), source
    )


def plain(source: str) -> str:
    """Return a cell's text without what no editor keeps: spaces at ends of lines."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def grading(cell: dict) -> dict:
    """Return a cell's metadata for nbgrader."""
    graded = cell["metadata"].get("nbgrader")
    return graded if isinstance(graded, dict) else {}


# --- reading a stranger's file --------------------------------------------------------------------


def read_cells(path: Path) -> list[dict]:
    """Return the cells of a notebook of any format, each with text as source.

    Raises:
        Unreadable: It is no notebook; the text says why.
    """
    import nbformat  # here: the judges' processes load this module and read nothing

    data = read_bytes(path)
    try:
        text = without_outputs(data.decode("utf-8-sig"))
        # `nbformat.reads` would also validate, which prints, and makes up ids that are missing.
        notebook = nbformat.reader.reads(text)
        cells = list(nbformat.convert(notebook, 4).cells)
    except UnicodeDecodeError:
        raise Unreadable("the file is not text in UTF-8") from None
    except NotJSON:
        raise Unreadable("the file is not JSON: no notebook, or one cut short") from None
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("the file's JSON is nested too deeply") from None
    except Exception as error:  # whatever nbformat stumbles over: it expects a notebook
        text = f"the file is JSON, but no notebook that can be read ({type(error).__name__})"
        raise Unreadable(text) from None
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"the notebook has more than {MOST_CELLS:,} cells")
    return [clean_cell(cell) for cell in cells]


def without_outputs(text: str) -> str:
    """Return a notebook's JSON without outputs and pictures, which grading does not need.

    Raises:
        NotJSON, Unreadable: It is no JSON; too much is left.
    """
    if len(text) > LARGEST and sum(map(STRING.sub("", text).count, "[{,")) > MOST_PARTS:
        raise Unreadable(f"the file is larger than {LARGEST // 2**20} MB, and not with pictures")
    try:
        notebook = json.loads(text)
    except ValueError:
        raise NotJSON from None
    for cell in all_cells(notebook):
        cell.pop("attachments", None)
        if "outputs" in cell:
            cell["outputs"] = []
        if cell.get("cell_type") != "code" and len(str(cell.get("source"))) > MOST_TEXT:
            cell["source"] = ""
    if isinstance(notebook, dict) and isinstance(notebook.get("metadata"), dict):
        notebook["metadata"].pop("widgets", None)
    text = json.dumps(notebook)
    if len(text) > LARGEST:
        raise Unreadable(f"the notebook is larger than {LARGEST // 2**20} MB without its outputs")
    return text


def all_cells(notebook: object) -> list[dict]:
    """Return the cells of a notebook of any format, as far as it is one."""
    found = []
    if isinstance(notebook, dict):
        sheets = notebook.get("worksheets")
        for holder in [notebook, *(sheets if isinstance(sheets, list) else [])]:
            cells = holder.get("cells") if isinstance(holder, dict) else None
            if isinstance(cells, list):
                found += [cell for cell in cells if isinstance(cell, dict)]
    return found


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file that is not too large; no link is followed."""
    try:
        place = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise Unreadable("the file is a symbolic link: not followed") from None
        raise Unreadable(f"the file can't be read: {error.strerror}") from None
    with os.fdopen(place, "rb") as file:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise Unreadable("not a regular file")
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise Unreadable(f"the file is larger than {LARGEST_FILE // 2**20} MB")
    return data


def clean_cell(cell: dict) -> dict:
    """Return what grading needs of a cell, with the types that it must have."""
    source, identity = cell.get("source"), cell.get("id")
    return {
        "cell_type": cell.get("cell_type"),
        "source": readable(source) if isinstance(source, str) else "",
        "metadata": cell["metadata"],
        "id": identity if isinstance(identity, str) else "",
    }


def readable(text: str) -> str:
    """Return text that can be encoded: half characters, from JSON or file names, replaced."""
    return text.encode("utf-8", "replace").decode()


# --- what to run ----------------------------------------------------------------------------------


def plan(cells: list[dict], assignment: Assignment, notes: list[str]) -> list[Step]:
    """Return what to do with a student's cells, in their order; missing checks come at the end.

    A task is checked where its check stands; where it is solved again below that, after the last
    attempt.
    """
    steps, seen, number = [], set(), 0
    names = Counter(str(grading(cell).get("grade_id")) for cell in cells)
    whose = checks_among(cells, assignment.checks)
    last = last_attempts(cells, assignment, whose)
    for place, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        number += 1
        text = plain(cell["source"])
        task = whose.get(place)
        if task is None and place not in last.values():
            if cell["id"] not in assignment.slow and text not in assignment.slow and text:
                steps.append(Step(number, cell["source"], own=text not in assignment.texts))
        elif task is None:
            steps.append(Step(number, cell["source"], own=True))
        elif task.name not in seen and place > last.get(task.name, -1):
            steps.append(Step(number, task=task))
            seen.add(task.name)
        for name in [name for name, attempt in last.items() if attempt == place]:
            again = next(task for task in assignment.tasks if task.name == name)
            notes.append(f"{again.title}: the last attempt counts, in code cell {number}.")
            if not any(later > place for later in whose if whose[later] == again):
                steps.append(Step(number, task=again))
                seen.add(name)
    for task in assignment.tasks:
        if names[task.check_id] > 1 and task.name not in last:
            notes.append(f"The check of {task.name} is there more than once: the first counts.")
        if names[task.name] > 1 and task.name not in last:
            notes.append(f"The cell {task.name} is there more than once.")
        if task.name not in seen:
            steps.append(Step(number + 1, task=task))
            notes.append(f"The check of {task.name} is missing: checked at the end.")
    return steps


def last_attempts(
    cells: list[dict], assignment: Assignment, whose: dict[int, Task]
) -> dict[str, int]:
    """Return, for tasks solved again below their check, the place of the last attempt.

    An attempt is a copy of the task's cell. Where the blank is still empty at the check, it is also
    any cell of the student's that makes what the check asks for. An empty blank is no attempt.
    """
    found, names = {}, {task.name for task in assignment.tasks}
    for task in assignment.tasks:
        checked = min((place for place in whose if whose[place] == task), default=len(cells))
        copies, makers, empty, blanks = [], [], False, set()
        for place, cell in enumerate(cells):
            named, text = grading(cell).get("grade_id"), plain(cell["source"])
            own = named not in names and not {cell["id"], text} & assignment.slow
            if cell["cell_type"] != "code" or place in whose or not (own or named == task.name):
                continue
            if text in assignment.blanks | blanks:
                empty = empty or place < checked
            elif named == task.name:
                copies.append(place)
            elif text not in assignment.texts and made_by(cell["source"]) & {*task.answers}:
                makers.append(place)
            else:
                continue
            if EMPTY in text:
                blanks.add(text)  # the same again is no attempt, in copies handed out earlier, too
        if any(place < checked for place in copies + makers):
            empty = False
        later = [place for place in copies + makers * empty if place > checked]
        if later:
            found[task.name] = max(later)
    return found


def made_by(source: str) -> set[str]:
    """Return the names that a cell defines, assigns or imports at its top; none if it is broken."""
    try:
        body = parse_code(source.splitlines(), "%!").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.alias):
                names.add(node.asname or node.name)
    return names


def checks_among(cells: list[dict], checks: dict[str, Task]) -> dict[int, Task]:
    """Return which cells, by their place, are checks, whatever became of their text.

    A task's check is known by its grade_id; only if no cell has that, by its cell id; only if none
    has that either, by its text: a call in a scratch cell is no check as long as the real one is
    there.
    """
    found: dict[int, Task] = {}
    for key_of in (
        lambda cell: str(grading(cell).get("grade_id")),
        lambda cell: cell["id"],
        lambda cell: plain(cell["source"]),
    ):
        known = {task.name for task in found.values()}
        for place, cell in enumerate(cells):
            task = checks.get(key_of(cell)) if cell["cell_type"] == "code" else None
            if task is not None and task.name not in known and place not in found:
                found[place] = task
    return found

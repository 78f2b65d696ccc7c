"""What there is to grade: the tasks of the solved notebooks, and the notebooks handed in.

A notebook handed in is a stranger's file. It is read with limits; what is wrong with it becomes a
sentence.
"""

import ast
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from grading.modules import imports, parse_code

LARGEST = 20 * 2**20  # bytes of a notebook
MOST_CELLS = 20_000
DEEPEST = 3  # student/assignment/notebook.ipynb
TASK_LINE = re.compile(r"\*\*(Task \d+)\*\*\s*(?:\([^)]*\))?[.:]?\s*([^\n]*)")


class Unreadable(Exception):
    """A file that is no notebook to grade; the text says why."""


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
                titles[graded.get("grade_id")] = title_of(text, graded.get("grade_id", ""))
            elif "slow" in (cell["metadata"].get("tags") or []):
                assignment.slow |= {cell.get("id", ""), plain(source)} - {""}
            assignment.texts.add(plain(source))
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
        # `nbformat.reads` would also validate, which prints, and makes up ids that are missing.
        notebook = nbformat.reader.reads(data.decode("utf-8-sig"))
        cells = list(nbformat.convert(notebook, 4).cells)
    except UnicodeDecodeError:
        raise Unreadable("the file is not text in UTF-8") from None
    except nbformat.reader.NotJSONError:
        raise Unreadable("the file is not JSON: no notebook, or one cut short") from None
    except RecursionError:
        raise Unreadable("the file's JSON is nested too deeply") from None
    except Exception as error:  # whatever nbformat stumbles over: it expects a notebook
        text = f"the file is JSON, but no notebook that can be read ({type(error).__name__})"
        raise Unreadable(text) from None
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"the notebook has more than {MOST_CELLS:,} cells")
    return [clean_cell(cell) for cell in cells]


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
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"the file is larger than {LARGEST // 2**20} MB")
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


# --- finding --------------------------------------------------------------------------------------


def find_submissions(folder: Path, assignments: dict[str, Assignment]) -> list[Submission]:
    """Return all notebooks below a folder, each with what it is or why it can't be graded.

    Found are student/assignment/notebook.ipynb (nbgrader's layout), student/notebook.ipynb, and
    files such as ann.ipynb, ann_02_identity_block.ipynb and 02_identity_block_ann.ipynb.
    """
    found, empty = [], []
    for entry in listed(folder):
        if entry.is_symlink():
            text = "a symbolic link: not followed"
            empty.append(Submission(readable(entry.stem), entry, problem=text))
        elif entry.is_dir():
            inside = [one(path, folder, assignments) for path in notebooks(entry, 1)]
            if not inside:
                text = "there is no notebook in the folder"
                empty.append(Submission(readable(entry.name), entry, problem=text))
            found += inside
        elif entry.suffix == ".ipynb":
            found.append(one(entry, folder, assignments))
    settle_copies(found)
    return sorted(found + empty, key=lambda one: (one.student, one.assignment, str(one.path)))


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder, without what Jupyter and the system hide there."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def notebooks(folder: Path, depth: int) -> list[Path]:
    """Return the notebooks in a student's folder, too deep ones included."""
    found = []
    for path in listed(folder):
        if path.suffix == ".ipynb":
            found.append(path)
        elif path.is_dir() and not path.is_symlink() and depth < DEEPEST + 3:
            found += notebooks(path, depth + 1)
    return found


def one(path: Path, folder: Path, assignments: dict[str, Assignment]) -> Submission:
    """Return a submission: read, told whose and which it is, and planned."""
    parts = path.relative_to(folder).parts
    stem, rest = split_name(path.stem, assignments)
    student = parts[0] if len(parts) > 1 else rest
    submission = Submission(readable(student), path)
    submission.stem = stem
    submission.assignment = readable(parts[1]) if len(parts) == DEEPEST else stem
    try:
        if len(parts) > DEEPEST:
            raise Unreadable("the notebook lies too deep: expected student/assignment/notebook")
        if not student:
            raise Unreadable("the file's name does not say whose it is: expected student_02_...")
        cells = read_cells(path)
        submission.stem = which(stem, cells, assignments, submission.notes)
        if len(parts) != DEEPEST:
            submission.assignment = submission.stem
        submission.steps = plan(cells, assignments[submission.stem], submission.notes)
    except Unreadable as problem:
        submission.problem = str(problem)
        submission.student = submission.student or readable(path.stem)
    return submission


def split_name(name: str, assignments: dict[str, Assignment]) -> tuple[str, str]:
    """Return which assignment a file's name names, and the rest of the name."""
    for stem in assignments:
        if stem in name:
            before, _, after = name.partition(stem)
            return stem, before.strip("_- ") or after.strip("_- ")
    return "", name


def which(
    named: str, cells: list[dict], assignments: dict[str, Assignment], notes: list[str]
) -> str:
    """Return the stem of the assignment that a notebook answers.

    Raises:
        Unreadable: Neither its name nor its cells say it.
    """
    owner = {key: stem for stem, a in assignments.items() for task in a.tasks for key in keys(task)}
    counts = Counter(owner.get(str(grading(cell).get("grade_id"))) for cell in cells)
    counts.pop(None, None)
    if named and (named in counts or not counts):
        return named
    ranked = counts.most_common(2)
    if not ranked:
        raise Unreadable("neither its name nor its cells say which assignment this is")
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        raise Unreadable(f"holds tasks of {ranked[0][0]} and of {ranked[1][0]} alike")
    if named:
        notes.append(f"The file is named {named}, its tasks are those of {ranked[0][0]}.")
    return ranked[0][0]


def keys(task: Task) -> tuple[str, str]:
    """Return the grade_ids of a task's two cells."""
    return task.name, task.check_id


def settle_copies(found: list[Submission]) -> None:
    """Where a student has one notebook twice, grade the one with the assignment's own name."""
    groups: dict[tuple, list[Submission]] = {}
    for submission in found:
        if not submission.problem:
            key = (submission.student, submission.assignment, submission.stem)
            groups.setdefault(key, []).append(submission)
    for group in groups.values():
        exact = [one for one in group if one.path.stem == one.stem]
        counts = exact[0] if len(exact) == 1 else None
        for submission in group if len(group) > 1 else []:
            if submission is counts:
                continue
            others = ", ".join(readable(o.path.name) for o in group if o is not submission)
            submission.problem = (
                f"a copy: {readable(counts.path.name)} is graded"
                if counts
                else f"handed in more than once ({others}): keep the one that counts"
            )


# --- what to run ----------------------------------------------------------------------------------


def plan(cells: list[dict], assignment: Assignment, notes: list[str]) -> list[Step]:
    """Return what to do with a student's cells, in their order; missing checks come at the end."""
    steps, seen, number = [], set(), 0
    names = Counter(str(grading(cell).get("grade_id")) for cell in cells)
    whose = checks_among(cells, assignment.checks)
    for place, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        number += 1
        text = plain(cell["source"])
        task = whose.get(place)
        if task is not None:
            if task.name not in seen:
                steps.append(Step(number, task=task))
            seen.add(task.name)
        elif cell["id"] not in assignment.slow and text not in assignment.slow and text:
            steps.append(Step(number, cell["source"], own=text not in assignment.texts))
    for task in assignment.tasks:
        if names[task.check_id] > 1:
            notes.append(f"The check of {task.name} is there more than once: the first counts.")
        if names[task.name] > 1:
            notes.append(f"The cell {task.name} is there more than once.")
        if task.name not in seen:
            steps.append(Step(number + 1, task=task))
            notes.append(f"The check of {task.name} is missing: checked at the end.")
    return steps


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

"""What comes out of grading: two tables, a page for each student, and nbgrader's book.

Names, messages and lines of code come from strangers: in pages they are escaped, in tables no
cell begins like a formula, and no name leads out of the folder.
"""

import csv
import hashlib
import html
import io
import os
import re
import sqlite3
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from grading.submissions import Assignment, Submission
from resnets.atomic_files import write

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
LOCKED_AFTER = 5  # seconds of waiting for another program's hold on the gradebook
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
section { border-left: 4px solid #888; padding: .1rem 1rem; margin: 1rem 0; }
section.full { border-color: #0a7d43; } section.none { border-color: #c0392b; }
h3 { font-size: 1rem; margin: .5rem 0; } .points { float: right; font-weight: 600; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8882; padding: .6rem;
  border-radius: 4px; font-size: .9rem; }
"""


@dataclass
class Graded:
    """A submission with what became of it.

    Attributes:
        submission: What was handed in.
        verdicts: Points and message by task; empty where it could not be graded.
        errors: Cells that stopped, each with cell, type, message, line.
        notes: What to know besides.
    """

    submission: Submission
    verdicts: dict[str, tuple[float, str]] = field(default_factory=dict)
    errors: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """The sum of its points."""
        return sum(points for points, _ in self.verdicts.values())


# --- tables ---------------------------------------------------------------------------------------


def tame(value: object) -> object:
    """Return a cell of a table that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return "'" + value
    return f"{value:g}" if isinstance(value, float) else value


def as_csv(rows: list[list]) -> str:
    """Return rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([tame(cell) for cell in row] for row in rows)
    return text.getvalue()


def grades_table(graded: list[Graded], assignments: dict[str, Assignment]) -> str:
    """Return a line for each task of each submission, as CSV."""
    rows = [["student", "assignment", "notebook", "task", "points", "of", "message"]]
    for one in graded:
        who = [one.submission.student, one.submission.assignment, one.submission.stem]
        if one.submission.problem:
            text = f"not graded: {one.submission.path.name}: {one.submission.problem}"
            rows.append([*who, "", "", "", text])
            continue
        for task in assignments[one.submission.stem].tasks:
            points, message = one.verdicts[task.name]
            rows.append([*who, task.name, points, task.points, " ".join(message.split())])
    return as_csv(rows)


def totals_table(graded: list[Graded], assignments: dict[str, Assignment]) -> str:
    """Return a line for each student, with points by notebook and in all, as CSV."""
    labels = sorted({label(one) for one in graded if not one.submission.problem})
    rows = [["student", *labels, "points", "of", "not graded"]]
    for student, theirs in by_student(graded).items():
        whole = [one for one in theirs if not one.submission.problem]
        points = {label(one): one.points for one in whole}
        of = sum(task.points for one in whole for task in assignments[one.submission.stem].tasks)
        failed = len(theirs) - len(whole)
        cells = [points.get(name, "") for name in labels]
        rows.append([student, *cells, sum(points.values()), of, failed or ""])
    return as_csv(rows)


def label(one: Graded) -> str:
    """Return the column that a submission's points belong in."""
    names = dict.fromkeys([one.submission.assignment, one.submission.stem])
    return "/".join(names)


def by_student(graded: list[Graded]) -> dict[str, list[Graded]]:
    """Return the submissions of each student."""
    students: dict[str, list[Graded]] = {}
    for one in graded:
        students.setdefault(one.submission.student, []).append(one)
    return students


# --- pages ----------------------------------------------------------------------------------------


def write_pages(graded: list[Graded], assignments: dict[str, Assignment], folder: Path) -> None:
    """Write a page for each student, and remove those of students who are no longer there."""
    taken = set()
    for student, theirs in by_student(graded).items():
        name = file_name(student, taken)
        write(folder / name, page(student, theirs, assignments))
    for path in folder.glob("*.html"):
        if path.name.lower() not in taken:
            path.unlink()


def file_name(student: str, taken: set[str]) -> str:
    """Return the name of a student's page: plain characters, not in `taken`, which gets it."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", student).strip(".-")[:60]
    if name != student or f"{name}.html".lower() in taken:
        name = f"{name or 'student'}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
    taken.add(f"{name}.html".lower())
    return f"{name}.html"


def page(student: str, theirs: list[Graded], assignments: dict[str, Assignment]) -> str:
    """Return a student's page."""
    name = html.escape(student)
    parts = [section(one, assignments) for one in theirs]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Feedback: {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Feedback for {name}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def section(one: Graded, assignments: dict[str, Assignment]) -> str:
    """Return the part of a page about one notebook."""
    submission = one.submission
    if submission.problem:
        file = html.escape(submission.path.name.encode("utf-8", "replace").decode())
        return f"<h2>{file}</h2>\n<p>Not graded: {html.escape(submission.problem)}.</p>"
    assignment = assignments[submission.stem]
    of = sum(task.points for task in assignment.tasks)
    parts = [f"<h2>{html.escape(assignment.title)}: {one.points:g} of {of:g} points</h2>"]
    parts += [f"<p>{html.escape(note)}</p>" for note in one.notes]
    for task in assignment.tasks:
        points, message = one.verdicts[task.name]
        kind = "full" if points == task.points else "none"
        parts.append(
            f'<section class="{kind}"><h3><span class="points">{points:g} of {task.points:g}'
            f"</span>{html.escape(task.title)}</h3>\n<pre>{html.escape(message)}</pre></section>"
        )
    if one.errors:
        parts.append("<h3>Cells of yours that stopped</h3>")
    for error in one.errors:
        line = f"\n    {error['line']}" if error.get("line") else ""
        said = ": ".join(text for text in (error.get("type"), error.get("message")) if text)
        text = f"code cell {error['cell']}: {said}{line}"
        parts.append(f"<pre>{html.escape(text)}</pre>")
    return "\n".join(parts)


# --- nbgrader's book ------------------------------------------------------------------------------


class BookLocked(Exception):
    """The gradebook can't be written; the text says why."""


def check_book(path: Path) -> None:
    """Raise BookLocked unless the gradebook can be written now."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(path, timeout=LOCKED_AFTER, isolation_level=None) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        connection.close()
    except (sqlite3.Error, OSError) as error:
        raise BookLocked(
            f"{path}: the gradebook can't be written ({error}). Close what else uses it, "
            "formgrader for example, or name another with --gradebook."
        ) from None


def write_book(path: Path, graded: list[Graded], assignments: dict[str, Assignment]) -> None:
    """Enter marks and messages into nbgrader's gradebook; marks given by hand stay.

    A new book is made under a temporary name and moved, one that is there is changed in place:
    formgrader may have it open.

    Raises:
        BookLocked: It can't be written.
    """
    check_book(path)
    new = path.stat().st_size == 0
    place = path.with_name(path.name + ".part") if new else path
    try:
        if new:
            place.unlink(missing_ok=True)
        enter_all(place, graded, assignments)
        if new:
            place.replace(path)
    except sqlite3.Error as error:
        raise BookLocked(f"{path}: the gradebook can't be written ({error}).") from None
    finally:
        if new:
            place.unlink(missing_ok=True)


def enter_all(path: Path, graded: list[Graded], assignments: dict[str, Assignment]) -> None:
    """Enter everything into a gradebook."""
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SQLAlchemyError

    # nbgrader starts the command `alembic`, which lies beside this Python.
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    whole = [one for one in graded if not one.submission.problem]
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # nbgrader's own, from SQLAlchemy
            mock.patch.dict(os.environ, PATH=os.pathsep.join(folders)),
            Gradebook(f"sqlite:///{path.resolve()}") as book,
        ):
            places = {(one.submission.assignment, one.submission.stem) for one in whole}
            for assignment, stem in sorted(places):
                enter_assignment(book, assignment, assignments[stem])
            for one in whole:
                enter_submission(book, one, assignments[one.submission.stem])
            book.db.commit()
    except SQLAlchemyError as error:
        raise sqlite3.DatabaseError(error.args[0] if error.args else error) from None


def enter_assignment(book: object, name: str, assignment: Assignment) -> None:
    """Enter an assignment's notebook and tasks."""
    book.update_or_create_assignment(name)
    book.update_or_create_notebook(assignment.stem, name)
    for task in assignment.tasks:
        place = (assignment.stem, name)
        book.update_or_create_grade_cell(
            task.check_id, *place, max_score=task.points, cell_type="code"
        )
        book.update_or_create_solution_cell(task.name, *place)


def enter_submission(book: object, one: Graded, assignment: Assignment) -> None:
    """Enter a student's marks, and the messages as comments."""
    from nbgrader.api import Comment, Grade, MissingEntry, SubmittedNotebook

    student, name = one.submission.student, one.submission.assignment
    book.update_or_create_student(student)
    submission = book.update_or_create_submission(name, student)
    try:
        notebook = book.find_submission_notebook(assignment.stem, name, student)
    except MissingEntry:  # a notebook that joined the assignment after this was entered
        source = book.find_notebook(assignment.stem, name)
        notebook = SubmittedNotebook(notebook=source, assignment=submission)
        book.db.add(notebook)
    grades = {grade.cell_id: grade for grade in notebook.grades}
    comments = {comment.cell_id: comment for comment in notebook.comments}
    for task in assignment.tasks:
        points, message = one.verdicts[task.name]
        cell = book.find_grade_cell(task.check_id, assignment.stem, name)
        grade = grades.get(cell.id) or Grade(cell_id=cell.id, notebook=notebook)
        grade.auto_score = points
        grade.needs_manual_grade = False
        cell = book.find_solution_cell(task.name, assignment.stem, name)
        comment = comments.get(cell.id) or Comment(cell_id=cell.id, notebook=notebook)
        comment.auto_comment = message

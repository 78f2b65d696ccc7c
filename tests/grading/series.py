"""The series' sources as the tests of the exercises read them: tasks, solutions, blanks."""

import re
from dataclasses import dataclass

import nbformat

from grading.modules import ROOT
from grading.release import STUB

SOURCES = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
STEMS = [path.stem for path in SOURCES]
TASK = re.compile(r"^\*\*Task (\d+)\*\* \((\d+) points?, about (\d+) lines?\)\. ", re.MULTILINE)
REGION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION", re.MULTILINE | re.DOTALL)


@dataclass
class Task:
    """One task of a source: its number, points and lines as the text says, and its three cells."""

    number: int
    points: int
    lines: int
    solution: nbformat.NotebookNode
    check: nbformat.NotebookNode

    @property
    def name(self):
        return self.solution.metadata.nbgrader.grade_id


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tasks(path):
    cells, found = read(path).cells, []
    for text, solution, check in zip(cells, cells[1:], cells[2:], strict=False):
        match = TASK.search(text.source) if text.cell_type == "markdown" else None
        if match:
            found.append(Task(*map(int, match.groups()), solution, check))
    return found


def solution_lines(cell):
    """Return the lines of code between a cell's marks."""
    lines = [line for match in REGION.finditer(cell.source) for line in match[2].splitlines()]
    return [line for line in lines if line.strip() and not line.strip().startswith("#")]


def blanked(source):
    """Return a cell's source as it should be in the copy; written apart from nbgrader's."""

    def stub(match):
        return "\n".join(match[1] + line for line in STUB.splitlines())

    return REGION.sub(stub, source)


def filled(copy, path, without=()):
    """Return a copy with the source's lines in its blanks, but for some tasks."""
    answers = {
        task.solution.id: REGION.search(task.solution.source)[2].rstrip("\n")
        for task in tasks(path)
        if task.name not in without
    }
    for cell in copy.cells:
        if cell.id in answers:
            pattern = "\n".join(" *" + re.escape(line) for line in STUB.splitlines())
            cell.source, count = re.subn(
                pattern, lambda _, cell=cell: answers[cell.id], cell.source
            )
            assert count == 1
    return copy


def check_module(name):
    """Whether a module is among the checks."""
    return name.startswith("resnets.checks")

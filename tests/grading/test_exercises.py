"""The students' copies: made from the notebooks, with blanks in place of the answers."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.validator import Validator
from series import (
    SOURCES,
    STEMS,
    STUB,
    blanked,
    check_module,
    code,
    read,
    solution_lines,
    tasks,
)

from grading import release
from grading.modules import BLANKS, ROOT

POINTS = {
    "01-prepare": 2,
    "01-sides": 2,
    "01-kernels": 2,
    "01-forward": 4,
    "01-cost": 2,
    "01-mini-batches": 3,
    "01-step": 4,
    "01-filters": 2,
    "02-two-layers": 3,
    "02-counts": 1,
    "02-component-2": 2,
    "02-component-3": 2,
    "02-addition": 2,
    "02-block": 4,
    "02-silence": 2,
    "03-side": 2,
    "03-one-by-one": 2,
    "03-main-path": 3,
    "03-shortcut": 2,
    "03-block": 4,
    "03-predict": 2,
    "04-stage-1": 2,
    "04-sides": 2,
    "04-table": 2,
    "04-stages": 3,
    "04-head": 2,
    "04-network": 2,
    "04-average": 1,
    "04-picture": 3,
    "05-shortcut": 2,
    "05-differ": 2,
    "06-distance": 2,
    "06-cosine": 2,
    "06-smoothing": 2,
    "07-split": 3,
    "07-confusion": 2,
    "08-weigh": 3,
    "08-calibration": 3,
}
REMEDY = "run `make exercises` and commit what it writes"


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exercises")
    release.write_exercises(folder)
    return folder


# --- the sources ----------------------------------------------------------------------------------


def test_every_task_is_there_once_with_its_points():
    found = [(task.name, task.points) for path in SOURCES for task in tasks(path)]
    assert dict(found) == POINTS
    assert len(found) == len(POINTS)


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_tasks_are_as_their_texts_say(path):
    found = tasks(path)
    assert [task.number for task in found] == list(range(1, len(found) + 1))
    for task in found:
        assert abs(len(solution_lines(task.solution)) - task.lines) <= 1, task.name
        assert dict(task.solution.metadata.nbgrader) == {
            "schema_version": 3,
            "solution": True,
            "grade": False,
            "task": False,
            "locked": False,
            "grade_id": task.name,
        }
        assert dict(task.check.metadata.nbgrader) == {
            "schema_version": 3,
            "solution": False,
            "grade": True,
            "task": False,
            "locked": True,
            "points": task.points,
            "grade_id": f"{task.name}-check",
        }


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_every_solution_and_check_belongs_to_a_task(path):
    marked = [cell.id for cell in read(path).cells if "nbgrader" in cell.metadata]
    assert marked == [cell.id for task in tasks(path) for cell in (task.solution, task.check)]


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_checks_are_imported_and_called_in_one_line(path):
    imported = release.modules_of(read(path))
    (names,) = [names for module, names in imported.items() if check_module(module) and names]
    called = set()
    for task in tasks(path):
        assert re.fullmatch(r"check_\w+\([\w, ]+\)", task.check.source)
        called.add(task.check.source.partition("(")[0])
    assert called == names


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_what_a_function_shall_do_stays_in_the_copy(path):
    for task in tasks(path):
        for node in ast.parse(task.solution.source).body:
            if isinstance(node, ast.FunctionDef):
                assert ast.get_docstring(node), task.name
                left = ast.parse(blanked(task.solution.source)).body
                assert ast.get_docstring(left[-1]) == ast.get_docstring(node)


def test_nothing_tells_the_sides_before_they_are_asked_for():
    cells = read(SOURCES[0]).cells
    end = next(i for i, cell in enumerate(cells) if cell.id == "01-sides")
    before = "\n".join(cell.source for cell in cells[: end + 1])
    assert "two_layer_convnet.svg" not in before and "W3:" not in before
    assert not re.search(r"8, 8|2, 2|\b64 numbers", before)


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_what_comes_after_a_slow_cell_is_tagged(path):
    """A grader skips these cells; without them every other cell still has its names."""
    skipped = set()  # names whose last value comes from such a cell
    for cell in code(read(path)):
        names = {n.id for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}
        tree = ast.parse(cell.source).body
        here = {n for node in tree for n in made_by(node)}
        if "slow" in cell.metadata.get("tags", []):
            skipped |= here
        else:
            top = {n for node in tree if not isinstance(node, DEFINITIONS) for n in loaded(node)}
            assert not top & (skipped - here), cell.source
            skipped -= here
        assert not names & {"fit"}
    assert path.stem[:2] in ("02", "03") or skipped


DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def made_by(node):
    if isinstance(node, DEFINITIONS):
        return {node.name}
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def loaded(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


# --- the copies -----------------------------------------------------------------------------------


def test_the_copies_in_the_repository_are_in_step(copies):
    kept = {path.name: path.read_bytes() for path in (ROOT / "exercises").glob("*.ipynb")}
    new = {path.name: path.read_bytes() for path in copies.iterdir()}
    assert sorted(kept) == sorted(new), REMEDY
    for name, content in new.items():
        assert kept[name] == content, f"exercises/{name} is out of step: {REMEDY}"


def test_a_copy_whose_source_is_gone_is_removed(tmp_path):
    (tmp_path / "05_gone.ipynb").write_text("{}")
    (tmp_path / "kept.txt").write_text("not a notebook")
    release.write_exercises(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"{stem}.ipynb" for stem in STEMS),
        "kept.txt",
    ]


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_a_copy_is_its_source_with_blanks(copies, path):
    source, copy = read(path), read(copies / path.name)
    nbformat.validate(copy)
    assert len({cell.id for cell in copy.cells}) == len(copy.cells)
    header, cells = copy.cells[:2], copy.cells[2:]
    assert [cell.cell_type for cell in header] == ["markdown", "code"]
    assert header[1].source == f"%load_ext {BLANKS}"
    for cell, original in zip(cells, source.cells, strict=True):
        assert (cell.id, cell.cell_type) == (original.id, original.cell_type)
        assert cell.metadata.get("tags") == original.metadata.get("tags")
        assert cell.metadata.get("nbgrader") == original.metadata.get("nbgrader")
        assert cell.source == blanked(original.source)
    assert [cell for cell in code(copy) if cell.outputs or cell.execution_count] == []
    text = (copies / path.name).read_text()
    assert text.count("# Your code here") == len(tasks(path)) + 1  # the header speaks of it
    assert "BEGIN SOLUTION" not in text and "END SOLUTION" not in text


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_no_copy_holds_a_line_of_its_solutions(copies, path):
    # What is given elsewhere on the page, such as the layers of component 1, is no secret.
    given = {line.strip() for c in code(read(path)) for line in blanked(c.source).splitlines()}
    kept = {line.strip() for c in code(read(copies / path.name)) for line in c.source.splitlines()}
    for task in tasks(path):
        secret = {line.strip() for line in solution_lines(task.solution)} - given
        assert secret and not secret & kept, task.name


def test_links_of_the_copies_lead_to_files(copies):
    for path in copies.iterdir():
        for cell in read(path).cells:
            for link in release.LOOSE_LINK.findall(cell.source):
                assert (ROOT / "exercises" / link[2]).exists(), link


@pytest.mark.slow
def test_nbgrader_makes_the_same_copies(tmp_path, copies):
    source = tmp_path / "source" / "series"
    source.mkdir(parents=True)
    for path in SOURCES:
        (source / path.name).write_bytes(path.read_bytes())
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.IncludeHeaderFooter.header = {str(release.HEADER)!r}\n"
        f"c.ClearSolutions.code_stub = {{'python': {STUB!r}}}\n"
    )
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "series"]
    # nbgrader starts the command `alembic`, which lies beside this Python.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "PATH": places}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in SOURCES:
        theirs = read(tmp_path / "release" / "series" / path.name)
        ours = read(copies / path.name)
        assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]


@pytest.mark.slow
def test_nbgrader_sees_which_answers_are_right(tmp_path):
    """It gives points to a check that ends without an error, here in `nbgrader validate`."""
    path = SOURCES[5]
    right, wrong = (task for task in tasks(path) if task.name in ("06-cosine", "06-smoothing"))
    wrong.solution.source = "def smooth_labels(labels, share):\n    return labels"
    imported = release.modules_of(read(path))
    (module,) = [name for name in imported if check_module(name) and imported[name]]
    cells = [nbformat.v4.new_code_cell(f"from {module} import *\nimport numpy as np")]
    cells += [cell for task in (right, wrong) for cell in (task.solution, task.check)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "06.ipynb")
    failed = Validator().validate(str(tmp_path / "06.ipynb"))["failed"]
    assert [cell["source"] for cell in failed] == [wrong.check.source]
    assert "not right yet: smooth_labels" in failed[0]["raw_error"]

"""The grader on the series: all marks for solved notebooks, none for untouched ones."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from small_course import table

from grading import modules, run, submissions

ROOT = Path(__file__).parents[2]
ANSWERING = modules.needed_modules({modules.WIRE, modules.PROBE, modules.BLANKS})


def functions(text):
    """The names of the functions that a module or a cell defines for others."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def test_a_students_folder_holds_no_answers(tmp_path):
    assignments = run.load_assignments(ROOT / "notebooks")
    imported = {name for assignment in assignments.values() for name in assignment.modules}
    judging = modules.needed_modules({modules.CORE, *imported}) - ANSWERING
    assert len(judging) >= 2
    for stem, folder in run.make_releases(set(assignments), assignments, tmp_path).items():
        answers = set()
        for cell in submissions.read_cells(ROOT / "notebooks" / f"{stem}.ipynb"):
            if submissions.grading(cell).get("solution"):
                answers |= functions(cell["source"])
        assert answers, stem
        release = Path(folder, "release")
        for path in release.rglob("*.py"):
            if ROOT / path.relative_to(release) not in ANSWERING:  # asks, under names of its own
                assert not functions(path.read_text(encoding="utf-8")) & answers, path
        for path in judging | {modules.module_file("resnets.checks")}:
            there = release / path.relative_to(ROOT)
            assert there.read_text(encoding="utf-8") == run.STAND_IN
        assert all((release / path.relative_to(ROOT)).is_file() for path in ANSWERING)
        assert not [path for path in release.rglob("*.py") if "def judge(" in path.read_text()]
        for path in Path(folder).rglob("*.ipynb"):
            assert "BEGIN SOLUTION" not in path.read_text(encoding="utf-8")


def test_judging_loads_no_tensorflow():
    assignments = run.load_assignments(ROOT / "notebooks")
    names = {name for assignment in assignments.values() for name in assignment.modules}
    names |= {modules.CORE, modules.WIRE, "grading.run", "grading.judges"}
    heavy = {"keras", "tensorflow", "matplotlib", "nbformat", "nbgrader"}
    script = f"import sys, {', '.join(names)}\nprint(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("\n", "")


@pytest.mark.slow
def test_solved_notebooks_get_all_marks_and_untouched_copies_none(tmp_path):
    for stem in run.load_assignments(ROOT / "notebooks"):
        for student, place in (("solved", "notebooks"), ("stub", "exercises")):
            target = tmp_path / "in" / student / f"{stem}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / place / f"{stem}.ipynb").read_bytes())
    out = tmp_path / "out"
    assert run.main([str(tmp_path / "in"), "--out", str(out)]) == 0
    rows = {row["student"]: row for row in table(out / "totals.csv")}
    wrong = [
        r for r in table(out / "grades.csv") if r["student"] == "solved" and r["points"] != r["of"]
    ]
    assert not wrong
    assert rows["solved"]["points"] == rows["solved"]["of"]
    assert rows["stub"]["points"] == "0"
    messages = [r["message"] for r in table(out / "grades.csv") if r["student"] == "stub"]
    assert all(message.startswith("not written yet") for message in messages)

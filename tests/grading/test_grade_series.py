"""tools/grade.py on the series: all marks for solved notebooks, none for untouched ones."""

import ast
import csv
from pathlib import Path

import grade
import grading_session
import grading_submissions
import pytest

ROOT = Path(__file__).parent.parent


def table(path):
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def functions(text):
    """The names of the functions that a module or a cell defines for others."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def test_a_students_folder_holds_no_answers(tmp_path):
    stems = set(grade.load_assignments(ROOT / "notebooks"))
    for stem, folder in grade.make_releases(stems, tmp_path).items():
        cells, _ = grading_submissions.read_cells(ROOT / "notebooks" / f"{stem}.ipynb")
        answers = set()
        for cell in cells:
            if grading_submissions.grading(cell).get("solution"):
                answers |= functions(cell["source"])
        assert answers, stem
        for path in Path(folder).rglob("*.py"):
            if path.name != "answers.py":  # asks about functions, under names of its own
                assert not functions(path.read_text(encoding="utf-8")) & answers, path
            assert path.name != "diagnosis.py"
        checks = Path(folder, "release", "resnets", "checks.py")
        assert checks.read_text(encoding="utf-8") == grading_session.CHECKS_STAND_IN
        for path in Path(folder).rglob("*.ipynb"):
            assert "BEGIN SOLUTION" not in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_solved_notebooks_get_all_marks_and_untouched_copies_none(tmp_path):
    for stem in grade.load_assignments(ROOT / "notebooks"):
        for student, place in (("solved", "notebooks"), ("stub", "exercises")):
            target = tmp_path / "in" / student / f"{stem}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / place / f"{stem}.ipynb").read_bytes())
    out = tmp_path / "out"
    assert grade.main([str(tmp_path / "in"), "--out", str(out)]) == 0
    rows = {row["student"]: row for row in table(out / "totals.csv")}
    wrong = [
        r for r in table(out / "grades.csv") if r["student"] == "solved" and r["points"] != r["of"]
    ]
    assert not wrong
    assert rows["solved"]["points"] == rows["solved"]["of"]
    assert rows["stub"]["points"] == "0"
    messages = [r["message"] for r in table(out / "grades.csv") if r["student"] == "stub"]
    assert all(message.startswith("not written yet") for message in messages)

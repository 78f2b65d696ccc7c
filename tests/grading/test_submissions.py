"""grading/submissions.py: what is handed in is found, read and told apart, whatever it is."""

import json
import os
import re

import pytest
from small_course import (
    CHECK_DOUBLE,
    CHECK_TRIPLE,
    DOUBLE,
    MARKS,
    ROOT,
    TRIPLE,
    WRONG,
    code,
    handed_in,
    marks,
    notebook,
    solution,
    table,
    text,
)

from grading import submissions

pytestmark = MARKS


def test_layouts(graded):
    good = handed_in()
    out, _ = graded(
        {
            "ann/01_small.ipynb": good,
            "bob/week 1/01_small.ipynb": good,
            "cleo_01_small.ipynb": good,
            "01_small_dan.ipynb": good,
            "eve.ipynb": good,
            "fay/anything.ipynb": good,
        }
    )
    found = marks(out)
    assert {student for student, _ in found} == {"ann", "bob", "cleo", "dan", "eve", "fay"}
    assert sum(found.values()) == 30
    assert {row["assignment"] for row in table(out / "grades.csv")} == {"01_small", "week 1"}


def test_files_that_are_no_notebooks_cost_only_themselves(graded, tmp_path):
    folder = tmp_path / "handed in"
    (folder / "empty").mkdir(parents=True)
    (folder / "link.ipynb").symlink_to(ROOT / "README.md")
    (folder / "inner").mkdir()
    (folder / "inner" / "01_small.ipynb").symlink_to(ROOT / "README.md")
    (folder / "linked").symlink_to(ROOT)
    os.mkfifo(folder / "pipe.ipynb")
    out, said = graded(
        {
            "ann/01_small.ipynb": handed_in(),
            "large/01_small.ipynb": b" " * (submissions.LARGEST + 1),
            "text/01_small.ipynb": "no JSON",
            "latin/01_small.ipynb": b'{"cells": "\xe9"}',
            "utf16/01_small.ipynb": handed_in().encode("utf-16"),
            "list/01_small.ipynb": "[]",
            "old/01_small.ipynb": '{"worksheets": []}',
            "deep/01_small.ipynb": "[" * 100_000,
            "number/01_small.ipynb": '{"cells": ' + "9" * 10_000 + "}",
            "cells/01_small.ipynb": notebook(*[code("x")] * 20_001),
            "unknown/x.ipynb": notebook(text("nothing")),
            "01_small.ipynb": handed_in(),
            "two/01_small (1).ipynb": handed_in(),
            "two/01_small (2).ipynb": handed_in(),
            "copy/01_small-Copy1.ipynb": handed_in(),
            "copy/01_small.ipynb": handed_in(),
            "far/a/b/c/01_small.ipynb": handed_in(),
            "strange/01_small.ipynb": json.dumps(
                {"cells": [1, None, {"cell_type": 5, "source": 7, "metadata": []}, []]}
            ),
        },
        expect=1,
    )
    reasons = {
        row["student"]: row["message"] for row in table(out / "grades.csv") if not row["task"]
    }
    expected = {
        "empty": "no notebook in the folder",
        "link": "symbolic link",
        "inner": "symbolic link",
        "linked": "symbolic link",
        "pipe": "not a regular file",
        "large": "larger than 20 MB",
        "text": "not JSON",
        "latin": "not text in UTF-8",
        "utf16": "not text in UTF-8",
        "list": "no notebook that can be read",
        "strange": "no notebook that can be read",
        "old": "no notebook that can be read",
        "deep": "nested too deeply",
        "number": "not JSON",
        "cells": "more than 20,000 cells",
        "unknown": "neither its name nor its cells",
        "01_small": "does not say whose it is",
        "two": "more than once",
        "copy": "a copy: 01_small.ipynb is graded",
        "far": "too deep",
    }
    for student, reason in expected.items():
        assert reason in reasons[student], student
    found = marks(out)
    assert found["ann", "01-double"] == 2 and found["copy", "01-triple"] == 3
    assert "not graded" in said.err


def test_names_lead_nowhere_and_are_no_formulas(graded):
    names = ["=1+1", "..", "<b>x", "@sum", "a b", "A B", "-x", "ä" * 80]
    files = {f"{name}_01_small.ipynb": handed_in() for name in names if name != ".."}
    files[".._01_small.ipynb"] = handed_in()
    out, _ = graded(files)
    cells = [row["student"] for row in table(out / "grades.csv")]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "-", "+"))]
    pages = list((out / "feedback").iterdir())
    assert len(pages) == len(names) - 1  # .._... is hidden
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+\.html", page.name) for page in pages)
    assert all("<b>x" not in page.read_text(encoding="utf-8") for page in pages)


def test_duplicates_missing_cells_and_lost_metadata(graded):
    wrong = solution("01-double", WRONG[0])
    bare = [code(cell["source"]) for cell in (CHECK_DOUBLE, CHECK_TRIPLE)]
    out, _ = graded(
        {
            "twice.ipynb": notebook(
                solution("01-double", DOUBLE), CHECK_DOUBLE, wrong, CHECK_DOUBLE,
                solution("01-triple", TRIPLE), CHECK_TRIPLE,
            ),
            "wrong first.ipynb": notebook(
                wrong, CHECK_DOUBLE, solution("01-double", DOUBLE), CHECK_DOUBLE
            ),
            "no checks.ipynb": notebook(
                solution("01-double", DOUBLE), solution("01-triple", TRIPLE)
            ),
            "no answers.ipynb": notebook(CHECK_DOUBLE, CHECK_TRIPLE),
            "bare_01_small.ipynb": notebook(
                code(DOUBLE), bare[0], code("double = 0"), code(TRIPLE), bare[1]
            ),
            "scratch.ipynb": notebook(
                wrong, bare[0], solution("01-double", DOUBLE), CHECK_DOUBLE,
                solution("01-triple", TRIPLE), CHECK_TRIPLE,
            ),
            "moved.ipynb": notebook(
                CHECK_TRIPLE, solution("01-triple", TRIPLE),
                solution("01-double", DOUBLE), CHECK_DOUBLE,
            ),
        }
    )  # fmt: skip
    found = marks(out)
    points = {s: (found[s, "01-double"], found[s, "01-triple"]) for s, _ in found}
    assert points == {
        "twice": (2, 3),
        "wrong first": (0, 0),
        "no checks": (2, 3),
        "no answers": (0, 0),
        "bare": (2, 3),
        "scratch": (2, 3),
        "moved": (2, 0),
    }
    assert "more than once: the first counts" in (out / "feedback" / "twice.html").read_text()
    page = next((out / "feedback").glob("no-checks*.html")).read_text()
    assert "missing: checked at the end" in page


def test_a_notebook_of_before_2015_is_read(graded):
    new = json.loads(handed_in())
    cells = [{**cell, "input": cell.pop("source"), "outputs": []} for cell in new["cells"]]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    assert sum(marks(graded({"ann.ipynb": json.dumps(old)})[0]).values()) == 5


def test_a_check_that_nothing_imports_is_refused(course, tmp_path):
    source = (course / "notebooks" / "01_small.ipynb").read_text()
    (tmp_path / "01_small.ipynb").write_text(source.replace("import check_double, ", "import "))
    with pytest.raises(submissions.Unreadable, match="nothing imports check_double"):
        submissions.load_assignments(tmp_path)


def test_ten_thousand_cells(graded):
    many = [code(f"x{i} = {i}") for i in range(10_000)]
    out, _ = graded(
        {
            "many.ipynb": notebook(
                *many, solution("01-double", DOUBLE), CHECK_DOUBLE,
                solution("01-triple", TRIPLE), CHECK_TRIPLE,
            ),
            "ann.ipynb": handed_in(),
        },
        "--limit", "20",
    )  # fmt: skip
    assert marks(out)["ann", "01-double"] == 2
    assert len(marks(out)) == 4

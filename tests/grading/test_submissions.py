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


def test_files_that_are_no_notebooks_cost_only_themselves(graded, tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST_FILE", 3 * 2**20)
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
            "large/01_small.ipynb": b" " * (submissions.LARGEST_FILE + 1),
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
        "large": "larger than 3 MB",
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
        "copy": "a copy: copy/01_small.ipynb is graded",
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
        "twice": (0, 3),
        "wrong first": (2, 0),
        "no checks": (2, 3),
        "no answers": (0, 0),
        "bare": (2, 3),
        "scratch": (2, 3),
        "moved": (2, 3),
    }
    assert "last attempt counts, in code cell 3" in (out / "feedback" / "twice.html").read_text()
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


BLANK = '# Your code here\nraise NotImplementedError("not written yet")'
UNSOLVED = [solution("01-double", BLANK), CHECK_DOUBLE]
SOLVED = [solution("01-double", DOUBLE), CHECK_DOUBLE]
# Where a student solves the first task: cells in place of the blank and its check, and the points.
ATTEMPTS = {
    "below the check": ([*UNSOLVED, solution("01-double", DOUBLE)], 2),
    "with its check": (
        [*UNSOLVED, solution("01-double", DOUBLE), CHECK_DOUBLE], 2,
    ),
    "in a new cell": ([*UNSOLVED, code(DOUBLE)], 2),
    "in a new cell, metadata lost": ([code(BLANK), code(CHECK_DOUBLE["source"]), code(DOUBLE)], 2),
    "by a name": ([*UNSOLVED, code("!ls\ndouble = lambda x: x + x")], 2),
    "above the blank": ([code(DOUBLE), solution("01-double", BLANK), CHECK_DOUBLE], 2),
    "blank copied below": ([*SOLVED, solution("01-double", BLANK)], 2),
    "scratch below": ([*SOLVED, code("double = 0")], 2),
    "a local name below": (
        [*UNSOLVED, code("def f():\n    double = 1")], 0,
    ),
    "wrong, then right": (
        [solution("01-double", WRONG[0]), CHECK_DOUBLE, solution("01-double", DOUBLE)], 2,
    ),
    "right, then wrong": (
        [*SOLVED, solution("01-double", WRONG[0])], 0,
    ),
    "the blank's line left in": (
        [
            *UNSOLVED,
            solution("01-double", DOUBLE + '\n    raise NotImplementedError("not written yet")'),
        ], 2,
    ),
}  # fmt: skip


def test_the_last_attempt_counts_and_the_page_says_so(graded):
    rest = (solution("01-triple", TRIPLE), CHECK_TRIPLE)
    out, _ = graded(
        {f"{name}/01_small.ipynb": notebook(*cells, *rest) for name, (cells, _) in ATTEMPTS.items()}
    )
    found = marks(out)
    expected = {name: points for name, (_, points) in ATTEMPTS.items()}
    assert {name: found[name, "01-double"] for name in ATTEMPTS} == expected
    assert all(found[name, "01-triple"] == 3 for name in ATTEMPTS)
    page = next((out / "feedback").glob("below-the-check*.html")).read_text()
    assert "Task 1: Write double: the last attempt counts, in code cell 3." in page


def test_every_file_gets_a_line(graded):
    strange = {
        "zoe.zip": "an archive, not read: unpack it",
        "Assignment 1.tar.gz": "an archive",
        "bob_01_small.ipynb.txt": "rename it",
        "cleo_01_small.json": "rename it",
        "dan_01_small.html": "expected a file that ends in .ipynb",
        "eve_01_small.py": "expected a file that ends in .ipynb",
        "fay_01_small": "expected a file that ends in .ipynb",
        "gus/01_small.ipynb.txt": "rename it",
        "hal/01_small.zip": "an archive",
        "hal/01_small.ipynb": "",
        "hal/helpers.py": "",
        "hal/data.json": "",
        "ida_01_small.IPYNB": "",
        "jan/01_small.Ipynb": "",
        "__MACOSX/jan/._x.ipynb": "",
    }
    out, said = graded(
        {name: "" if reason else handed_in() for name, reason in strange.items()}, expect=1
    )
    rows = [row for row in table(out / "grades.csv") if not row["task"]]
    for name, reason in strange.items():
        told = [
            row["message"] for row in rows if f": {name.rpartition('/')[2]}: " in row["message"]
        ]
        assert len(told) == bool(reason) and all(reason in text for text in told), name
    assert {row["student"] for row in rows} == {
        *("zoe", "Assignment 1", "bob", "cleo", "dan", "eve", "fay", "gus", "hal")
    }
    assert {student for student, _ in marks(out)} == {"hal", "ida", "jan"}
    assert "3 of 12 " in said.out


def test_only_students_are_students(graded):
    good = handed_in()
    names = [
        *("Copy of ann_01_small", "01_small-bob (1)", "cleo_01_small-Copy1", "dan (2)"),
        *(
            "eve-Copy1",
            "Kopie von fay",
            "01_small/gus",
            "01_small/hal/notebook",
            "ida (1)/01_small",
        ),
        *("01_small (1)/jan - Copy", "kim_01_small/01_small", "01-Small/lea", "mia 01 small"),
        *("01_small/nina/01_small", "Caf\u00e9/week 1/01_small", "Cafe\u0301/week 2/01_small"),
    ]
    out, _ = graded({f"{name}.ipynb": good for name in names})
    assert {student for student, _ in marks(out)} == {
        *("ann", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jan", "kim", "lea"),
        *("mia", "nina", "Caf\u00e9"),
    }


def test_a_copy_counts_for_nothing_beside_its_original(graded):
    good, bad = handed_in(), handed_in(double=WRONG[0])
    files = {
        "ann_01_small.ipynb": good,
        "ann_01_small (1).ipynb": bad,
        "Copy of ann_01_small.ipynb": bad,
        "week 1/bob.ipynb": good,
        "week 1/cleo.ipynb": good,
        "Jos\u00e9.ipynb": good,
        "Jose\u0301.ipynb": good,
    }
    out, said = graded(files, expect=1)
    assert marks(out) == {("ann", "01-double"): 2, ("ann", "01-triple"): 3}
    assert said.err.count("a copy: ann_01_small.ipynb is graded") == 2
    assert said.err.count("handed in more than once") == 4
    assert said.err.count("week 1 is no student") == 2


def test_outputs_and_pictures_cost_no_marks(graded, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST", 100_000)
    new = json.loads(handed_in())
    new["cells"][0]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "[1]," * 50_000}
    ]
    new["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "![]" + "x" * 2**20})
    new["cells"][-1]["attachments"] = {"a.png": {"image/png": "x" * 200_000}}
    long = notebook(code(f"x = '{'x' * 100_000}'"))
    out, _ = graded({"ann.ipynb": json.dumps(new), "bob_01_small.ipynb": long}, expect=1)
    assert sum(marks(out).values()) == 5
    (row,) = [row for row in table(out / "grades.csv") if row["student"] == "bob"]
    assert "without its outputs" in row["message"]
    new["cells"][0]["outputs"] = [[]] * 50_000  # many small things take memory
    monkeypatch.setattr(submissions, "MOST_PARTS", 10_000)
    out, said = graded({"ann.ipynb": json.dumps(new)}, expect=1)
    assert not marks(out) and "larger than" in said.err

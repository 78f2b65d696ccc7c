"""A small assignment with checks of its own, so that no test of the grader starts TensorFlow."""

import csv
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINUX = sys.platform == "linux"
MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="grading runs on Linux and macOS only"),
]
CHECKS = '''
"""Small checks in place of the series' own."""
import os
import random


def judge(check, names, ask, seed):
    draw = random.Random(f"{check} {seed}")
    factor = {"check_double": 2, "check_triple": 3}[check]
    for _ in range(3):
        x = draw.randrange(1000, 10**6)
        reply = ask({"do": "call", "name": names[0], "args": [x]})
        if "missing" in reply:
            return False, f"not written yet: {names[0]}"
        if "error" in reply:
            return False, f"not right yet: {names[0]} stopped with {reply['error']['message']}"
        if reply["value"] == "end the judge":
            os._exit(1)
        while reply["value"] == "keep the judge busy":
            pass
        if reply["value"] != factor * x:
            return False, f"not right yet: found {reply['value']!r}"[:500]
    return True, f"passed: {names[0]}"
'''
WIRE = (ROOT / "resnets" / "checks" / "wire.py").read_text(encoding="utf-8")
PROBE = (
    WIRE
    + """


def serve(request, names):
    if request["name"] not in names:
        return {"missing": request["name"]}
    try:
        return {"value": names[request["name"]](*request["args"])}
    except (Exception, SystemExit) as error:
        return {"error": {"type": type(error).__name__, "message": str(error)[:200], "line": ""}}
"""
)
DOUBLE = "def double(x):\n    return 2 * x"
TRIPLE = "def triple(x):\n    return 3 * x"
WRONG = ("def double(x):\n    return 0", "def triple(x):\n    return 0")


# --- its notebook ---------------------------------------------------------------------------------


def code(source, identity="", **metadata):
    """A code cell."""
    return {"cell_type": "code", "id": identity, "source": source, "metadata": metadata}


def solution(name, source):
    """A solution cell."""
    graded = {"grade_id": name, "solution": True, "grade": False, "schema_version": 3}
    return code(source, name, nbgrader={**graded, "locked": False, "task": False})


def check(name, source, points=2):
    """A check cell."""
    graded = {"grade_id": f"{name}-check", "grade": True, "solution": False, "points": points}
    return code(
        source,
        f"{name}-check",
        nbgrader={**graded, "locked": True, "task": False, "schema_version": 3},
    )


def text(source):
    """A Markdown cell."""
    return {"cell_type": "markdown", "id": "", "source": source, "metadata": {}}


def notebook(*cells):
    """The JSON of a notebook."""
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)})


CHECK_DOUBLE = check("01-double", "check_double(double)")
CHECK_TRIPLE = check("01-triple", "check_triple(triple)", 3)


def solved():
    """The solved notebook."""
    return notebook(
        text("# Small numbers"),
        code("from small_checks import check_double, check_triple", "imports"),
        text("Why.\n\n**Task 1** (2 points, about 1 line). Write `double`. Then more."),
        solution("01-double", f"### BEGIN SOLUTION\n{DOUBLE}\n### END SOLUTION"),
        CHECK_DOUBLE,
        code("raise SystemError('trained')", "training", tags=["slow"]),
        text("**Task 2** (3 points). Write `triple`."),
        solution("01-triple", f"### BEGIN SOLUTION\n{TRIPLE}\n### END SOLUTION"),
        CHECK_TRIPLE,
    )


def handed_in(*attack, double=DOUBLE, triple=TRIPLE, after=()):
    """A student's notebook: cells of an attack, then the two answers."""
    return notebook(
        code("from resnets.checks import check_double, check_triple", "imports"),
        *(code(source) for source in attack),
        solution("01-double", double),
        CHECK_DOUBLE,
        *(code(source) for source in after),
        code("raise SystemError('trained')", "training"),
        solution("01-triple", triple),
        CHECK_TRIPLE,
    )


# --- its results ----------------------------------------------------------------------------------


def table(path):
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def marks(out):
    """Points by student and task."""
    rows = table(out / "grades.csv")
    return {(row["student"], row["task"]): float(row["points"]) for row in rows if row["task"]}

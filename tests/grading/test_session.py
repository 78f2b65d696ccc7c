"""tools/grade.py: strangers' notebooks cost nobody else a mark, stop nothing and gain nothing.

Most tests use a small assignment with checks of its own, so that no TensorFlow is started. One
run grades an honest student and all attackers; each test then looks at one of them.
"""

import contextlib
import csv
import html.parser
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import grade
import grading_report
import grading_session
import grading_submissions
import psutil
import pytest

ROOT = Path(__file__).parent.parent
LINUX = sys.platform == "linux"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="grading runs on Linux and macOS only"),
]

CHECKS = '''
"""Small checks in place of resnets.checks."""
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
        if reply["value"] != factor * x:
            return False, f"not right yet: found {reply['value']!r}"[:500]
    return True, f"passed: {names[0]}"
'''
ANSWERS = '''
"""Small answers in place of resnets.answers."""


def serve(request, names):
    if request["name"] not in names:
        return {"missing": request["name"]}
    try:
        return {"value": names[request["name"]](*request["args"])}
    except (Exception, SystemExit) as error:
        return {"error": {"type": type(error).__name__, "message": str(error)[:200], "line": ""}}


def encode(data):
    return data


decode = encode
'''
DOUBLE = "def double(x):\n    return 2 * x"
TRIPLE = "def triple(x):\n    return 3 * x"
WRONG = ("def double(x):\n    return 0", "def triple(x):\n    return 0")


# --- a small assignment ---------------------------------------------------------------------------


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
    hidden = "\n### BEGIN HIDDEN TESTS\ncheck_double(double, hidden=True)\n### END HIDDEN TESTS"
    return notebook(
        text("# Small numbers"),
        code("from resnets.checks import check_double, check_triple", "imports"),
        text("Why.\n\n**Task 1** (2 points, about 1 line). Write `double`. Then more."),
        solution("01-double", f"### BEGIN SOLUTION\n{DOUBLE}\n### END SOLUTION"),
        check("01-double", "check_double(double)" + hidden),
        code("raise SystemError('trained')", "training", tags=["slow"]),
        text("**Task 2** (3 points). Write `triple`."),
        solution("01-triple", f"### BEGIN SOLUTION\n{TRIPLE}\n### END SOLUTION"),
        check("01-triple", "check_triple(triple)", 3),
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


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course: solved notebook, modules and a release of its own; the grader uses them."""
    place = tmp_path_factory.mktemp("course")
    (place / "notebooks").mkdir()
    (place / "notebooks" / "01_small.ipynb").write_text(solved())
    (place / "modules").mkdir()
    (place / "modules" / "small_checks.py").write_text(CHECKS)
    (place / "modules" / "small_answers.py").write_text(ANSWERS)

    def build(stem, folder):
        folder.mkdir()
        (folder / "small_answers.py").write_text(ANSWERS)
        return folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "NOTEBOOKS", place / "notebooks")
        patch.setattr(grade, "MODULES", ("small_checks", "small_answers"))
        patch.setattr(grade, "build_release", build)
        patch.setattr(grade, "list_fonts", lambda folder: folder.mkdir(parents=True))
        patch.syspath_prepend(str(place / "modules"))
        yield place


def table(path):
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def marks(out):
    """Points by student and task."""
    rows = table(out / "grades.csv")
    return {(row["student"], row["task"]): float(row["points"]) for row in rows if row["task"]}


@pytest.fixture
def graded(course, tmp_path, capsys):
    """Grade files of one run: `graded({"ann/01_small.ipynb": text})`."""

    def run(files, *options, expect=0):
        folder = tmp_path / "handed in"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, encoding="utf-8")
        out = tmp_path / "out"
        status = grade.main([str(folder), "--out", str(out), "--seed=1", "--jobs=1", *options])
        said = capsys.readouterr()
        assert status == expect, said.err
        return out, said

    return run


# --- attackers ------------------------------------------------------------------------------------

# Where a stranger finds something that they must not, they answer right: marks tell.
FOUND = """
found = []
def seen(action):
    try:
        action()
    except BaseException:
        return
    found.append(True)
"""
IF_FOUND = {
    "double": "def double(x):\n    return 2 * x if found else 0",
    "triple": "def triple(x):\n    return 3 * x if found else 0",
}
FRAME = """
import json, os, struct, sys
def frame(message):
    data = json.dumps(message).encode() if not isinstance(message, bytes) else message
    return struct.pack(">I", len(data)) + data
def forge(data):
    for fd in range(3, 40):
        try:
            os.write(fd, data)
        except OSError:
            pass
"""


def attackers(secrets):
    """Notebooks of attackers and their marks: {name: (notebook, points of double, of triple)}."""
    victim, repository, result = (str(path) for path in secrets)
    return {
        "honest": (handed_in(), 2, 3),
        "loop": (handed_in("while True: pass"), 2, 3),
        "stubborn loop": (
            handed_in("while True:\n    try:\n        pass\n    except BaseException: pass"),
            2,
            3,
        ),
        "deaf loop": (
            handed_in("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass"),
            2,
            3,
        ),
        "loop in the answer": (handed_in(double="def double(x):\n    while True: pass"), 0, 3),
        "stopped": (handed_in("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"), 2, 3),
        "crash": (handed_in("import ctypes\nctypes.string_at(0)"), 2, 3),
        "endless recursion": (
            handed_in(
                "import sys\nsys.setrecursionlimit(10**9)\ndef f(x):\n    return [f(x)]\n"
                "class A:\n    def __repr__(self): return repr(self)\nrepr(A())"
            ),
            2,
            3,
        ),
        "exit": (
            handed_in("exit()", "quit()", "import sys\nsys.exit(3)", "raise SystemExit"),
            2,
            3,
        ),
        "os._exit": (handed_in("import os\nos._exit(0)"), 2, 3),
        "os._exit twice": (handed_in("import os\nos._exit(0)", after=["os._exit(0)"]), 2, 3),
        "os._exit in an answer": (
            handed_in(double="import os\ndef double(x):\n    os._exit(0)"),
            0,
            3,
        ),
        "exits too often": (handed_in(*["import os\nos._exit(0)"] * 4), 0, 0),
        "abort": (handed_in("import os\nos.abort()"), 2, 3),
        "time bomb": (
            handed_in(
                "import os, threading\nthreading.Timer(1, os._exit, [0]).start()",
                after=["import time\ntime.sleep(2)"],
            ),
            2,
            3,
        ),
        "memory": (handed_in("x = []\nwhile True: x.append(bytearray(2**26))"), 2, 3),
        "shared memory": (
            handed_in(
                "import mmap\nx = []\nwhile True:\n    x.append(mmap.mmap(-1, 2**26))\n"
                "    for i in range(0, 2**26, 4096): x[-1][i] = 1"
            ),
            2,
            3,
        ),
        "threads": (
            handed_in(
                "import threading, time\nthreading.stack_size(2**15)\n"
                "for _ in range(20000):\n"
                "    threading.Thread(target=time.sleep, args=[99], daemon=True).start()"
            ),
            2,
            3,
        ),
        "one big file": (
            handed_in("f = open('x', 'wb')\nwhile True: f.write(bytes(2**20)); f.flush()"),
            2,
            3,
        ),
        "many big files": (
            handed_in(
                "import itertools\nfor i in itertools.count():\n"
                "    with open(f'x{i}', 'wb') as f: f.write(bytes(2**24))"
            ),
            2,
            3,
        ),
        "deleted big files": (
            handed_in(
                "import os\nx = []\nwhile True:\n    x.append(open('x', 'wb'))\n"
                "    x[-1].write(bytes(2**24)); x[-1].flush(); os.unlink('x')"
            ),
            2,
            3,
        ),
        "many files": (
            handed_in("import itertools\nfor i in itertools.count(): open(f'x{i}', 'w').close()"),
            2,
            3,
        ),
        "deep folders": (
            handed_in("import os\nwhile True:\n    os.mkdir('x' * 99)\n    os.chdir('x' * 99)"),
            2,
            3,
        ),
        "locked folders": (
            handed_in("import os\nos.makedirs('a/b/c')\nos.chmod('a/b', 0)\nos.chmod('a', 0)"),
            2,
            3,
        ),
        "deletes": (
            handed_in(
                "import os, shutil\n"
                f"for path in [{victim!r}, {result!r}, {repository!r}]:\n"
                "    shutil.rmtree(os.path.dirname(path), ignore_errors=True)\n"
                "    for how in (os.unlink, os.rmdir, lambda p: os.truncate(p, 0),\n"
                "                lambda p: open(p, 'w'), lambda p: os.rename(p, 'mine')):\n"
                "        try:\n            how(path)\n        except OSError:\n            pass"
            ),
            2,
            3,
        ),
        "permissions": (
            handed_in(
                "import os\n"
                f"for path in [{victim!r}, {result!r}, {repository!r}]:\n"
                "    for p in (path, os.path.dirname(path)):\n"
                "        for how in (lambda p: os.chmod(p, 0), lambda p: os.utime(p, (0, 0)),\n"
                "                    lambda p: os.setxattr(p, 'user.x', b'x')):\n"
                "            try:\n                how(p)\n"
                "            except OSError:\n                pass"
            ),
            2,
            3,
        ),
        "fork bomb": (handed_in("import os\nwhile True: os.fork()"), 2, 3),
        "patient fork bomb": (
            handed_in(
                "import os\nwhile True:\n    try:\n        os.fork()\n"
                "    except BaseException:\n        pass"
            ),
            2,
            3,
        ),
        "kills": (
            handed_in(
                "import os, signal\n"
                "for pid in [os.getppid(), -1, 0, *range(2, 70000)]:\n"
                "    if pid != os.getpid():\n"
                "        for how in (os.kill, os.killpg):\n"
                "            try:\n                how(pid, 9)\n"
                "            except (OSError, OverflowError):\n                pass"
            ),
            2,
            3,
        ),
        "starves the grader": (
            handed_in(
                "import os, resource\n"
                "judge = os.getppid()\n"
                "for action in (lambda: resource.prlimit(judge, resource.RLIMIT_CPU, (1, 1)),\n"
                "               lambda: resource.prlimit(judge, resource.RLIMIT_NOFILE, (3, 3)),\n"
                "               lambda: os.setpriority(os.PRIO_PROCESS, judge, 19)):\n"
                "    try:\n        action()\n    except OSError:\n        pass"
            ),
            2,
            3,
        ),
        "child that stays": (
            handed_in(
                "import os, subprocess, sys, time\n"
                "sleep = [sys.executable, '-c', 'import time; time.sleep(777)']\n"
                "for _ in range(3):\n    try:\n"
                "        subprocess.Popen(sleep, start_new_session=True)\n"
                "    except OSError:\n        pass\n"
                "try:\n    if os.fork() == 0:\n        os.setsid()\n"
                "        if os.fork() == 0:\n            time.sleep(777)\n        os._exit(0)\n"
                "except OSError:\n    pass"
            ),
            2,
            3,
        ),
        "reads the others": (
            handed_in(
                FOUND
                + "import os\n"
                + f"for path in [{victim!r}, {result!r}, {repository!r}]:\n"
                + "    seen(lambda: open(path).read())\n"
                + "    seen(lambda: os.listdir(os.path.dirname(path)))\n",
                **IF_FOUND,
            ),
            0,
            0,
        ),
        "searches everywhere": (
            handed_in(
                FOUND + "import os, sys\n"
                "for top in ('/', sys.prefix, sys.base_prefix, '..', '../..', *sys.path):\n"
                "    for folder, names, files in os.walk(top):\n"
                "        no = ('proc', 'sys', 'site-packages', 'lib', 'lib64')\n"
                "        names[:] = [n for n in names if n not in no]\n"
                "        for name in files:\n"
                "            if name.startswith(('small_checks', '01_small', 'diagnosis')):\n"
                "                seen(lambda: open(os.path.join(folder, name)).read())",
                **IF_FOUND,
            ),
            0,
            0,
        ),
        "imports the checks": (
            handed_in(
                FOUND + "seen(lambda: __import__('small_checks'))\n"
                "import resnets.checks\n"
                "seen(lambda: resnets.checks.judge)\nseen(lambda: resnets.checks.CHECKS)\n"
                "seen(lambda: __import__('resnets.diagnosis'))\n"
                "seen(lambda: __import__('resnets.blocks'))\n"
                "seen(lambda: __import__('resnets_utils'))",
                **IF_FOUND,
            ),
            0,
            0,
        ),
        "reads the seed": (
            handed_in(
                FOUND + "import glob, os\n"
                "paths = glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ')\n"
                "for path in paths or [f'/proc/{os.getppid()}/cmdline']:\n"
                "    if path.split('/')[2] != str(os.getpid()):\n"
                "        seen(lambda: open(path, 'rb').read())\n"
                "seen(lambda: open(f'/proc/{os.getppid()}/mem', 'rb').read(1))\n"
                "if any('SEED' in name for name in os.environ): found.append(True)",
                **IF_FOUND,
            ),
            0,
            0,
        ),
        "network": (
            handed_in(
                FOUND + "import socket\n"
                "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
                "    seen(lambda: socket.socket(family))\n"
                "seen(lambda: socket.create_connection(('127.0.0.1', 22), 1))",
                **IF_FOUND,
            ),
            0,
            0,
        ),
        "replaces the checks": (
            handed_in(
                "import sys, types\n"
                "for name in ('small_checks', 'resnets.checks', 'checks'):\n"
                "    sys.modules[name] = types.ModuleType(name)\n"
                "    sys.modules[name].judge = lambda *a, **k: (True, 'passed')\n"
                "check_double = check_triple = lambda *a, **k: True",
                "import builtins, operator, numpy, numpy.testing, unittest.mock\n"
                "numpy.allclose = numpy.array_equal = numpy.isclose = lambda *a, **k: True\n"
                "numpy.testing.assert_allclose = lambda *a, **k: None\n"
                "operator.eq = lambda a, b: True\nbuiltins.AssertionError = type('A', (), {})",
                double=WRONG[0],
                triple=WRONG[1],
            ),
            0,
            0,
        ),
        "equal to everything": (
            handed_in(
                "class Yes(int):\n    def __eq__(self, other): return True\n"
                "    def __ne__(self, other): return False\n    __hash__ = None",
                double="def double(x):\n    return Yes(0)",
                triple="def triple(x):\n    return Yes(0)",
            ),
            0,
            0,
        ),
        "locked cells": (
            notebook(
                solution("01-double", WRONG[0]),
                check("01-double", "double = lambda x: 2 * x\ncheck_double(double)", 100),
                solution("01-triple", WRONG[1]),
                check("01-triple", "print('passed: triple')", 100),
            ),
            0,
            0,
        ),
        "prints marks": (
            handed_in(
                "import os, sys\n"
                'marks = \'{"verdicts": {"01-double": [2, "passed"]}}\'\n'
                "for out in (sys.stdout, sys.stderr, sys.__stdout__): print(marks, file=out)\n"
                "for fd in (1, 2): os.write(fd, marks.encode() * 1000)\nprint('x' * 10**8)",
                double=WRONG[0],
                triple=WRONG[1],
            ),
            0,
            0,
        ),
        "forges replies ahead": (
            handed_in(
                FRAME + "for i in range(50):\n"
                "    forge(frame({'id': i, 'reply': {'value': 0}, 'passed': True, 'points': 9}))\n"
                "    forge(frame({'id': 'start', 'reply': [True, 'passed']}))"
            ),
            2,
            3,
        ),
        "forges replies with a wrong answer": (
            handed_in(
                FRAME + "forge(frame({'passed': True, 'points': 9, 'verdict': [2, 'passed']}))",
                double=WRONG[0],
                triple=WRONG[1],
            ),
            0,
            0,
        ),
        "replies one late": (
            handed_in(
                "import gc\n"
                "named = lambda x: getattr(x, '__name__', '')\n"
                "Pipes = next(x for x in gc.get_objects() if named(x) == 'Pipes')\n"
                "send, late = Pipes.send, [{}]\n"
                "def delayed(self, reply, *rest):\n"
                "    late.append(reply)\n"
                "    send(self, {**late.pop(0), 'id': reply['id']}, *rest)\n"
                "Pipes.send = delayed"
            ),
            0,
            0,
        ),
        "garbage on the pipe": (
            handed_in(FRAME + "forge(frame(b'no JSON') + frame(b'[1]') + frame(b'[' * 5000))"),
            2,
            3,
        ),
        "half a message": (handed_in(FRAME + "forge(struct.pack('>I', 10**6) + b'{')"), 2, 3),
        "giant message": (handed_in(FRAME + "forge(struct.pack('>I', 2**32 - 1))"), 2, 3),
        "floods the pipe": (
            handed_in(FRAME + "while True: forge(frame({'id': 'x' * 1000}) * 100)"),
            2,
            3,
        ),
        "closes the pipe": (handed_in("import os\nos.closerange(3, 50)"), 2, 3),
        "giant reply": (handed_in(double="def double(x):\n    return 'x' * 10**8"), 0, 3),
        "deep reply": (
            handed_in(
                double="def double(x):\n    y = []\n    for _ in range(500): y = [y]\n    return y"
            ),
            0,
            3,
        ),
        "bottomless reply": (
            handed_in(double="def double(x):\n    y = []\n    y.append(y)\n    return y"),
            0,
            3,
        ),
        "nan": (handed_in(double="def double(x):\n    return float('nan')"), 0, 3),
        "infinite": (handed_in(double="def double(x):\n    return 10**4000"), 0, 3),
        "no JSON": (handed_in(double="def double(x):\n    return {1, 2}"), 0, 3),
        "forged kind of reply": (
            handed_in(
                "import small_answers\nsmall_answers.serve = lambda *a: [1, 2, 3]",
                double=WRONG[0],
            ),
            0,
            0,
        ),
        "judge in trouble": (
            handed_in(
                "import small_answers\nsmall_answers.serve = lambda *a: {'value': {'kind': None}}"
            ),
            0,
            0,
        ),
        "rewrites its modules": (
            handed_in(
                "import os\nfor name in ('small_answers.py', 'resnets/checks.py', 'IPython.py'):\n"
                "    open(name, 'w').write('import os; os._exit(0)')\nos._exit(0)"
            ),
            2,
            3,
        ),
        "page": (
            handed_in(
                double="def double(x):\n    return '</pre><script>alert(1)</script>\\ud800\\x1b'"
            ),
            0,
            3,
        ),
    }


def small(patch):
    """Set tight limits, so that attacks end soon."""
    tight = grading_session.Allowance(
        cell=3, total=60, memory=300, disk=80, entries=300, threads=200, reply=2
    )
    patch.setattr(grade, "Allowance", lambda **_: tight)
    patch.setattr(grading_session, "GRACE", 1)


SANDBOXED = {
    "deletes",
    "permissions",
    "fork bomb",
    "patient fork bomb",
    "kills",
    "starves the grader",
    "child that stays",
    "reads the others",
    "searches everywhere",
    "imports the checks",
    "reads the seed",
    "network",
    "shared memory",
}


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory):
    """Whether this system has all of the sandbox."""
    return grade.protection(ROOT / "tools" / "grade.py", tmp_path_factory.mktemp("trial"))


@pytest.fixture(scope="module")
def attacked(course, sandboxed, tmp_path_factory):
    """Grade all attackers in one run; return the results' folder, the attackers, and the status."""
    place = tmp_path_factory.mktemp("attacked")
    folder, out = place / "submitted", place / "out"
    (folder / "victim").mkdir(parents=True)
    victim = folder / "victim" / "01_small.ipynb"
    victim.write_text(handed_in())
    (out / "graded").mkdir(parents=True)
    result = out / "graded" / "other.json"
    result.write_text("{}")
    secrets = (victim, ROOT / "tools" / "grade.py", result)
    all_of_them = attackers(secrets)
    if not sandboxed[1]:
        all_of_them = {k: v for k, v in all_of_them.items() if k not in SANDBOXED}
    for name, (content, *_) in all_of_them.items():
        (folder / name).mkdir()
        (folder / name / "01_small.ipynb").write_text(content, encoding="utf-8")
    before = {path: path.stat() for path in secrets}
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        status = grade.main([str(folder), "--out", str(out)])
    return out, all_of_them, status, before


@pytest.mark.parametrize("name", attackers(("", "", "")))
def test_an_attack_changes_no_mark(attacked, sandboxed, name):
    out, all_of_them, _, _ = attacked
    if name not in all_of_them:
        pytest.skip(f"this system has no whole sandbox: {sandboxed[0]}")
    _, double, triple = all_of_them[name]
    found = marks(out)
    told = [row["message"] for row in table(out / "grades.csv") if row["student"] == name]
    assert (found[name, "01-double"], found[name, "01-triple"]) == (double, triple), told


def test_the_run_grades_everybody(attacked):
    out, all_of_them, status, _ = attacked
    assert status == 0
    rows = {row["student"]: row for row in table(out / "totals.csv")}
    assert set(rows) == {*all_of_them, "victim"}
    assert rows["victim"]["points"] == "5"
    assert len(list((out / "feedback").glob("*.html"))) == len(all_of_them) + 1


def test_nothing_of_others_is_touched(attacked):
    _, _, _, before = attacked
    for path, stat in before.items():
        now = path.stat()
        assert (now.st_mode, now.st_size, now.st_mtime) == (
            stat.st_mode,
            stat.st_size,
            stat.st_mtime,
        )


def test_nothing_survives_a_run(attacked):
    left = [p for p in psutil.process_iter(["cmdline"]) if "time.sleep(777)" in str(p.info)]
    assert not left
    assert not [
        p for p in psutil.Process().children(recursive=True) if "worker" in str(p.cmdline())
    ]
    assert not list(Path(grade.tempfile.gettempdir()).glob("grading-*/s*"))


def test_errors_are_told_with_the_students_line(attacked):
    out, *_ = attacked
    page = (out / "feedback" / "crash.html").read_text()
    assert "ended the process (SIGSEGV). It was left out." in page
    page = (out / "feedback" / "loop.html").read_text()
    assert "The cell did not end within 3 s (an endless loop?)" in page


def test_pages_hold_no_students_markup(attacked):
    out, *_ = attacked
    page = (out / "feedback" / "page.html").read_text(encoding="utf-8")
    tags = []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(page)
    assert "script" not in tags and "&lt;script&gt;" in page
    assert "\x1b" not in page


# --- finding and reading --------------------------------------------------------------------------


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
            "large/01_small.ipynb": b" " * (grading_submissions.LARGEST + 1),
            "text/01_small.ipynb": "no JSON",
            "latin/01_small.ipynb": b'{"cells": "\xe9"}',
            "utf16/01_small.ipynb": handed_in().encode("utf-16"),
            "list/01_small.ipynb": "[]",
            "old/01_small.ipynb": '{"worksheets": []}',
            "deep/01_small.ipynb": "[" * 100_000,
            "number/01_small.ipynb": '{"cells": ' + "9" * 10_000 + "}",
            "cells/01_small.ipynb": notebook(*[{}] * 20_001),
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
        "list": "no notebook",
        "old": "before 2015",
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
    assert found["strange", "01-double"] == 0
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


def test_a_submissions_time_is_limited(graded, monkeypatch):
    loops = ["import time\nfor _ in range(1000): time.sleep(0.1)"] * 20
    out, _ = graded(
        {"slow.ipynb": handed_in(*loops), "ann.ipynb": handed_in()},
        "--limit", "8", "--cell-limit", "3",
    )  # fmt: skip
    rows = {row["task"]: row for row in table(out / "grades.csv") if row["student"] == "slow"}
    assert rows["01-double"]["points"] == "0"
    assert "not reached: the notebook took more than 8 s" in rows["01-double"]["message"]
    assert marks(out)["ann", "01-double"] == 2


def test_cells_tagged_as_slow_are_skipped_whatever_they_hold(graded):
    mine = code("double = triple = None\nimport os; os._exit(0)", "training")
    out, _ = graded(
        {
            "ann.ipynb": notebook(
                solution("01-double", DOUBLE),
                solution("01-triple", TRIPLE),
                mine,
                CHECK_DOUBLE,
                CHECK_TRIPLE,
            )
        }
    )
    assert sum(marks(out).values()) == 5


# --- a run ----------------------------------------------------------------------------------------


def test_an_answer_that_ends_the_judge_costs_its_task(graded):
    end = "def double(x):\n    return 'end the judge'"
    out, _ = graded({"ann.ipynb": handed_in(), "mal.ipynb": handed_in(double=end)})
    found = marks(out)
    assert (found["mal", "01-double"], found["mal", "01-triple"]) == (0, 3)
    assert found["ann", "01-double"] == 2


def test_book_tables_and_pages(graded, tmp_path):
    from nbgrader.api import Gradebook

    book = tmp_path / "book" / "gradebook.db"
    files = {
        "ann/ps1/01_small.ipynb": handed_in(double=WRONG[0]),
        "bob/01_small.ipynb": handed_in(),
    }
    out, _ = graded(files, "--gradebook", str(book))
    with Gradebook(f"sqlite:///{book}") as opened:
        ann = opened.find_submission("ps1", "ann")
        assert (ann.score, ann.max_score, ann.needs_manual_grade) == (3, 5, False)
        assert opened.find_submission("01_small", "bob").score == 5
        comment = opened.find_comment("01-double", "01_small", "ps1", "ann")
        assert comment.comment.startswith("not right yet: found 0")
        given = opened.find_grade("01-double-check", "01_small", "ps1", "ann")
        given.manual_score = 1
        opened.db.commit()
    graded(files, "--gradebook", str(book))  # entered again: a mark given by hand stays
    with Gradebook(f"sqlite:///{book}") as opened:
        assert opened.find_submission("ps1", "ann").score == 4
    page = (out / "feedback" / "ann.html").read_text()
    assert "Small numbers: 3 of 5 points" in page
    assert "Task 1: Write double" in page and "0 of 2" in page
    assert "color-scheme: light dark" in page and "http" not in page
    rows = {row["student"]: row for row in table(out / "totals.csv")}
    assert rows["ann"]["ps1/01_small"] == "3" and rows["bob"]["points"] == "5"


def test_the_book_is_exported_by_nbgrader(graded, tmp_path):
    out, _ = graded({"ann/01_small.ipynb": handed_in()})
    command = [sys.executable, "-m", "nbgrader", "export", "--db", f"sqlite:///{out}/gradebook.db"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (row,) = table(tmp_path / "grades.csv")
    assert (row["student_id"], row["score"], row["max_score"]) == ("ann", "5.0", "5.0")


def test_a_second_run_grades_only_what_changed(graded, tmp_path):
    files = {"ann.ipynb": handed_in(), "bob.ipynb": handed_in()}
    out, _ = graded(files)
    kept = {path: path.stat().st_mtime_ns for path in (out / "graded").glob("*.json")}
    assert len(kept) == 2
    graded({"bob.ipynb": handed_in("x = 1")})
    after = {path: path.stat().st_mtime_ns for path in (out / "graded").glob("*.json")}
    assert len(after) == 3 and kept.items() <= after.items()
    next(iter(kept)).write_text("cut sho")  # a broken result is graded anew
    graded({})
    assert sum(marks(out).values()) == 10
    graded({}, "--seed", "2")
    assert len(list((out / "graded").glob("*.json"))) == 5


def test_without_a_seed_one_is_drawn_and_kept(course, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(handed_in())
    command = [str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert grade.main(command) == 0
    seed = tmp_path / "out" / "graded" / "seed"
    first = seed.read_text()
    assert first.isdigit() and seed.stat().st_mode & 0o077 == 0
    assert grade.main(command) == 0
    assert seed.read_text() == first


def test_clear_refusals(course, graded, tmp_path, capsys, monkeypatch):
    out = ["--out", str(tmp_path / "out")]
    assert grade.main([str(tmp_path / "none"), *out]) == 2
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert grade.main([str(tmp_path / "empty"), *out]) == 2
    assert "There is no notebook in" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    _, said = graded({"ann.ipynb": handed_in()}, "--out", str(tmp_path / "file" / "x"), expect=2)
    assert "can't be written" in said.err
    _, said = graded({}, "--out", str(tmp_path / "handed in" / "x"), expect=2)
    assert "can't go into the submissions' folder" in said.err
    book = tmp_path / "locked.db"
    monkeypatch.setattr(grading_report, "LOCKED_AFTER", 0.1)
    with contextlib.closing(sqlite3.connect(book, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        _, said = graded({}, "--gradebook", str(book), expect=1)
    assert "gradebook can't be written" in said.err and "formgrader" in said.err
    book.write_text("no database " * 100)
    _, said = graded({}, "--gradebook", str(book), expect=1)
    assert "not a database" in said.err
    monkeypatch.setattr(grade, "NOTEBOOKS", tmp_path / "empty")
    _, said = graded({}, expect=2)
    assert "has tasks" in said.err


def test_nothing_is_written_into_the_submissions(graded, tmp_path):
    files = {"ann/01_small.ipynb": handed_in(), "bob.ipynb": "broken"}
    graded(files, expect=1)
    folder = tmp_path / "handed in"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        *files
    }


RUN = """
import sys
sys.path[:0] = [{tools!r}, {modules!r}]
from pathlib import Path
import grade
def build(stem, folder):
    folder.mkdir()
    (folder / "small_answers.py").write_text(Path({modules!r}, "small_answers.py").read_text())
    return folder
grade.NOTEBOOKS, grade.MODULES = Path({notebooks!r}), ("small_checks", "small_answers")
grade.build_release, grade.list_fonts = build, lambda folder: folder.mkdir(parents=True)
if __name__ == "__main__":
    sys.exit(grade.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_running_and_goes_on(course, tmp_path, number):
    script = tmp_path / "run.py"
    names = ("tools", "modules", "notebooks")
    paths = (ROOT / "tools", course / "modules", course / "notebooks")
    script.write_text(RUN.format(**dict(zip(names, map(str, paths), strict=True))))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(handed_in())
    (tmp_path / "in" / "zoe.ipynb").write_text(handed_in("import time\ntime.sleep(50)"))
    out, scratch = tmp_path / "out", tmp_path / "tmp"
    scratch.mkdir()
    command = [sys.executable, str(script), str(tmp_path / "in"), "--out", str(out)]
    process = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE, text=True
    )
    while not list((out / "graded").glob("*.json")):  # ann's is graded
        assert process.poll() is None
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in said and "Traceback" not in said
    gone, left = psutil.wait_procs(children, timeout=20)
    assert gone and not left
    assert not list(scratch.iterdir())
    (tmp_path / "in" / "zoe.ipynb").write_text(handed_in())
    kept = {path: path.stat().st_mtime_ns for path in (out / "graded").glob("*.json")}
    subprocess.run(command, check=True, capture_output=True)
    assert sum(marks(out).values()) == 10
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())

"""grading/session.py: attacks of strangers stop nothing, cost nobody else a mark and gain nothing.

One run grades an honest student and all attackers; each test then looks at one of them.
"""

import html.parser

import psutil
import pytest
from small_course import (
    CHECK_DOUBLE,
    CHECK_TRIPLE,
    DOUBLE,
    MARKS,
    ROOT,
    TRIPLE,
    WRONG,
    check,
    code,
    handed_in,
    marks,
    notebook,
    solution,
    table,
)

from grading import run, session

pytestmark = MARKS
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


def unharmed(*cells, **answers):
    """An attack beside right answers: it costs nothing."""
    return handed_in(*cells, **answers), 2, 3


def one_lost(*cells, **answers):
    """An attack in the first answer: it costs that one."""
    return handed_in(*cells, **answers), 0, 3


def nothing(*cells, **answers):
    """An attack beside wrong answers, or one that leaves no process to go on: no points."""
    return handed_in(*cells, **answers), 0, 0


def attackers(secrets):
    """Notebooks of attackers and their marks: {name: (notebook, points of double, of triple)}."""
    victim, repository, result = (str(path) for path in secrets)
    return {
        "honest": unharmed(),
        "loop": unharmed("while True: pass"),
        "stubborn loop": unharmed(
            "while True:\n    try:\n        pass\n    except BaseException: pass"
        ),
        "deaf loop": unharmed("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass"),
        "loop in the answer": one_lost(double="def double(x):\n    while True: pass"),
        "stopped": unharmed("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
        "crash": unharmed("import ctypes\nctypes.string_at(0)"),
        "endless recursion": unharmed(
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(x):\n    return [f(x)]\n"
            "class A:\n    def __repr__(self): return repr(self)\nrepr(A())"
        ),
        "exit": unharmed("exit()", "quit()", "import sys\nsys.exit(3)", "raise SystemExit"),
        "os._exit": unharmed("import os\nos._exit(0)"),
        "os._exit twice": unharmed("import os\nos._exit(0)", after=["os._exit(0)"]),
        "os._exit in an answer": one_lost(double="import os\ndef double(x):\n    os._exit(0)"),
        "exits too often": nothing(*["import os\nos._exit(0)"] * 4),
        "abort": unharmed("import os\nos.abort()"),
        "time bomb": unharmed(
            "import os, threading\nthreading.Timer(1, os._exit, [0]).start()",
            after=["import time\ntime.sleep(2)"],
        ),
        "memory": unharmed("x = []\nwhile True: x.append(bytearray(2**26))"),
        "shared memory": unharmed(
            "import mmap\nx = []\nwhile True:\n    x.append(mmap.mmap(-1, 2**26))\n"
            "    for i in range(0, 2**26, 4096): x[-1][i] = 1"
        ),
        "threads": unharmed(
            "import threading, time\nthreading.stack_size(2**15)\n"
            "for _ in range(20000):\n"
            "    threading.Thread(target=time.sleep, args=[99], daemon=True).start()"
        ),
        "one big file": unharmed(
            "f = open('x', 'wb')\nwhile True: f.write(bytes(2**20)); f.flush()"
        ),
        "many big files": unharmed(
            "import itertools\nfor i in itertools.count():\n"
            "    with open(f'x{i}', 'wb') as f: f.write(bytes(2**24))"
        ),
        "deleted big files": unharmed(
            "import os\nx = []\nwhile True:\n    x.append(open('x', 'wb'))\n"
            "    x[-1].write(bytes(2**24)); x[-1].flush(); os.unlink('x')"
        ),
        "many files": unharmed(
            "import itertools\nfor i in itertools.count(): open(f'x{i}', 'w').close()"
        ),
        "deep folders": unharmed(
            "import os\nwhile True:\n    os.mkdir('x' * 99)\n    os.chdir('x' * 99)"
        ),
        "locked folders": unharmed(
            "import os\nos.makedirs('a/b/c')\nos.chmod('a/b', 0)\nos.chmod('a', 0)"
        ),
        "deletes": unharmed(
            "import os, shutil\n"
            f"for path in [{victim!r}, {result!r}, {repository!r}]:\n"
            "    shutil.rmtree(os.path.dirname(path), ignore_errors=True)\n"
            "    for how in (os.unlink, os.rmdir, lambda p: os.truncate(p, 0),\n"
            "                lambda p: open(p, 'w'), lambda p: os.rename(p, 'mine')):\n"
            "        try:\n            how(path)\n        except OSError:\n            pass"
        ),
        "permissions": unharmed(
            "import os\n"
            f"for path in [{victim!r}, {result!r}, {repository!r}]:\n"
            "    for p in (path, os.path.dirname(path)):\n"
            "        for how in (lambda p: os.chmod(p, 0), lambda p: os.utime(p, (0, 0)),\n"
            "                    lambda p: os.setxattr(p, 'user.x', b'x')):\n"
            "            try:\n                how(p)\n"
            "            except OSError:\n                pass"
        ),
        "fork bomb": unharmed("import os\nwhile True: os.fork()"),
        "patient fork bomb": unharmed(
            "import os\nwhile True:\n    try:\n        os.fork()\n"
            "    except BaseException:\n        pass"
        ),
        "kills": unharmed(
            "import os, signal\n"
            "for pid in [os.getppid(), -1, 0, *range(2, 70000)]:\n"
            "    if pid != os.getpid():\n"
            "        for how in (os.kill, os.killpg):\n"
            "            try:\n                how(pid, 9)\n"
            "            except (OSError, OverflowError):\n                pass"
        ),
        "starves the grader": unharmed(
            "import os, resource\n"
            "judge = os.getppid()\n"
            "for action in (lambda: resource.prlimit(judge, resource.RLIMIT_CPU, (1, 1)),\n"
            "               lambda: resource.prlimit(judge, resource.RLIMIT_NOFILE, (3, 3)),\n"
            "               lambda: os.setpriority(os.PRIO_PROCESS, judge, 19)):\n"
            "    try:\n        action()\n    except OSError:\n        pass"
        ),
        "child that stays": unharmed(
            "import os, subprocess, sys, time\n"
            "sleep = [sys.executable, '-c', 'import time; time.sleep(777)']\n"
            "for _ in range(3):\n    try:\n"
            "        subprocess.Popen(sleep, start_new_session=True)\n"
            "    except OSError:\n        pass\n"
            "try:\n    if os.fork() == 0:\n        os.setsid()\n"
            "        if os.fork() == 0:\n            time.sleep(777)\n        os._exit(0)\n"
            "except OSError:\n    pass"
        ),
        "reads the others": nothing(
            FOUND
            + "import os\n"
            + f"for path in [{victim!r}, {result!r}, {repository!r}]:\n"
            + "    seen(lambda: open(path).read())\n"
            + "    seen(lambda: os.listdir(os.path.dirname(path)))\n",
            **IF_FOUND,
        ),
        "searches everywhere": nothing(
            FOUND + "import os, sys\n"
            "for top in ('/', sys.prefix, sys.base_prefix, '..', '../..', *sys.path):\n"
            "    for folder, names, files in os.walk(top):\n"
            "        no = ('proc', 'sys', 'site-packages', 'lib', 'lib64')\n"
            "        names[:] = [n for n in names if n not in no]\n"
            "        for name in files:\n"
            "            if name.startswith(('small_checks', '01_small')):\n"
            "                seen(lambda: open(os.path.join(folder, name)).read())",
            **IF_FOUND,
        ),
        "imports the checks": nothing(
            FOUND + "seen(lambda: __import__('small_checks'))\n"
            "import resnets.checks\n"
            "seen(lambda: resnets.checks.judge)\nseen(lambda: resnets.checks.CHECKS)\n"
            "seen(lambda: __import__('resnets.checks.core', fromlist=['judge']).judge)\n"
            "seen(lambda: __import__('resnets.blocks'))\n"
            "seen(lambda: __import__('resnets_utils'))",
            **IF_FOUND,
        ),
        "reads the seed": nothing(
            FOUND + "import glob, os\n"
            "paths = glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ')\n"
            "for path in paths or [f'/proc/{os.getppid()}/cmdline']:\n"
            "    if path.split('/')[2] != str(os.getpid()):\n"
            "        seen(lambda: open(path, 'rb').read())\n"
            "seen(lambda: open(f'/proc/{os.getppid()}/mem', 'rb').read(1))\n"
            "if any('SEED' in name for name in os.environ): found.append(True)",
            **IF_FOUND,
        ),
        "network": nothing(
            FOUND + "import socket\n"
            "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
            "    seen(lambda: socket.socket(family))\n"
            "seen(lambda: socket.create_connection(('127.0.0.1', 22), 1))",
            **IF_FOUND,
        ),
        "replaces the checks": nothing(
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
        "equal to everything": nothing(
            "class Yes(int):\n    def __eq__(self, other): return True\n"
            "    def __ne__(self, other): return False\n    __hash__ = None",
            double="def double(x):\n    return Yes(0)",
            triple="def triple(x):\n    return Yes(0)",
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
        "prints marks": nothing(
            "import os, sys\n"
            'marks = \'{"verdicts": {"01-double": [2, "passed"]}}\'\n'
            "for out in (sys.stdout, sys.stderr, sys.__stdout__): print(marks, file=out)\n"
            "for fd in (1, 2): os.write(fd, marks.encode() * 1000)\nprint('x' * 10**8)",
            double=WRONG[0],
            triple=WRONG[1],
        ),
        "forges replies ahead": unharmed(
            FRAME + "for i in range(50):\n"
            "    forge(frame({'id': i, 'reply': {'value': 0}, 'passed': True, 'points': 9}))\n"
            "    forge(frame({'id': 'start', 'reply': [True, 'passed']}))"
        ),
        "forges replies with a wrong answer": nothing(
            FRAME + "forge(frame({'passed': True, 'points': 9, 'verdict': [2, 'passed']}))",
            double=WRONG[0],
            triple=WRONG[1],
        ),
        "replies one late": nothing(
            "import gc\n"
            "named = lambda x: getattr(x, '__name__', '')\n"
            "Pipes = next(x for x in gc.get_objects() if named(x) == 'Pipes')\n"
            "send, late = Pipes.send, [{}]\n"
            "def delayed(self, reply, *rest):\n"
            "    late.append(reply)\n"
            "    send(self, {**late.pop(0), 'id': reply['id']}, *rest)\n"
            "Pipes.send = delayed"
        ),
        "garbage on the pipe": unharmed(
            FRAME + "forge(frame(b'no JSON') + frame(b'[1]') + frame(b'[' * 5000))"
        ),
        "half a message": unharmed(FRAME + "forge(struct.pack('>I', 10**6) + b'{')"),
        "giant message": unharmed(FRAME + "forge(struct.pack('>I', 2**32 - 1))"),
        "floods the pipe": unharmed(FRAME + "while True: forge(frame({'id': 'x' * 1000}) * 100)"),
        "closes the pipe": unharmed("import os\nos.closerange(3, 50)"),
        "giant reply": one_lost(double="def double(x):\n    return 'x' * 10**8"),
        "deep reply": one_lost(
            double="def double(x):\n    y = []\n    for _ in range(500): y = [y]\n    return y"
        ),
        "bottomless reply": one_lost(
            double="def double(x):\n    y = []\n    y.append(y)\n    return y"
        ),
        "nan": one_lost(double="def double(x):\n    return float('nan')"),
        "infinite": one_lost(double="def double(x):\n    return 10**4000"),
        "no JSON": one_lost(double="def double(x):\n    return {1, 2}"),
        "forged kind of reply": nothing(
            "import small_probe\nsmall_probe.serve = lambda *a: [1, 2, 3]", double=WRONG[0]
        ),
        "judge in trouble": nothing(
            "import small_probe\nsmall_probe.serve = lambda *a: {'value': {'kind': None}}"
        ),
        "rewrites its modules": unharmed(
            "import os\nfor name in ('small_probe.py', 'resnets/checks.py', 'IPython.py'):\n"
            "    open(name, 'w').write('import os; os._exit(0)')\nos._exit(0)"
        ),
        "page": one_lost(
            double="def double(x):\n    return '</pre><script>alert(1)</script>\\ud800\\x1b'"
        ),
    }


def small(patch):
    """Set tight limits, so that attacks end soon."""
    tight = session.Allowance(
        cell=3, total=60, memory=300, disk=80, entries=300, threads=200, reply=2
    )
    patch.setattr(run, "Allowance", lambda **_: tight)
    patch.setattr(session, "GRACE", 1)


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
    return run.protection(ROOT / "grading" / "run.py", tmp_path_factory.mktemp("trial"))


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
    secrets = (victim, ROOT / "grading" / "run.py", result)
    all_of_them = attackers(secrets)
    if not sandboxed[1]:
        all_of_them = {k: v for k, v in all_of_them.items() if k not in SANDBOXED}
    for name, (content, *_) in all_of_them.items():
        (folder / name).mkdir()
        (folder / name / "01_small.ipynb").write_text(content, encoding="utf-8")
    before = {path: path.stat() for path in secrets}
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        (place / "scratch").mkdir()
        patch.setattr(run.tempfile, "tempdir", str(place / "scratch"))
        status = run.main([str(folder), "--out", str(out)])
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
    assert not list((attacked[0].parent / "scratch").iterdir())


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

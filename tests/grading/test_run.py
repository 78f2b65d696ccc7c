"""grading/run.py: one command grades a folder, goes on where it was stopped, says what it can't."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time

import psutil
import pytest
from small_course import MARKS, ROOT, handed_in, marks

from grading import report, run, session

pytestmark = MARKS


def test_an_answer_that_ends_the_judge_costs_its_task(graded):
    end = "def double(x):\n    return 'end the judge'"
    out, _ = graded({"ann.ipynb": handed_in(), "mal.ipynb": handed_in(double=end)})
    found = marks(out)
    assert (found["mal", "01-double"], found["mal", "01-triple"]) == (0, 3)
    assert found["ann", "01-double"] == 2


def test_an_answer_that_keeps_the_judge_busy_costs_its_task(graded, monkeypatch):
    limits = session.Allowance(judging=0.5)
    monkeypatch.setattr(run, "Allowance", lambda **_: limits)
    busy = "def double(x):\n    return 'keep the judge busy'"
    out, _ = graded({"ann.ipynb": handed_in(), "mal.ipynb": handed_in(double=busy)})
    found = marks(out)
    assert (found["mal", "01-double"], found["mal", "01-triple"]) == (0, 3)
    assert found["ann", "01-double"] == 2
    page = (out / "feedback" / "mal.html").read_text(encoding="utf-8")
    assert "judging what you wrote took more than 0.5 s" in page


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


def test_texts_for_reading_grade_nothing_anew_and_all_else_does(graded, tmp_path):
    release = tmp_path / "release"
    (release / "datasets").mkdir(parents=True)
    (release / "helpers.py").write_text("a = 1")
    (release / "datasets" / "signs.csv").write_text("1")
    (release / "README.md").write_text("text")
    assignments = run.load_assignments(run.NOTEBOOKS)

    def found():
        return run.checksums(assignments, {"01_small": str(tmp_path)})["01_small"]

    first = found()
    (release / "README.md").write_text("another text")
    (release / "helpers.py").write_text("a = 1  # one")
    assert found() == first
    (release / "helpers.py").write_text("a = 2")
    second = found()
    (release / "datasets" / "signs.csv").write_text("2")
    assert len({first, second, found()}) == 3


def test_old_notebooks_find_what_was_moved(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "EARLIER", {"earlier.py": ["no.such.module", "fractions"]})
    (tmp_path / "earlier.py").write_text("here = 1")
    run.hide_judge(tmp_path, set())
    script = "from earlier import Fraction, gone, here; print(Fraction(2, 4), gone, here)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1/2 None 1\n", "")


def test_without_a_seed_one_is_drawn_and_kept(course, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(handed_in())
    command = [str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert run.main(command) == 0
    seed = tmp_path / "out" / "graded" / "seed"
    first = seed.read_text()
    assert first.isdigit() and seed.stat().st_mode & 0o077 == 0
    assert run.main(command) == 0
    assert seed.read_text() == first


def test_clear_refusals(course, graded, tmp_path, capsys, monkeypatch):
    out = ["--out", str(tmp_path / "out")]
    assert run.main([str(tmp_path / "none"), *out]) == 2
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run.main([str(tmp_path / "empty"), *out]) == 2
    assert "There is no notebook in" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    _, said = graded({"ann.ipynb": handed_in()}, "--out", str(tmp_path / "file" / "x"), expect=2)
    assert "can't be written" in said.err
    _, said = graded({}, "--out", str(tmp_path / "handed in" / "x"), expect=2)
    assert "can't go into the submissions' folder" in said.err
    book = tmp_path / "locked.db"
    monkeypatch.setattr(report, "LOCKED_AFTER", 0.1)
    with contextlib.closing(sqlite3.connect(book, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        _, said = graded({}, "--gradebook", str(book), expect=1)
    assert "gradebook can't be written" in said.err and "formgrader" in said.err
    book.write_text("no database " * 100)
    _, said = graded({}, "--gradebook", str(book), expect=1)
    assert "not a database" in said.err
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path / "empty")
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
sys.path[:0] = [{root!r}, {modules!r}]
from pathlib import Path
from grading import run
def build(stem, folder):
    folder.mkdir()
    (folder / "small_probe.py").write_text(Path({modules!r}, "small_probe.py").read_text())
run.NOTEBOOKS = Path({notebooks!r})
run.JUDGING = ("small_checks", "small_probe", "small_probe")
run.build_release, run.list_fonts = build, lambda folder: folder.mkdir(parents=True)
if __name__ == "__main__":
    sys.exit(run.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_running_and_goes_on(course, tmp_path, number):
    script = tmp_path / "script.py"
    names = ("root", "modules", "notebooks")
    paths = (ROOT, course / "modules", course / "notebooks")
    script.write_text(RUN.format(**dict(zip(names, map(str, paths), strict=True))))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(handed_in())
    (tmp_path / "in" / "zoe.ipynb").write_text(handed_in("import time\ntime.sleep(50)"))
    out, scratch = tmp_path / "out", tmp_path / "tmp"
    scratch.mkdir()
    command = [sys.executable, str(script), str(tmp_path / "in"), "--out", str(out)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        # A shell that started the tests in the background has SIGINT ignored, for children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
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

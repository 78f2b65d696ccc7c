"""Whether pytest --nbval, as the root's conftest.py sets it up, finds what it should and no more.

Two small notebooks are run and saved, then their cells are changed, so that the outputs of the
next run differ from the saved ones in a known way. One pytest run judges them all.
"""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

pytest.importorskip("nbval")
from nbclient import NotebookClient

from resnets_utils import ROOT

pytestmark = pytest.mark.slow

SETUP = """
import os, sys, warnings
import matplotlib.pyplot as plt, numpy as np
def draw(up=0.0, digit=3, noise=0.0):
    x = np.linspace(0, 6, 100)
    plt.plot(x, np.cos(x))
    plt.plot(x, np.sin(x) * (1 + noise) + up)
    plt.ylim(-2, 2)
    plt.title(f"accuracy 0.9{digit}")
    plt.show()
def flat(level):
    plt.imshow(np.full((9, 9, 3), level, np.uint8))
    plt.show()
"""
IGNORED = "nbval-ignore-output"
# name: the cell as saved, the cell as run again, what the report says (None: the cell passes)
CELLS = {
    "set-up": (SETUP, SETUP, None),
    "same": ("print('loss 0.1234')", "print('loss 0.1234')", None),
    "near": ("print('loss 12.34567')", "print('loss 12.34568')", None),
    "near, padded": ("print('loss  0.99999')", "print('loss 1.000001')", None),
    "far": ("print('loss 0.1234')", "print('loss 0.1236')", "+loss 0.1236"),
    "large": ("print('sum 98765.432')", "print('sum 98765.434')", "+sum 98765.434"),
    "exponent": ("print('rate 1e-07')", "print('rate 5e-07')", "+rate 5e-07"),
    "integer": ("print('23600006 weights')", "print('23600007 weights')", "+23600007 weights"),
    "full stop": ("print('It has 23600006.')", "print('It has 23600007.')", "+It has 23600007."),
    "version": ("print('TensorFlow 2.21.0')", "print('TensorFlow 2.21.1')", "+TensorFlow 2.21.1"),
    "word": ("print('cat 0.5')", "print('dog 0.5')", "+dog 0.5"),
    "newline": ("print('a 0.5\\nb')", "print('a 0.5 b')", "+a 0.5 b"),
    "value": ("0.5", "0.6", "text/plain differs"),
    "semicolon": ("0.5;", "0.6;", None),
    "progress": (
        "print('1/9\\r\\x1b[1m9/9')",
        "print('1/9\\r4/9\\b\\b\\r9/9')",
        None,
    ),
    "missing": ("print('said')", "pass", "missing output: 1 of stdout saved, 0 new"),
    "extra": ("pass", "print('said')", "extra output: 0 of stdout saved, 1 new"),
    "extra value": ("1", "display(1); 1", "extra output: 1 of text/plain saved, 2 new"),
    "new stderr": ("pass", "warnings.warn('new')", None),
    "new error": ("pass", "1 / 0", "ZeroDivisionError"),
    "figure same": ("draw()", "draw()", None),
    "figure near": ("draw()", "draw(noise=1e-5)", None),
    "figure moved": ("draw()", "draw(up=0.02)", "image/png differs"),
    "figure digit": ("draw(digit=3)", "draw(digit=8)", "image/png differs"),
    "figure tinted": ("flat(100)", "flat(105)", "0 pixels off by more than 32 grey levels"),
    "figure size": ("draw()", "plt.ylabel('sine'); draw()", "pixels saved"),
    "figure missing": ("draw()", "pass", "missing output: 1 of image/png saved, 0 new"),
    "figure extra": ("draw()", "draw(); draw()", "extra output: 1 of image/png saved, 2 new"),
    "ignored": ("print('1 s')", "print('2 s', 0.7)", None),
    "ignored figure": ("draw()", "draw(up=1)", None),
    "ignored figure missing": ("draw()", "pass", "figures saved: {'image/png': 1}"),
    "ignored error": ("pass", "1 / 0", "ZeroDivisionError"),
    "bundled data": (
        "pass",
        "assert os.environ['SIGNS_DIR'].endswith(os.path.join('datasets', 'bundled'))",
        None,
    ),
    "quiet": ("pass", "assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '3'", None),
}


def planted_notebook(folder: Path) -> None:
    """Run the cells as saved, then swap the sources for those of the next run."""
    tags = {name: [IGNORED] if name.startswith("ignored") else [] for name in CELLS}
    book = new_notebook(
        cells=[
            new_code_cell(saved, metadata={"tags": tags[name]})
            for name, (saved, _, _) in CELLS.items()
        ]
    )
    NotebookClient(book, timeout=60, kernel_name="python3").execute()
    for cell, (_, new, _) in zip(book.cells, CELLS.values(), strict=True):
        cell.source = new
    nbformat.write(book, folder / "planted.ipynb")


def said(text: str, count: int | None, *more: nbformat.NotebookNode, tags=()) -> dict:
    """A cell that prints `text`, as if run as number `count`."""
    output = [new_output("stream", name="stdout", text=f"{text}\n")] * (count is not None)
    source = f"print({text!r})"
    return new_code_cell(
        source, execution_count=count, outputs=[*output, *more], metadata={"tags": [*tags]}
    )


WARNING = new_output("stream", name="stderr", text="UserWarning: careful\n")
ERROR = new_output("error", ename="ValueError", evalue="wrong shape", traceback=[])
# notebook: its cells, what the report on "saved run" says (None: it passes)
SAVED = {
    "clean": ([said("a", 1), new_code_cell("  "), said("b", 2)], None),
    "never_run": ([said("a", 1), said("b", None)], "[1, None], not 1 to 2 (None: never run)"),
    "never_run_ignored": ([said("a", 1), said("b", None, tags=[IGNORED])], "[1, None]"),
    "out_of_order": ([said("a", 2), said("b", 1)], "execution counts are [2, 1], not 1 to 2"),
    "second_run": ([said("a", 5), said("b", 6)], "execution counts are [5, 6], not 1 to 2"),
    "saved_stderr": ([said("a", 1, WARNING)], "saved stderr: UserWarning: careful"),
    "saved_error": ([said("a", 1, ERROR)], "saved error: ValueError: wrong shape"),
}


def parse(report: Path) -> dict[tuple[str, str], str]:
    """Read pytest's report as {(notebook, item): what its failure says, "" where it passed}."""
    found = {}
    for case in ET.parse(report).iter("testcase"):
        notebook = case.get("classname").split(".")[-2]
        fault = [*case.iter("failure"), *case.iter("error"), *case.iter("skipped")]
        found[notebook, case.get("name")] = "".join(
            f"{one.get('message')}\n{one.text}" for one in fault
        )
    return found


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Run pytest in `folder`, under a caller's environment that the notebooks must not see."""
    caller = {"SIGNS_DIR": "/elsewhere", "MPLBACKEND": "Agg", "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *options],
        cwd=folder,
        env={**os.environ, **caller},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A project of its own, with the root's conftest.py."""
    folder = tmp_path_factory.mktemp("guard")
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


@pytest.fixture(scope="module")
def reports(folder) -> dict[tuple[str, str], str]:
    """The failure message of every item; one pytest run over all notebooks."""
    planted_notebook(folder)
    for name, (cells, _) in SAVED.items():
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    done = run_pytest(folder, "--nbval", "--junitxml=report.xml", ".")
    assert done.returncode == 1, done.stdout + done.stderr
    return parse(folder / "report.xml")


def judge(message: str, expected: str | None) -> None:
    """Check that an item passed, or failed with the expected words."""
    if expected is None:
        assert message == ""
    else:
        assert expected in message


@pytest.mark.parametrize("number, name", list(enumerate(CELLS)), ids=list(CELLS))
def test_cell(reports, number, name):
    judge(reports["planted", f"Cell {number}"], CELLS[name][2])


@pytest.mark.parametrize("name", SAVED)
def test_saved_run(reports, name):
    judge(reports[name, "saved run"], SAVED[name][1])


def test_clean_notebook_passes_whole(reports):
    assert {message for (name, _), message in reports.items() if name == "clean"} == {""}


def test_report_names_notebook_and_cell(reports):
    number = list(CELLS).index("far")
    message = reports["planted", f"Cell {number}"]
    assert f"planted.ipynb, In [{number + 1}]: stdout differs" in message
    assert "-loss 0.1234" in message and "+loss 0.1236" in message


def test_plain_pytest_needs_no_nbval(folder):
    """Without --nbval, and with the plugin switched off as if it were not installed."""
    (folder / "test_plain.py").write_text("def test_plain():\n    pass\n")
    done = run_pytest(folder, "-p", "no:nbval", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_other_nbval_is_refused(folder):
    (folder / "conftest.py").rename(folder / "kept.py")
    other = (ROOT / "conftest.py").read_text().replace('NBVAL = "0.11."', 'NBVAL = "0.99."')
    (folder / "conftest.py").write_text(other)
    try:
        done = run_pytest(folder, "--nbval", ".")
    finally:
        (folder / "kept.py").rename(folder / "conftest.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "nbval 0.11.0 is installed" in done.stderr

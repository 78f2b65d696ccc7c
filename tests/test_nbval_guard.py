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

from resnets.notebook_watch import fingerprint
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
def curves(seed=0, colours=("C0", "C1"), names=("training", "test"), x="epoch", scale="linear",
           legend=True, title="accuracy", marker="", style="-", size=(5, 3), points=5, axes=1):
    values = np.random.default_rng(seed).random((len(colours), points)) + 0.1
    figure, grid = plt.subplots(1, axes, figsize=size, layout="constrained", squeeze=False)
    for axis in grid[0]:
        for colour, name, row in zip(colours, names, values):
            axis.plot(row, style, color=colour, label=name, marker=marker)
        axis.set(xlabel=x, yscale=scale, title=f"{title} {values[0, -1]:.1%}")
        if legend:
            axis.legend()
    plt.show()
def marks(seed=0, colour="C0", cmap="viridis", bar="C2", ticks=("cat", "dog"), count=3,
          text="best", contour="red"):
    x = np.random.default_rng(seed).random((2, 8))
    _, axes = plt.subplots(1, 3)
    axes[0].scatter(*x, color=colour)
    axes[0].text(0, 0, f"{text} {x[0, 0]:.2f}")
    axes[0].contour(np.outer(x[0], x[1]), levels=[0.1], colors=contour)
    axes[1].imshow(x, cmap=cmap)
    axes[2].bar(range(count), x[0, :count], color=bar)
    axes[1].set_yticks([0, 1], ticks)
    plt.show()
def pictures(count=4, cmap=None):
    _, axes = plt.subplots(1, count)
    for number, axis in enumerate(axes):
        axis.imshow(np.random.default_rng(number).random((3, 3)), cmap=cmap)
        axis.set_title(f"read as {count + number}")
        axis.axis("off")
    plt.show()
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}  # of kernels in a folder elsewhere
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
    # Ignored figures may hold other data, in their titles too, and must show the same.
    "ignored figure, other data": ("curves()", "curves(1, points=9)", None),
    "ignored figure, colour": ("curves()", "curves(1, ('C0', 'C3'))", "+  line #d62728ff - 'test'"),
    "ignored figure, both colours swapped": (
        "curves()",
        "curves(1, ('C1', 'C0'))",
        "+  line #ff7f0eff - 'training'",
    ),
    "ignored figure, series lost": ("curves()", "curves(1, ['C0'])", "-  line #ff7f0eff - 'test'"),
    "ignored figure, series more": (
        "curves()",
        "curves(1, ('C0', 'C1', 'C2'), ('training', 'test', 'more'))",
        "+  line #2ca02cff - 'more'",
    ),
    "ignored figure, label of axis": ("curves()", "curves(x='step')", "+  x: step | linear"),
    "ignored figure, scale": ("curves()", "curves(scale='log')", "+  y:  | log"),
    "ignored figure, legend": ("curves()", "curves(legend=False)", "-  legend: training, test"),
    "ignored figure, name": (
        "curves()",
        "curves(names=('training', 'held out'))",
        "+  legend: training, held out",
    ),
    "ignored figure, title": ("curves()", "curves(title='loss')", "+axes: loss #%"),
    "ignored figure, style": ("curves()", "curves(style='--')", "+  line #1f77b4ff -- 'training'"),
    "ignored figure, marker": ("curves()", "curves(marker='o')", "'training'"),
    "ignored figure, size": ("curves()", "curves(size=(6, 3))", "+figure of 6 x 3 inches"),
    "ignored figure, axes": ("curves()", "curves(axes=2)", "@@"),
    "ignored marks, other data": ("marks()", "marks(1)", None),
    "ignored marks, points": ("marks()", "marks(colour='C3')", "+  PathCollection #d62728ff"),
    "ignored marks, text": ("marks()", "marks(text='worst')", "+  texts: worst #"),
    "ignored marks, contour": ("marks()", "marks(contour='blue')", "+  QuadContourSet #0000ffff"),
    "ignored marks, heat": ("marks()", "marks(cmap='jet')", "+  image jet"),
    "ignored marks, bars": ("marks()", "marks(bar='C3')", "+  patch #d62728ff"),
    "ignored marks, ticks": ("marks()", "marks(ticks=('cat', 'cow'))", "| cat, cow"),
    "ignored pictures, other number and captions": ("pictures()", "pictures(5)", None),
    "ignored pictures, heat": ("pictures()", "pictures(cmap='jet')", "+  image jet"),
    "figure, pale colour": (
        "curves(colours=('#dddddd', 'C1'))",
        "curves(colours=('#d9d9d9', 'C1'))",
        "+  line #d9d9d9ff - 'training'",
    ),
    # What fails beside the outputs. Each pair of two has a cell that must not get its neighbour's.
    "magic": ("pass", "%nosuchmagic", "UsageError: Line magic function `%nosuchmagic` not found"),
    "ignored magic": ("pass", "%nosuchmagic", "UsageError: Line magic"),
    "cell magic": ("pass", "%%nosuchcell\n1", "UsageError: Cell magic `%%nosuchcell` not found"),
    "option of a magic": ("pass", "%matplotlib nosuchbackend", "nosuchbackend"),
    "script": ("pass", "%%bash\nfalse", "CalledProcessError"),
    "command": ("pass", "!exit 3", "!exit 3 ended with status 3"),
    "first command of two": ("pass", "!exit 4\n!true", "!exit 4 ended with status 4"),
    "command that ends well": ("pass", "!true", None),
    "thread": (
        "pass",
        "import threading; threading.Thread(target=lambda: 1 / 0, name='worker').start()",
        "thread worker: ZeroDivisionError: division by zero",
    ),
    "thread, silenced": (
        "pass",
        "import contextlib, io\n"
        "with contextlib.redirect_stderr(io.StringIO()):\n"
        "    one = threading.Thread(target=lambda: 1 / 0); one.start(); one.join()",
        "ZeroDivisionError",
    ),
    "thread, soon after the cell": (
        "pass",
        "import time; threading.Thread(target=lambda: (time.sleep(0.4), 1 / 0)).start()",
        "ZeroDivisionError",
    ),
    "after the threads": ("pass", "pass", None),
    "thread that ends well": ("pass", "threading.Thread(target=print).start()", "extra output"),
    "task": (
        "pass",
        "import asyncio\nasync def fail():\n    1 / 0\nasyncio.create_task(fail());",
        "a task: ZeroDivisionError",
    ),
    "task waited for": (
        "pass",
        "try:\n    await asyncio.create_task(fail())\nexcept ZeroDivisionError:\n    pass",
        None,
    ),
    "destructor": (
        "pass",
        "class Frail:\n    def __del__(self):\n        1 / 0\nFrail();",
        "ZeroDivisionError",
    ),
    "process of its own": (
        "pass",
        "import subprocess; subprocess.run([sys.executable, '-c', '1 / 0']);",
        "an exception was printed",
    ),
    "printed traceback": (
        "pass",
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()",
        "an exception was printed",
    ),
    "exit status": ("pass", "sys.exit(0)", "SystemExit"),
    "interrupt": ("pass", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    "syntax": ("pass", "1 /", "SyntaxError"),
    "shown traceback": (
        "pass",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()",
        "ZeroDivisionError",
    ),
    "raises expected": ("1 / 0", "1 / 0", None),
    "raises other": ("1 / 0", "int('x')", "+ValueError"),
    "raises none": ("1 / 0", "pass", "missing output: 1 of error"),
    "raises ignored, none": ("1 / 0", "pass", "has the tag raises-exception and raised none"),
    "after all": ("pass", "pass", None),
    "bundled data": (
        "pass",
        "assert os.environ['SIGNS_DIR'].endswith(os.path.join('datasets', 'bundled'))",
        None,
    ),
    "quiet": ("pass", "assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '3'", None),
}


def planted_notebook(folder: Path) -> None:
    """Run the cells as saved, then swap the sources for those of the next run."""
    tags = {
        name: [IGNORED] * ("ignored" in name) + ["raises-exception"] * name.startswith("raises")
        for name in CELLS
    }
    book = new_notebook(
        cells=[
            new_code_cell(saved, metadata={"tags": tags[name]})
            for name, (saved, _, _) in CELLS.items()
        ]
    )
    watch = ["--IPKernelApp.extensions=resnets.notebook_watch"]
    client = NotebookClient(book, timeout=60, kernel_name="python3", extra_arguments=watch)
    client.execute(env=ENVIRONMENT)
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
FIGURE = new_output("display_data", {"text/plain": "<Figure size 640x480 with 1 Axes>"})
# notebook: its cells, what the report on "saved run" says (None: it passes)
SAVED = {
    "clean": ([said("a", 1), new_code_cell("  "), said("b", 2)], None),
    "never_run": ([said("a", 1), said("b", None)], "[1, None], not 1 to 2 (None: never run)"),
    "never_run_ignored": ([said("a", 1), said("b", None, tags=[IGNORED])], "[1, None]"),
    "out_of_order": ([said("a", 2), said("b", 1)], "execution counts are [2, 1], not 1 to 2"),
    "second_run": ([said("a", 5), said("b", 6)], "execution counts are [5, 6], not 1 to 2"),
    "saved_stderr": ([said("a", 1, WARNING)], "saved stderr: UserWarning: careful"),
    "changed_code": ([said("a", 1)], "the code was changed after the run"),
    "saved_figure": ([said("a", 1, FIGURE)], "a figure without a note of what it shows"),
    "saved_error": ([said("a", 1, ERROR)], "saved error: ValueError: wrong shape"),
}


# notebook: its cells as run again, and what the report says of each (None: it passes)
DYING = {
    "exits": (
        ["a = 1", "import os; os._exit(1)", "c = 1", "d = 1"],
        [None, "the kernel died in exits.ipynb, In [2]", *["not run: the kernel died"] * 2],
    ),
    "killed": (
        ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "1"],
        ["the kernel died in killed.ipynb, In [1]", "not run: the kernel died"],
    ),
    "crashes": (
        ["import ctypes; ctypes.string_at(0)", "1"],
        ["the kernel died in crashes.ipynb, In [1]", "not run: the kernel died"],
    ),
    "dies_between": (
        [
            "import os, threading; timer = threading.Timer(0.5, os._exit, [1])\n"
            "timer.daemon = True; timer.start()",
            "import time; time.sleep(60)",
            "1",
        ],
        [None, "the kernel died in dies_between.ipynb", "not run: the kernel died"],
    ),
    "asks_for_the_end": (["exit()"], ["the cell ends the kernel (`exit`)"]),
    "dies_late": (["import os, threading; threading.Timer(0.2, os._exit, [1]).start()"], ["died"]),
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
        env={**ENVIRONMENT, **caller},
        capture_output=True,
        text=True,
        timeout=300,
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
        book = new_notebook(cells=cells)
        if name in ("clean", "changed_code"):
            book.metadata["code_of_outputs"] = fingerprint(book)
        if name == "changed_code":
            cells[0].source = cells[0].source.replace("'a'", "'a' ''")
        nbformat.write(book, folder / f"{name}.ipynb")
    for name, (sources, _) in DYING.items():
        cells = [new_code_cell(source, execution_count=n) for n, source in enumerate(sources, 1)]
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


@pytest.mark.parametrize("name", DYING)
def test_dying_kernel(reports, name):
    for number, expected in enumerate(DYING[name][1]):
        judge(reports[name, f"Cell {number}"], expected)


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

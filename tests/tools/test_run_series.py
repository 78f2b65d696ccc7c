"""tools/run_series.py: runs notebooks, saves what worked, tells what did not and goes on."""

import base64
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
import run_series
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from resnets.notebook_watch import fingerprint

SCRIPT = Path(__file__).parents[2] / "tools" / "run_series.py"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


@pytest.fixture
def series(tmp_path, monkeypatch):
    """The script as a module, with its folders in a temporary repository."""
    monkeypatch.setattr(run_series, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(run_series, "BUILD", tmp_path / "build")
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    (tmp_path / "notebooks").mkdir()
    return run_series


@pytest.fixture
def put(tmp_path):
    """Write a notebook of the given code cells; return its path."""

    def write(name, *sources, text="Some *text*."):
        nb = new_notebook(cells=[new_markdown_cell(text), *map(new_code_cell, sources)])
        path = tmp_path / "notebooks" / name
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nb, path)
        return path

    return write


def outputs(path):
    """The texts that the code cells of a saved notebook printed."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    return ["".join(out.get("text", "") for out in cell.outputs) for cell in cells]


def test_results_go_to_build_and_pictures_into_the_page(series, put, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a figure.svg").write_text(SVG)
    text = (
        '![one](../images/a%20figure.svg)\n\n<img alt="two" src="../images/a figure.svg">\n\n'
        "![none](../images/none.svg) ![web](https://example.org/x.svg)"
    )
    put("02_second.ipynb", "print('second')")
    put(
        "01_first.ipynb",
        "import sys, os; print(sys.executable)",
        "print(os.getcwd())",
        "print(os.environ['TF_CPP_MIN_LOG_LEVEL'], os.environ['MPLBACKEND'].split('.')[-1])",
        text=text,
    )
    assert series.main([]) == 0

    build = tmp_path / "build"
    names = {"01_first.ipynb", "01_first.html", "02_second.ipynb", "02_second.html"}
    assert {path.name for path in build.iterdir()} == names
    python, folder, settings = (text.strip() for text in outputs(build / "01_first.ipynb"))
    assert python == sys.executable
    assert folder == str(tmp_path / "notebooks")
    assert settings == "3 backend_inline"
    page = (build / "01_first.html").read_text(encoding="utf-8")
    assert page.count(base64.b64encode(SVG.encode()).decode()) == 2
    assert "../images/none.svg" in page and "https://example.org/x.svg" in page
    out = capsys.readouterr().out
    assert out.index("ok      01_first") < out.index("ok      02_second")
    row = re.search(r"^01_first.ipynb +3/3 +[\d.]+ +(\d+)$", out, re.MULTILINE)
    assert row and int(row[1]) > 10  # MB: no kernel is smaller


def test_a_failing_cell_is_named_and_the_next_notebook_runs(series, put, tmp_path, capsys):
    put("01_bad.ipynb", "print('before')", "1 / 0", "print('after')")
    put("02_good.ipynb", "print('fine')")
    assert series.main([]) == 1
    captured = capsys.readouterr()
    line = "FAILED  01_bad.ipynb, code cell 2 of 3: ZeroDivisionError: division by zero"
    assert line in captured.out.splitlines() and line in captured.err.splitlines()
    bad = nbformat.read(tmp_path / "build" / "01_bad.ipynb", 4)
    assert bad.cells[2].outputs[0].ename == "ZeroDivisionError"
    assert outputs(tmp_path / "build" / "02_good.ipynb") == ["fine\n"]


def test_in_place_twice_gives_the_same_bytes(series, put, tmp_path):
    sources = ["for i in range(50): print(i, flush=True)", "import time; time.sleep(0.1); 1 + 1"]
    path = put("01.ipynb", *sources)
    ids = [cell.id for cell in nbformat.read(path, 4).cells]
    assert series.main(["--in-place"]) == 0
    first = path.read_bytes()
    assert series.main(["--in-place", str(path)]) == 0
    assert path.read_bytes() == first
    nb = nbformat.read(path, 4)
    assert [cell.id for cell in nb.cells] == ids
    assert [cell.execution_count for cell in nb.cells[1:]] == [1, 2]
    assert nb.metadata.language_info == {"name": "python"}
    assert nb.metadata.kernelspec.name == "python3"
    assert nb.metadata.code_of_outputs == fingerprint(nb)
    assert all(not cell.metadata for cell in nb.cells)
    assert [p.name for p in path.parent.iterdir()] == ["01.ipynb"]
    assert not (tmp_path / "build").exists()


def test_in_place_leaves_a_failing_notebook_as_it_was(series, put, tmp_path):
    path = put("01.ipynb", "raise ValueError('no')")
    before = path.read_bytes()
    assert series.main(["--in-place"]) == 1
    assert path.read_bytes() == before
    assert (tmp_path / "build" / "01.ipynb").exists()


def test_a_dead_kernel_and_a_slow_cell(series, put, capsys):
    put("01_dead.ipynb", "1", "import os; os._exit(1)")
    put("02_slow.ipynb", "import time; time.sleep(60)")
    before = psutil.Process().children(recursive=True)  # other tests may leave a helper of Python's
    assert series.main(["--timeout", "1"]) == 1
    captured = capsys.readouterr()
    assert "01_dead.ipynb, code cell 2 of 2: the kernel died" in captured.err
    assert "02_slow.ipynb, code cell 1 of 1: not done after 1 s" in captured.err
    assert "Traceback" not in captured.out + captured.err
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_missing_and_unreadable_files(series, put, tmp_path, capsys):
    broken = tmp_path / "notebooks" / "broken.ipynb"
    broken.write_text('{"cells": [')
    assert series.main([str(broken), str(tmp_path / "gone.ipynb")]) == 1
    err = capsys.readouterr().err
    assert "FAILED  broken.ipynb: not a readable notebook" in err
    assert "FAILED  gone.ipynb: there is no such file" in err


def test_no_notebooks_at_all(series, capsys):
    assert series.main([]) == 2
    assert "There is no notebook in" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_stops_everything(put):
    path = put("01.ipynb", "open('running', 'w').close(); import time; time.sleep(60)")
    after = put("02.ipynb", "open('next', 'w').close()")
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "--in-place", path, after],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (path.parent / "running").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    kernels = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("Stopped.") and "Traceback" not in err
    assert kernels and not psutil.wait_procs(kernels, timeout=5)[1]
    assert not (path.parent / "next").exists()

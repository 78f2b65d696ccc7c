"""Every command line: odd arguments, Ctrl-C and lost outputs end in a sentence, never in silence.

Those that need no process of their own are called in this one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnets_utils import ROOT, quiet_tensorflow

with quiet_tensorflow():
    import choose
    import depth
    import fetch_signs
    import figures
    import flowers
    import folders
    import make_model
    import other_hands
    import render_hands
    import results_tables
    import run_series
    import signs_test
    import speed

from grading import release
from resnets import atomic_files, command_line

LONG = "x" * 300  # a file's name may have 255 bytes
DIGITS = "9" * 5000  # int() refuses more than 4300
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
NOT_ON_WINDOWS = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")

ODD = [
    *((fetch_signs, f"--timeout={text}") for text in ("inf", "nan", "-1", "0", "1e30", "x", "--")),
    *((fetch_signs, f"--patience={text}") for text in ("inf", "nan", "-inf", DIGITS)),
    (fetch_signs, "--source=--"),
    (fetch_signs, "--source", f"file://{LONG}"),
    (fetch_signs, "--out", LONG),
    (fetch_signs, "--out", "/dev/null/x"),
    *((render_hands, "set", f"--train={text}") for text in ("1e30", "nan", "9" * 12, DIGITS, "--")),
    (render_hands, "set", "--seed", "9" * 30),
    (render_hands, "set", "--out", LONG),
    (render_hands, "picture", "--size", "100000"),
    (render_hands, "picture", "--out", f"{LONG}.png"),
    (render_hands, "picture", "--out", "/dev/null/x.png"),
    (render_hands, "picture", "--out=--"),
    *((make_model, "small", f"--epochs={text}") for text in ("0", "1e30", "9" * 12, "--")),
    (make_model, "small", "--images", "9" * 12),
    (make_model, "small", "--out", f"{LONG}.keras"),
    (make_model, "small", "--out", "/dev/null/x/small.keras"),
    *((run_series, f"--timeout={text}") for text in ("0", "-1", "inf", "1.5", DIGITS, "--")),
    (run_series, LONG),
    (run_series, "/dev/null/x.ipynb"),
    (run_series, "."),
    (figures, "--out", LONG),
    (figures, "--out", "/dev/null/x"),
    (figures, "--out=--"),
    (choose, "sizes", "--folds", "9"),
    (choose, "sizes", "--folds=--"),
    (depth, "--seeds", "1e30"),
    (depth, "--seeds", "-1"),
    (flowers, LONG, "recipe"),
    (flowers, ".", "recipe", "--epochs", "1e30"),
    (flowers, ".", "recipe", "--epochs", "9" * 12),
    (folders, "--sizes", "9" * 12),
    (folders, "--sizes", "0"),
    (other_hands, LONG),
    (other_hands, "--fold=--"),
    (signs_test, "model", LONG),
    (signs_test, "recipe", "--seeds", "nan"),
    (speed, "--rounds", "0"),
    (speed, "--epochs", "9" * 12),
    (speed, "--table", "--out", LONG),
    (results_tables, LONG),
    (release, "--release", LONG),
    (release, "--release=--"),
    (release, "--release", "\x1b[2J"),
]


def named(value):
    return value.__name__ if hasattr(value, "__name__") else "-".join(value)[:40]


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Return a function that runs a command line: (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
        try:
            status = command_line.run(module.main)
        except SystemExit as stopped:
            status = stopped.code
        return status, *capfd.readouterr()

    return call


@pytest.mark.parametrize(
    ("module", "arguments"), [(module, arguments) for module, *arguments in ODD], ids=named
)
def test_odd_arguments_are_refused_in_a_sentence(call, module, arguments):
    status, _, err = call(module, *arguments)
    assert status not in (0, None)
    assert err.strip() and "Traceback" not in err and len(err) < 4000
    assert err.isprintable() or set(err) - set("\n\r") == set(filter(str.isprintable, err))


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (render_hands, ["sheet", "--out", "a.png"]),
        (make_model, ["signs", "--out", "a.keras"]),
        (choose, ["sizes"]),
        (depth, ["--seeds", "0"]),
        (signs_test, ["nearest"]),
        (speed, ["--epochs", "2"]),
    ],
    ids=named,
)
@pytest.mark.parametrize("folder", ["~nobody-of-that-name/x", LONG, "/dev/null/x", "/dev/null"])
def test_a_folder_of_signs_that_can_t_be(call, module, arguments, folder, monkeypatch):
    monkeypatch.setenv("SIGNS_DIR", folder)
    status, _, err = call(module, *arguments)
    assert status not in (0, None) and "Traceback" not in err
    assert "SIGNS_DIR" in err or "File name too long" in err


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "arguments", "at"),
    [
        (fetch_signs, [], "fetch"),
        (render_hands, ["sheet"], "sheet"),
        (make_model, ["small", "--out", "a.keras"], "make"),
        (run_series, ["x.ipynb"], "run_all"),
        (figures, [], "draw"),
        (choose, ["sizes"], "find_signs"),
        (depth, [], "data"),
        (folders, ["--sizes", "1000"], "make_folder"),
        (other_hands, ["a.keras"], "load_model"),
        (signs_test, ["nearest"], "find_signs"),
        (speed, [], "measure"),
        (results_tables, [], "tables"),
        (release, [], "write_exercises"),
        (release, ["--release", "02"], "write_release"),
    ],
    ids=named,
)
def test_ctrl_c_is_a_sentence(call, module, arguments, at, monkeypatch):
    monkeypatch.setattr(module, at, interrupted)
    status, _, err = call(module, *arguments)
    assert status == 130 and "Traceback" not in err
    assert "Interrupted." in err or "Stopped." in err


def refused(*_, **__):
    raise PermissionError(13, "Permission denied", "/folder")


@pytest.mark.parametrize(
    ("module", "arguments", "at"),
    [
        (render_hands, ["picture"], "save"),
        (make_model, ["small", "--out", "a.keras"], "make"),
        (figures, [], "draw"),
        (results_tables, [], "tables"),
        (speed, [], "measure"),
        (release, [], "write_exercises"),
        (release, ["--release", "02"], "write_release"),
        (release, ["--release", "02"], "locked"),
    ],
    ids=named,
)
def test_a_folder_one_may_not_enter_is_a_sentence(call, module, arguments, at, monkeypatch):
    monkeypatch.setattr(module, at, refused)
    status, _, err = call(module, *arguments)
    assert status in (1, 2) and "/folder" in err and "Permission denied" in err
    assert "Traceback" not in err and "room" not in err


@pytest.mark.parametrize(
    ("module", "arguments", "made"),
    [
        (render_hands, ["picture"], "build/hand.jpg"),
        (release, ["--release", "02"], "build/release/02_identity_block.zip"),
    ],
    ids=named,
)
def test_a_checkout_that_can_t_be_written(call, module, arguments, made, monkeypatch, tmp_path):
    """What is made goes to the user's own cache, and the command says where that is."""
    allowed = os.access
    monkeypatch.setattr(
        atomic_files.os,
        "access",
        lambda path, how: not Path(path).is_relative_to(ROOT) and allowed(path, how),
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    status, out, _ = call(module, *arguments)
    path = tmp_path / "resnets" / ROOT.relative_to(ROOT.anchor) / made
    assert status == 0 and out.strip() == str(path) and path.is_file()


# --- outputs --------------------------------------------------------------------------------------

SAYING = [
    ["tools/fetch_signs.py", "--help"],
    ["tools/render_hands.py", "--help"],
    ["benchmarks/depth.py", "--table"],
    ["-m", "grading.release", "--help"],
]


def start(command, **settings):
    """Return a process that runs a command line, with what it says on standard error as text."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)
    environment |= settings.pop("env", {})
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **settings,
    )


@FULL
@pytest.mark.parametrize("command", SAYING, ids=" ".join)
def test_an_output_that_can_t_be_written_is_no_success(command):
    reading, writing = os.pipe()
    os.close(reading)  # as `| head` does when it has enough
    with open("/dev/full", "w") as full:  # noqa: PTH123
        processes = [
            start(command, stdout=full),
            start(command, stdout=full, env={"PYTHONUNBUFFERED": "1"}),
            start(command, stdout=writing),
            start(command, preexec_fn=lambda: os.close(1)),
        ]
    os.close(writing)
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [command_line.NO_OUTPUT] * 4
    sentence = "The output could not be written: {}.\n".format
    assert said == [
        sentence("No space left on device"),
        sentence("No space left on device"),
        "",  # who has stopped reading wants no message
        sentence("Bad file descriptor"),
    ]

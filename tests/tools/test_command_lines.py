"""Every command line: odd arguments, Ctrl-C and lost outputs end in a sentence, never in silence.

Those that need no process of their own are called in this one.
"""

import os
import sys
from pathlib import Path

import pytest

from resnets_utils import quiet_tensorflow

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
from resnets import command_line

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
    (choose, "batch", "--folds", "9"),
    (choose, "batch", "--folds=--"),
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

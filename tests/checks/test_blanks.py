"""The extension for blanks: what waits for an empty one says so, in place of an error."""

import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grading.modules import BLANKS, ROOT

RAISE = 'raise NotImplementedError("not written yet")'


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.colors = "nocolor"
    shell.run_cell(f"%load_ext {BLANKS}")
    yield shell
    shell.run_cell(f"%unload_ext {BLANKS}")


@pytest.fixture
def cell(shell, capsys):
    """Run a cell; return whether it counts as done, and what it printed."""

    def run_cell(source, cell_id=None):
        result = shell.run_cell(source, cell_id=cell_id)
        return result.success, capsys.readouterr().out

    return run_cell


BLANK = f"def prepare(x):\n    # Your code here\n    {RAISE}"


def test_a_blank_in_a_function(cell):
    assert cell(BLANK) == (True, "")
    assert cell("a, b = prepare(3)") == (True, "not written yet: `prepare`\n")
    done, text = cell("c = b + 1")
    assert done and text.startswith("not written yet: `b` comes from a cell above that needs `prep")
    done, text = cell("print(c)")
    assert done and "`c` comes from a cell above that needs `prepare`" in text


def test_a_blank_between_the_lines_of_a_cell(cell):
    source = f"# Your code here\n{RAISE}\n\nfor x in (late, early):\n    print(x)"
    assert cell(source) == (True, "not written yet: `late` and `early`\n")
    done, text = cell("print(early)")
    assert done and text.startswith("not written yet: `early` comes from a blank above.")
    assert cell("late, early = 2, 1\nfor x in (late, early):\n    print(x)") == (True, "2\n1\n")
    assert cell("print(early)") == (True, "1\n")


def test_after_the_blank_is_filled_all_is_as_ever(cell):
    cell(BLANK)
    cell("a = prepare(3)")
    assert "not written yet" in cell("print(a)")[1]
    cell("def prepare(x):\n    return x")
    assert cell("a = prepare(3)") == (True, "")
    assert cell("print(a)") == (True, "3\n")
    cell("del a")
    done, text = cell("print(a)")
    assert not done and "NameError" in text and "not written yet" not in text


def test_a_misspelled_answer_is_an_error(cell):
    """JupyterLab says which cell runs: once the blank is filled, its names are no longer due."""
    cell(f"# Your code here\n{RAISE}\n\nprint(after_2b)", "id-1")
    assert cell("print(after_2b)", "id-2")[0]
    cell("after2b = 1", "id-1")
    done, text = cell("print(after_2b)", "id-2")
    assert not done and "name 'after_2b' is not defined" in text


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("print(never_made)", "NameError"),
        ("raise NotImplementedError('something else')", "NotImplementedError"),
        ("raise RuntimeError('broken')", "RuntimeError"),
        ("def f():\n    a\n    a = 1\nf()", "UnboundLocalError"),
        ("x = (", "SyntaxError"),
    ],
)
def test_other_errors_are_shown_as_ever(cell, source, error):
    cell(BLANK)
    cell("a = prepare(3)")
    done, text = cell(source)
    assert not done and error in text and "not written yet" not in text


def test_values_are_shown_as_ever(cell):
    cell(BLANK)
    cell("a = prepare(3)")
    done, text = cell("1 + 1")
    assert done and "2" in text


def test_a_name_that_has_a_value_waits_for_nothing(cell):
    cell("a = 5")
    cell(BLANK)
    assert cell("a = prepare(3)")[0]
    assert cell("print(a)") == (True, "5\n")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("step = tf.function(lambda: prepare(1))\nout = step()", "`prepare`"),
        (
            "@tf.function\ndef train_step(X):\n    with tf.GradientTape() as tape:\n"
            f"        X = X + 1\n    {RAISE}\n    return X\n"
            "def train():\n    return [train_step(tf.zeros(2)) for _ in range(3)]\nout = train()",
            "`train_step`",
        ),
        (
            "class Same(keras.layers.Layer):\n    def call(self, X):\n        return prepare(X)\n"
            "out = Same()(keras.Input((3,)))",
            "`prepare`",
        ),
        (
            "class Watch(keras.callbacks.Callback):\n"
            "    def on_train_batch_end(self, batch, logs=None):\n        prepare(batch)\n"
            "model = keras.Sequential([keras.layers.Dense(1)])\nmodel.compile(loss='mse')\n"
            "X = tf.zeros((4, 1))\nout = model.fit(X, X, verbose=0, callbacks=[Watch()])",
            "`prepare`",
        ),
        ("@tf.function\ndef g(X):\n    return X + due\nout = g(tf.zeros(2))", "`due` comes from"),
    ],
    ids=["in a graph", "in a training step", "in a layer", "in a callback", "a name in a graph"],
)
def test_blanks_behind_tensorflow_and_keras(cell, source, names):
    cell("import keras\nimport tensorflow as tf")
    cell(BLANK)
    cell("due = prepare(1)")
    done, text = cell(source)
    assert done and text.startswith(f"not written yet: {names}"), text
    assert cell("print(out)")[0]


def test_nbgraders_autograder_sees_every_error(shell, capsys, monkeypatch):
    """It gives points to a cell without an error: an empty blank must be one."""
    shell.run_cell(f"%unload_ext {BLANKS}")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    shell.run_cell(f"%load_ext {BLANKS}")
    assert not shell.run_cell(RAISE).success
    monkeypatch.delenv("NBGRADER_EXECUTION")
    shell.run_cell(f"%reload_ext {BLANKS}")
    capsys.readouterr()


def test_unloaded_it_watches_nothing(shell, capsys):
    shell.run_cell(f"%unload_ext {BLANKS}")
    assert not shell.run_cell(RAISE).success
    assert "NotImplementedError" in capsys.readouterr().out
    shell.run_cell(f"%load_ext {BLANKS}")
    assert shell.run_cell(RAISE).success
    assert capsys.readouterr().out == "not written yet: this cell\n"


# --- cells that call a check ----------------------------------------------------------------------

CHECK = "from resnets.checks.training_it_well import check_cosine\nimport numpy as np"
COSINE = "def cosine(part):\n    return (1 + np.cos(np.pi * part)) / 2"


def test_a_check_before_its_answer_says_what_to_run(cell):
    cell(CHECK)
    done, text = cell("check_cosine(cosine)")
    assert done and "Error" not in text
    assert text.startswith("not written yet: `cosine` is not defined. Run its cell above")
    assert "restart" in text
    cell(COSINE)
    assert cell("check_cosine(cosine)") == (True, "passed: cosine\n")


def test_a_check_before_its_import_says_what_to_run(cell):
    done, text = cell("check_cosine(cosine)")
    assert done and "`check_cosine` is not defined. Run the first cells" in text


@pytest.mark.parametrize(
    "source",
    [
        "def check_mine():\n    return not_there\ncheck_mine()",
        "print(not_there)\ncheck = 1",
    ],
)
def test_a_missing_name_of_other_code_is_an_error(cell, source):
    done, text = cell(source)
    assert not done and "NameError" in text


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def cosine(part):\n    return (1 + np.cos(np.pi * part) / 2", "SyntaxError"),
        ("def cosine(part)\n    return 1", "SyntaxError"),
        ("def cosine(part):\nreturn 1", "IndentationError"),
        ("x = 1\ncosine = = 2", "SyntaxError"),
        ("cosine, other = 1, (", "SyntaxError"),
        ("1 / 0\ndef cosine(part):\n    return 1", "ZeroDivisionError"),
        ("cosine = make_it()", "NameError"),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_check_does_not_judge_what_a_stopped_cell_left(cell, source, kind, before):
    cell(CHECK)
    if before:
        cell(COSINE)
    assert not cell(source, "id-1")[0]
    done, text = cell("check_cosine(cosine)")
    text = " ".join(text.split())
    assert done and text.startswith("not right yet: ") and f"its cell stopped with {kind}" in text
    cell(COSINE, "id-1")
    assert cell("check_cosine(cosine)") == (True, "passed: cosine\n")


def test_what_a_stopped_cell_did_make_is_judged(cell):
    cell(CHECK)
    cell("cosine = None")
    cell(COSINE + "\n1 / 0")
    assert cell("check_cosine(cosine)") == (True, "passed: cosine\n")


def test_a_solved_notebook_says_so_too(capsys):
    """Nothing but the import of a check, in an IPython of its own."""
    script = (
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "shell = Shell.instance()\n"
        f"shell.run_cell({CHECK!r})\nshell.run_cell('check_cosine(cosine)')\n"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.stdout.startswith("not written yet: `cosine` is not defined"), (
        run.stdout + run.stderr
    )
    assert "NameError" not in run.stdout + run.stderr

"""The exercises' tasks, and answers to them as students give them: what `answers_*.py` fill.

`TASKS` holds, per check, the answers' names, what the notebook gives before the blank, and the
notebook's own answer; `RIGHT` holds other correct answers, `WRONG` wrong ones. All are source, run
by `namespace`. Most wrong ones are the notebook's own answer with one change; the words that their
message has to hold name the fault, so that a check which rejects for another reason is found out.
"""

import itertools
import linecache
import textwrap
from dataclasses import dataclass
from types import CodeType

PRELUDE = """
import functools
import math
import random

import keras
import numpy as np
import tensorflow as tf
from keras import Input, Model, layers
from keras.layers import (
    Activation, Add, AveragePooling2D, BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D,
    ReLU, ZeroPadding2D,
)
from PIL import Image, ImageOps

from resnets_utils import convert_to_one_hot
"""


@dataclass(frozen=True)
class Task:
    """What a check looks at: the answers' names, what stands before the blank, the answer."""

    answers: tuple[str, ...]
    correct: str
    given: str = ""


@dataclass(frozen=True)
class Case:
    """One answer of a bank: the task, what is special about it, its source.

    `words` are for wrong answers: what the message has to contain, in lower case; a tuple holds
    alternatives.
    """

    task: str
    name: str
    code: str
    words: tuple[str | tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        return f"{self.task}: {self.name}"


TASKS: dict[str, Task] = {}
RIGHT: list[Case] = []
WRONG: list[Case] = []

# --- running an answer ----------------------------------------------------------------------------

_cells = itertools.count(1)
_preludes: list[dict] = []


def compiled(source: str) -> CodeType:
    """Compile a cell as Jupyter does: its lines can be looked up, so errors can show them."""
    name = f"<ipython-input-{next(_cells)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return compile(source, name, "exec")


def namespace(task: str, code: str) -> dict[str, object]:
    """Return the names of a notebook whose blank was filled with `code`."""
    if not _preludes:
        start = {"__name__": "__main__"}
        exec(compiled(PRELUDE), start)
        _preludes.append(start)
    names = dict(_preludes[0])
    exec(compiled(TASKS[task].given), names)
    exec(compiled(code), names)
    return names


# --- changing an answer ---------------------------------------------------------------------------


def edit(task: str, *changes: tuple[str, str]) -> str:
    """Return the task's correct answer with each `old` of (old, new), found once, replaced."""
    code = TASKS[task].correct
    for old, new in changes:
        assert code.count(old) == 1, f"{task}: {code.count(old)} times {old!r}"
        code = code.replace(old, new)
    return code


def edit_all(task: str, old: str, new: str) -> str:
    """Return the task's correct answer with every `old` replaced."""
    code = TASKS[task].correct
    assert old in code, f"{task}: no {old!r}"
    return code.replace(old, new)


def drop(task: str, *texts: str) -> str:
    """Return the task's correct answer without the lines that hold these texts, one line each."""
    lines = TASKS[task].correct.splitlines()
    for text in texts:
        found = [line for line in lines if text in line]
        assert len(found) == 1, f"{task}: {len(found)} lines with {text!r}"
        lines.remove(found[0])
    return "\n".join(lines) + "\n"


def right(task: str, name: str, code: str) -> None:
    """Put a correct answer into the bank."""
    RIGHT.append(Case(task, name, textwrap.dedent(code)))


RETURN = ("return", "none")  # what a message says of a function that returns nothing
NORMALISATION = ("batchnormalization", "normalis")
MOVED = ("transpose", "axis", "axes", "order")


def wrong(task: str, name: str, code: str, *words: str | tuple[str, ...]) -> None:
    """Put a wrong answer into the bank."""
    WRONG.append(Case(task, name, textwrap.dedent(code), words))


def changed(task: str, name: str, old: str, new: str, *words: str | tuple[str, ...]) -> None:
    """Put the notebook's answer with one change into the bank."""
    wrong(task, name, edit(task, (old, new)), *words)


def non_answers(name: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what else can stand under a function's name: (what it is, its source, words)."""
    anything = f"def {name}(*args, **kwargs):\n    "
    return [
        (
            "a stub",
            anything + 'raise NotImplementedError("not written yet")\n',
            ("not written yet",),
        ),
        ("a number", f"{name} = 5\n", ("function",)),
        ("None", f"{name} = None\n", ("not written yet", "function")),
        ("dots", f"{name} = ...\n", ("not written yet", "function")),
        ("too few parameters", f"def {name}():\n    return 1\n", ("argument", "parameter")),
        ("an error", anything + 'raise ValueError("oops")\n', ("oops",)),
        ("a name that is missing", anything + "return mistyped + 1\n", ("mistyped",)),
        (
            "an empty body",
            anything + "pass\n",
            ("return", "none", "not written yet", "gamma", "parameters"),
        ),
        ("text", anything + 'return "done"\n', ("done", "str", "gamma", "parameters")),
        ("exit", anything + "raise SystemExit(0)\n", ("systemexit", "exit")),
    ]

"""What every check needs: the answers behind questions, `judge`, and the messages.

A check is a function of answers and a random generator that raises a Fault. `judge` runs it on
answers anywhere: those of a notebook, or those of another process, which never run here.
"""

import contextlib
import functools
import importlib
import inspect
import os
import re
import signal
import sys
import textwrap
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from resnets.checks.wire import NOT_WRITTEN, STALE, describe_error

Ask = Callable[[dict], dict]
SECONDS = {"network": 60, "between": 60}  # that one request may take in a notebook, ...
OTHER_SECONDS = 20  # ... and any that builds no network
MOST_ITEMS = 10_000  # of a list that a check reads; `probe.plain` sends no longer ones
LONGEST = 600  # characters of a sentence in a message
WIDTH = 88  # characters in a line of a message
PASSED, WRONG = "passed", "not right yet"
AXES = {
    2: ("batch", "channels"),
    4: ("batch", "height", "width", "channels"),
}


class Fault(Exception):
    """What is wrong with an answer: what was found, what was expected, where to look.

    `tried` says with which arguments, where that helps.
    """

    def __init__(self, found: str, expected: str = "", look: str = ""):
        """Keep the parts; each is a sentence without a full stop, or empty."""
        super().__init__(found)
        self.found, self.expected, self.look, self.tried = found, expected, look, ""
        self.at_the_end = False  # whether something is missing after the network's last step


class NotWritten(Fault):
    """There is no answer yet."""


class CheckFailed(AssertionError):
    """An answer that is not right, where nbgrader runs the notebook and gives the points."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this in place of a traceback: the inside of a check helps nobody.
        return [str(self)]


# --- answers --------------------------------------------------------------------------------------


class Answer:
    """One answer of a learner, behind `ask`."""

    def __init__(self, name: str, ask: Ask):
        """Keep the answer's name and the way to ask about it."""
        self.name, self._ask = name, ask
        self.tried = ""  # the last call, for the message

    def ask(self, do: str, **request: object) -> dict:
        """Send a request about this answer; raise a Fault if it is missing or stopped."""
        reply = self._ask({"do": do, "name": self.name, **request})
        if "missing" in reply:
            raise NotWritten(f"`{reply['missing']}` is not defined")
        if "not_callable" in reply:
            if reply["not_callable"] in ("ellipsis", "NoneType"):
                raise NotWritten(f"`{self.name}` is empty")
            kind = reply["not_callable"]
            raise Fault(f"`{self.name}` is of type {kind}", "a function", f"def {self.name}(...)")
        if "error" in reply and "network" not in reply:
            raise stopped(self.name, reply["error"])
        return reply

    def call(self, *args: object, **kwargs: object) -> object:
        """Call the answer and return its result as plain data."""
        words = [shown(value) for value in args]
        words += [f"{key}={shown(value)}" for key, value in kwargs.items()]
        self.tried = f"{self.name}({', '.join(words)})"
        reply = self.ask("call", args=list(args), kwargs=kwargs)
        if reply.get("changed"):
            raise Fault(
                f"`{self.name}` changes what it was given, in place",
                "new arrays or lists; those given stay as they are",
                "`*=` and the like, shuffle, and assignments to parts of an array",
            )
        return reply["value"]

    def value(self) -> object:
        """Return the answer itself, as numbers, lists and dictionaries."""
        value = self.ask("value")["value"]
        refuse_empty(self.name, value)
        value = native(value)
        if isinstance(value, np.ndarray) and value.size > MOST_ITEMS:
            raise too_many(value.size)
        return value.tolist() if isinstance(value, np.ndarray) else value


def shown(argument: object) -> str:
    """Return an argument of a call as short text: arrays by their shape."""
    match argument:
        case np.ndarray():
            return f"<{' x '.join(map(str, argument.shape))}>"
        case {"tuple": items}:
            return str(tuple(items))
        case {"tensor": array} | {"variable": array} | {"picture": array}:
            return shown(array)
        case {"variables": arrays}:
            return "{" + ", ".join(f"{key}: {shown(array)}" for key, array in arrays.items()) + "}"
    return f"{argument:g}" if isinstance(argument, float) else repr(argument)


def stopped(name: str, error: dict) -> Fault:
    """Return the fault of an answer whose code raised something."""
    if error["type"] == "NotImplementedError":
        return NotWritten("its line `raise NotImplementedError` still stands")
    line = f"your line: {error['line']}" if error["line"] else f"the code of `{name}`"
    if not error["line"] and error["type"] == "TypeError" and "argument" in error["message"]:
        line = f"its first line, `def {name}(...)`, as it was given"
    message = f": {error['message']}" if error["message"] else ""
    return Fault(f"`{name}` stopped with {error['type']}{message}", "", line)


# --- making and running checks --------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """A check: its function, and what the notebook gives.

    `given` is how many of the answers, the first ones, it gives; `first_line` what stands between
    the brackets of the answer's `def`, where the answer is a function.
    """

    function: Callable
    given: int
    first_line: str


CHECKS: dict[str, Check] = {}  # by name; a notebook's module enters its own when it is imported


def check(function: Callable | None = None, *, given: int = 0, first_line: str = "") -> Callable:
    """Make a check of a function that takes answers and a random generator and raises a Fault.

    The check takes the answers themselves and prints what `judge` says of them. Where nbgrader
    runs the notebook, it raises CheckFailed for an answer that is not right; the inputs then
    follow from RESNETS_GRADING_SEED, which the learner doesn't know.

    Args:
        function: Its parameters are named like the answers; the last one is the generator.
        given: The number of answers, the first ones, that the notebook gives: no message is about
            them.
        first_line: The parameters of the answer's `def` line, as the notebook gives it.
    """
    if function is None:
        return functools.partial(check, given=given, first_line=first_line)
    name = function.__name__
    names = list(inspect.signature(function).parameters)[:-1]

    @functools.wraps(function)
    def called(*objects: object) -> None:
        from resnets.checks.probe import serve  # loads TensorFlow: not where strangers are judged

        def ask(request: dict) -> dict:
            with time_limit(request["name"], SECONDS.get(request["do"], OTHER_SECONDS)):
                return serve(request, names=dict(zip(names, objects, strict=True)))

        if len(objects) == len(names):
            seed = int(os.environ.get("RESNETS_GRADING_SEED", "0"))
            passed, message = refused_unjudged(names) or judge(name, names, ask, seed)
        else:
            passed, message = False, f"{WRONG}: call {name}({', '.join(names)}) as it was given"
        if not passed and os.environ.get("NBGRADER_EXECUTION"):
            raise CheckFailed(message)
        print(message)

    given_names = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    vars(called)["__signature__"] = inspect.Signature(given_names)
    CHECKS[name] = Check(function, given, first_line)
    return called


def refused_unjudged(names: list[str]) -> tuple[bool, str] | None:
    """Return a verdict on an answer whose cell stopped, so that there is only an older one."""
    for name in names:
        if name in STALE:
            fault = Fault(
                f"`{name}` is still an older one: its cell stopped with {STALE[name]}",
                "that cell runs to its end",
                "the error below that cell; mend it, run the cell, then this one",
            )
            return False, told(f"{WRONG}: {name}", fault)
    return None


class TookTooLong(BaseException):
    """An answer still runs. No Exception, so that no `except Exception` of a learner ends it."""


@contextlib.contextmanager
def time_limit(name: str, seconds: float) -> Iterator[None]:
    """Raise TookTooLong for the answer `name` after some seconds.

    Only where the system has SIGALRM (not on Windows), in the main thread, and where nobody else
    waits for that signal; elsewhere an endless loop is ended by interrupting the kernel.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def stop(*_: object) -> None:
        raise TookTooLong(f"`{name}` still ran after {seconds:g} seconds, and was stopped")

    before = signal.signal(signal.SIGALRM, stop)
    # Once more each second: a bare `except:` in the loop may have caught the first one.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(check: str, names: list[str], ask: Ask, seed: int = 0) -> tuple[bool, str]:
    """Run one check on answers that `ask` knows.

    Args:
        check: The name of a check whose module is imported, such as "check_identity_block".
        names: The answers' names, in the order of the check's parameters.
        ask: Takes a request, returns a reply (see `probe.serve`). What it raises passes through,
            if it is nothing that reading a forged reply may raise (ValueError, TypeError, ...).
        seed: Another seed draws other inputs, sizes and weights.

    Returns:
        Whether the answer is right, and what to tell the learner.
    """
    draw = np.random.default_rng([seed, zlib.crc32(check.encode())])
    what = ", ".join(names[CHECKS[check].given :])
    answers = [Answer(name, ask) for name in names]
    try:
        remark = CHECKS[check].function(*answers, draw)
    except NotWritten as fault:
        return False, f"{NOT_WRITTEN}: {what} ({fault.found[:LONGEST]})"
    except Fault as fault:
        fault.tried = fault.tried or "".join(answer.tried for answer in answers)
        if CHECKS[check].first_line:
            name_first_line(answers[-1], CHECKS[check].first_line, fault)
        return False, told(f"{WRONG}: {what}", fault)
    except TookTooLong as late:
        line = describe_error(late)["line"]
        look = f"a loop that never ends; it was at the line: {line}" if line else "its loops"
        return False, told(f"{WRONG}: {what}", Fault(str(late), "an answer at once", look))
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        unreadable = Fault(
            f"a result that the check can't read ({type(error).__name__})",
            "what the task's text says",
        )
        unreadable.tried = "".join(answer.tried for answer in answers)
        return False, told(f"{WRONG}: {what}", unreadable)
    return True, f"{PASSED}: {what}" + (f"\n{lines('note', remark)}" if remark else "")


def name_first_line(answer: Answer, given: str, fault: Fault) -> None:
    """Let a fault say that the answer's `def` line was changed, where that may be its cause.

    Parameters in another order or number always may; other names only where the code stopped: a
    parameter called `Add` hides the layer. New ones at the end that have a default do no harm.
    """
    try:
        found = answer.ask("first line")["value"]
    except (Fault, KeyError):
        return
    if not isinstance(found, str) or len(found) > LONGEST:  # a forged reply
        return
    now, then = parameters(found), parameters(given)
    names, names_given = [name for name, _ in now], [name for name, _ in then]
    both = list(zip(now, then, strict=False))
    harmful = (
        len(now) < len(then)
        or any(not default for _, default in now[len(then) :])
        or any(old != new for (_, new), (_, old) in both if old)
        or any(name in names_given and name != was for (name, _), (was, _) in both)
    )
    renamed = names[: len(then)] != names_given and "stopped with" in fault.found
    if "*" in found or not (harmful or renamed):
        return
    fault.found += f"; its first line is `def {answer.name}({found})`"
    fault.expected = f"`def {answer.name}({given})`, as it was given"
    fault.look = f"the first line; {fault.look}" if fault.look else "the first line"


def parameters(line: str) -> list[tuple[str, str]]:
    """Return the names of "f, pools=(8, 4)" with their defaults: [("f", ""), ("pools", ...)]."""
    parts = re.split(r", (?![^(]*\))", line) if line else []
    return [(name, default) for name, _, default in (part.partition("=") for part in parts)]


def told(head: str, fault: Fault) -> str:
    """Return a fault as the lines that a learner reads."""
    parts = [("tried", fault.tried), ("found", fault.found)]
    parts += [("expected", fault.expected), ("look at", fault.look)]
    return "\n".join([head, *(lines(name, text) for name, text in parts if text)])


def lines(name: str, text: str) -> str:
    """Return a named sentence, indented and broken into lines."""
    start = f"  {name + ':':10}"
    text = text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."
    return textwrap.fill(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


# --- reading results ------------------------------------------------------------------------------


def native(value: object) -> object:
    """Return plain data without its `kind`: arrays, numbers, lists, dictionaries, or text."""
    match value:
        case {"array": array}:
            return array.item() if array.ndim == 0 else array
        case {"items": items} if len(items) > MOST_ITEMS:
            raise too_many(len(items))
        case {"kind": "dict", "items": pairs}:
            return {native(key): native(item) for key, item in pairs}
        case {"items": items}:
            return [native(item) for item in items]
        case {"kind": "symbolic", "shape": shape}:
            return f"a symbolic tensor of shape {tuple(shape)}"
        case {"type": kind}:
            return f"a {kind}"
    return value


def too_many(items: int) -> Fault:
    """Return the fault of an answer that is longer than any task asks for; a forged one may be."""
    return Fault(f"a result of {items:,} items", f"at most {MOST_ITEMS:,}, what the text asks for")


def kind_of(value: object) -> str:
    """Return what a result is, for a message."""
    match value:
        case None:
            return "nothing (None): is `return` missing?"
        case {"kind": "object", "type": kind}:
            return f"an object of type {kind}"
        case {"kind": "symbolic", "shape": shape}:
            return f"a symbolic tensor of shape {tuple(shape)}"
        case {"kind": "array" | "tensor" | "variable" as kind, "array": array}:
            article = "an" if kind == "array" else "a"
            return f"{article} {kind} of shape {array.shape} and type {array.dtype.name}"
        case {"kind": kind, "items": items}:
            return f"a {kind} of {len(items)}"
    return repr(value)


def refuse_empty(name: str, value: object) -> None:
    """Raise NotWritten for None and for dots."""
    if kind_of(value) in (kind_of(None), "an object of type ellipsis"):
        raise NotWritten(f"`{name}` is empty")


def pair(name: str, value: object, what: str) -> tuple[object, object]:
    """Return the two parts of a result."""
    match value:
        case {"kind": "tuple" | "list", "items": [one, other]}:
            return one, other
    raise Fault(f"`{name}` returns {kind_of(value)}", what, f"the `return` of {name}")


def shape_fault(found: Sequence, expected: Sequence, what: str, axes: tuple = ()) -> Fault | None:
    """Return a fault that names the axes in which two shapes differ, or None."""
    found, expected = list(found), list(expected)
    if found == expected:
        return None
    axes = axes or AXES.get(len(expected), ())
    words = tuple(expected) if not axes else f"({', '.join(axes)}) = {tuple(expected)}"
    if len(found) != len(expected) or not axes:
        return Fault(f"{what} has the shape {tuple(found)}", f"{words}")
    off = [
        f"{axis} is {f}, not {e}"
        for axis, f, e in zip(axes, found, expected, strict=True)
        if f != e
    ]
    return Fault(f"{what} has the shape {tuple(found)}: {'; '.join(off)}", f"{words}")


def array_of(
    name: str, value: object, shape: tuple, axes: tuple = (), look: str = ""
) -> np.ndarray:
    """Return a result as an array; raise a Fault if it is none, or has another shape."""
    match value:
        case {"array": array}:
            pass
        case int() | float():
            array = np.array(value)
        case _:
            wanted = f"an array of shape {shape}" if shape else "one number"
            raise Fault(f"{name} is {kind_of(value)}", wanted, look)
    if shape == () != array.shape:
        raise Fault(f"{name} is {kind_of(value)}", "one number")
    if fault := shape_fault(array.shape, shape, name, axes):
        fault.look = look
        raise fault
    return array


def close(found: Any, expected: Any) -> bool:
    """Whether numbers agree, up to rounding in float32."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    scale = max(float(np.abs(expected).max(initial=0)), 1e-6)
    return bool(np.abs(found - expected).max(initial=0) <= 1e-3 * scale)


def numbers_fault(name: str, found: np.ndarray, expected: np.ndarray, look: str = "") -> Fault:
    """Return a fault that shows where two arrays of one shape differ most."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if not np.isfinite(found).all():
        return Fault(f"{name} holds nan or inf", "finite numbers", look)
    at = np.unravel_index(np.abs(found - expected).argmax(), found.shape)
    index = f"[{', '.join(map(str, at))}]" if at else ""
    return Fault(f"{name}{index} is {found[at]:.4g}", f"{expected[at]:.4g}", look)


def explain(
    name: str, found: np.ndarray, expected: np.ndarray, mistakes: dict, look: str = ""
) -> None:
    """Raise a Fault unless the numbers agree; known mistakes that give just these are named.

    Args:
        name: What was computed.
        found: The learner's numbers.
        expected: The right ones.
        mistakes: The numbers that known mistakes give: {(found, expected): array}; a tuple holds
            those of several ways to make one.
        look: Where to look if no known mistake fits.
    """
    if close(found, expected):
        return
    for (what, instead), ways in mistakes.items():
        for numbers in ways if isinstance(ways, tuple) else (ways,):
            if close(found, numbers) and not close(numbers, expected):
                raise Fault(what, instead)
    raise numbers_fault(name, found, expected, look)


def whole_number(name: str, value: object) -> float:
    """Return a learner's number; raise a Fault if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Fault(f"`{name}` is {value!r}"[:200], "one number")
    return value


def not_whole(name: str, value: object) -> str:
    """Return a remark on a whole number that comes as a float, or nothing."""
    if not isinstance(value, float):
        return ""
    return f"{name} returns {value}, a float; the text asks for an integer: int(...)"


def check_number(
    answer: Answer, expected: int, hint: str, mistakes: dict[float, str] | None = None
) -> None:
    """Raise a Fault unless the learner's number is right; it does not tell the number."""
    found = whole_number(answer.name, answer.value())
    if found != expected:
        raise Fault((mistakes or {}).get(found, f"{answer.name} is {found:,}"), "", hint)


def sizes(draw: np.random.Generator, count: int, low: int, high: int) -> list[int]:
    """Draw different whole numbers from low to high, both included."""
    return [int(n) for n in draw.choice(np.arange(low, high + 1), count, replace=False)]


def watch_names() -> None:
    """In a notebook, let a check whose answer is not defined say so in place of a NameError.

    Exercises load the extension in their first cell; a solved notebook does it by importing a
    check.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and not shell.custom_exceptions:
        importlib.import_module("resnets.checks.blanks").load_ipython_extension(shell)


watch_names()

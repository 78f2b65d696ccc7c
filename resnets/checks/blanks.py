"""An IPython extension for notebooks with blanks: "not written yet" in place of a traceback.

`%load_ext resnets.checks.blanks` in a notebook's first cell. A cell that stops at a blank, and a
later one that misses what such a cell would have made, then print one line and count as done, so
that "Run All" goes on to the end. So does a cell that calls a check whose answer is not defined,
after the kernel was restarted for example. Every other error is shown as ever.

It also notes in `wire.STALE` the names whose cell stopped before it made them anew: a check would
judge the old ones.
"""

import builtins
import os
import re
import symtable
import traceback
from types import TracebackType
from typing import Any

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from resnets.checks.wire import NOT_WRITTEN, STALE

# Keras raises some errors anew as RuntimeError, of which NotImplementedError is one.
WATCHED = (RuntimeError, NameError)
CALLS_A_CHECK = re.compile(r"^check_\w+\(", re.MULTILINE)
# What a cell that is no Python was about to make: the names before `=`, and after def and class.
BEGUN = re.compile(
    r"^(?:async +)?(?:(?:def|class) +(\w+)|(\w+(?: *, *\w+)*) *=(?!=))", re.MULTILINE
)


class Blanks:
    """What is known of the blanks in one shell: which names wait for which of them.

    Attributes:
        waiting: For each name that a stopped cell would have made, the blanks it waits for. A
            name that waits for itself is made by a blank.
        cells: For each stopped cell that has an id, the names it would have made.
        stopped: The error that the cell in progress stopped with, and the blanks behind it; None
            for these where a check's cell misses a name that no blank makes.
        cell: The text of the cell in progress.
        before: What the names that it makes stood for before it, where they did.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        """Watch the errors and the cells of a shell."""
        self.shell = shell
        self.waiting: dict[str, list[str]] = {}
        self.cells: dict[str, list[str]] = {}
        self.stopped: tuple[BaseException | None, list[str] | None] = (None, [])
        self.cell = ""
        self.before: dict[str, object] = {}
        shell.set_custom_exc(WATCHED, self.on_error)
        shell.events.register("pre_run_cell", self.on_start)
        shell.events.register("post_run_cell", self.on_end)

    def close(self) -> None:
        """Leave the shell as it was."""
        self.shell.set_custom_exc((), None)
        STALE.clear()
        self.shell.events.unregister("pre_run_cell", self.on_start)
        self.shell.events.unregister("post_run_cell", self.on_end)

    def on_start(self, info: Any) -> None:
        """Note what a cell is about to make, and what these names stand for until then."""
        self.cell = info.raw_cell or ""
        made = begun(self.shell, self.cell)
        self.before = {n: self.shell.user_ns[n] for n in made if n in self.shell.user_ns}

    def on_error(
        self,
        shell: InteractiveShell,
        kind: type[BaseException],
        error: BaseException,
        tb: TracebackType,
        tb_offset: int | None = None,
    ) -> None:
        """Keep an error that comes from a blank for the end of the cell; show any other."""
        name = missing_name(error)
        missing = name is not None and name not in shell.user_ns
        if isinstance(error, RuntimeError) and NOT_WRITTEN in str(error):
            function = function_of_blank(error, tb)
            self.stopped = (error, [function] if function else [])
        elif missing and name in self.waiting and name not in STALE:
            self.stopped = (error, self.waiting[name])
        elif missing and CALLS_A_CHECK.search(self.cell) and in_cell(tb):
            self.stopped = (error, None)
        else:
            shell.showtraceback((kind, error, tb), tb_offset=tb_offset, running_compiled_code=True)

    def on_end(self, result: ExecutionResult) -> None:
        """Note what the cell made or would have made; let a cell that stopped at a blank pass."""
        (error, blanks), self.stopped = self.stopped, (None, [])
        info: Any = result.info
        made, read = names_of(self.shell, info.raw_cell)
        cell = getattr(info, "cell_id", "")
        if error is not None and blanks is None:
            result.error_in_exec = None
            print(undefined(missing_name(error) or ""))
        elif error is not None and result.error_in_exec is error:
            if not blanks:
                # The blank is the cell's own, and its lines are gone. What the cell goes on to
                # read and nobody has made is what they should make.
                blanks = [name for name in read if name not in self.shell.user_ns]
                self.waiting |= {name: [name] for name in blanks}
            missing = [name for name in made if name not in self.shell.user_ns]
            self.waiting |= {name: blanks or [name] for name in missing}
            if cell:
                self.cells[cell] = [*blanks, *missing]
            result.error_in_exec = None
            print(self.sentence(error, blanks or missing))
        elif result.success:
            for name in [*made, *self.cells.pop(cell, [])]:
                self.waiting.pop(name, None)
        self.note_stale(result)

    def note_stale(self, result: ExecutionResult) -> None:
        """Note the names that a stopped cell has left as they were; forget those made anew."""
        error = result.error_before_exec or result.error_in_exec
        for name in begun(self.shell, self.cell):
            there = name in self.shell.user_ns
            made = there and self.shell.user_ns[name] is not self.before.get(name)
            if result.success or made:
                STALE.pop(name, None)
            elif error is not None and not isinstance(error, NotImplementedError):
                STALE[name] = type(error).__name__
        self.before = {}

    def sentence(self, error: BaseException, blanks: list[str]) -> str:
        """Return what a cell prints that stopped for these blanks."""
        name = missing_name(error)
        if name is None:
            return f"{NOT_WRITTEN}: {quoted(blanks) or 'this cell'}"
        if blanks == [name]:
            return f"{NOT_WRITTEN}: `{name}` comes from a blank above. Fill it and run its cell."
        return (
            f"{NOT_WRITTEN}: `{name}` comes from a cell above that needs {quoted(blanks)}. "
            "Fill that blank, then run the cells from there on."
        )


def in_cell(tb: TracebackType) -> bool:
    """Whether an error arose in a line of the cell itself, not in a function that it calls."""
    *_, (frame, _) = traceback.walk_tb(tb)
    return frame.f_code.co_name.startswith("<")  # <module>; once it was <cell line: 1>


def undefined(name: str) -> str:
    """Return what a cell prints that calls a check without a name that it needs."""
    if name in STALE:
        return (
            f"not right yet: `{name}` is not defined: its cell stopped with {STALE[name]}. Mend "
            "that cell and run it, then this one."
        )
    what = "the first cells, with the imports" if name.startswith("check_") else "its cell above"
    return (
        f"{NOT_WRITTEN}: `{name}` is not defined. Run {what}, then this one; after a restart of "
        "the kernel, all cells above (menu Run, Run All Above Selected Cell)."
    )


def begun(shell: InteractiveShell, cell: str) -> list[str]:
    """Return the names that a cell makes, or would make if it were Python."""
    made, read = names_of(shell, cell)
    if made or read:
        return made
    found = [one or other for one, other in BEGUN.findall(cell)]
    return [name.strip() for names in found for name in names.split(",")]


def quoted(names: list[str]) -> str:
    """Return names as text: `a`, `b` and `c`."""
    *others, last = [f"`{name}`" for name in names] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def missing_name(error: BaseException) -> str | None:
    """Return the name that a NameError complains about; None for any other error."""
    if not isinstance(error, NameError) or isinstance(error, UnboundLocalError):
        return None
    # TensorFlow raises errors of a compiled function anew, with the name in the text only.
    found = re.findall(r"name '(\w+)' is not defined", str(error))
    return error.name or (found[-1] if found else None)


def function_of_blank(error: BaseException, tb: TracebackType) -> str | None:
    """Return the function whose body is the blank that raised the error; None outside of any."""
    # The text of an error in a function that TensorFlow compiles lists the lines of user code.
    in_graph = re.findall(r", in (\w+)\s+\*", str(error))
    if in_graph:
        return in_graph[-1].removeprefix("tf__")
    names = [
        frame.name
        for frame in reversed(traceback.extract_tb(tb))
        if "site-packages" not in frame.filename
    ]
    innermost = next((name for name in names if name.isidentifier() or name == "<module>"), None)
    return None if innermost == "<module>" else innermost


def names_of(shell: InteractiveShell, cell: str) -> tuple[list[str], list[str]]:
    """Return the names that a cell's own lines make, and those that they read and don't make."""
    try:
        code = shell.transform_cell(cell)
        symbols = symtable.symtable(code, "<cell>", "exec").get_symbols()
    except SyntaxError:  # also `await` outside of a function
        return [], []
    made = [s.get_name() for s in symbols if s.is_assigned() or s.is_imported()]
    read = [s.get_name() for s in symbols if s.is_referenced()]
    return made, [name for name in read if name not in made and not hasattr(builtins, name)]


_blanks: dict[int, Blanks] = {}  # by the shell's id: one process may have several


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Begin to watch; called by `%load_ext resnets.checks.blanks`, or where checks are imported."""
    if os.environ.get("NBGRADER_EXECUTION"):
        return  # nbgrader gives points to a cell that ends without an error: let it see them
    if id(shell) in _blanks:
        return
    _blanks[id(shell)] = Blanks(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Stop watching; called by `%unload_ext resnets.checks.blanks`."""
    blanks = _blanks.pop(id(shell), None)
    if blanks is not None:
        blanks.close()

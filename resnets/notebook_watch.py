"""What a cell's outputs don't say, noted in the kernel of a run that will be judged.

An IPython extension. `tools/run_series.py` (which saves the notebooks) and the root's `conftest.py`
(which compares) load it into their kernels; a learner's kernel has none of it.

Each figure gets a note of what it shows: axes, labels, number and colours of the series. It is
saved as metadata of the output, so a figure that differs from training to training can still be
compared. Failures behind a cell's back are kept for `report`: a thread, a task or a destructor that
raised, a `!command` that failed. And `fingerprint` ties saved outputs to the code that made them.
"""

import hashlib
import logging
import re
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable

JOIN = 1.0  # seconds that `report` waits for threads which the cell began
NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\d+(?:[.,]\d+)*")  # results, in a title
WORD = re.compile(r"[^\W\d_]")
FIXED = ("FuncFormatter", "FixedFormatter", "StrCategoryFormatter")  # of `set_xticks(x, words)`
PLAIN = ("ScalarFormatter", "LogFormatterSciNotation", "NullFormatter")

_failures: list[str] = []
_known: set[threading.Thread] = set()


def fingerprint(notebook) -> str:
    """Return 16 hexadecimal digits that change with the code of a notebook (nbformat 4).

    Lines that hold nothing but a comment don't count.
    """
    lines = [
        line.rstrip()
        for cell in notebook.cells
        if cell.cell_type == "code"
        for line in [*cell.source.splitlines(), "# the cell ends"]
        if line == "# the cell ends" or not line.lstrip().startswith("#")
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


# --- figures --------------------------------------------------------------------------------------


def describe(figure) -> list[str]:
    """Return what a Matplotlib figure shows, apart from its data, in lines of text.

    Titles keep their words; `#` stands for each number there, which may be a result. Pictures
    without axes come in numbers and under captions that depend on a training (the wrong answers,
    say), so only their kinds are named.
    """
    framed = [axes for axes in figure.axes if axes.axison]
    bare = [axes for axes in figure.axes if not axes.axison]
    lines = []
    if framed:
        lines.append("figure of {:g} x {:g} inches".format(*figure.get_size_inches()))
    for name in ("suptitle", "supxlabel", "supylabel"):
        text = getattr(figure, f"get_{name}")()
        lines += [f"{name}: {NUMBER.sub('#', text)}"] * bool(text)
    for axes in framed:
        lines += [*_axes(axes), *(f"  {one}" for one in _series(axes))]
    kinds = sorted({one for axes in bare for one in _series(axes)})
    lines += ["without axes", *(f"  {one}" for one in kinds)] * bool(bare)
    for legend in figure.legends:
        lines.append(_legend(legend))
    return lines


def _axes(axes) -> list[str]:
    """Return the title and, for x and y, the label, the scale and the ticks' words."""
    lines = [f"axes: {NUMBER.sub('#', axes.get_title())}".rstrip(": ")]
    for name in "xy":
        axis = getattr(axes, f"{name}axis")
        words = [axis.get_label_text(), axis.get_scale()]
        if axis.get_inverted() and not axes.images:  # a picture's rows always run down
            words.append("inverted")
        formatter = type(axis.get_major_formatter()).__name__
        if formatter in FIXED:
            ticks = [label.get_text() for label in axis.get_ticklabels()]
            words.append(", ".join(tick for tick in ticks if WORD.search(tick)))
        elif formatter not in PLAIN:
            words.append(formatter)
        lines.append(f"  {name}: {' | '.join(words)}")
    texts = {NUMBER.sub("#", text.get_text()) for text in axes.texts}
    if words := sorted(text for text in texts if WORD.search(text)):
        lines.append(f"  texts: {', '.join(words)}")
    if axes.get_legend() is not None:
        lines.append(f"  {_legend(axes.get_legend())}")
    return lines


def _legend(legend) -> str:
    """Return the names in a legend."""
    return "legend: " + ", ".join(text.get_text() for text in legend.get_texts())


def _series(axes) -> list[str]:
    """Return one line for each series, or for several that look alike and have no name."""
    found = []
    for line in axes.lines:
        look = [_colours([line.get_color()], line.get_alpha()), line.get_linestyle()]
        found.append(("line", *look, _marker(line), _label(line)))
    for patch in axes.patches:
        faces = _colours([patch.get_facecolor()]), _colours([patch.get_edgecolor()])
        found.append(("patch", *faces, ""))
    for collection in axes.collections:
        name = type(collection).__name__
        if collection.get_array() is not None:
            look = [_map(collection)]
        else:
            look = [_colours(collection.get_facecolor()), _colours(collection.get_edgecolor())]
        found.append((name, *look, _label(collection)))
    for image in axes.images:
        mapped = image.get_array().ndim == 2
        found.append(("image", _map(image) if mapped else "in colours", ""))
    return [
        " ".join(filter(None, [kind, *look, "(several)" * (count > 1)]))
        for (kind, *look), count in Counter(found).items()
    ]


def _colours(colours: Iterable, alpha: float | None = None) -> str:
    """Return colours as #rrggbbaa, each once, sorted."""
    from matplotlib.colors import to_hex, to_rgba

    return ",".join(sorted({to_hex(to_rgba(one, alpha), keep_alpha=True) for one in colours}))


def _map(artist) -> str:
    """Return the name of a colour map; of one that was made up, three of its colours."""
    from matplotlib import colormaps

    colours = artist.get_cmap()
    return colours.name if colours.name in colormaps else _colours(colours([0.0, 0.5, 1.0]))


def _label(artist) -> str:
    """Return a series' name; Matplotlib's own begin with `_`."""
    label = str(artist.get_label())
    return "" if label.startswith("_") else repr(label)


def _marker(line) -> str:
    """Return a line's marker, if it has one."""
    return "" if line.get_marker() in (None, "None", "none", "", " ") else str(line.get_marker())


# --- behind a cell's back -------------------------------------------------------------------------


def report() -> list[str]:
    """Return what failed since the last report, after a short wait for threads just begun."""
    deadline = time.monotonic() + JOIN
    for thread in set(threading.enumerate()) - _known:
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(deadline - time.monotonic(), 0))
    _known.update(threading.enumerate())
    found = list(_failures)
    _failures.clear()
    return found


def _note(where: str, kind: type[BaseException], error: BaseException | None) -> None:
    text = "".join(traceback.format_exception_only(kind, error))
    _failures.append(f"{where}: {text.strip()}")


class _Tasks(logging.Handler):
    """Keeps what asyncio logs: tasks that failed and that nobody waited for."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            _note("a task", type(error), error)
        elif record.levelno >= logging.ERROR:
            _failures.append(f"asyncio: {record.getMessage().splitlines()[0]}")


def load_ipython_extension(shell) -> None:
    """Note figures and failures in this kernel from now on."""
    thread_hook, destructor_hook = threading.excepthook, sys.unraisablehook
    form, system = shell.display_formatter.format, shell.system

    def in_thread(args) -> None:
        if args.exc_type is not SystemExit:
            _note(
                f"thread {args.thread.name if args.thread else '?'}", args.exc_type, args.exc_value
            )
        thread_hook(args)

    def in_destructor(args) -> None:
        _note(f"ignored in {args.object!r}", args.exc_type, args.exc_value)
        destructor_hook(args)

    def format_with_note(obj, *args, **kwargs):
        data, metadata = form(obj, *args, **kwargs)
        if "matplotlib.figure" in sys.modules and any(kind.startswith("image/") for kind in data):
            from matplotlib.figure import Figure

            if isinstance(obj, Figure):
                metadata["figure"] = describe(obj)
        return data, metadata

    def run_command(command: str):
        result = system(command)
        status = shell.user_ns.get("_exit_code")
        if status:
            _failures.append(f"!{command} ended with status {status}")
        return result

    threading.excepthook, sys.unraisablehook = in_thread, in_destructor
    shell.display_formatter.format, shell.system = format_with_note, run_command
    logging.getLogger("asyncio").addHandler(_Tasks())
    _known.update(threading.enumerate())

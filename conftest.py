"""Sets pytest up: a fair regression check of the notebooks, and tests side by side.

`pytest -n auto` runs one process per core, each with its share of TensorFlow's threads; a
notebook's cells stay together.

nbval runs every code cell again and compares its outputs with the saved ones, string by string and
without the figures. Here decimals and pictures get a tolerance instead, and every notebook one more
item, "saved run": was it saved from one clean run, top to bottom?

Also for cells whose outputs aren't compared, figures show what the saved ones show (axes, labels,
series and their colours, see resnets/notebook_watch.py), and a cell passes only where the kernel's
reply says that it went well, nothing failed behind its back, and the kernel is alive.
"""

import ast
import base64
import difflib
import io
import os
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from queue import Empty

import pytest

# For the kernels, which inherit them. The saved outputs come from the bundled set, so the
# comparison must too, whatever the caller has; only the fixture `photographs` looks there.
ROOT = Path(__file__).parent
# Processes side by side inherit what is set here, so the caller's folder has a name of its own.
CALLERS = os.environ.setdefault("CALLERS_SIGNS_DIR", os.environ.get("SIGNS_DIR") or "datasets")
CALLERS_SIGNS = ROOT / Path(CALLERS).expanduser()
os.environ["SIGNS_DIR"] = str(ROOT / "datasets" / "bundled")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow's log lines are no output of a notebook
MOST_PROCESSES = 4  # of 2 GB each, at most
TOGETHER = ("test_session", "test_nbval_guard")  # modules, by how their names begin
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each would take all cores, and they would wait for each other.
    threads = CORES // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(max(threads, 1))

NBVAL = "0.11."  # adapt_nbval() replaces methods of this series
OUTPUT_TIMEOUT = 60  # seconds for late outputs; nbval's 5 are too few on a busy machine
POLL = 1  # seconds between two looks whether the kernel lives
WATCH = "resnets.notebook_watch"  # the kernel's part
LOAD = f"get_ipython().extension_manager.load_extension({WATCH!r})"
REPORT = f"__import__({WATCH!r}, fromlist=['report']).report()"
# On stderr, what no hook in the kernel sees: an exception that something else printed.
TRACEBACK = "Traceback (most recent call last)"

# Only numbers with a fraction or an exponent, and no parts of a word or of a version: integers
# are counts and shapes, which must be exact. Spaces before a number are padding.
DECIMAL = re.compile(r" *(?<![\w.])([-+]?(?:\d+\.\d+(?:[eE][-+]?\d+)?|\d+\.?[eE][-+]?\d+))")
RELATIVE, ABSOLUTE, TINY = 1e-4, 1e-3, 1e-9  # ABSOLUTE caps RELATIVE; TINY is for noise about 0

# Tried on Matplotlib figures of 560x430 pixels. Data off by 1e-4: mean 0.02, and no pixel off
# by more than 32 levels (10 in a histogram, where one bar's edge moved). A curve moved by one
# pixel: mean 0.6, 1,900 pixels; a pale grey one: 0.12 and 4. One digit of a title: mean 0.01
# to 0.02, so the mean misses it, but 16 pixels or more (7 at 72 dpi); one point of a curve
# moved by a pixel: 9. So the second limit counts pixels: a share would grow with the figure.
MEAN_LEVELS, LEVELS, PIXELS = 0.1, 32, 4

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
OVERWRITTEN = re.compile(r"^.*\r(?!\n)", re.MULTILINE)


@pytest.fixture(scope="session")
def photographs() -> Path:
    """Return the folder of the real SIGNS, or skip the test where they are not."""
    if not (CALLERS_SIGNS / "train_signs.h5").exists() or CALLERS_SIGNS.name == "bundled":
        pytest.skip("needs the SIGNS photographs: `make data`, or SIGNS_DIR set to their folder")
    return CALLERS_SIGNS


def settled(text: str) -> str:
    """Return `text` as a reader sees it in the end: no colour codes, no overwritten lines."""
    return OVERWRITTEN.sub("", ANSI.sub("", text).replace("\b", "").replace("\r\n", "\n"))


def close(saved: str, new: str) -> bool:
    """Whether two texts agree in all but decimals, and the decimals are near each other."""
    if DECIMAL.sub("\0", saved) != DECIMAL.sub("\0", new):
        return False
    pairs = zip(DECIMAL.findall(saved), DECIMAL.findall(new), strict=True)
    numbers = [(float(a), float(b)) for a, b in pairs]
    return all(
        a == b or abs(a - b) <= min(max(RELATIVE * abs(a), TINY), ABSOLUTE) for a, b in numbers
    )


def text_fault(kind: str, saved: object, new: object) -> str:
    """Return how two outputs that are no pictures differ, or nothing if they agree."""
    if saved == new or (isinstance(saved, str) and isinstance(new, str) and close(saved, new)):
        return ""
    lines = difflib.unified_diff(
        str(saved).splitlines(), str(new).splitlines(), "saved", "new", lineterm=""
    )
    return f"{kind} differs:\n" + "\n".join(lines)


def picture_fault(kind: str, saved: str, new: str) -> str:
    """Return how two pictures (base64) differ, or nothing if they look the same."""
    import numpy as np  # here, not above: pytest without --nbval needs neither
    from PIL import Image

    a, b = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA"), dtype=int)
        for picture in (saved, new)
    )
    if a.shape != b.shape:
        sizes = [f"{width}x{height}" for height, width, _ in (a.shape, b.shape)]
        return f"{kind} differs: {sizes[0]} pixels saved, {sizes[1]} new"
    off = np.abs(a - b)
    rows, columns = np.nonzero(off.max(axis=2) > LEVELS)
    mean = off[..., :3].mean()  # without the opacity
    if mean <= MEAN_LEVELS and len(rows) <= PIXELS:
        return ""
    where = ""
    if len(rows):
        where = f", columns {min(columns)}-{max(columns)}, rows {min(rows)}-{max(rows)}"
    return (
        f"{kind} differs: {len(rows)} pixels off by more than {LEVELS} grey levels (at most "
        f"{PIXELS}){where}; mean {mean:.3f} levels (at most {MEAN_LEVELS})"
    )


def by_kind(outputs: list) -> dict[str, list]:
    """Sort a cell's outputs by stream name or MIME type; their order matters inside a kind only.

    New stderr is no fault (a saved one is, see SavedRun), and a widget's id is random.
    """
    kinds = defaultdict(list)
    for output in outputs:
        if output.output_type == "stream":
            kinds[output.name].append(settled(output.text))
        elif output.output_type == "error":
            kinds["error"].append(f"{output.ename}: {output.evalue}")
        else:
            for kind, value in output.get("data", {}).items():
                kinds[kind].append(settled(value) if isinstance(value, str) else value)
    for ignored in ("stderr", "application/vnd.jupyter.widget-view+json"):
        kinds.pop(ignored, None)
    return kinds


def is_picture(kind: str) -> bool:
    """Whether outputs of this kind are compared by pixels; an SVG is text."""
    return kind in ("image/png", "image/jpeg")


def faults(saved: list, new: list) -> list[str]:
    """Return every difference between a cell's saved and its new outputs."""
    saved, new, found = by_kind(saved), by_kind(new), []
    for kind in {**saved, **new}:
        old, now = saved.get(kind, []), new.get(kind, [])
        if len(old) != len(now):
            word = "missing" if len(old) > len(now) else "extra"
            head = f"{word} output: {len(old)} of {kind} saved, {len(now)} new"
            shown = "" if is_picture(kind) else f"\nsaved: {old}\nnew:   {now}"
            found.append(head + shown)
        else:
            compare = picture_fault if is_picture(kind) else text_fault
            found += filter(None, (compare(kind, *pair) for pair in zip(old, now, strict=True)))
    return found


def note_faults(saved: list, new: list) -> list[str]:
    """Return how figures differ in what they show, where both the saved and the new say it."""
    notes = [
        [output.metadata["figure"] for output in outputs if "figure" in output.get("metadata", {})]
        for outputs in (saved, new)
    ]
    if len(notes[0]) != len(notes[1]):
        return []  # SavedRun says where notes are missing, and figures are counted in any case
    return [
        text_fault("what the figure shows", "\n".join(one), "\n".join(other))
        for one, other in zip(*notes, strict=True)
        if one != other
    ]


class KernelDied(Exception):
    """The kernel's process ended, and everything it had sent is read."""


def behind_its_back(kernel) -> list[str]:
    """Return what failed in the kernel outside of the cell's own code, since the last call.

    Raises:
        KernelDied: It ends before it answers.
    """
    message = kernel.kc.execute("", silent=True, user_expressions={"failures": REPORT})
    kernel.await_reply(message, OUTPUT_TIMEOUT)
    answer = kernel.reply["user_expressions"]["failures"]
    if answer["status"] != "ok":
        return [f"{REPORT} in the kernel: {answer['ename']}: {answer['evalue']}"]
    return ast.literal_eval(answer["data"]["text/plain"])


def failures(cell, reply: dict) -> list[str]:
    """Return why a cell that printed what it should has failed all the same."""
    found = []
    may_raise = cell.options["check_exception"]
    if reply["status"] == "error" and not may_raise:
        found.append(f"{reply['ename']}: {reply['evalue']}")
    elif reply["status"] != "error" and may_raise:
        found.append("the cell has the tag raises-exception and raised none")
    if any(one.get("source") == "ask_exit" for one in reply.get("payload", [])):
        found.append("the cell ends the kernel (`exit`)")
    printed = "".join(o.text for o in cell.test_outputs if o.get("name") == "stderr")
    if TRACEBACK in settled(printed) and not may_raise:
        found.append(f"an exception was printed:\n{settled(printed)}")
    saved, new = (
        Counter({kind: len(x) for kind, x in by_kind(o).items() if kind.startswith("image/")})
        for o in (cell.cell.outputs, cell.test_outputs)
    )
    if not cell.options["check"]:  # not compared, but a figure must still be one
        if saved != new:
            found.append(f"figures saved: {dict(saved)}, figures new: {dict(new)}")
        found += note_faults(cell.cell.outputs, cell.test_outputs)
    return found


def adapt_nbval() -> None:
    """Replace methods of nbval with ones that compare and judge as said above."""
    from nbval.kernel import RunningKernel
    from nbval.plugin import IPyNbCell, IPyNbFile

    nbval_get_message, nbval_start = RunningKernel.get_message, RunningKernel.__init__

    def start(self, *args, **kwargs):
        # Where this is set, ipykernel does not show what other processes and C code print.
        test = os.environ.pop("PYTEST_CURRENT_TEST", None)
        try:
            nbval_start(self, *args, **kwargs)
        finally:
            os.environ.update({} if test is None else {"PYTEST_CURRENT_TEST": test})
        message = self.kc.execute("", silent=True, user_expressions={"load": LOAD})
        self.await_reply(message, OUTPUT_TIMEOUT)
        answer = self.reply["user_expressions"]["load"]
        if answer["status"] != "ok":
            self.stop()
            fault = f"the kernel can't import {WATCH}: {answer['ename']}: {answer['evalue']}"
            raise RuntimeError(f"{fault}. It must be the Python of .venv: see `make env`.")

    def get_message(self, stream, timeout=None):
        """As nbval's, in short waits: a kernel that died sends nothing more."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            alive = self.is_alive()  # before the look: what it had sent is still read
            try:
                return nbval_get_message(self, stream, POLL)
            except Empty:
                if not alive:
                    raise KernelDied from None
                if deadline is not None and time.monotonic() >= deadline:
                    raise

    def await_reply(self, msg_id, timeout=None):
        """As nbval's, and keep what the reply says."""
        while True:
            message = self.get_message("shell", timeout)
            if message["parent_header"].get("msg_id") == msg_id:
                self.reply = message["content"]
                if self.reply["status"] == "aborted":
                    raise RuntimeError("the kernel did not run what it was asked to")
                return

    def execute_cell_input(self, cell_input, allow_stdin=None):
        # With nbval's store_history=False, IPython does not see a trailing `;` and shows the value.
        return self.kc.execute(
            cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )

    def compare_outputs(self, test, ref, skip_compare=None):
        found = faults(ref, test) + note_faults(ref, test)
        where = f"{self.path.name}, In [{self.cell.execution_count}]"
        self.comparison_traceback = [f"{where}: {fault}" for fault in found]
        return not found

    nbval_runtest = IPyNbCell.runtest

    def runtest(self):
        book, kernel = self.parent, self.parent.kernel
        where = f"{self.path.name}, In [{self.cell.execution_count}]"
        if getattr(book, "died", None):
            pytest.skip(f"not run: {book.died}")
        self.output_timeout = OUTPUT_TIMEOUT
        kernel.reply, found = {}, []
        try:
            if not kernel.is_alive():
                raise KernelDied
            try:
                nbval_runtest(self)
                found += failures(self, kernel.reply)
            finally:  # also what failed behind the back of a cell that failed: it's this one's
                if kernel.is_alive() and kernel.reply:
                    found += behind_its_back(kernel)
        except KernelDied:
            book.died = f"the kernel died in {where}"
            self.raise_cell_error(f"{book.died} (out of memory, a crash, or an exit in the code)")
        if found:
            self.raise_cell_error("\n".join(f"{where}: {fault}" for fault in found))

    nbval_teardown = IPyNbFile.teardown

    def teardown(self):
        late = []
        try:
            if self.kernel and not self.timed_out and not getattr(self, "died", None):
                late = behind_its_back(self.kernel)
        except KernelDied:
            late = ["the kernel died"]
        finally:
            nbval_teardown(self)
        if late:
            pytest.fail("\n".join([f"{self.path.name}, after its last cell:", *late]), False)

    RunningKernel.__init__ = start
    RunningKernel.get_message = get_message
    RunningKernel.await_reply = await_reply
    RunningKernel.execute_cell_input = execute_cell_input
    IPyNbCell.compare_outputs = compare_outputs
    IPyNbCell.runtest = runtest
    IPyNbFile.teardown = teardown


class SavedRun(pytest.Item):
    """Whether a notebook was saved from one run of its code, top to bottom, without any error."""

    def runtest(self):
        import nbformat

        from resnets.notebook_watch import fingerprint

        book = nbformat.read(self.path, as_version=4)
        cells = [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]
        counts = [cell.execution_count for cell in cells]
        found = []
        if counts != list(range(1, len(cells) + 1)):
            found.append(f"execution counts are {counts}, not 1 to {len(cells)} (None: never run)")
        if book.metadata.get("code_of_outputs", fingerprint(book)) != fingerprint(book):
            found.append("the code was changed after the run that the saved outputs come from")
        for cell in cells:
            where = f"In [{cell.execution_count}], {cell.source.splitlines()[0]!r}:"
            for output in cell.outputs:
                if output.get("name") == "stderr":
                    found.append(f"{where} saved stderr: {output.text.strip()[:200]}")
                expected = "raises-exception" in cell.metadata.get("tags", [])
                if output.output_type == "error" and not expected:
                    found.append(f"{where} saved error: {output.ename}: {output.evalue}")
                is_figure = output.get("data", {}).get("text/plain", "").startswith("<Figure size ")
                if is_figure and "figure" not in output.metadata:
                    found.append(f"{where} a figure without a note of what it shows")
        if found:
            remedy = "Run and save it with `make notebooks`."
            pytest.fail("\n".join([f"{self.path.name}:", *found, remedy]), pytrace=False)

    def reportinfo(self):
        return self.path, None, f"{self.path.name}: saved run"


class SavedNotebook(pytest.File):
    """A notebook file, beside nbval's own collector of its cells."""

    def collect(self):
        yield SavedRun.from_parent(self, name="saved run")


# --- side by side ---------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """The meaning of `-n auto`: a process for each core, or what xdist's own variable says."""
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or min(CORES, MOST_PROCESSES))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep together what has one kernel or one costly fixture; large parts come first."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path = Path(nodeid.partition("::")[0])
            if path.suffix == ".ipynb":
                return path.name
            return next((name for name in TOGETHER if path.stem.startswith(name)), nodeid)

    return Scheduler(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Of processes side by side, none should begin with a slow test when the others are done."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter, config):
    """With `--durations`, say which files the time went to."""
    if config.option.durations is None:
        return
    seconds = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    terminalreporter.section("seconds by file")
    for name, value in seconds.most_common():
        terminalreporter.write_line(f"{value:8.1f} {name}")
    processes = getattr(config.option, "numprocesses", None) or 1
    terminalreporter.write_line(f"{seconds.total():8.1f} in all, in {processes} processes")


# --- nbval ----------------------------------------------------------------------------------------


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb" and getattr(parent.config.option, "nbval", False):
        return SavedNotebook.from_parent(parent, path=file_path)
    return None


def pytest_configure(config):
    if not getattr(config.option, "nbval", False):
        return  # plain tests need no nbval, installed or not
    import nbval

    if not nbval.__version__.startswith(NBVAL):
        raise pytest.UsageError(
            f"nbval {nbval.__version__} is installed, but conftest.py adapts the insides of"
            f" {NBVAL}*: install what pyproject.toml says, or revise adapt_nbval()."
        )
    os.environ.pop("MPLBACKEND", None)  # else the kernels would not draw their figures inline
    adapt_nbval()

"""Grade one notebook: start the student's process, have its cells run, judge what they made.

This is the judge's side. It sends requests through a pipe and believes nothing that comes back:
replies are JSON of limited length and depth, arrays of known types; one that can't be read costs
the task that it was for. Points come from the judge's verdict alone.
"""

import json
import os
import secrets
import select
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import psutil

from grading.sandbox import MB, python_folders
from grading.submissions import Step, Task, readable
from grading.traces import kill_strays, open_files, remove, usage

FOLDER = Path(__file__).resolve().parent
HEADER = struct.Struct(">I")
STARTS = 3  # of the student's process: the first, and two after it died
GRACE = 5  # seconds between asking a process to stop and ending it
DEEPEST = 60  # levels of lists in a reply
JUNK = 100  # messages nobody asked for, until the process is ended
MESSAGE = 4000  # characters of a verdict


@dataclass(frozen=True)
class Allowance:
    """What one submission may use.

    Attributes:
        cell: Seconds for one cell, and for one question of a check.
        total: Seconds for everything, starts included.
        memory: MB of memory.
        disk: MB on disk.
        entries: Files and folders.
        threads: Threads.
        reply: MB of one reply.
        judging: Seconds of the judge's own processor time for one task.
    """

    cell: float = 60
    total: float = 300
    memory: int = 4096
    disk: int = 256
    entries: int = 5000
    threads: int = 1000
    reply: int = 16
    judging: float = 20


@dataclass(frozen=True)
class Setup:
    """What all submissions of a run have in common; can be pickled."""

    releases: dict[str, str]  # stem: folder to copy
    scratch: str  # where the submissions' folders are made
    seed: int
    allowance: Allowance
    checks: dict[str, list[str]]  # stem: modules to import, of which the first one judges
    wire: str  # the module that both processes import ...
    probe: str  # ... and the one that only the student's does
    threads: int  # of the student's process, for TensorFlow


class WorkerLost(Exception):
    """The student's process ended, or had to be ended; the text says why."""


class OutOfTime(Exception):
    """The submission has used up its time."""


class NotStarted(Exception):
    """The student's process did not start: no fault of the student's."""


class NoAnswer(Exception):
    """A question of a check got no usable reply; the text says why."""


class TooLong(BaseException):
    """Judging a task takes too long; no `except Exception` on the way may catch it."""


@dataclass
class Outcome:
    """What grading a notebook gave: plain data."""

    verdicts: dict[str, tuple[float, str]] = field(default_factory=dict)
    errors: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: float = 0.0


# --- the student's process ------------------------------------------------------------------------


class Worker:
    """The student's process, from the judge's side."""

    def __init__(self, setup: Setup, stem: str, deadline: float):
        """Start the process in a fresh folder and wait until it is ready.

        Raises:
            NotStarted: It did not get that far, and ran nothing of the student's.
        """
        self.setup, self.allowance, self.deadline = setup, setup.allowance, deadline
        self.held: dict[str, str] = {}
        self.junk, self.peak_mb, self.next_look = 0, 0.0, 0.0
        self.buffer = bytearray()
        self.folder = Path(setup.scratch) / f"s{secrets.token_hex(8)}"
        self.process = None
        try:
            self.launch(stem)
            started = self.exchange(self.settings(), "start", deadline)
            self.held = started.get("held", {})
        except (OSError, WorkerLost) as error:
            self.close()
            raise NotStarted(f"the student's process did not start: {error}") from None
        except BaseException:
            self.close()
            raise

    def launch(self, stem: str) -> None:
        """Make the folder and start Python in it."""
        self.release = self.folder / "release"
        shutil.copytree(self.setup.releases[stem], self.folder)
        self.free = shutil.disk_usage(self.folder).free
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        os.set_blocking(self.requests, False)
        os.set_blocking(self.replies, False)
        worker = str(FOLDER / "worker.py")
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", worker, str(requests), str(replies)],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(requests, replies),
                start_new_session=True,
            )
        finally:
            os.close(requests)
            os.close(replies)
        self.watched = psutil.Process(self.process.pid)

    def environment(self) -> dict[str, str]:
        """Return the variables that the process sees: none of the grader's own."""
        threads = str(self.setup.threads)
        return {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "IPYTHONDIR": str(self.folder / "home" / "ipython"),
            "MPLCONFIGDIR": str(self.folder / "home" / "matplotlib"),
            "MPLBACKEND": "agg",
            "TMPDIR": str(self.folder / "tmp"),
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }

    def settings(self) -> dict:
        """Return what the process is told first."""
        allowed = self.allowance
        return {
            "grading": str(FOLDER),
            "folder": str(self.folder),
            "release": str(self.release),
            "readable": python_folders(),
            "packages": sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")}),
            "wire": self.setup.wire,
            "probe": self.setup.probe,
            "longest": allowed.reply * MB,
            "limits": {
                "cpu": int(allowed.total * max(1, self.setup.threads) + 60),
                "memory": allowed.memory,
                "file": max(1, min(64, allowed.disk)),
            },
        }

    def request(self, message: dict) -> dict:
        """Send a request and return its reply.

        Raises:
            WorkerLost: The process ended, or used more than it may, or did not answer in time.
            OutOfTime: The submission's time is up.
            NoAnswer: There is a reply, but none that can be read.
        """
        limit = min(time.monotonic() + self.allowance.cell, self.deadline)
        identity = secrets.token_hex(8)
        try:
            return self.exchange({"id": identity, **message}, identity, limit)
        except TimeoutError:
            pass
        with suppress(OSError):
            os.kill(self.process.pid, signal.SIGINT)
        try:
            self.exchange(None, identity, time.monotonic() + GRACE)
        except TimeoutError:
            if time.monotonic() < self.deadline:
                raise WorkerLost(self.too_slow()) from None
        if time.monotonic() >= self.deadline:
            raise OutOfTime
        raise NoAnswer(self.too_slow())

    def too_slow(self) -> str:
        """Return the sentence for what did not end."""
        return f"did not end within {self.allowance.cell:g} s (an endless loop?)"

    def exchange(self, message: dict | None, identity: str, until: float) -> dict:
        """Send a message, if there is one, and return the reply with this id.

        Raises:
            TimeoutError: There was none in time.
            WorkerLost, NoAnswer: As in `request`.
        """
        data = b"" if message is None else json.dumps(message).encode()
        data = memoryview(HEADER.pack(len(data)) + data if data else b"")
        if data:
            self.discard()
        while True:
            for reply in self.received():
                if reply.get("id") == identity:
                    return reply
                self.junk += 1
                if self.junk > JUNK:
                    raise WorkerLost("wrote to the judge without being asked")
            self.look()
            if time.monotonic() > until:
                raise TimeoutError
            waiting = [self.requests] if data else []
            ready, writable, _ = select.select([self.replies], waiting, [], 0.1)
            if writable:
                data = data[self.write(data) :]
            if ready:
                self.read()

    def discard(self) -> None:
        """Drop what came before it was asked for."""
        if select.select([self.replies], [], [], 0)[0]:
            self.read()
        while True:
            try:
                for _ in self.received():
                    self.junk += 1
                return
            except NoAnswer:
                self.junk += 1

    def write(self, data: memoryview) -> int:
        """Write what fits into the pipe."""
        try:
            return os.write(self.requests, data[: 1 << 16])
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise WorkerLost(self.how_it_ended()) from None

    def read(self) -> None:
        """Take in what lies in the pipe."""
        try:
            part = os.read(self.replies, 1 << 20)
        except BlockingIOError:
            return
        if not part:
            raise WorkerLost(self.how_it_ended())
        self.buffer += part

    def received(self) -> Iterator[dict]:
        """Take whole messages out of what came in.

        Raises:
            WorkerLost: A message is too long.
            NoAnswer: A message can't be read.
        """
        while len(self.buffer) >= HEADER.size:
            length = HEADER.unpack_from(self.buffer)[0]
            if length > self.allowance.reply * MB + 1024:
                raise WorkerLost(f"sent a reply of more than {self.allowance.reply} MB")
            if len(self.buffer) < HEADER.size + length:
                return
            data = bytes(self.buffer[HEADER.size : HEADER.size + length])
            del self.buffer[: HEADER.size + length]
            yield parsed(data)

    def look(self) -> None:
        """End the process if it uses more than it may.

        Raises:
            WorkerLost: It did.
        """
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + 0.2
        allowed = self.allowance
        with suppress(psutil.Error):
            memory = self.watched.memory_info().rss / MB
            threads = self.watched.num_threads()
            for child in [] if self.held.get("processes") else self.children():
                memory += child.memory_info().rss / MB
                threads += child.num_threads()
            self.peak_mb = max(self.peak_mb, memory)
            if memory > allowed.memory:
                raise WorkerLost(f"needed more than {allowed.memory} MB of memory")
            if threads > allowed.threads:
                raise WorkerLost(f"started more than {allowed.threads} threads or processes")
        used, entries = usage(self.folder, allowed.entries)
        used += open_files(self.process.pid)
        free = shutil.disk_usage(self.folder).free
        if entries > allowed.entries:
            raise WorkerLost(f"made more than {allowed.entries} files and folders")
        if used > allowed.disk * MB or (free < 1024 * MB and free < self.free / 2):
            raise WorkerLost(f"wrote more than {allowed.disk} MB to disk")

    def children(self) -> list[psutil.Process]:
        """Return the processes that the student's process started, as far as can be seen."""
        return self.watched.children(recursive=True)

    def how_it_ended(self) -> str:
        """Return how the process ended by itself."""
        try:
            code = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "closed the line to the judge"
        if code < 0:
            with suppress(ValueError):
                return f"ended the process ({signal.Signals(-code).name})"
        return f"ended the process (exit code {code})"

    def close(self) -> None:
        """End the process and everything that it started, and remove its folder."""
        if self.process is not None:
            mine = []
            with suppress(psutil.Error):
                mine = self.children()
            for kill in [
                lambda: os.killpg(self.process.pid, signal.SIGKILL),
                self.process.kill,
                *(child.kill for child in mine),
            ]:
                with suppress(OSError, psutil.Error):
                    kill()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE)
            if not self.held.get("processes"):
                kill_strays(str(self.folder))
            self.process = None
            os.close(self.requests)
            os.close(self.replies)
        remove(self.folder)


def parsed(data: bytes) -> dict:
    """Return a message; raise NoAnswer if it is none."""
    try:
        message = json.loads(data)
        if not isinstance(message, dict):
            raise ValueError
        level = [message]
        for _ in range(DEEPEST):
            level = [
                item
                for branch in level
                for item in (branch.values() if isinstance(branch, dict) else branch)
                if isinstance(item, (dict, list))
            ]
            if not level:
                return message
    except (ValueError, RecursionError, MemoryError):
        pass
    raise NoAnswer("gave a reply that can't be read")


# --- one submission -------------------------------------------------------------------------------


class Session:
    """The grading of one notebook."""

    def __init__(
        self,
        steps: list[Step],
        stem: str,
        setup: Setup,
        core: ModuleType,
        wire: ModuleType,
        banned: dict[str, str] | None = None,
        tell: Callable[[str], None] = lambda task: None,
    ):
        """Prepare it.

        Args:
            steps: What to do.
            stem: Which assignment it is.
            setup: The run's.
            core: The module that judges.
            wire: The module that encodes questions and decodes replies.
            banned: Tasks that must not be judged (again), and why.
            tell: Called with a task's name before it is judged.
        """
        self.steps, self.stem, self.setup, self.tell = steps, stem, setup, tell
        self.core, self.wire = core, wire
        self.outcome = Outcome()
        self.outcome.verdicts = {name: (0.0, why) for name, why in (banned or {}).items()}
        self.left_out: set[int] = set()
        self.with_error: set[int] = set()
        self.position = 0

    def grade(self) -> Outcome:
        """Run the cells and judge the tasks; a process that dies is started again without the cell.

        Raises:
            NotStarted: The process never ran.
        """
        start = time.monotonic()
        deadline = start + self.setup.allowance.total
        why = ""
        for attempt in range(STARTS):
            try:
                worker = Worker(self.setup, self.stem, deadline)
            except (NotStarted, TimeoutError):
                if attempt == 0:
                    raise NotStarted("the student's process did not start in time") from None
                break
            try:
                self.walk(worker)
                break
            except WorkerLost as lost:
                self.lost(str(lost))
                why = f"a cell {lost}, as {attempt} did before"
                if all(not s.task or s.task.name in self.outcome.verdicts for s in self.steps):
                    break
            except OutOfTime:
                why = f"the notebook took more than {self.setup.allowance.total:g} s"
                break
            finally:
                self.outcome.peak_mb = max(self.outcome.peak_mb, worker.peak_mb)
                worker.close()
        for step in self.steps:
            if step.task and step.task.name not in self.outcome.verdicts:
                self.outcome.verdicts[step.task.name] = (0.0, f"not reached: {why}")
        self.outcome.seconds = time.monotonic() - start
        return self.outcome

    def walk(self, worker: Worker) -> None:
        """Do the steps one after the other, without those that ended an earlier process."""
        for position, step in enumerate(self.steps):
            if position in self.left_out:
                continue
            self.position = position
            if step.task is None:
                self.run(worker, step)
            elif step.task.name not in self.outcome.verdicts:
                self.tell(step.task.name)
                self.outcome.verdicts[step.task.name] = self.judged(worker, step.task)

    def run(self, worker: Worker, step: Step) -> None:
        """Run a cell; note what it stopped with."""
        try:
            reply = worker.request({"do": "cell", "source": step.source})
        except NoAnswer as problem:
            self.note(step, {"type": "", "message": f"The cell {problem}", "line": ""})
            return
        error = reply.get("error") or reply.get("failed")
        if isinstance(error, dict) and step.own:
            self.note(step, error)

    def note(self, step: Step, error: dict) -> None:
        """Keep an error for the feedback, once."""
        if self.position not in self.with_error:
            self.with_error.add(self.position)
            told = {key: clean(error.get(key), 400) for key in ("type", "message", "line")}
            self.outcome.errors.append({"cell": step.cell, **told})

    def lost(self, why: str) -> None:
        """Note the end of the process at the present step, and leave that step out from now on."""
        step = self.steps[self.position]
        self.left_out.add(self.position)
        if step.task is not None and step.task.name not in self.outcome.verdicts:
            self.outcome.verdicts[step.task.name] = (0.0, f"not graded: what you wrote {why}")
        else:
            self.note(step, {"message": f"The cell {why}. It was left out."})

    def judged(self, worker: Worker, task: Task) -> tuple[float, str]:
        """Return points and message for a task."""

        def ask(question: dict) -> dict:
            asked = {"do": "ask", "request": self.wire.encode(question)}
            with not_counted():
                reply = worker.request(asked)
            return self.understood(reply)

        seconds = self.setup.allowance.judging
        arguments = (task.check, list(task.answers), ask, self.setup.seed)
        try:
            with processor_time(seconds):
                passed, message = self.core.judge(*arguments)
        except TooLong:
            return 0.0, f"not right yet: judging what you wrote took more than {seconds:g} s"
        except NoAnswer as problem:
            return 0.0, f"not right yet: what you wrote {problem}"
        except (WorkerLost, OutOfTime):
            raise
        except Exception as error:  # whatever a forged reply makes the judge's code raise
            return 0.0, f"not right yet: a result that can't be judged ({type(error).__name__})"
        return (task.points if passed is True else 0.0), clean(message, MESSAGE)

    def understood(self, reply: dict) -> dict:
        """Return what a reply says; raise NoAnswer if it says nothing."""
        if "reply" not in reply:
            failed = reply.get("failed")
            text = clean(failed.get("message"), 400) if isinstance(failed, dict) else ""
            raise NoAnswer(f"gave no result: {text}")
        try:
            found = self.wire.decode(reply["reply"])
        except Exception:
            found = None
        if not isinstance(found, dict):
            raise NoAnswer("gave a reply that can't be read")
        return found


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    """Raise TooLong in the block when this process has used so many seconds of processor time.

    A reply comes from a stranger: whatever it makes the judge compute, there is an end. Waiting
    costs no processor time, so a slow machine fails nobody.
    """

    def stop(number: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def not_counted() -> Iterator[None]:
    """Stop the clock of `processor_time`: a talk through the pipe must not end halfway."""
    left, _ = signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, max(left, 0.01), 1)


def clean(text: object, limit: int) -> str:
    """Return text from a stranger without control characters, cut to a length."""
    text = readable(text[:limit]) if isinstance(text, str) else ""
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)

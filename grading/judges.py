"""The processes that judge: started, given a submission each, and replaced when they fall.

A judge never runs a student's code, but a forged reply may still end it or keep it busy: then a
new one takes its place, and the submission is tried again without the task that did it.
"""

import importlib
import multiprocessing
import multiprocessing.connection
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from grading.sandbox import die_with_parent
from grading.session import NotStarted, Outcome, Session, Setup
from grading.submissions import Submission

JUDGES = 3  # judges that one submission may bring down
SLACK = 120  # seconds that a judge may take beyond the submission's own limit


def judge_forever(line: multiprocessing.connection.Connection, setup: Setup) -> None:
    """Grade what comes through the line, in a process that never runs a student's code.

    Sends `("task", name)` before judging, `("done", outcome)` or `("trouble", text)` at the end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the run's business
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.platform == "linux":
        die_with_parent(first=False)
    wire = importlib.import_module(setup.wire)
    with suppress(EOFError, BrokenPipeError):
        while True:
            steps, stem, banned = line.recv()
            core, *_ = [importlib.import_module(name) for name in setup.checks[stem]]
            session = Session(
                steps, stem, setup, core, wire, banned, lambda task: line.send(("task", task))
            )
            try:
                line.send(("done", session.grade()))
            except NotStarted as problem:
                line.send(("trouble", str(problem)))


class Judge:
    """A judge's process, and the submission it is at."""

    def __init__(self, setup: Setup):
        """Start it."""
        self.setup = setup
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=judge_forever, args=(theirs, setup), daemon=True)
        self.process.start()
        theirs.close()
        self.limit = setup.allowance.total + SLACK
        self.job: Job | None = None

    def give(self, job: "Job") -> None:
        """Have a submission graded."""
        self.job, self.task, self.until = job, "", time.monotonic() + self.limit
        self.line.send((job.submission.steps, job.submission.stem, job.banned))

    def end(self) -> None:
        """End the process; it takes the student's process with it."""
        self.process.terminate()
        self.process.join(5)
        self.process.kill()
        self.process.join()
        self.line.close()


@dataclass
class Job:
    """A submission to grade; `banned` are tasks whose reply brought a judge down."""

    submission: Submission
    banned: dict[str, str] = field(default_factory=dict)
    judges: int = 0


def grade_all(setup: Setup, waiting: list[Job], jobs: int) -> Iterator[tuple[Job, Outcome | str]]:
    """Grade submissions in some processes at once; yield each with its outcome, or what failed."""
    waiting = waiting[::-1]
    judges = []
    try:
        judges = [Judge(setup) for _ in range(min(jobs, len(waiting)))]
        while waiting or any(judge.job for judge in judges):
            for judge in judges:
                if waiting and judge.job is None:
                    judge.give(waiting.pop())
            busy = {judge.line: judge for judge in judges if judge.job}
            ready = multiprocessing.connection.wait(list(busy), 0.5)
            for line in ready:
                yield from heard(busy[line], judges, waiting)
            for judge in list(judges):
                if judge.job and time.monotonic() > judge.until:
                    yield from fell(judge, judges, waiting)
    finally:
        for judge in judges:
            judge.process.terminate()
        for judge in judges:
            judge.end()


def heard(
    judge: Judge, judges: list[Judge], waiting: list[Job]
) -> Iterator[tuple[Job, Outcome | str]]:
    """Take one message of a judge."""
    try:
        kind, content = judge.line.recv()
    except (EOFError, OSError):
        yield from fell(judge, judges, waiting)
        return
    if kind == "task":
        judge.task = content
        return
    job, judge.job = judge.job, None
    yield job, content


def fell(judge: Judge, judges: list[Judge], waiting: list[Job]) -> Iterator[tuple[Job, str]]:
    """Replace a judge that ended or hangs; its submission is tried again without that task."""
    job = judge.job
    judge.end()
    judges[judges.index(judge)] = Judge(judge.setup)
    job.judges += 1
    if judge.task:
        job.banned[judge.task] = "not graded: the reply to the check could not be judged"
    if job.judges < JUDGES:
        waiting.append(job)
    else:
        yield job, "the process that judges ended several times"

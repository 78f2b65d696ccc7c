"""Grade a folder of submitted notebooks.

    python tools/grade.py submitted                      results in build/grades/
    python tools/grade.py submitted --gradebook gradebook.db
    python tools/grade.py submitted --seed 7             private variations of the checks

Found are nbgrader's layout (student/assignment/notebook.ipynb), student/notebook.ipynb, and files
such as ann_02_identity_block.ipynb. Nothing is written there. Results:

    grades.csv        student, assignment, notebook, task, points, of, message
    totals.csv        a line for each student
    feedback/         a page for each student
    gradebook.db      nbgrader's book, for formgrader and `nbgrader export`
    graded/           what is graded already: the same command goes on where it was stopped

Each notebook is run in a process and a folder of its own (grading_worker.py, confined by
sandbox.py); another process judges what it made and gives the points (grading_session.py). The
inputs of the checks are drawn from a seed; without --seed it is drawn once, kept in
`graded/seed`, and should stay with the instructor.

Exit status: 0 all graded, 1 something could not be graded or written (grades.csv says what),
2 nothing to grade or wrong arguments, 130 Ctrl-C.
"""

import argparse
import hashlib
import importlib
import importlib.util
import json
import multiprocessing
import multiprocessing.connection
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from grading_report import (
    BookLocked,
    Graded,
    check_book,
    grades_table,
    totals_table,
    write_book,
    write_pages,
)
from grading_session import (
    CHECKS_STAND_IN,
    Allowance,
    NotStarted,
    Outcome,
    Session,
    Setup,
    remove,
)
from grading_submissions import (
    Assignment,
    Submission,
    Unreadable,
    find_submissions,
    load_assignments,
)
from sandbox import python_folders
from tqdm import tqdm

from resnets.whole_files import write
from resnets_utils import quiet_tensorflow

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
NOTEBOOKS = ROOT / "notebooks"
MODULES = ("resnets.checks", "resnets.answers")  # what judges, and what answers it
CODE = (  # what decides a verdict: another version grades anew
    *TOOLS.glob("grading_*.py"),
    TOOLS / "grade.py",
    TOOLS / "sandbox.py",
    *(ROOT / "resnets").glob("*.py"),
    ROOT / "resnets_utils.py",
)
JUDGES = 3  # judges that one submission may bring down
SLACK = 120  # seconds that a judge may take beyond the submission's own limit


class Refused(Exception):
    """The run can't start; the text says why."""


def build_release(stem: str, folder: Path) -> Path:
    """Fill a folder with what students of an assignment get; return where."""
    from exercises import build_release

    return build_release(stem, folder)


# --- what protects --------------------------------------------------------------------------------


def protection(secret: Path, scratch: Path) -> tuple[str, bool]:
    """Try the sandbox once; return a sentence on what holds, and whether all of it does."""
    folder = scratch / "trial"
    folder.mkdir()
    command = [sys.executable, "-I", "-S", "-B", str(TOOLS / "sandbox.py"), str(folder)]
    try:
        tried = subprocess.run(
            [*command, str(secret)], capture_output=True, text=True, timeout=60, check=True
        )
        held, refused = (json.loads(tried.stdout)[key] for key in ("held", "refused"))
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        held, refused = {}, {}
    meant = {
        "reading": "reading other files",
        "writing": "writing other files",
        "processes": "starting processes",
        "signals": "ending other processes",
        "network": "the network",
    }
    stopped = [text for key, text in meant.items() if refused.get(key)]
    by = [held[key] for key in ("files", "processes", "limits") if held.get(key)]
    text = f"Sandbox: {', '.join(by) or 'none'}; stopped: {', '.join(stopped) or 'nothing'}"
    left = [text for key, text in meant.items() if not refused.get(key)]
    if left:
        text += f"; NOT STOPPED HERE: {', '.join(left)}"
    return text + "; time, memory and disk are limited.", not left


def lies_open(paths: list[Path]) -> list[Path]:
    """Return those of some paths that lie where every Python can read."""
    folders = [Path(folder) for folder in (*python_folders(), "/usr/lib", "/lib", "/usr/local/lib")]
    return [path for path in paths if any(path.is_relative_to(folder) for folder in folders)]


# --- a run ----------------------------------------------------------------------------------------


@dataclass
class Run:
    """The state of a run.

    Attributes:
        setup: What all submissions share.
        assignments: The solved notebooks.
        out: The results' folder.
        trouble: What could not be graded through no fault of the student's.
    """

    setup: Setup
    assignments: dict[str, Assignment]
    out: Path
    trouble: list[str] = field(default_factory=list)

    def key(self, submission: Submission) -> str:
        """Return what a result is kept under: everything that it depends on."""
        parts = [
            submission.student,
            submission.assignment,
            submission.stem,
            submission.digest,
            self.assignments[submission.stem].digest,
            self.code,
            str(self.setup.seed),
            json.dumps(asdict(self.setup.allowance)),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def __post_init__(self) -> None:
        """Note which version of the code judges."""
        modules = [Path(importlib.util.find_spec(name).origin) for name in MODULES]
        data = b"".join(path.read_bytes() for path in sorted({*CODE, *modules}) if path.is_file())
        self.code = hashlib.sha256(data).hexdigest()

    def kept(self, submission: Submission) -> Graded | None:
        """Return the result of an earlier run, if there is one."""
        path = self.out / "graded" / f"{self.key(submission)}.json"
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            verdicts = {name: (points, text) for name, (points, text) in kept["verdicts"].items()}
            if set(verdicts) == {t.name for t in self.assignments[submission.stem].tasks}:
                return Graded(submission, verdicts, kept["errors"], submission.notes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def keep(self, submission: Submission, outcome: Outcome) -> Graded:
        """Keep a result for later runs, and return it."""
        path = self.out / "graded" / f"{self.key(submission)}.json"
        kept = {"student": submission.student, "notebook": submission.stem, **asdict(outcome)}
        write(path, json.dumps(kept, indent=1))
        return Graded(submission, outcome.verdicts, outcome.errors, submission.notes)


# --- judges ---------------------------------------------------------------------------------------


def judge_forever(line: multiprocessing.connection.Connection, setup: Setup) -> None:
    """Grade what comes through the line, in a process that never runs a student's code.

    Sends `("task", name)` before judging, `("done", outcome)` or `("trouble", text)` at the end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the run's business
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.platform == "linux":
        import sandbox

        sandbox.die_with_parent(first=False)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with quiet_tensorflow():
        modules = tuple(importlib.import_module(name) for name in (setup.checks, setup.answers))
    with suppress(EOFError, BrokenPipeError):
        while True:
            steps, stem, banned = line.recv()
            session = Session(
                steps, stem, setup, modules, banned, lambda task: line.send(("task", task))
            )
            try:
                line.send(("done", session.grade()))
            except NotStarted as problem:
                line.send(("trouble", str(problem)))


class Judge:
    """A judge's process, and the submission it is at."""

    def __init__(self, setup: Setup):
        """Start it."""
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


def grade_all(run: Run, waiting: list[Job], jobs: int) -> Iterator[tuple[Job, Outcome | str]]:
    """Grade submissions in some processes at once; yield each with its outcome, or what failed."""
    waiting = waiting[::-1]
    judges = []
    try:
        judges = [Judge(run.setup) for _ in range(min(jobs, len(waiting)))]
        while waiting or any(judge.job for judge in judges):
            for judge in judges:
                if waiting and judge.job is None:
                    judge.give(waiting.pop())
            busy = {judge.line: judge for judge in judges if judge.job}
            ready = multiprocessing.connection.wait(list(busy), 0.5)
            for line in ready:
                yield from heard(busy[line], judges, waiting, run)
            for judge in list(judges):
                if judge.job and time.monotonic() > judge.until:
                    yield from fell(judge, judges, waiting, run)
    finally:
        for judge in judges:
            judge.process.terminate()
        for judge in judges:
            judge.end()


def heard(
    judge: Judge, judges: list[Judge], waiting: list[Job], run: Run
) -> Iterator[tuple[Job, Outcome | str]]:
    """Take one message of a judge."""
    try:
        kind, content = judge.line.recv()
    except (EOFError, OSError):
        yield from fell(judge, judges, waiting, run)
        return
    if kind == "task":
        judge.task = content
        return
    job, judge.job = judge.job, None
    yield job, content


def fell(
    judge: Judge, judges: list[Judge], waiting: list[Job], run: Run
) -> Iterator[tuple[Job, str]]:
    """Replace a judge that ended or hangs; its submission is tried again without that task."""
    job = judge.job
    judge.end()
    judges[judges.index(judge)] = Judge(run.setup)
    job.judges += 1
    if judge.task:
        job.banned[judge.task] = "not graded: the reply to the check could not be judged"
    if job.judges < JUDGES:
        waiting.append(job)
    else:
        yield job, "the process that judges ended several times"


# --- putting it together --------------------------------------------------------------------------


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for the run, and remove it in any case."""
    folder = Path(tempfile.mkdtemp(prefix="grading-")).resolve()
    try:
        yield folder
    finally:
        remove(folder)


def make_releases(stems: set[str], scratch: Path) -> dict[str, str]:
    """Make, for each assignment, the folder that its submissions get a copy of."""
    home = scratch / "home"
    list_fonts(home / "matplotlib")
    made = {}
    for stem in sorted(stems):
        folder = scratch / f"template-{stem}"
        folder.mkdir()
        built = build_release(stem, folder / "release")
        if built != folder / "release":
            built.replace(folder / "release")
        hide_judge(folder / "release")
        (folder / "tmp").mkdir()
        shutil.copytree(home, folder / "home")
        made[stem] = str(folder)
    return made


def list_fonts(folder: Path) -> None:
    """Have Matplotlib make its list of fonts once: it takes a second, in each new home."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", "import matplotlib.font_manager"]
    variables = {**os.environ, "MPLCONFIGDIR": str(folder)}
    subprocess.run(command, env=variables, capture_output=True, check=False)


def hide_judge(release: Path) -> None:
    """Leave of the checks what a notebook imports: they know how right answers come about."""
    package = release / "resnets"
    package.mkdir(exist_ok=True)
    for name in ("__init__.py", "answers.py"):
        if not (package / name).exists():
            shutil.copyfile(ROOT / "resnets" / name, package / name)
    (package / "diagnosis.py").unlink(missing_ok=True)
    (package / "checks.py").write_text(CHECKS_STAND_IN, encoding="utf-8")


def load(options: argparse.Namespace) -> tuple[dict[str, Assignment], list[Submission]]:
    """Return the assignments and the submissions; raise Refused where there are none."""
    folder = options.submissions
    if not folder.is_dir():
        raise Refused(f"There is no folder {folder}.")
    try:
        assignments = load_assignments(NOTEBOOKS)
    except Unreadable as problem:
        raise Refused(f"The solved notebooks can't be used: {problem}.") from None
    if not assignments:
        raise Refused(f"No notebook in {NOTEBOOKS} has tasks.")
    submissions = find_submissions(folder, assignments)
    if not submissions:
        raise Refused(f"There is no notebook in {folder}.")
    out = options.out.resolve()
    if out == folder.resolve() or out.is_relative_to(folder.resolve()):
        raise Refused(f"The results can't go into the submissions' folder: {options.out}.")
    return assignments, submissions


def seed_of(out: Path, given: int | None) -> int:
    """Return the run's seed: the given one, or the one that is kept, or a new one."""
    path = out / "graded" / "seed"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text(encoding="ascii") if path.exists() else ""
        seed = given if given is not None else int(kept) if kept.isdigit() else secrets.randbits(31)
        write(path, str(seed))
    except OSError as error:
        raise Refused(f"The results can't be written to {out}: {error.strerror}.") from None
    path.chmod(0o600)
    return seed


def run_grading(options: argparse.Namespace) -> tuple[list[Graded], Run]:
    """Grade what is not graded yet; return everything."""
    assignments, submissions = load(options)
    seed = seed_of(options.out, options.seed)
    check_book(options.gradebook)
    good = [one for one in submissions if not one.problem]
    with scratch_folder() as scratch:
        text, _ = protection(TOOLS / "grade.py", scratch)
        print(text)
        for path in lies_open([ROOT, options.submissions.resolve(), options.out.resolve()]):
            print(f"WARNING: {path} lies among what every Python reads, so students' code can.")
        releases = make_releases({one.stem for one in good}, scratch)
        allowance = Allowance(cell=options.cell_limit, total=options.limit, memory=options.memory)
        threads = max(1, (os.cpu_count() or 1) // options.jobs)
        setup = Setup(releases, str(scratch), seed, allowance, *MODULES, threads=threads)
        run = Run(setup, assignments, options.out)
        return grade_with_progress(run, submissions, options.jobs), run


def grade_with_progress(run: Run, submissions: list[Submission], jobs: int) -> list[Graded]:
    """Grade the submissions behind a progress bar."""
    done = {}
    for one in submissions:
        kept = Graded(one) if one.problem else run.kept(one)
        if kept:
            done[id(one)] = kept
    waiting = [Job(one) for one in submissions if id(one) not in done]
    calm = 0.1 if sys.stderr.isatty() else 30  # seconds between two drawings of the bar
    with tqdm(total=len(submissions), initial=len(done), unit="notebook", mininterval=calm) as bar:
        for job, outcome in grade_all(run, waiting, jobs):
            one = job.submission
            if isinstance(outcome, Outcome):
                done[id(one)] = run.keep(one, outcome)
            else:
                one.problem = outcome
                run.trouble.append(f"{one.student}, {one.stem}: {outcome}")
                done[id(one)] = Graded(one)
            bar.set_postfix_str(f"{one.student} {one.stem}"[:40], refresh=False)
            bar.update()
    return [done[id(one)] for one in submissions]


def save(graded: list[Graded], run: Run, options: argparse.Namespace) -> None:
    """Write tables, pages and the book."""
    write(options.out / "grades.csv", grades_table(graded, run.assignments))
    write(options.out / "totals.csv", totals_table(graded, run.assignments))
    write_pages(graded, run.assignments, options.out / "feedback")
    write_book(options.gradebook, graded, run.assignments)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Grade a folder of submitted notebooks.")
    parser.add_argument("submissions", type=Path, help="folder of submitted notebooks")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "grades")
    parser.add_argument("--gradebook", type=Path, help="nbgrader's (gradebook.db in --out)")
    parser.add_argument("--seed", type=int, help="of the checks' inputs (a secret one)")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time (2)")
    parser.add_argument("--limit", type=float, default=300, help="seconds per notebook (300)")
    parser.add_argument("--cell-limit", type=float, default=60, help="seconds per cell (60)")
    parser.add_argument("--memory", type=int, default=4096, help="MB per notebook (4096)")
    options = parser.parse_args(arguments)
    if options.jobs < 1 or min(options.limit, options.cell_limit, options.memory) <= 0:
        parser.error("--jobs, --limit, --cell-limit and --memory are greater than 0")
    options.gradebook = options.gradebook or options.out / "gradebook.db"
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = parse(arguments)
    if os.name != "posix":
        print("Grading needs Linux or macOS; on Windows, run it in WSL.", file=sys.stderr)
        return 2
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        graded, run = run_grading(options)
        save(graded, run, options)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 2
    except BookLocked as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The results can't be written: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What is graded is kept; the same command goes on.", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return report(graded, run, options)


def report(graded: list[Graded], run: Run, options: argparse.Namespace) -> int:
    """Print what came of the run; return the exit status."""
    failed = [one.submission for one in graded if one.submission.problem]
    for one in failed:
        print(f"not graded: {one.path.name} ({one.student}): {one.problem}", file=sys.stderr)
    print(f"{len(graded) - len(failed)} of {len(graded)} notebooks graded: {options.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

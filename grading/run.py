"""Grade a folder of submitted notebooks.

    python -m grading.run submitted                      results in build/grades/
    python -m grading.run submitted --gradebook gradebook.db
    python -m grading.run submitted --seed 7             private variations of the checks

Found are nbgrader's layout (student/assignment/notebook.ipynb), student/notebook.ipynb,
assignment/student.ipynb, and files such as ann_02_identity_block.ipynb; what is no notebook gets a
line that says what to do (finding.py). Nothing is written there. Results:

    grades.csv        student, assignment, notebook, task, points, of, message
    totals.csv        a line for each student
    feedback/         a page for each student
    gradebook.db      nbgrader's book, for formgrader and `nbgrader export`
    graded/           what is graded already: the same command goes on where it was stopped

Each notebook is run in a process and a folder of its own (worker.py, confined by sandbox.py);
another process judges what it made and gives the points (judges.py, session.py). The inputs
of the checks are drawn from a seed; without --seed it is drawn once, kept in `graded/seed`, and
should stay with the instructor.

Exit status: 0 all graded, 1 something could not be graded or written (grades.csv says what),
2 nothing to grade or wrong arguments, 130 Ctrl-C.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from grading import magics, sandbox, session, traces, worker
from grading.finding import find_submissions
from grading.judges import Job, grade_all
from grading.modules import (
    BLANKS,
    CORE,
    PROBE,
    ROOT,
    WIRE,
    checksum,
    module_file,
    needed_modules,
)
from grading.report import (
    BookLocked,
    Graded,
    check_book,
    grades_table,
    totals_table,
    write_book,
    write_pages,
)
from grading.session import Allowance, Outcome, Setup, clean
from grading.submissions import (
    Assignment,
    Submission,
    Unreadable,
    load_assignments,
)
from grading.traces import remove
from resnets.atomic_files import write
from resnets.command_line import Parser, natural, positive, seconds
from resnets.command_line import run as run_command

NOTEBOOKS = ROOT / "notebooks"
SANDBOX = Path(sandbox.__file__)
JUDGING = (CORE, WIRE, PROBE)
GRADER = [
    Path(module.__file__) for module in (session, traces, worker, magics, sandbox)
]  # they decide as well
# In the student's folder, in place of what judges.
STAND_IN = '''"""A stand-in: the checks run in a process that never ran this code."""


def __getattr__(name: str) -> object:
    if not name.startswith("check_"):
        raise AttributeError(name)
    return lambda *answers, **options: None
'''
# Behind a module that has moved, or parts of it, since notebooks were handed out. A name that is
# gone becomes None: the import goes on, and with it the cells that don't use the name.
MOVED = """
import importlib


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    for module in {modules}:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):  # a release holds what its own notebook needs
            pass
"""
EARLIER = {  # where it was: where it is
    "resnets/exercises.py": [BLANKS],
    "resnets/classifier.py": ["resnets.pictures.classifier"],
    "resnets/photos.py": ["resnets.pictures.photos"],
    "resnets/resnet50.py": ["resnets.basic_resnet"],
    "resnets/training.py": ["resnets.callbacks"],
    "resnets/inspection/__init__.py": [
        f"resnets.inspection.{name}" for name in ("gradients", "feature_maps", "confusions")
    ],
}


class Refused(Exception):
    """The run can't start; the text says why."""


def build_release(stem: str, folder: Path) -> None:
    """Fill a folder with what students of an assignment get."""
    from grading import release  # here: it loads nbgrader, which no judge needs

    release.build_release(stem, folder)


# --- what protects --------------------------------------------------------------------------------


def protection(secret: Path, scratch: Path) -> tuple[str, bool]:
    """Try the sandbox once; return a sentence on what holds, and whether all of it does."""
    folder = scratch / "trial"
    folder.mkdir()
    command = [sys.executable, "-I", "-S", "-B", str(SANDBOX), str(folder)]
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
    folders = [
        Path(folder) for folder in (*sandbox.python_folders(), "/usr/lib", "/lib", "/usr/local/lib")
    ]
    return [path for path in paths if any(path.is_relative_to(folder) for folder in folders)]


# --- a run ----------------------------------------------------------------------------------------


@dataclass
class Run:
    """The state of a run.

    Attributes:
        setup: What all submissions share.
        assignments: The solved notebooks.
        out: The results' folder.
        code: For each assignment to grade, a checksum of what its verdicts depend on.
    """

    setup: Setup
    assignments: dict[str, Assignment]
    out: Path
    code: dict[str, str]

    def key(self, submission: Submission) -> str:
        """Return what a result is kept under: everything that it depends on."""
        parts = [
            submission.student,
            submission.assignment,
            submission.stem,
            submission.steps,
            self.code[submission.stem],
            self.setup.seed,
            self.setup.allowance,
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

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


# --- putting it together --------------------------------------------------------------------------


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for the run, and remove it in any case."""
    folder = Path(tempfile.mkdtemp(prefix="grading-")).resolve()
    try:
        yield folder
    finally:
        remove(folder)


def make_releases(
    stems: set[str], assignments: dict[str, Assignment], scratch: Path
) -> dict[str, str]:
    """Make, for some assignments, the folders that their submissions get a copy of."""
    checks = {name for assignment in assignments.values() for name in assignment.modules}
    home = scratch / "home"
    list_fonts(home / "matplotlib")
    made = {}
    for stem in sorted(stems):
        folder = scratch / f"template-{stem}"
        folder.mkdir()
        build_release(stem, folder / "release")
        hide_judge(folder / "release", checks)
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


def hide_judge(release: Path, checks: set[str]) -> None:
    """Leave of the checks what a notebook imports: they know how right answers come about.

    Notebooks handed out earlier import them from the package itself.
    """
    judging = needed_modules({CORE, *checks}) - needed_modules({WIRE, PROBE, BLANKS})
    for file in judging | {module_file("resnets.checks")}:
        write(release / file.relative_to(ROOT), STAND_IN)
    for name, modules in EARLIER.items():
        path = release / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        write(path, text + MOVED.format(modules=modules))


def checksums(assignments: dict[str, Assignment], releases: dict[str, str]) -> dict[str, str]:
    """Return, by assignment, a checksum of the code and data that verdicts depend on.

    These are what judges, the grader's side of it, and what a student's cells can load: of the
    release all but the texts at its top.
    """
    found = {}
    for stem, folder in releases.items():
        judging = {*GRADER, *needed_modules({CORE, WIRE, *assignments[stem].modules})}
        files = {str(path.relative_to(ROOT)): path for path in judging}
        release = Path(folder, "release")
        for path in release.rglob("*"):
            if path.is_file() and (path.parent != release or path.suffix == ".py"):
                files[f"release/{path.relative_to(release)}"] = path
        found[stem] = checksum(files)
    return found


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
        text, _ = protection(SANDBOX, scratch)
        print(text)
        for path in lies_open([ROOT, options.submissions.resolve(), options.out.resolve()]):
            print(f"WARNING: {path} lies among what every Python reads, so students' code can.")
        releases = make_releases({one.stem for one in good}, assignments, scratch)
        allowance = Allowance(cell=options.cell_limit, total=options.limit, memory=options.memory)
        threads = max(1, (os.cpu_count() or 1) // options.jobs)
        core, wire, probe = JUDGING
        checks = {stem: [core, *sorted(assignments[stem].modules)] for stem in releases}
        setup = Setup(releases, str(scratch), seed, allowance, checks, wire, probe, threads)
        run = Run(setup, assignments, options.out, checksums(assignments, releases))
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
        for job, outcome in grade_all(run.setup, waiting, jobs):
            one = job.submission
            if isinstance(outcome, Outcome):
                done[id(one)] = run.keep(one, outcome)
            else:
                one.problem = outcome
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
    parser = Parser(description="Grade a folder of submitted notebooks.")
    parser.add_argument("submissions", type=Path, help="folder of submitted notebooks")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "grades")
    parser.add_argument("--gradebook", type=Path, help="nbgrader's (gradebook.db in --out)")
    parser.add_argument("--seed", type=natural, help="of the checks' inputs (a secret one)")
    parser.add_argument("--jobs", type=positive, default=2, help="notebooks at a time (2)")
    parser.add_argument("--limit", type=seconds, default=300, help="seconds per notebook (300)")
    parser.add_argument("--cell-limit", type=seconds, default=60, help="seconds per cell (60)")
    parser.add_argument("--memory", type=positive, default=4096, help="MB per notebook (4096)")
    options = parser.parse_args(arguments)
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
        text = f"not graded: {one.path.name} ({one.student}): {one.problem}"
        print(clean(text, 2000).replace("\n", " "), file=sys.stderr)
    print(f"{len(graded) - len(failed)} of {len(graded)} notebooks graded: {options.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_command(main))

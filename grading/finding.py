"""Find what was handed in: whose it is, which notebook it is, and what is no notebook.

Every file gets a line: one that can't be graded is named with what to do about it.
"""

import re
import unicodedata
from collections import Counter
from pathlib import Path

from grading.submissions import (
    Assignment,
    Submission,
    Task,
    Unreadable,
    grading,
    plan,
    read_cells,
    readable,
)

DEEPEST = 3  # student/assignment/notebook.ipynb
SYSTEMS_OWN = {"__MACOSX", "Thumbs.db", "desktop.ini"}
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
EXPORTS = (".html", ".htm", ".pdf", ".py", ".md", ".json", ".txt")  # of a notebook, or the like
# What browsers, systems, Jupyter and Colab put to the name of a copy.
COPY_BEFORE = re.compile(r"^(copy of|kopie von|copie de|copia de|c[oó]pia de)[ _]+", re.IGNORECASE)
COPY_AFTER = re.compile(r"([ _]*\(\d+\)|[-_ ]+(copy|kopie|copie|copia)[-_ ]?\d*)$", re.IGNORECASE)


def find_submissions(folder: Path, assignments: dict[str, Assignment]) -> list[Submission]:
    """Return what lies below a folder, each with what it is or why it can't be graded.

    Found are student/assignment/notebook.ipynb (nbgrader's layout), student/notebook.ipynb,
    assignment/student.ipynb, assignment/student/notebook.ipynb, and files such as ann.ipynb,
    ann_02_identity_block.ipynb and 02_identity_block_ann.ipynb.
    """
    found, others = [], []
    for entry in listed(folder):
        if entry.is_symlink():
            others.append(no_notebook(entry, folder, assignments, "a symbolic link: not followed"))
        elif entry.is_dir():
            inside = files_in(entry, 1)
            notebooks = [path for path in inside if is_notebook(path)]
            strange = [
                path for path in inside if not is_notebook(path) and is_meant(path, assignments)
            ]
            if not notebooks and not strange:
                text = "there is no notebook in the folder"
                others.append(no_notebook(entry, folder, assignments, text))
            found += [one(path, folder, assignments) for path in notebooks]
            others += [no_notebook(path, folder, assignments) for path in strange]
        elif is_notebook(entry):
            found.append(one(entry, folder, assignments))
        else:
            others.append(no_notebook(entry, folder, assignments))
    settle_copies(found, folder)
    return sorted(found + others, key=lambda one: (one.student, one.assignment, str(one.path)))


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder, without what Jupyter and the system hide there."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in entries if path.name[0] != "." and path.name not in SYSTEMS_OWN]


def files_in(folder: Path, depth: int) -> list[Path]:
    """Return the files in a student's folder, too deep ones included."""
    found = []
    for path in listed(folder):
        if is_notebook(path) or path.is_symlink() or not path.is_dir():
            found.append(path)
        elif depth < DEEPEST + 3:
            found += files_in(path, depth + 1)
    return found


def is_notebook(path: Path) -> bool:
    """Whether a name is that of a notebook."""
    return path.suffix.lower() == ".ipynb"


def is_meant(path: Path, assignments: dict[str, Assignment]) -> bool:
    """Whether a file beside a student's notebooks may be meant as one of them."""
    name = path.name.lower()
    if ".ipynb" in name or name.endswith(ARCHIVES):
        return True
    return name.endswith(EXPORTS) and bool(split_name(path.stem, assignments)[0])


def no_notebook(
    path: Path, folder: Path, assignments: dict[str, Assignment], problem: str = ""
) -> Submission:
    """Return the line of what is no notebook: whose it is, and what to do about it."""
    kind, name = path.suffix.lower(), path.name if path.is_dir() else path.stem
    while Path(name).suffix.lower() in (".ipynb", ".tar"):
        name = Path(name).stem
    if problem:
        pass
    elif kind in ARCHIVES:
        problem = (
            "an archive, not read: unpack it into a folder with the student's name (one of the "
            "whole class: into this folder), remove it, and grade again"
        )
    elif ".ipynb" in path.name.lower() or kind in (".json", ".txt"):
        problem = "no notebook by its name: if it is one, rename it, so that it ends in .ipynb"
    else:
        problem = "no notebook: expected a file that ends in .ipynb; ask for that"
    *folders, _ = path.relative_to(folder).parts
    student, assignment = whose(tuple(folders), name, assignments)
    return Submission(student or tidy(name), path, assignment, problem=problem)


def whose(
    folders: tuple[str, ...], name: str, assignments: dict[str, Assignment]
) -> tuple[str, str]:
    """Return whose a file is, "" where nothing says it, and which assignment its folders name.

    Args:
        folders: The folders that it lies in.
        name: Its own name, without the ending.
        assignments: The solved notebooks.
    """
    places = [*folders[:2], name]
    stem, student = split_name(places[0], assignments)
    if stem and not student and len(places) > 1:  # the folder of an assignment, all students in it
        return split_name(places[1], assignments)[1], stem
    return student, tidy(folders[1]) if len(folders) > 1 else ""


def one(path: Path, folder: Path, assignments: dict[str, Assignment]) -> Submission:
    """Return a submission: read, told whose and which it is, and planned."""
    *folders, _ = path.relative_to(folder).parts
    student, assignment = whose(tuple(folders), path.stem, assignments)
    stem = split_name(path.stem, assignments)[0]
    submission = Submission(student, path, assignment or stem, stem)
    try:
        if len(folders) >= DEEPEST:
            raise Unreadable("the notebook lies too deep: expected student/assignment/notebook")
        if not student:
            raise Unreadable("the file's name does not say whose it is: expected student_02_...")
        cells = read_cells(path)
        named = stem or (assignment if assignment in assignments else "")
        submission.stem = which(named, cells, assignments, submission.notes)
        submission.assignment = assignment or submission.stem
        submission.steps = plan(cells, assignments[submission.stem], submission.notes)
    except Unreadable as problem:
        submission.problem = str(problem)
        submission.student = submission.student or tidy(path.stem)
    return submission


def split_name(name: str, assignments: dict[str, Assignment]) -> tuple[str, str]:
    """Return which assignment a name names, and the rest: the student's, without a copy's marks."""
    name = without_marks(tidy(name))
    for stem in assignments:
        found = re.search(re.escape(stem).replace("_", "[-_ ]+"), name, re.IGNORECASE)
        if found:
            before, after = name[: found.start()], name[found.end() :]
            return stem, without_marks(before.strip("_- ") or after.strip("_- "))
    return "", name


def tidy(name: str) -> str:
    """Return a name in one form: an accent is one character, whatever system wrote it."""
    return unicodedata.normalize("NFC", readable(name)).strip()


def without_marks(name: str) -> str:
    """Return a name without what was put to it for a copy: "Copy of", "(1)", "-Copy1"."""
    shorter = COPY_AFTER.sub("", COPY_BEFORE.sub("", name)).strip()
    return name if shorter == name else without_marks(shorter)


def which(
    named: str, cells: list[dict], assignments: dict[str, Assignment], notes: list[str]
) -> str:
    """Return the stem of the assignment that a notebook answers.

    Raises:
        Unreadable: Neither its name nor its cells say it.
    """
    owner = {key: stem for stem, a in assignments.items() for task in a.tasks for key in keys(task)}
    counts = Counter(owner.get(str(grading(cell).get("grade_id"))) for cell in cells)
    counts.pop(None, None)
    if named and (named in counts or not counts):
        return named
    ranked = counts.most_common(2)
    if not ranked:
        raise Unreadable("neither its name nor its cells say which assignment this is")
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        raise Unreadable(f"holds tasks of {ranked[0][0]} and of {ranked[1][0]} alike")
    if named:
        notes.append(f"The file is named {named}, its tasks are those of {ranked[0][0]}.")
    return ranked[0][0]


def keys(task: Task) -> tuple[str, str]:
    """Return the grade_ids of a task's two cells."""
    return task.name, task.check_id


def settle_copies(found: list[Submission], folder: Path) -> None:
    """Where a student has one notebook twice, grade the one that is no copy of the other."""
    groups: dict[tuple, list[Submission]] = {}
    for submission in found:
        if not submission.problem:
            key = (submission.student, submission.assignment, submission.stem)
            groups.setdefault(key, []).append(submission)
    for group in groups.values():
        counts = original(group, folder)
        for submission in group if len(group) > 1 else []:
            if submission is counts:
                continue
            others = ", ".join(shown(o, folder) for o in group if o is not submission)
            submission.problem = (
                f"a copy: {shown(counts, folder)} is graded"
                if counts
                else f"handed in more than once (also {others}): keep the one that counts; if "
                f"{submission.student} is no student, expected student/notebook"
            )


def original(group: list[Submission], folder: Path) -> Submission | None:
    """Return the one with the assignment's own name, or the one whose copies the others are."""
    places = [one.path.relative_to(folder).with_suffix("").parts for one in group]
    names = [[tidy(part) for part in parts] for parts in places]
    bare = [[without_marks(part) for part in parts] for parts in names]
    unmarked = [one for i, one in enumerate(group) if names[i] == bare[i]]
    if all(parts == bare[0] for parts in bare) and len(unmarked) == 1:
        return unmarked[0]
    exact = [one for one in group if one.path.stem == one.stem]
    return exact[0] if len(exact) == 1 else None


def shown(submission: Submission, folder: Path) -> str:
    """Return a submission's place in the folder, for messages."""
    return readable(str(submission.path.relative_to(folder)))

"""The students' copies: made from the notebooks, free of answers, unfinished run to the end."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import setup_env
from ipykernel.kernelspec import get_kernel_dict
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from traitlets.config import Config

import exercises
from resnets.exercises import STUB
from resnets_utils import ROOT

SOURCES = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
STEMS = [path.stem for path in SOURCES]
POINTS = {
    "01-prepare": 2,
    "01-sides": 2,
    "01-kernels": 2,
    "01-forward": 4,
    "01-cost": 2,
    "01-mini-batches": 3,
    "01-step": 4,
    "01-filters": 2,
    "02-two-layers": 3,
    "02-counts": 1,
    "02-component-2": 2,
    "02-component-3": 2,
    "02-addition": 2,
    "02-block": 4,
    "02-silence": 2,
    "03-side": 2,
    "03-one-by-one": 2,
    "03-main-path": 3,
    "03-shortcut": 2,
    "03-block": 4,
    "03-predict": 2,
    "04-stage-1": 2,
    "04-sides": 2,
    "04-table": 2,
    "04-stages": 3,
    "04-head": 2,
    "04-network": 2,
    "04-average": 1,
    "04-picture": 3,
    "05-shortcut": 2,
    "05-differ": 2,
    "06-distance": 2,
    "06-cosine": 2,
    "06-smoothing": 2,
    "07-split": 3,
    "07-confusion": 2,
    "08-weigh": 3,
    "08-calibration": 3,
}
TASK = re.compile(r"^\*\*Task (\d+)\*\* \((\d+) points?, about (\d+) lines?\)\. ", re.MULTILINE)
REGION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION", re.MULTILINE | re.DOTALL)
REMEDY = "run `make exercises` and commit what it writes"
# Neither the folder of the repository nor the .pth file that leads to it is looked at.
ISOLATED = {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Task:
    """One task of a source: its number, points and lines as the text says, and its three cells."""

    number: int
    points: int
    lines: int
    solution: nbformat.NotebookNode
    check: nbformat.NotebookNode

    @property
    def name(self):
        return self.solution.metadata.nbgrader.grade_id


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tasks(path):
    cells, found = read(path).cells, []
    for text, solution, check in zip(cells, cells[1:], cells[2:], strict=False):
        match = TASK.search(text.source) if text.cell_type == "markdown" else None
        if match:
            found.append(Task(*map(int, match.groups()), solution, check))
    return found


def solution_lines(cell):
    """Return the lines of code between a cell's marks."""
    lines = [line for match in REGION.finditer(cell.source) for line in match[2].splitlines()]
    return [line for line in lines if line.strip() and not line.strip().startswith("#")]


def blanked(source):
    """Return a cell's source as it should be in the copy; written apart from nbgrader's."""

    def stub(match):
        return "\n".join(match[1] + line for line in STUB.splitlines())

    return REGION.sub(stub, source)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exercises")
    exercises.write_exercises(folder)
    return folder


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("releases")
    return {stem: exercises.build_release(stem, folder / stem) for stem in STEMS}


# --- the sources ----------------------------------------------------------------------------------


def test_every_task_is_there_once_with_its_points():
    found = [(task.name, task.points) for path in SOURCES for task in tasks(path)]
    assert dict(found) == POINTS
    assert len(found) == len(POINTS)


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_tasks_are_as_their_texts_say(path):
    found = tasks(path)
    assert [task.number for task in found] == list(range(1, len(found) + 1))
    for task in found:
        assert abs(len(solution_lines(task.solution)) - task.lines) <= 1, task.name
        assert dict(task.solution.metadata.nbgrader) == {
            "schema_version": 3,
            "solution": True,
            "grade": False,
            "task": False,
            "locked": False,
            "grade_id": task.name,
        }
        assert dict(task.check.metadata.nbgrader) == {
            "schema_version": 3,
            "solution": False,
            "grade": True,
            "task": False,
            "locked": True,
            "points": task.points,
            "grade_id": f"{task.name}-check",
        }


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_every_solution_and_check_belongs_to_a_task(path):
    marked = [cell.id for cell in read(path).cells if "nbgrader" in cell.metadata]
    assert marked == [cell.id for task in tasks(path) for cell in (task.solution, task.check)]


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_checks_are_imported_calls_and_hidden_tests_are_one_line(path):
    imported = exercises.imports(exercises.code_of(read(path)))["resnets.checks"]
    called = set()
    for task in tasks(path):
        call, *hidden = task.check.source.splitlines()
        assert re.fullmatch(r"check_\w+\([\w, ]+\)", call)
        assert hidden == [
            "### BEGIN HIDDEN TESTS",
            call.removesuffix(")") + ", hidden=True)",
            "### END HIDDEN TESTS",
        ]
        called.add(call.partition("(")[0])
    assert called == imported


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_what_a_function_shall_do_stays_in_the_copy(path):
    for task in tasks(path):
        for node in ast.parse(task.solution.source).body:
            if isinstance(node, ast.FunctionDef):
                assert ast.get_docstring(node), task.name
                left = ast.parse(blanked(task.solution.source)).body
                assert ast.get_docstring(left[-1]) == ast.get_docstring(node)


def test_nothing_tells_the_sides_before_they_are_asked_for():
    cells = read(SOURCES[0]).cells
    end = next(i for i, cell in enumerate(cells) if cell.id == "01-sides")
    before = "\n".join(cell.source for cell in cells[: end + 1])
    assert "two_layer_convnet.svg" not in before and "W3:" not in before
    assert not re.search(r"8, 8|2, 2|\b64 numbers", before)


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_what_comes_after_a_slow_cell_is_tagged(path):
    """A grader skips these cells; without them every other cell still has its names."""
    skipped = set()  # names whose last value comes from such a cell
    for cell in code(read(path)):
        names = {n.id for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}
        tree = ast.parse(cell.source).body
        here = {n for node in tree for n in made_by(node)}
        if "slow" in cell.metadata.get("tags", []):
            skipped |= here
        else:
            top = {n for node in tree if not isinstance(node, DEFINITIONS) for n in loaded(node)}
            assert not top & (skipped - here), cell.source
            skipped -= here
        assert not names & {"fit"}
    assert path.stem[:2] in ("02", "03") or skipped


DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def made_by(node):
    if isinstance(node, DEFINITIONS):
        return {node.name}
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def loaded(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


# --- the copies -----------------------------------------------------------------------------------


def test_the_copies_in_the_repository_are_in_step(copies):
    kept = {path.name: path.read_bytes() for path in (ROOT / "exercises").glob("*.ipynb")}
    new = {path.name: path.read_bytes() for path in copies.iterdir()}
    assert sorted(kept) == sorted(new), REMEDY
    for name, content in new.items():
        assert kept[name] == content, f"exercises/{name} is out of step: {REMEDY}"


def test_a_copy_whose_source_is_gone_is_removed(tmp_path):
    (tmp_path / "05_gone.ipynb").write_text("{}")
    (tmp_path / "kept.txt").write_text("not a notebook")
    exercises.write_exercises(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"{stem}.ipynb" for stem in STEMS),
        "kept.txt",
    ]


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_a_copy_is_its_source_with_blanks(copies, path):
    source, copy = read(path), read(copies / path.name)
    nbformat.validate(copy)
    assert len({cell.id for cell in copy.cells}) == len(copy.cells)
    header, cells = copy.cells[:2], copy.cells[2:]
    assert [cell.cell_type for cell in header] == ["markdown", "code"]
    assert header[1].source == "%load_ext resnets.exercises"
    for cell, original in zip(cells, source.cells, strict=True):
        assert (cell.id, cell.cell_type) == (original.id, original.cell_type)
        assert cell.metadata.get("tags") == original.metadata.get("tags")
        assert cell.metadata.get("nbgrader") == original.metadata.get("nbgrader")
        if cell.metadata.get("nbgrader", {}).get("grade"):
            assert cell.source.splitlines() == original.source.splitlines()[:1]
        else:
            assert cell.source == blanked(original.source)
    assert [cell for cell in code(copy) if cell.outputs or cell.execution_count] == []
    text = (copies / path.name).read_text()
    assert text.count("# Your code here") == len(tasks(path)) + 1  # the header speaks of it
    for unwanted in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "hidden=True"):
        assert unwanted not in text


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_no_copy_holds_a_line_of_its_solutions(copies, path):
    # What is given elsewhere on the page, such as the layers of component 1, is no secret.
    given = {line.strip() for c in code(read(path)) for line in blanked(c.source).splitlines()}
    kept = {line.strip() for c in code(read(copies / path.name)) for line in c.source.splitlines()}
    for task in tasks(path):
        secret = {line.strip() for line in solution_lines(task.solution)} - given
        assert secret and not secret & kept, task.name


@pytest.mark.parametrize("path", SOURCES, ids=STEMS)
def test_solutions_put_back_into_the_blanks_give_the_source(copies, path):
    solutions = {task.solution.id: task.solution.source for task in tasks(path)}
    back = filled(read(copies / path.name), path)
    for cell, original in zip(code(back)[1:], code(read(path)), strict=True):
        if cell.metadata.get("nbgrader", {}).get("grade"):
            continue
        unmarked = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", original.source, flags=re.M)
        assert cell.source.rstrip() == unmarked.rstrip(), original.id
    assert set(solutions) <= {cell.id for cell in back.cells}


def filled(copy, path, without=()):
    """Return a copy with the source's lines in its blanks, but for some tasks."""
    answers = {
        task.solution.id: REGION.search(task.solution.source)[2].rstrip("\n")
        for task in tasks(path)
        if task.name not in without
    }
    for cell in copy.cells:
        if cell.id in answers:
            pattern = "\n".join(" *" + re.escape(line) for line in STUB.splitlines())
            cell.source, count = re.subn(
                pattern, lambda _, cell=cell: answers[cell.id], cell.source
            )
            assert count == 1
    return copy


def test_links_of_the_copies_lead_to_files(copies):
    for path in copies.iterdir():
        for cell in read(path).cells:
            for link in exercises.LOOSE_LINK.findall(cell.source):
                assert (ROOT / "exercises" / link[2]).exists(), link


@pytest.mark.slow
def test_nbgrader_makes_the_same_copies(tmp_path, copies):
    source = tmp_path / "source" / "series"
    source.mkdir(parents=True)
    for path in SOURCES:
        (source / path.name).write_bytes(path.read_bytes())
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.IncludeHeaderFooter.header = {str(exercises.HEADER)!r}\n"
        f"c.ClearSolutions.code_stub = {{'python': {STUB!r}}}\n"
    )
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "series"]
    # nbgrader starts the command `alembic`, which lies beside this Python.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "PATH": places}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in SOURCES:
        theirs = read(tmp_path / "release" / "series" / path.name)
        ours = read(copies / path.name)
        assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]


# --- releases -------------------------------------------------------------------------------------

MODULES = {
    "01": set(),
    "02": set(),
    "03": set(),
    "04": {f"resnets/{name}.py" for name in ("blocks", "graph", "training", "whole_files")},
    "05": {
        f"resnets/{name}.py"
        for name in ("blocks", "graph", "inspection", "resnet50", "training", "whole_files")
    },
    "06": {
        f"resnets/{name}.py"
        for name in ("blocks", "graph", "resnet50", "training", "validation", "whole_files")
    },
    "07": {
        f"resnets/{name}.py"
        for name in (
            *("blocks", "classifier", "graph", "hands", "imagenet", "inspection", "photos"),
            *("resnet50", "training", "validation", "whole_files"),
        )
    },
    "08": {
        f"resnets/{name}.py"
        for name in (
            *("blocks", "classifier", "graph", "hands", "imagenet", "inspection", "photos"),
            *("resnet50", "training", "whole_files"),
        )
    },
}
EVERYWHERE = {
    "LICENSE",
    "README.md",
    "environment.yml",
    "requirements.txt",
    "resnets/__init__.py",
    "resnets/answers.py",
    "resnets/checks.py",
    "resnets/exercises.py",
    "resnets_utils.py",
}
CHECKING = {"answers.py", "checks.py", "diagnosis.py", "exercises.py"}


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_holds_what_it_needs_and_no_more(releases, stem):
    files = files_in(releases[stem])
    modules = {name for name in files if name.endswith(".py")}
    assert files >= EVERYWHERE | MODULES[stem[:2]] | {f"{stem}.ipynb"}
    assert {Path(name).name for name in modules} <= (
        {"resnets_utils.py", "__init__.py"}
        | CHECKING
        | {Path(name).name for name in MODULES[stem[:2]]}
    )
    reads_data = stem[:2] in ("01", "04", "05", "06", "07", "08")
    assert ("datasets/bundled/train_signs.h5" in files) == reads_data
    assert ("benchmarks/results/signs_test.csv" in files) == (reads_data and stem[:2] < "07")
    assert ("images/test.jpg" in files) == (stem[:2] in ("04", "07", "08"))
    assert ("models/small.keras" in files) == (stem[:2] in ("07", "08"))


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_holds_none_of_its_answers(releases, stem):
    source = ROOT / "notebooks" / f"{stem}.ipynb"
    own = exercises.answers_of(source)
    assert own == {
        node.name
        for task in tasks(source)
        for node in ast.parse(task.solution.source).body
        if isinstance(node, ast.FunctionDef)
    }
    secret = {line.strip() for task in tasks(source) for line in solution_lines(task.solution)}
    # One word, one return or one line of the given kind is no answer.
    telling = {line for line in secret if len(line) > 40}
    for path in releases[stem].rglob("*.py"):
        tree = ast.parse(path.read_text())
        if path.name not in CHECKING:
            assert not own & {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
            found = {line.strip() for line in path.read_text().splitlines()}
            # The blocks' layers are the next notebook's answer, and given in 04.
            assert not telling & found, path
        imported = {name for names in exercises.imports(tree).values() for name in names}
        built = {"convnet", "resnet50"} if stem[:2] <= "04" else {"convnet"}
        assert not imported & (built | (own if path.name in CHECKING else set()))
    notebook = (releases[stem] / f"{stem}.ipynb").read_text()
    assert "### BEGIN" not in notebook and "hidden=True" not in notebook


def test_the_helpers_lose_the_mini_batches_in_01_only(releases):
    texts = {
        stem[:2]: (folder / "resnets_utils.py").read_text() for stem, folder in releases.items()
    }
    assert "permutation(len(X))" not in texts["01"]
    assert "def random_mini_batches" not in texts["01"]
    assert "def split_validation" in texts["01"] and "def convert_to_one_hot" in texts["01"]
    assert texts["04"] == (ROOT / "resnets_utils.py").read_text()


@pytest.mark.parametrize("stem", STEMS)
def test_links_of_a_release_lead_to_files_within_it(releases, stem):
    folder, count = releases[stem], 0
    for cell in read(folder / f"{stem}.ipynb").cells:
        for _, _, target in exercises.LOOSE_LINK.findall(cell.source):
            assert not target.startswith("..") and (folder / target).is_file(), target
            count += 1
        assert ".ipynb" not in cell.source
    assert count >= 1


@pytest.mark.parametrize("stem", STEMS)
def test_the_environment_of_a_release_is_the_learners(releases, stem):
    text = (releases[stem] / "environment.yml").read_text()
    bounds, requirements = setup_env.read_list(releases[stem] / "environment.yml")
    assert bounds == setup_env.read_list(ROOT / "environment.yml")[0]
    everything = setup_env.read_list(ROOT / "environment.yml")[1]
    assert set(requirements) < set(everything)
    names = {requirement.partition("=")[0] for requirement in requirements}
    assert {"tensorflow", "keras", "jupyterlab"} <= names
    assert not names & {"nbgrader", "pytest", "nbval", "playwright", "ruff"}
    assert "-e" not in text and "Instructor" not in text
    assert (releases[stem] / "requirements.txt").read_text().split() == requirements
    assert f"{stem}.ipynb" in (releases[stem] / "README.md").read_text()


def test_a_release_imports_nothing_from_the_repository(releases):
    """In one process, as TensorFlow takes seconds to import; each release gets fresh modules."""
    kept = (ast.Import, ast.ImportFrom, ast.With)
    script = ["import os, sys", "sys.path.insert(0, '')"]
    for stem, folder in releases.items():
        tree = exercises.code_of(read(folder / f"{stem}.ipynb"))
        lines = [ast.unparse(node) for node in tree.body if isinstance(node, kept)]
        script += [f"os.chdir({str(folder)!r})", *lines, "import resnets.exercises, resnets_utils"]
        script += [
            "own = [name for name in sys.modules if name.partition('.')[0] in",
            "       ('resnets', 'resnets_utils')]",
            f"print({stem!r}, *[sys.modules.pop(name).__file__ for name in own], sep='\\t')",
        ]
    command = [sys.executable, "-S", "-P", "-c", "\n".join(script)]
    environment = os.environ | ISOLATED | {"MPLBACKEND": "agg"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = {line.split("\t")[0]: line.split("\t")[1:] for line in done.stdout.splitlines()}
    for stem, folder in releases.items():
        assert len(files[stem]) >= 5
        assert [f for f in files[stem] if not Path(f).is_relative_to(folder)] == [], stem


def test_archives_repeat_byte_by_byte(tmp_path, releases):
    stem = STEMS[1]
    archives = [exercises.write_release(stem, tmp_path / name) for name in ("a", "b")]
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as zipped:
        assert set(zipped.namelist()) == {f"{stem}/{name}" for name in files_in(releases[stem])}
    (tmp_path / "a" / stem / "stale.txt").write_text("from another time")
    exercises.write_release(stem, tmp_path / "a")
    assert files_in(tmp_path / "a" / stem) == files_in(releases[stem])
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [stem, f"{stem}.zip"]


def test_a_release_says_what_it_cannot_do(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="no such notebook"):
        exercises.build_release("09_none", tmp_path / "new")
    (tmp_path / "mine.txt").write_text("work of hours")
    with pytest.raises(ValueError, match="empty folder"):
        exercises.build_release(STEMS[1], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert exercises.main(["--release", "09"]) == 2
    assert "No notebook begins with '09'" in capsys.readouterr().err


# --- running them ---------------------------------------------------------------------------------


class Isolated(AsyncKernelManager):
    """Starts kernels that can't import the repository unless it is their folder."""

    @property
    def kernel_spec(self):
        spec = get_kernel_dict()
        spec["argv"] = [sys.executable, "-S", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec["env"] = ISOLATED
        return KernelSpec(**spec)


# Their slow cells need none of the answers: what they do is tested by nbval on the solved ones.
TRAIN_IN_ANY_CASE = ("05", "06")


def run(notebook, folder, without=""):
    """Run a notebook but for cells with a tag; it stops with CellExecutionError at an error."""
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        kernel_manager_class=Isolated,
        coalesce_streams=True,
        skip_cells_with_tag=without,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    outputs = {cell.id: cell.outputs for cell in code(notebook)}
    assert not [o for some in outputs.values() for o in some if o.output_type == "error"]
    return {
        cell: "".join(o.get("text", "") for o in some if o.get("name") == "stdout")
        for cell, some in outputs.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("stem", STEMS)
def test_an_unfinished_copy_runs_to_its_end(releases, stem, monkeypatch):
    monkeypatch.delenv("SIGNS_DIR", raising=False)  # a relative one is not in the release
    notebook = read(releases[stem] / f"{stem}.ipynb")
    without = "slow" if stem[:2] in TRAIN_IN_ANY_CASE else ""
    printed = run(notebook, releases[stem], without)
    for task in tasks(ROOT / "notebooks" / f"{stem}.ipynb"):
        assert printed[task.check.id].startswith("not written yet: "), task.name
        defines = "def " in task.solution.source
        assert printed[task.solution.id].startswith("not written yet: ") != defines, task.name
    assert not [text for text in printed.values() if "passed" in text]


@pytest.mark.slow
def test_a_finished_copy_passes(releases):
    path = SOURCES[1]
    printed = run(filled(read(releases[path.stem] / path.name), path), releases[path.stem])
    for task in tasks(path):
        assert printed[task.check.id].startswith("passed"), task.name
    assert not [text for text in printed.values() if "not written yet" in text]


@pytest.mark.slow
@pytest.mark.parametrize(("index", "first"), [(1, 0), (2, 1)])
def test_a_half_done_copy_runs_to_its_end(releases, index, first):
    """Every second blank is left."""
    path = SOURCES[index]
    left = [task.name for task in tasks(path)][first::2]
    printed = run(
        filled(read(releases[path.stem] / path.name), path, without=left), releases[path.stem]
    )
    for task in tasks(path):
        assert printed[task.check.id].startswith("not written yet") or task.name not in left


# --- the extension --------------------------------------------------------------------------------

RAISE = 'raise NotImplementedError("not written yet")'


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.colors = "nocolor"
    shell.run_cell("%load_ext resnets.exercises")
    yield shell
    shell.run_cell("%unload_ext resnets.exercises")


@pytest.fixture
def cell(shell, capsys):
    """Run a cell; return whether it counts as done, and what it printed."""

    def run_cell(source, cell_id=None):
        result = shell.run_cell(source, cell_id=cell_id)
        return result.success, capsys.readouterr().out

    return run_cell


BLANK = f"def prepare(x):\n    # Your code here\n    {RAISE}"


def test_a_blank_in_a_function(cell):
    assert cell(BLANK) == (True, "")
    assert cell("a, b = prepare(3)") == (True, "not written yet: `prepare`\n")
    done, text = cell("c = b + 1")
    assert done and text.startswith("not written yet: `b` comes from a cell above that needs `prep")
    done, text = cell("print(c)")
    assert done and "`c` comes from a cell above that needs `prepare`" in text


def test_a_blank_between_the_lines_of_a_cell(cell):
    source = f"# Your code here\n{RAISE}\n\nfor x in (late, early):\n    print(x)"
    assert cell(source) == (True, "not written yet: `late` and `early`\n")
    done, text = cell("print(early)")
    assert done and text.startswith("not written yet: `early` comes from a blank above.")
    assert cell("late, early = 2, 1\nfor x in (late, early):\n    print(x)") == (True, "2\n1\n")
    assert cell("print(early)") == (True, "1\n")


def test_after_the_blank_is_filled_all_is_as_ever(cell):
    cell(BLANK)
    cell("a = prepare(3)")
    assert "not written yet" in cell("print(a)")[1]
    cell("def prepare(x):\n    return x")
    assert cell("a = prepare(3)") == (True, "")
    assert cell("print(a)") == (True, "3\n")
    cell("del a")
    done, text = cell("print(a)")
    assert not done and "NameError" in text and "not written yet" not in text


def test_a_misspelled_answer_is_an_error(cell):
    """JupyterLab says which cell runs: once the blank is filled, its names are no longer due."""
    cell(f"# Your code here\n{RAISE}\n\nprint(after_2b)", "id-1")
    assert cell("print(after_2b)", "id-2")[0]
    cell("after2b = 1", "id-1")
    done, text = cell("print(after_2b)", "id-2")
    assert not done and "name 'after_2b' is not defined" in text


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("print(never_made)", "NameError"),
        ("raise NotImplementedError('something else')", "NotImplementedError"),
        ("raise RuntimeError('broken')", "RuntimeError"),
        ("def f():\n    a\n    a = 1\nf()", "UnboundLocalError"),
        ("x = (", "SyntaxError"),
    ],
)
def test_other_errors_are_shown_as_ever(cell, source, error):
    cell(BLANK)
    cell("a = prepare(3)")
    done, text = cell(source)
    assert not done and error in text and "not written yet" not in text


def test_values_are_shown_as_ever(cell):
    cell(BLANK)
    cell("a = prepare(3)")
    done, text = cell("1 + 1")
    assert done and "2" in text


def test_a_name_that_has_a_value_waits_for_nothing(cell):
    cell("a = 5")
    cell(BLANK)
    assert cell("a = prepare(3)")[0]
    assert cell("print(a)") == (True, "5\n")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("step = tf.function(lambda: prepare(1))\nout = step()", "`prepare`"),
        (
            "@tf.function\ndef train_step(X):\n    with tf.GradientTape() as tape:\n"
            f"        X = X + 1\n    {RAISE}\n    return X\n"
            "def train():\n    return [train_step(tf.zeros(2)) for _ in range(3)]\nout = train()",
            "`train_step`",
        ),
        (
            "class Same(keras.layers.Layer):\n    def call(self, X):\n        return prepare(X)\n"
            "out = Same()(keras.Input((3,)))",
            "`prepare`",
        ),
        (
            "class Watch(keras.callbacks.Callback):\n"
            "    def on_train_batch_end(self, batch, logs=None):\n        prepare(batch)\n"
            "model = keras.Sequential([keras.layers.Dense(1)])\nmodel.compile(loss='mse')\n"
            "X = tf.zeros((4, 1))\nout = model.fit(X, X, verbose=0, callbacks=[Watch()])",
            "`prepare`",
        ),
        ("@tf.function\ndef g(X):\n    return X + due\nout = g(tf.zeros(2))", "`due` comes from"),
    ],
    ids=["in a graph", "in a training step", "in a layer", "in a callback", "a name in a graph"],
)
def test_blanks_behind_tensorflow_and_keras(cell, source, names):
    cell("import keras\nimport tensorflow as tf")
    cell(BLANK)
    cell("due = prepare(1)")
    done, text = cell(source)
    assert done and text.startswith(f"not written yet: {names}"), text
    assert cell("print(out)")[0]


def test_nbgraders_autograder_sees_every_error(shell, capsys, monkeypatch):
    """It gives points to a cell without an error: an empty blank must be one."""
    shell.run_cell("%unload_ext resnets.exercises")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    shell.run_cell("%load_ext resnets.exercises")
    assert not shell.run_cell(RAISE).success
    monkeypatch.delenv("NBGRADER_EXECUTION")
    shell.run_cell("%reload_ext resnets.exercises")
    capsys.readouterr()


def test_unloaded_it_watches_nothing(shell, capsys):
    shell.run_cell("%unload_ext resnets.exercises")
    assert not shell.run_cell(RAISE).success
    assert "NotImplementedError" in capsys.readouterr().out
    shell.run_cell("%load_ext resnets.exercises")
    assert shell.run_cell(RAISE).success
    assert capsys.readouterr().out == "not written yet: this cell\n"

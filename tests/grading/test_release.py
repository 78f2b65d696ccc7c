"""The folders that are handed out: whole, without answers, run to the end unfinished."""

import ast
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from series import SOURCES, STEMS, blanked, check_module, code, filled, read, solution_lines, tasks

from grading import modules, release
from grading.modules import BLANKS, ROOT

# Neither the folder of the repository nor the .pth file that leads to it is looked at.
ISOLATED = {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("releases")
    return {stem: release.build_release(stem, folder / stem) for stem in STEMS}


# --- releases -------------------------------------------------------------------------------------

CHECKING = modules.needed_modules(
    {modules.CORE, modules.WIRE, modules.PROBE, BLANKS}
    | {name for path in SOURCES for name in release.modules_of(read(path)) if check_module(name)}
)
# Answers of other notebooks that a release may hold, by the numbers of these releases.
GIVEN = {
    "02-block": ("04", "05", "06", "07", "08"),  # 04 imports the blocks; the later networks are
    "03-block": ("04", "05", "06", "07", "08"),  # made of them
    "04-stage-1": ("05", "06", "07", "08"),  # parts of every network in the later notebooks
    "04-stages": ("05", "06", "07", "08"),
    "04-head": ("05", "06", "07", "08"),
    "04-network": ("06", "07", "08"),
    "07-confusion": ("08",),  # counts the mistakes that 08 looks at
}


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_holds_what_it_needs_and_no_more(releases, stem):
    files, number = files_in(releases[stem]), stem[:2]
    assert files >= {
        *("LICENSE", "README.md", "environment.yml", "requirements.txt", f"{stem}.ipynb"),
        *("resnets/__init__.py", "resnets_utils.py"),
    }
    assert "resnets/convnet.py" not in files
    assert ("resnets/blocks.py" in files) == (number >= "04")
    taught = {name for name in files if name.startswith("resnets/")}
    taught -= {path.relative_to(ROOT).as_posix() for path in CHECKING}
    taught -= {"resnets/foreign_files.py"}  # the loader's look at a file
    assert bool(taught) == (number >= "04")
    reads_data = number not in ("02", "03")
    assert ("datasets/bundled/train_signs.h5" in files) == reads_data
    assert ("benchmarks/results/signs_test.csv" in files) == (reads_data and number < "07")
    assert ("images/test.jpg" in files) == (number in ("04", "07", "08"))
    assert ("models/small.keras" in files) == (number in ("07", "08"))


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_holds_the_checks_of_its_own_notebook_only(releases, stem):
    own = {name for name in release.modules_of(read(ROOT / "notebooks" / f"{stem}.ipynb"))}
    needed = modules.needed_modules({n for n in own if check_module(n)} | {modules.CORE, BLANKS})
    there = {ROOT / name for name in files_in(releases[stem])} & CHECKING
    assert there == needed


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_holds_none_of_its_answers(releases, stem):
    source = ROOT / "notebooks" / f"{stem}.ipynb"
    own = release.answers_of(source)
    assert own == {name for task in tasks(source) for name in functions_in(task.solution.source)}
    assert own
    for path in releases[stem].rglob("*.py"):
        if ROOT / path.relative_to(releases[stem]) not in CHECKING:
            assert not own & set(functions_in(path.read_text())), path
    assert "### BEGIN" not in (releases[stem] / f"{stem}.ipynb").read_text()


def functions_in(text):
    """The functions that some code defines, each with the text of its body, if it has two lines."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[ast.get_docstring(node) is not None :]
            found[node.name] = "\n".join(map(ast.unparse, body)) if len(body) > 1 else None
    return found


def secrets_of(path):
    """By task: the lines of a solution that tell something, and its functions with their bodies."""
    # What the page gives elsewhere, one word or one return is no answer.
    given = {
        line.strip() for cell in code(read(path)) for line in blanked(cell.source).splitlines()
    }
    found = {}
    for task in tasks(path):
        lines = {line.strip() for line in solution_lines(task.solution)} - given
        telling = {line for line in lines if len(line) > 40}
        found[task.name] = (telling, functions_in(task.solution.source))
    return found


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_tells_no_other_answers_but_those_it_needs(releases, stem):
    folder, told = releases[stem], set()
    files = {path.relative_to(folder): path.read_text() for path in folder.rglob("*.py")}
    taught = [text for path, text in files.items() if ROOT / path not in CHECKING]
    names = {name for text in taught for name in functions_in(text)}
    texts = [*files.values(), *(c.source for c in code(read(folder / f"{stem}.ipynb"))[1:])]
    lines = {line.strip() for text in texts for line in text.splitlines()}
    bodies = {body for text in texts for body in functions_in(text).values() if body}
    for path in SOURCES:
        for name, (telling, functions) in secrets_of(path).items():
            if telling & lines or set(functions) & names or set(functions.values()) & bodies:
                told.add(name)
    assert told == {name for name, numbers in GIVEN.items() if stem[:2] in numbers}


def test_a_release_tells_no_formulas_of_other_checks(releases):
    """Functions of a notebook's checks, apart from what it shares with all of them."""
    own = {}
    for path in SOURCES:
        names = {name for name in release.modules_of(read(path)) if check_module(name)}
        files = {modules.module_file(name) for name in names} - {None}
        own[path.stem] = {
            body for file in files for body in functions_in(file.read_text()).values() if body
        }
    assert sum(map(bool, own.values())) >= 5
    for stem, folder in releases.items():
        texts = [path.read_text() for path in folder.rglob("*.py")]
        there = {body for text in texts for body in functions_in(text).values()}
        for other, formulas in own.items():
            assert not formulas & there - own[stem], (stem, other)


def test_functions_that_no_page_of_a_release_uses_are_cut_out(releases):
    texts = {
        stem[:2]: (folder / "resnets_utils.py").read_text() for stem, folder in releases.items()
    }
    for text in texts.values():  # the answer of a task in 01
        assert "random_mini_batches" not in functions_in(text)
        assert "permutation(len(X))" not in text
        assert "split_validation" in functions_in(text)


@pytest.mark.parametrize("stem", STEMS)
def test_links_of_a_release_lead_to_files_within_it(releases, stem):
    folder, count = releases[stem], 0
    for cell in read(folder / f"{stem}.ipynb").cells:
        for _, _, target in release.LOOSE_LINK.findall(cell.source):
            assert not target.startswith("..") and (folder / target).is_file(), target
            count += 1
        assert ".ipynb" not in cell.source
    assert count >= 1


@pytest.mark.parametrize("stem", STEMS)
def test_a_release_lists_the_packages_of_learners(releases, stem):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = (releases[stem] / "requirements.txt").read_text().splitlines()
    assert requirements == project["dependencies"]
    names = {requirement.partition("=")[0] for requirement in requirements}
    assert names >= {"tensorflow", "keras", "jupyterlab"}
    assert not names & {"nbgrader", "pytest", "nbval", "playwright", "ruff"}
    for_conda = (releases[stem] / "environment.yml").read_text()
    assert f'"python {project["requires-python"]}"' in for_conda
    assert "pip: [-r requirements.txt]" in for_conda
    assert f"{stem}.ipynb" in (releases[stem] / "README.md").read_text()


def test_a_release_imports_nothing_from_the_repository(releases):
    """In one process, as TensorFlow takes seconds to import; each release gets fresh modules."""
    kept = (ast.Import, ast.ImportFrom, ast.With)
    script = ["import os, sys", "sys.path.insert(0, '')"]
    for stem, folder in releases.items():
        tree = modules.parse_code(release.code_of(read(folder / f"{stem}.ipynb")))
        lines = [ast.unparse(node) for node in tree.body if isinstance(node, kept)]
        script += [f"os.chdir({str(folder)!r})", *lines, f"import {BLANKS}, resnets_utils"]
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
    archives = [release.write_release(stem, tmp_path / name) for name in ("a", "b")]
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as zipped:
        assert set(zipped.namelist()) == {f"{stem}/{name}" for name in files_in(releases[stem])}
    (tmp_path / "a" / stem / "stale.txt").write_text("from another time")
    release.write_release(stem, tmp_path / "a")
    assert files_in(tmp_path / "a" / stem) == files_in(releases[stem])
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [stem, f"{stem}.zip"]


def test_a_release_says_what_it_cannot_do(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="no such notebook"):
        release.build_release("09_none", tmp_path / "new")
    (tmp_path / "mine.txt").write_text("work of hours")
    with pytest.raises(ValueError, match="empty folder"):
        release.build_release(STEMS[1], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert release.main(["--release", "09"]) == 2
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

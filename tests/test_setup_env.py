"""tools/setup_env.py: builds .venv, notices when it is not whole, and fails in sentences.

The environments are real, but small: each lists one package of one line, made here as a wheel,
so nothing is downloaded.
"""

import base64
import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import setup_env

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tools" / "setup_env.py"
SITE = ("Lib", "site-packages") if os.name == "nt" else ("lib", "python*", "site-packages")
BIN = "Scripts" if os.name == "nt" else "bin"
LIST = """\
name: small
dependencies:
  - python >=3.11,<3.14   # a comment
  - pip
  - pip:
      # The editable install is resolved against the repository's root.
      - -e .
      - smallpackage==1.*     # one line of code
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "repo"
version = "1.0"
"""
# Builds the wheel of an editable install: a .pth file. Any real backend would be a download.
BACKEND = """\
import base64, hashlib, zipfile
from pathlib import Path

def build_editable(folder, settings=None, metadata=None):
    return make_wheel(Path(folder), "repo", {"repo.pth": str(Path.cwd())}).name

get_requires_for_build_editable = lambda settings=None: []
"""


def make_wheel(folder, name, files):
    """Write a wheel of the given files and return its path."""
    info = f"{name}-1.0.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        record += f"{path},sha256={digest.decode().rstrip('=')},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


def run(repo, *options, python=sys.executable, **env):
    """Run the script of a repository, offline; return (status, all that it printed)."""
    command = [python, str(repo / "tools" / "setup_env.py"), *options]
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (repo.parent / "wheels").as_uri()}
    done = subprocess.run(
        command,
        env={**os.environ, **settings, "PIP_CONFIG_FILE": os.devnull, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


def new_repo(folder, name="repo"):
    """Make a repository with an environment.yml of small things, and the wheel it needs."""
    repo = folder / name
    (repo / "tools").mkdir(parents=True)
    shutil.copy(SCRIPT, repo / "tools")
    (repo / "environment.yml").write_text(LIST, encoding="utf-8")
    (repo / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (repo / "backend.py").write_text(BACKEND + inspect.getsource(make_wheel), encoding="utf-8")
    (repo / "inrepo.py").write_text("HERE = True\n", encoding="utf-8")
    (folder / "wheels").mkdir()
    make_wheel(folder / "wheels", "smallpackage", {"smallpackage.py": "ANSWER = 42\n"})
    return repo


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A repository whose .venv is built, in a path with a space and an umlaut."""
    repo = new_repo(tmp_path_factory.mktemp("Zeichen der Hände"), "mein Überbau")
    status, text = run(repo)
    assert status == 0, text
    assert "1/3" in text and "3/3" in text and "Next:" in text
    return repo


@pytest.fixture
def pretend(built):
    """Break the built environment at will: what is listed here is put back afterwards."""
    site = next((built / ".venv").glob("/".join(SITE)))
    kept = [built / ".venv" / "whole.json", site / "smallpackage.py"]
    kept += [built / "environment.yml", built / "pyproject.toml"]
    contents = {path: path.read_bytes() for path in kept}
    yield built, site
    for path, content in contents.items():
        path.write_bytes(content)
    assert run(built, "--check")[0] == 0


def test_the_environment_holds_what_is_listed(built, tmp_path):
    python = next((built / ".venv" / BIN).glob("python*"))
    code = "import smallpackage, inrepo; print(smallpackage.ANSWER, inrepo.HERE)"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["42", "True"], done.stderr


def test_only_the_tables_that_install_count(pretend):
    repo, _ = pretend
    project = repo / "pyproject.toml"
    project.write_text(project.read_text() + "\n[tool.ruff]\nline-length = 80\n")
    assert run(repo, "--check")[0] == 0
    project.write_text(project.read_text().replace("[project]", "[project]\ndescription = 'x'"))
    status, said = run(repo, "--check")
    assert status == 1 and "pyproject.toml changed" in said


def test_a_second_call_does_nothing(built):
    stamp = built / ".venv" / "whole.json"
    before = stamp.stat().st_mtime_ns
    assert run(built) == (0, "The environment .venv is whole.\n")
    assert stamp.stat().st_mtime_ns == before


def test_a_file_cut_short_is_noticed(pretend):
    repo, site = pretend
    (site / "smallpackage.py").write_text("")
    status, text = run(repo, "--check")
    assert status == 1 and "smallpackage.py is cut short" in text


def test_a_package_gone_altogether_is_noticed(pretend):
    repo, site = pretend
    info = site / "smallpackage-1.0.dist-info"
    info.rename(site / "elsewhere")
    status, text = run(repo, "--check")
    (site / "elsewhere").rename(info)
    assert status == 1 and "smallpackage 1.0 is missing" in text


def test_a_half_made_environment_is_noticed(pretend):
    repo, _ = pretend
    (repo / ".venv" / "whole.json").unlink()
    status, text = run(repo, "--check")
    assert status == 1 and "not finished" in text


def test_a_damaged_stamp_is_noticed(pretend):
    repo, _ = pretend
    (repo / ".venv" / "whole.json").write_text('{"root": 1')
    assert run(repo, "--check")[0] == 1


def test_a_changed_list_is_noticed(pretend):
    repo, _ = pretend
    with (repo / "environment.yml").open("a") as file:
        file.write("      - another==2.*\n")
    status, text = run(repo, "--check")
    assert status == 1 and "changed since" in text


def test_a_moved_repository_is_noticed(pretend):
    repo, _ = pretend
    moved = repo.with_name("moved")
    repo.rename(moved)
    status, text = run(moved, "--check")
    moved.rename(repo)
    assert status == 1 and f"moved here from {repo}" in text


def test_a_python_that_no_longer_runs_is_noticed(pretend):
    repo, _ = pretend
    python = repo / ".venv" / BIN / ("python.exe" if os.name == "nt" else "python")
    python.rename(python.with_name("kept"))
    status, text = run(repo, "--check")
    python.with_name("kept").rename(python)
    assert status == 1 and "no longer runs" in text


@pytest.mark.slow
def test_what_is_wrong_is_built_anew(tmp_path):
    repo = new_repo(tmp_path)
    (repo / ".venv").mkdir()
    (repo / ".venv" / "setup.log").touch()  # all that a build killed at once leaves
    status, text = run(repo)
    assert status == 0 and "not finished" in text, text

    site = next((repo / ".venv").glob("/".join(SITE)))
    (site / "smallpackage.py").unlink()
    status, text = run(repo)
    assert status == 0 and "smallpackage 1.0 has lost smallpackage.py" in text
    assert (site / "smallpackage.py").is_file()

    listed = repo / "environment.yml"
    listed.write_text(listed.read_text().replace("      - -e .\n", ""))
    status, text = run(repo)
    assert status == 0 and "changed since" in text
    assert not list(site.glob("repo*"))


def test_no_environment_yet(tmp_path):
    status, text = run(new_repo(tmp_path), "--check")
    assert status == 1 and "no .venv yet" in text


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_environment_is_left_alone(tmp_path, kind):
    repo = new_repo(tmp_path)
    theirs = repo / ".venv" / "thesis.txt" if kind == "folder" else repo / ".venv"
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("years of work")
    status, text = run(repo)
    assert status == 2 and "no virtual environment" in text
    assert theirs.read_text() == "years of work"


def test_a_missing_package_is_told_in_a_sentence(tmp_path):
    repo = new_repo(tmp_path)
    shutil.rmtree(tmp_path / "wheels")
    status, text = run(repo)
    assert status == 1
    assert "no ready-made package (wheel) of smallpackage" in text
    assert not (repo / ".venv" / "whole.json").exists()


def test_messages_of_pip_are_understood():
    full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    assert "the disk is full" in setup_env.explain(full)
    both = "WARNING: Retrying ... NewConnectionError\nERROR: No matching distribution found for x"
    assert "cannot be reached" in setup_env.explain(both)
    assert "ERROR: something else" in setup_env.explain("ERROR: something else\n")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (("python >=3.11,<3.14", "python 3.11"), "line 3: not of the form"),
        (("  - python >=3.11,<3.14   # a comment\n", ""), "lists no `- python"),
        ((LIST[LIST.index("  - pip:") :], ""), "lists no packages"),
        (("  - pip:\n", ""), "line 6: a package outside"),
        (("- -e .", "-e ."), "line 7: neither"),
        (("  - pip\n", "  - graphviz\n"), "line 4: a package outside"),
        ((LIST, ""), "lists no"),
    ],
)
def test_a_malformed_list_is_told_with_its_line(tmp_path, change, finding):
    repo = new_repo(tmp_path)
    (repo / "environment.yml").write_text(LIST.replace(*change))
    status, text = run(repo)
    assert status == 2 and finding in text, text
    assert not (repo / ".venv").exists()


def test_a_missing_list(tmp_path):
    repo = new_repo(tmp_path)
    (repo / "environment.yml").unlink()
    status, text = run(repo)
    assert status == 2 and "Cannot read" in text


def test_the_list_of_this_repository_is_understood():
    bounds, requirements = setup_env.read_list()
    assert bounds == ((3, 11), (3, 14))
    assert "-e ." in requirements
    assert any(item.startswith("tensorflow==") for item in requirements)
    assert not any("#" in item for item in requirements)


def test_an_old_python_alone_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(setup_env, "other_pythons", lambda bounds: [])
    monkeypatch.setattr(setup_env, "ask_version", lambda command: ((3, 10, 2), True))
    with pytest.raises(
        setup_env.SetupError, match=r"Found Python 3\.10\.2 at .* needs Python 3\.11 to"
    ):
        setup_env.choose_python(((3, 11), (3, 14)))


def test_a_fitting_python_elsewhere_is_used(monkeypatch, capsys):
    versions = {"/old/python": ((3, 8, 1), True), "/new/python3.12": ((3, 12, 4), True)}
    monkeypatch.setattr(setup_env, "running_python", lambda: "/old/python")
    monkeypatch.setattr(
        setup_env, "other_pythons", lambda bounds: [["/shell"], ["/new/python3.12"]]
    )
    monkeypatch.setattr(setup_env, "ask_version", lambda command: versions.get(command[0]))
    command, version = setup_env.choose_python(((3, 11), (3, 14)))
    assert (command, version) == (["/new/python3.12"], (3, 12, 4))
    assert capsys.readouterr().out == "Python 3.8.1 at /old/python; using /new/python3.12.\n"


def test_a_python_without_venv_is_told_so(monkeypatch):
    monkeypatch.setattr(setup_env, "other_pythons", lambda bounds: [])
    monkeypatch.setattr(setup_env, "ask_version", lambda command: ((3, 11, 2), False))
    with pytest.raises(setup_env.SetupError, match="apt install python3-venv"):
        setup_env.choose_python(((3, 11), (3, 14)))


def old_pythons():
    """Real Pythons that are too old, wherever this machine keeps some."""
    managed = Path.home().glob(".pyenv/versions/3.*/bin/python")
    found = {f"3.{minor}": shutil.which(f"python3.{minor}") for minor in range(6, 11)}
    found.update({".".join(p.parts[-3].split(".")[:2]): str(p) for p in sorted(managed)})
    return [pytest.param(found.get(name), id=name) for name in ("3.6", "3.8", "3.10")]


@pytest.mark.parametrize("python", old_pythons())
def test_a_real_old_python(tmp_path, python):
    repo = new_repo(tmp_path)
    works = python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
    if not works:
        pytest.skip("this machine has no such Python")
    status, text = run(repo, python=python, PATH=str(tmp_path))
    assert status == 2 and "but this needs Python 3.11 to 3.13" in text, text


def test_an_old_python_checks_a_whole_environment(built):
    python = next((p.values[0] for p in old_pythons() if p.values[0]), None)
    works = python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
    if not works:
        pytest.skip("this machine has no Python older than 3.11")
    assert run(built, python=python)[0] == 0


def test_ctrl_c_ends_in_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(setup_env, "whats_wrong", interrupted)
    assert setup_env.main([]) == 130
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_stamp_names_every_package(built):
    stamp = json.loads((built / ".venv" / "whole.json").read_text(encoding="utf-8"))
    assert {"repo-1.0.dist-info", "smallpackage-1.0.dist-info"} <= set(stamp["packages"])
    assert stamp["root"] == str(built)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_alone_lists_every_target():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:"))
    rules = {line.split(":")[0] for line in lines if line[:1].isalpha() and ": " in line}
    rules = {rule for rule in rules if " " not in rule}
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed == set(phony.split()[1:]) == rules
    assert all(len(line.split(None, 1)) == 2 for line in done.stdout.splitlines())

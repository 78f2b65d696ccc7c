"""tools/setup_env.py: builds .venv, notices when it is not whole, and fails in sentences.

The environments are real but empty: pip is replaced by a function, so nothing is downloaded.
"""

import ast
import contextlib
import os
import runpy
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "setup_env.py"
SITE = sysconfig.get_path("purelib", vars={"base": ".venv", "installed_base": ".venv"})
PYTHON = ".venv/Scripts/python.exe" if os.name == "nt" else ".venv/bin/python"
PYPROJECT = '[project]\nname = "repo"\nrequires-python = ">=3.11,<3.14" # a comment\n'
WHOLE = "The environment .venv is whole.\n"


@pytest.fixture
def repo(tmp_path):
    """A repository of the script and its lists, in a path with a space and an umlaut."""
    repo = tmp_path / "mein Überbau"
    (repo / "tools").mkdir(parents=True)
    shutil.copy(SCRIPT, repo / "tools")
    (repo / "pyproject.toml").write_text(PYPROJECT)
    (repo / "constraints.txt").write_text("small==1.0\n")
    return repo


@pytest.fixture
def script(repo, monkeypatch, capsys):
    """A function that runs the script, with a stand-in for pip, and returns what it says."""
    really = subprocess.Popen

    def install():
        for name in ("small.py", "small-1.0.dist-info"):
            (repo / SITE / name).touch()
        return ""

    def script(*options, pip=install):
        def popen(command, **settings):
            if "pip" not in command:
                extra = ["--without-pip"] if "venv" in command else []
                return really([*command, *extra], **settings)
            assert Path(command[0]) == repo / PYTHON and settings["cwd"] == str(repo)
            assert command[-4:] == ["-c", "constraints.txt", "-e", ".[instructor,dev]"]
            said = pip()
            code = f"import sys; sys.stderr.write({said!r}); sys.exit({bool(said):d})"
            return really([sys.executable, "-c", code], **settings)

        monkeypatch.setattr(subprocess, "Popen", popen)
        monkeypatch.setattr(sys, "argv", ["setup_env.py", *options])
        try:
            runpy.run_path(str(repo / "tools" / "setup_env.py"), run_name="__main__")
        except SystemExit as stopped:  # its code is a text: status 1
            return stopped.code
        return capsys.readouterr().out

    return script


def test_built_once_then_left_alone(repo, script):
    assert script("--check") == "Not whole: there is no .venv that was finished."
    assert not (repo / ".venv").exists()
    said = script()
    assert "there is no .venv that was finished" in said and "Done." in said
    assert script() == script("--check") == WHOLE
    assert "as asked" in script("--rebuild") and script() == WHOLE


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (".venv/whole.json", None, "no .venv that was finished"),
        (".venv/whole.json", '["/x", 1', "no .venv that was finished"),
        (".venv/whole.json", '["/x", "", []]', "moved here from /x"),
        ("pyproject.toml", PYPROJECT + 'dependencies = ["new"]\n', "pyproject.toml or"),
        ("constraints.txt", "small==2.0\n", "constraints.txt changed since"),
        (f"{SITE}/small.py", None, ".venv has lost small.py"),
        (f"{SITE}/small-1.0.dist-info", None, "has lost small-1.0.dist-info"),
        (PYTHON, None, "the Python of .venv no longer runs"),
        ("pyproject.toml", PYPROJECT + "[tool.ruff]\nline-length = 80\n", WHOLE),
    ],
)
def test_what_is_wrong_is_noticed_and_built_anew(repo, script, path, text, said):
    script()
    (repo / path).unlink()
    if text:
        (repo / path).write_text(text)
    assert said in script("--check")
    assert said in script()
    assert script() == WHOLE and not (repo / ".venv-old").exists()


def test_ctrl_c_leaves_nothing_that_counts_as_whole(script):
    script()
    assert "Stopped." in script("--rebuild", pip=lambda: signal.raise_signal(signal.SIGINT))
    assert "no .venv that was finished" in script("--check")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_what_it_began_ends_with_it(repo, number):
    process = subprocess.Popen(
        [sys.executable, repo / "tools" / "setup_env.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that started the tests in the background has SIGINT ignored, for children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline, begun, under_way = time.monotonic() + 60, [], False
    while not under_way and time.monotonic() < deadline:
        time.sleep(0.02)
        with contextlib.suppress(psutil.Error):  # one has ended meanwhile
            begun = psutil.Process(process.pid).children(recursive=True)
            under_way = any("ensurepip" in one.cmdline() for one in begun)
    assert under_way and len(begun) > 1
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode != 0 and b"Traceback" not in err
    assert not psutil.wait_procs(begun, timeout=30)[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_a_second_one_waits_for_the_first(repo, script):
    import fcntl

    script()
    stamp = repo / ".venv" / "whole.json"
    text = stamp.read_text()
    with (repo / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        stamp.unlink()  # as it is while the first is at work
        second = subprocess.Popen(
            [sys.executable, repo / "tools" / "setup_env.py"], stdout=subprocess.PIPE, text=True
        )
        assert second.stdout.readline() == "Process 4711 is building .venv: waiting for it.\n"
        stamp.write_text(text)
    assert second.communicate(timeout=60)[0] == WHOLE and second.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, a full disk, is Linux's")
def test_an_output_that_is_full_is_a_sentence(repo, script):
    script()
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, repo / "tools" / "setup_env.py"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Setting up .venv failed: [Errno 28] No space left on device.\n"


@pytest.mark.parametrize(
    ("pip_says", "said"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full: free about 4 GB"),
        ("Retrying: NewConnectionError\nNo matching distribution", "index cannot be reached"),
        ("ERROR: No matching distribution found for x", "no wheel of a package fits"),
        ("ERROR: something else", "see above"),
    ],
)
def test_failures_of_pip_are_told_in_a_sentence(script, pip_says, said):
    assert said in script(pip=lambda: pip_says)
    assert "no .venv that was finished" in script("--check")


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_no_environment_is_left_alone(repo, script, kind):
    theirs = repo / ".venv" if kind == "file" else repo / ".venv/thesis.txt"
    if kind == "link":  # to another repository's environment
        (repo / "other").mkdir()
        (repo / "other/pyvenv.cfg").touch()
        (repo / ".venv").symlink_to(repo / "other")
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("years of work")
    assert "move it away" in script()
    assert theirs.read_text() == "years of work"


def test_a_wrong_python_is_told_what_is_needed(repo, script):
    (repo / "pyproject.toml").write_text(PYPROJECT.replace("3.11,<3.14", "3.90,<3.92"))
    version = sys.version.split()[0]
    assert f"Found Python {version} at {sys.executable}, but this needs Python 3.90 to" in script()
    assert not (repo / ".venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_fitting_python_on_the_path_is_used(repo, script, monkeypatch):
    test_a_wrong_python_is_told_what_is_needed(repo, script)
    (repo / "python3.91").write_text(f"#!/bin/sh\necho '{sys.executable}'\n")
    (repo / "python3.91").chmod(0o755)
    monkeypatch.setenv("PATH", str(repo))
    assert f"Building .venv with {sys.executable}: " in script() and script() == WHOLE


def test_an_old_python_can_read_the_script():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))

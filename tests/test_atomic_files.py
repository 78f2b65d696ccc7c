"""Files that are written whole or not at all."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnets import atomic_files
from resnets.atomic_files import Busy, locked, replacing, write
from resnets_utils import ROOT

KILLED = """
import os, sys, pathlib
from resnets.atomic_files import replacing
with replacing(pathlib.Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), 9)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write(path, "ä\n")
    assert path.read_bytes() == b"\xc3\xa4\n"
    write(path, b"\0")
    assert path.read_bytes() == b"\0" and names(path.parent) == ["b.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path, error):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as part:
        part.write_text("half")
        assert part.suffix == ".keras" and path.read_text() == "old"
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["model.keras"]


@pytest.mark.skipif(sys.platform == "win32", reason="there nothing is swept")
def test_what_a_killed_process_leaves_is_found_by_no_pattern_and_swept(tmp_path):
    path = tmp_path / "02_block.ipynb"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -9 and len(names(tmp_path)) == 2, "it was killed while it wrote"
    assert list(tmp_path.glob("*.ipynb")) == list(tmp_path.glob("0*")) == [path]
    collect = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
    seen = subprocess.run([*collect, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "half" not in seen.stdout and ".new-" not in seen.stdout
    write(tmp_path / "other.txt", "new")
    assert names(tmp_path) == ["02_block.ipynb", "other.txt"] and path.read_text() == "old"


def test_what_a_running_process_writes_is_not_swept(tmp_path):
    with replacing(tmp_path / "a.txt") as first:
        first.write_text("first")
        with replacing(tmp_path / "a.txt") as second:  # the same file, the same process
            second.write_text("second")
        assert first.read_text() == "first"
    assert (tmp_path / "a.txt").read_text() == "first" and names(tmp_path) == ["a.txt"]


def test_a_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "/hidden")

    monkeypatch.setattr(atomic_files.tempfile, "mkdtemp", refuse)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*a.txt'"):
        write(tmp_path / "a.txt", "new")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Free some room"),
        (RuntimeError("Can't decrement id ref count"), "Free some room"),
        (PermissionError(errno.EACCES, "Permission denied"), "that you may write to"),
        (OSError(errno.EROFS, "Read-only file system"), "that you may write to"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), "shorter name"),
        (atomic_files.Busy(errno.EAGAIN, "process 7 is at work on it"), "Wait until it ends"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), "Name another folder"),
    ],
)
def test_each_error_has_its_own_advice(error, words):
    advice = atomic_files.advice(error)
    assert words in advice and ("room" in advice) == ("room" in words)


def test_a_checkout_that_can_t_be_written_has_a_stand_in(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build = tmp_path / "course" / "build"
    assert atomic_files.writable(build) == build, "what leads there is made"
    asked, allowed = [], os.access

    def access(path, how):
        asked.append(Path(path))
        return allowed(path, how) and Path(path) != tmp_path / "course"

    monkeypatch.setattr(atomic_files.os, "access", access)
    (tmp_path / "course").mkdir()
    stand_in = atomic_files.writable(build)
    assert stand_in == tmp_path / "cache" / "resnets" / build.relative_to(build.anchor)
    assert asked[-1] == tmp_path / "course", "the folder where build/ would be made"
    write(stand_in / "a.txt", "new")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", "/home/of-nobody")
    assert atomic_files.writable(build).is_relative_to("/home/of-nobody/.cache/resnets")


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    path = tmp_path / "b.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_no_file_is_begun_without_room(tmp_path):
    with pytest.raises(OSError, match="MB are needed"), replacing(tmp_path / "a.h5", 10**18):
        pytest.fail("it began")
    assert names(tmp_path) == []


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "model.keras"
    with locked(path):
        told = f"process {os.getpid()} is at work on it"
        with pytest.raises(Busy, match=told), locked(path):
            pass
        with locked(tmp_path / "other.keras"):
            pass
    assert not list(tmp_path.iterdir())
    with locked(path):
        pass


def test_who_is_killed_lets_go(tmp_path):
    code = (
        "import sys, pathlib\nfrom resnets.atomic_files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.h5")]
    holder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(Busy, match=f"process {holder.pid} "),
        locked(tmp_path / "a.h5"),
    ):
        pass
    holder.kill()
    holder.wait()
    with locked(tmp_path / "a.h5"):
        pass

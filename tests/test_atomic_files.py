"""Files that are written whole or not at all."""

import os
import subprocess
import sys

import pytest

from resnets.atomic_files import Busy, locked, replacing, write
from resnets_utils import ROOT


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

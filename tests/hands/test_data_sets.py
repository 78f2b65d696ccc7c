"""Data sets of rendered hands: whole, in order, gone on with, and by one process at a time."""

import concurrent.futures
import errno
import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import psutil
import pytest

from resnets import atomic_files
from resnets.hands import data_sets, rendering, variation
from resnets_utils import ROOT, DataError, load_dataset

SCRIPT = ROOT / "tools" / "render_hands.py"


@pytest.fixture
def quick(monkeypatch):
    """Draw squares of one colour, in this process, blocks of 6."""
    monkeypatch.setattr(data_sets, "BLOCK", 6)
    drawn = []

    class Here(concurrent.futures.Executor):
        def __init__(self, *_, **__):
            pass

        def submit(self, task, *arguments):
            done = concurrent.futures.Future()
            try:
                done.set_result(task(*arguments))
            except OSError as error:
                done.set_exception(error)
            return done

    def picture(seed, index, sign, how):
        drawn.append(index)
        return np.full((64, 64, 3), index, np.uint8)

    monkeypatch.setattr(data_sets.concurrent.futures, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(rendering, "picture", picture)
    return drawn


def read(folder, part):
    with h5py.File(folder / f"{part}_signs.h5") as file:
        return file[f"{part}_set_x"][:, 0, 0, 0].tolist(), file[f"{part}_set_y"][:].tolist()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("train", "test"), [(12, 6), (7, 4), (1, 1), (5, 30)])
def test_a_set_holds_the_pictures_in_order(quick, tmp_path, train, test):
    data_sets.write_set(tmp_path, train, test, seed=3)
    signs = [data_sets.sign_of(3, i) for i in range(train + test)]
    assert read(tmp_path, "train") == (list(range(train)), signs[:train])
    assert read(tmp_path, "test") == (list(range(train, train + test)), signs[train:])
    assert names(tmp_path) == ["test_signs.h5", "train_signs.h5"]
    load_dataset(tmp_path)


def test_each_six_pictures_show_all_signs():
    signs = np.array([data_sets.sign_of(0, i) for i in range(600)]).reshape(-1, 6)
    assert (np.sort(signs, axis=1) == np.arange(6)).all()
    assert len(np.unique(signs, axis=0)) > 60, "dealt out in one order"


def test_an_interrupted_set_goes_on(quick, tmp_path, monkeypatch):
    drawn, whole = quick, rendering.picture

    def interrupted(seed, index, sign, how):
        if index == 8:
            raise KeyboardInterrupt
        return whole(seed, index, sign, how)

    monkeypatch.setattr(rendering, "picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data_sets.write_set(tmp_path, 12, 6)
    assert names(tmp_path) == ["unfinished"]
    drawn.clear()
    monkeypatch.setattr(rendering, "picture", whole)
    data_sets.write_set(tmp_path, 12, 6)
    assert drawn == list(range(6, 18)), "the first block was there already"
    assert read(tmp_path, "train")[0] == list(range(12))


def test_a_damaged_block_is_rendered_again(quick, tmp_path, monkeypatch):
    def full(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(data_sets, "_assemble", full)
        data_sets.write_set(tmp_path, 12, 6)
    block = tmp_path / "unfinished" / "000000006.npy"
    block.write_bytes(block.read_bytes()[:50])
    quick.clear()
    data_sets.write_set(tmp_path, 12, 6)
    assert quick == list(range(6, 12))


def test_a_set_that_is_there_stays_and_others_are_replaced(quick, tmp_path):
    data_sets.write_set(tmp_path, 12, 6)
    quick.clear()
    data_sets.write_set(tmp_path, 12, 6)
    assert not quick, "rendered again"
    for changed in ({"seed": 1}, {"how": variation.LIKE_SIGNS}):
        data_sets.write_set(tmp_path, 12, 6, **changed)
        assert len(quick) == 18, changed
        quick.clear()


def test_what_was_not_rendered_is_not_replaced(quick, tmp_path):
    (tmp_path / "train_signs.h5").write_bytes(b"photographs")
    with pytest.raises(DataError, match=r"train_signs.h5: found a file that was not rendered"):
        data_sets.write_set(tmp_path, 12, 6)
    assert (tmp_path / "train_signs.h5").read_bytes() == b"photographs"
    assert names(tmp_path) == ["train_signs.h5"]


def test_an_unfinished_set_of_other_settings_is_refused(quick, tmp_path):
    parts = tmp_path / "unfinished"
    parts.mkdir()
    (parts / "settings.json").write_text(json.dumps({"training images": 12, "test images": 7}))
    with pytest.raises(DataError, match="unfinished set whose test images is 7; expected 6"):
        data_sets.write_set(tmp_path, 12, 6)
    (parts / "settings.json").write_text("{")
    with pytest.raises(DataError, match="training images is None"):
        data_sets.write_set(tmp_path, 12, 6)


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def hdf5_has_no_room(*_, **__):
    raise RuntimeError("Can't decrement id ref count (No space left on device)")


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        ("atomic_files.write", no_room),
        ("_assemble", no_room),
        ("_assemble", hdf5_has_no_room),
    ],
)
def test_a_full_disk_leaves_what_was_there(quick, tmp_path, monkeypatch, function, fault):
    data_sets.write_set(tmp_path / "old", 6, 6)
    before = (tmp_path / "old" / "train_signs.h5").read_bytes()
    monkeypatch.setattr(f"resnets.hands.data_sets.{function}", fault)
    for folder in ("old", "new"):
        with pytest.raises(DataError, match=r"No space left on device.*25 KB"):
            data_sets.write_set(tmp_path / folder, 12, 6)
    assert names(tmp_path) == ["old"]
    assert names(tmp_path / "old") == ["test_signs.h5", "train_signs.h5"]
    assert (tmp_path / "old" / "train_signs.h5").read_bytes() == before


def test_a_process_that_is_killed_is_said_so(quick, tmp_path, monkeypatch):
    def killed(*_):
        raise concurrent.futures.BrokenExecutor

    monkeypatch.setattr(data_sets, "_render_blocks", killed)
    with pytest.raises(DataError, match="fewer workers"):
        data_sets.write_set(tmp_path, 12, 6)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((0, 6), "train is 0"),
        ((6, -1), "test is -1"),
        ((6, 6, -1), "seed is -1"),
        ((2.5, 1), "train is 2.5"),
        ((6, 6, 0, variation.ANY, -2), "workers is -2"),
    ],
)
def test_impossible_numbers_are_refused(arguments, word, tmp_path):
    with pytest.raises(DataError, match=word):
        data_sets.write_set(tmp_path / "new", *arguments)
    assert not (tmp_path / "new").exists()


def test_processes_side_by_side_render_what_one_renders(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    data_sets.write_set(tmp_path, 61, 2, seed=4, workers=2)  # two blocks
    assert os.environ["OMP_NUM_THREADS"] == "7"
    train_x, _, test_x, test_y, _ = load_dataset(tmp_path)
    assert (len(train_x), len(test_x)) == (61, 2)
    for index, image in ((0, train_x[0]), (60, train_x[60]), (62, test_x[1])):
        expected = rendering.picture(4, index, data_sets.sign_of(4, index))
        off = np.abs(image.astype(int) - expected) > 2  # one thread may round otherwise
        assert off.mean() < 0.01
    assert test_y[0, 1] == data_sets.sign_of(4, 62)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_one_folder_is_rendered_by_one_process_at_a_time(quick, tmp_path):
    with (
        atomic_files.locked(tmp_path / "unfinished"),
        pytest.raises(DataError, match=rf"process {os.getpid()} is at work on it, rendering"),
    ):
        data_sets.write_set(tmp_path, 12, 6)
    assert not quick and not names(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_that_render_end_with_the_one_that_began_them(tmp_path, number):
    command = [sys.executable, SCRIPT, "set", "--train", "100000", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("unfinished/*.npy")) and time.monotonic() < deadline:
        time.sleep(0.05)
    begun = psutil.Process(process.pid).children(recursive=True)
    assert begun
    process.send_signal(number)
    process.wait(timeout=30)
    assert not psutil.wait_procs(begun, timeout=30)[1]
    with atomic_files.locked(tmp_path / "unfinished"):
        pass  # and the lock is free


def test_a_folder_that_may_not_be_written_is_told_of_no_room(quick, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(data_sets.atomic_files, "write", refuse)
    with pytest.raises(DataError, match=r"Permission denied\).*that you may write to") as found:
        data_sets.write_set(tmp_path, 12, 6)
    assert "room" not in str(found.value)

"""Files of strangers: SIGNS files that point elsewhere, promise too much, or are no files."""

import errno
import os
import socket
import stat
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest
from memory import MOST_MEMORY

import resnets_utils
from resnets import foreign_files
from resnets.foreign_files import Foreign, check_size, shortened, trouble
from resnets_utils import ROOT, DataError, load_dataset

IMAGES = (12, 64, 64, 3)
MEMORY = 400  # MB that a refusal may take: Python, NumPy, h5py and Matplotlib take half of it


@pytest.fixture
def signs(tmp_path):
    """Return a folder of two small SIGNS files."""
    for part in ("train", "test"):
        with h5py.File(tmp_path / f"{part}_signs.h5", "w") as file:
            file[f"{part}_set_x"] = np.full(IMAGES, 7, np.uint8)
            file[f"{part}_set_y"] = np.arange(12) % 6
            file["list_classes"] = np.arange(6)
    return tmp_path


def asked(folder):
    """Load SIGNS in a process of its own, as what is asked for may end it; return its output."""
    code = MOST_MEMORY + (
        "import sys, resnets_utils\n"
        "try:\n    resnets_utils.load_dataset(sys.argv[1])\n"
        "except resnets_utils.DataError as error:\n    print(error)\n"
        "print(most_memory())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"Python ended with {done.returncode}: {done.stderr[-500:]}"
    said, memory = done.stdout.strip().rsplit("\n", 1)
    assert int(memory) < MEMORY
    return said


# --- HDF5 that points elsewhere -------------------------------------------------------------------


def view(file, source, name="train_set_x"):
    layout = h5py.VirtualLayout(IMAGES, "u1")
    layout[:] = h5py.VirtualSource(source, name, IMAGES)
    file.create_virtual_dataset("train_set_x", layout)


def of_itself(file):
    view(file, ".")


def of_its_group(file):
    file.create_group("deep")
    file["deep/x"] = np.zeros(IMAGES, np.uint8)
    view(file, ".", "deep/x")


def of_another_file(file):
    view(file, "/etc/passwd")


def external_link(file):
    file["train_set_x"] = h5py.ExternalLink("test_signs.h5", "test_set_x")


def soft_link(file):
    file["x"] = np.zeros(IMAGES, np.uint8)
    file["train_set_x"] = h5py.SoftLink("/x")


def dangling_link(file):
    file["train_set_x"] = h5py.SoftLink("/nowhere")


def external_storage(file):
    external = [("/etc/passwd", 0, int(np.prod(IMAGES)))]
    file.create_dataset("train_set_x", IMAGES, "u1", external=external)


def unwritten(file):
    file.create_dataset("train_set_x", IMAGES, "u1")


def half_written(file):
    file.create_dataset("train_set_x", IMAGES, "u1", chunks=(4, 64, 64, 3))
    file["train_set_x"][:5] = 3


def unusual_filter(file):
    file.create_dataset("train_set_x", data=np.zeros(IMAGES, np.uint8), scaleoffset=0)


def bomb_in_a_chunk(file):
    """A chunk of 12 pictures that unpacks to 500 MB."""
    images = file.create_dataset("train_set_x", IMAGES, "u1", chunks=IMAGES, compression="gzip")
    packing = zlib.compressobj(9)
    content = b"".join([packing.compress(bytes(2**20)) for _ in range(500)])
    images.id.write_direct_chunk((0, 0, 0, 0), content + packing.flush())


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (of_itself, "a view of other data"),
        (of_its_group, "a view of other data"),
        (of_another_file, "a view of other data"),
        (external_link, "a link that leads elsewhere"),
        (soft_link, "a link that leads elsewhere"),
        (dangling_link, "a link that leads elsewhere"),
        (external_storage, "whose values are in another file"),
        (unwritten, "not all values are stored"),
        (half_written, "not all values are stored"),
        (unusual_filter, r"packed by the filters \[6\]"),
        (bomb_in_a_chunk, "a chunk that unpacks to more than 147,456 bytes"),
    ],
)
def test_only_plain_data_sets_are_read(signs, damage, finding):
    with h5py.File(signs / "train_signs.h5", "a") as file:
        del file["train_set_x"]
        damage(file)
    said = asked(signs)
    assert "train_signs.h5: found 'train_set_x', " in said and "expected plain data sets" in said
    assert finding.replace("\\", "") in said and "elete" not in said


def test_labels_and_classes_are_plain_too(signs):
    with h5py.File(signs / "test_signs.h5", "a") as file:
        del file["list_classes"]
        file["list_classes"] = h5py.ExternalLink("train_signs.h5", "list_classes")
    with pytest.raises(DataError, match=r"test_signs.h5: found 'list_classes', a link"):
        load_dataset(signs)


@pytest.mark.parametrize("packing", [{}, {"compression": "lzf"}, {"compression": "gzip"}])
def test_what_h5py_writes_is_read(signs, packing, capsys):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3), np.uint8)
    more = {"shuffle": True, "fletcher32": True, "chunks": (40, 64, 64, 3)} if packing else {}
    with h5py.File(signs / "train_signs.h5", "a") as file:
        del file["train_set_x"], file["train_set_y"]
        file.create_dataset("train_set_x", data=pixels, **packing, **more)
        file.create_dataset("train_set_y", data=np.arange(40) % 6, maxshape=(None,), **packing)
    np.testing.assert_array_equal(load_dataset(signs)[0], pixels)


def test_a_group_that_holds_itself(tmp_path):
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        file["a/x"] = [1]
        file["a/b"] = file["a"]
        file["root"] = file["/"]
        assert [data_set.name for data_set in foreign_files.plain_members(file)] == ["/a/x"]


# --- sizes, values, quotes ------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "finding"), [(250_000, "3,074 MB"), (10_000, "123 MB")])
def test_a_few_bytes_that_promise_many_pictures(signs, count, finding):
    with h5py.File(signs / "train_signs.h5", "w") as file:
        shape = (count, 64, 64, 3)
        images = file.create_dataset(
            "train_set_x", shape, "u1", chunks=(500, 64, 64, 3), compression=9
        )
        packed = zlib.compress(bytes(500 * 64 * 64 * 3), 9)
        for first in range(0, count, 500):
            images.id.write_direct_chunk((first, 0, 0, 0), packed)
        file.create_dataset("train_set_y", data=np.zeros(count, int), compression=9)
        file["list_classes"] = np.arange(6)
    said = asked(signs)
    assert f"found a promise of {finding}" in said


def test_a_chunk_larger_than_its_pictures(signs):
    with h5py.File(signs / "train_signs.h5", "a") as file:
        del file["train_set_x"]
        chunks, most = (300_000, 64, 64, 3), (None, 64, 64, 3)
        file.create_dataset("train_set_x", IMAGES, "u1", chunks=chunks, maxshape=most)
    assert "in chunks of 3,686 MB" in asked(signs)


def test_sizes():
    check_size(10**9, 10**9)
    check_size(6 * 10**7, 100)
    for promised, stored in ((10**9 + 1, 10**9), (10**8, 10**6)):
        with pytest.raises(Foreign, match="a promise of"):
            check_size(promised, stored)


@pytest.mark.parametrize(
    ("classes", "finding"),
    [
        (np.arange(1001), r"classes of shape \(1001,\)"),
        (np.arange(10**6), r"classes of shape \(1000000,\)"),
        (np.arange(1), r"classes of shape \(1,\)"),
        (np.zeros(6, int), "different whole numbers"),
        (np.array([0, 1, 2, 3, 4, 4]), "different whole numbers"),
        (np.arange(6) - 1, "different whole numbers"),
        (np.arange(6).astype("u8") + 2**63, "different whole numbers"),
        (np.array([2**40, 1, 2, 3, 4, 5]), "different whole numbers"),
    ],
)
def test_classes_that_can_t_be(signs, classes, finding):
    with h5py.File(signs / "train_signs.h5", "a") as file:
        del file["list_classes"]
        file["list_classes"] = classes
    with pytest.raises(DataError, match=rf"train_signs.h5: found .*{finding}") as error:
        load_dataset(signs)
    assert len(str(error.value)) < 1000


def test_a_message_quotes_little_of_a_file(signs):
    with h5py.File(signs / "train_signs.h5", "w") as file:
        for k in range(50):
            file["k" * 10_000 + f"\x1b[2J{k}"] = [k]
    with pytest.raises(DataError, match="found the keys") as error:
        load_dataset(signs)
    assert len(str(error.value)) < 1000 and "\x1b" not in str(error.value)
    assert shortened("a\nb\x1b" + "c" * 100, 5) == "a?b?c... (104 characters)"


# --- no files; what the system says ---------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a device", "a folder"])
def test_what_is_no_file_is_not_opened(signs, kind, monkeypatch):
    monkeypatch.chdir(signs)  # a socket's name may not be long
    path = signs / "train_signs.h5"
    path.unlink()
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    assert f"train_signs.h5: found {kind} in place of a file" in asked(signs)


@pytest.mark.skipif(sys.platform == "win32", reason="locks of another kind")
def test_a_file_that_another_process_has_locked(signs):
    import fcntl

    with (signs / "train_signs.h5").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = asked(signs)
    assert "another process has locked" in said and "elete" not in said and "amaged" not in said


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (errno.ESTALE, "whose server does not answer"),
        (errno.EIO, "the disk or the network does not deliver"),
        (errno.EACCES, "you may not read"),
        (errno.EMFILE, "too many files open"),
        (errno.EAGAIN, "another process has locked"),
        (errno.ENOMEM, "too little memory"),
        (errno.ENOLCK, "file system can't lock"),
        (errno.EPIPE, "can't be read"),
    ],
)
@pytest.mark.parametrize("where", ["open", "h5py", "read"])
def test_each_error_has_its_own_diagnosis(signs, number, found, where, monkeypatch):
    def fails(*_, **__):
        if where == "open":
            raise OSError(number, os.strerror(number))
        raise OSError(f"Can't read data (file read failed: errno = {number}, error message = 'x')")

    target = {"open": (type(signs), "open"), "h5py": (h5py, "File")}
    monkeypatch.setattr(*target.get(where, (h5py.Dataset, "__getitem__")), fails)
    with pytest.raises(DataError, match=rf"train_signs.h5: found .*{found}") as error:
        load_dataset(signs)
    assert "elete" not in str(error.value) and "amaged" not in str(error.value)


def test_a_healthy_file_where_there_are_no_locks(signs, monkeypatch, capsys):
    real = h5py.File

    def no_locks(path, mode="r", **more):
        if more.get("locking") is not False:
            raise OSError(errno.ENOLCK, "unable to lock file, errno = 37")
        return real(path, mode, **more)

    monkeypatch.setattr(h5py, "File", no_locks)
    assert load_dataset(signs)[0].shape == IMAGES


def test_what_is_damaged_is_no_trouble_of_the_system():
    assert trouble(OSError("truncated file: eof = 300")) is None
    assert trouble(ValueError("errno = 5")) is not None
    assert trouble(KeyError("x")) is None


def test_a_home_that_is_nobody_s(monkeypatch):
    monkeypatch.setenv("SIGNS_DIR", "~nobody-of-this-name/x")
    with pytest.raises(DataError, match="no home folder of that name"):
        resnets_utils.find_signs()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(signs):
    (signs / "train_signs.h5").chmod(stat.S_IWUSR)
    with pytest.raises(DataError, match="a file that you may not read"):
        load_dataset(signs)

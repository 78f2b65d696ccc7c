"""Labelled folders as people have them."""

import os
import shutil
import threading
import time
import tracemalloc
import types

import h5py
import numpy as np
import pytest
from samples import plain, save

from resnets.pictures import folders, photos
from resnets.pictures.folders import find_images, gather, split
from resnets.pictures.photos import read_photo
from resnets_utils import DataError


@pytest.fixture
def flowers(tmp_path):
    """Return a folder of two classes, ten and twenty images of their own colours."""
    for k, (name, count) in enumerate((("daisy", 10), ("rose", 20))):
        for i in range(count):
            save(plain(colour=(100 * k + i, 0, 0)), tmp_path / "flowers" / name / f"{i:02}.png")
    return tmp_path / "flowers"


def test_a_folder_per_class(flowers):
    (flowers / "daisy" / "notes.txt").write_text("passed over")
    (flowers / ".ipynb_checkpoints").mkdir()
    (flowers / "daisy" / "._00.png").write_bytes(b"of another system")
    found = find_images(flowers)
    assert found.classes == ["daisy", "rose"]
    assert np.bincount(found.labels).tolist() == [10, 20]
    assert [path.parent.name for path in found.paths] == ["daisy"] * 10 + ["rose"] * 20


def test_paths_are_a_sequence_and_take_little_memory(tmp_path):
    daisy_rose = [tmp_path / "daisy", tmp_path / "rose"]
    few = folders.Files(daisy_rose, [["a", "b"], ["c"]])
    assert list(few) == few[:] == [daisy_rose[0] / "a", daisy_rose[0] / "b", daisy_rose[1] / "c"]
    assert few[-1] == few[2] and few[1:] == [few[1], few[2]] and len(few) == 3
    with pytest.raises(IndexError):
        few[3]
    for name in ("daisy", "rose"):
        save(plain(), tmp_path / name / "a.png")
        for k in range(1000):
            os.link(tmp_path / name / "a.png", tmp_path / name / f"image_{k:05}.png")
    tracemalloc.start()
    found = find_images(tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200 * len(found.paths), "bytes, the names and all"


def test_numbers_are_sorted_by_value(tmp_path):
    for name in ("10", "9", "0"):
        save(plain(), tmp_path / name / "a.png")
    assert find_images(tmp_path).classes == ["0", "9", "10"]


def test_caltech_as_it_is_unpacked(tmp_path):
    root = tmp_path / "caltech-101" / "101_ObjectCategories"
    for k in range(101):
        for i in range(3):
            save(plain((30, 20), (k, i, 0)), root / f"class_{k:03}" / f"image_{i:04}.jpg")
    for i in range(4):
        save(plain((30, 20)), root / "BACKGROUND_Google" / f"image_{i:04}.jpg")
    assert len(find_images(root).classes) == 102
    found = find_images(root, leave_out=["BACKGROUND_Google"])
    assert len(found.classes) == 101 and len(found.paths) == 303
    pictures = gather(found, tmp_path / "caltech.h5")
    training, held_out = split(pictures.labels, (0.6, 0.4))
    assert len(set(pictures.labels[training])) == len(set(pictures.labels[held_out])) == 101
    with pytest.raises(DataError, match=r"101_ObjectCategories.* deeper: give .*101_ObjectCat"):
        find_images(root.parent)
    with pytest.raises(DataError, match="no class BACKGROUND to leave out"):
        find_images(root, leave_out=["BACKGROUND"])


def test_folders_that_are_none(tmp_path):
    with pytest.raises(DataError, match="found no such folder"):
        find_images(tmp_path / "none")
    with pytest.raises(DataError, match="found no class; expected two or more"):
        find_images(tmp_path)
    save(plain(), tmp_path / "rose" / "a.png")
    with pytest.raises(DataError, match="found rose; expected two or more"):
        find_images(tmp_path)
    (tmp_path / "tulip").mkdir()
    with pytest.raises(DataError, match="tulip: found no image"):
        find_images(tmp_path)


@pytest.mark.parametrize("parts", [(0.7, 0.3), (0.9, 0.1), (0.6, 0.2, 0.2)])
def test_a_split_has_every_class_in_every_part(parts):
    labels = np.repeat([0, 1, 2], [40, 10, 100])
    found = split(labels, parts, seed=3)
    assert sorted(np.concatenate(found)) == list(range(150))
    for share, indices in zip(parts[1:], found[1:], strict=True):
        np.testing.assert_array_equal(
            np.bincount(labels[indices]), np.multiply(share, [40, 10, 100])
        )
    again = split(labels, parts, seed=3)
    other = split(labels, parts, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
    assert not np.array_equal(found[1], other[1])


def parts_of_copies(checksums, found):
    """Return for each picture the parts that its copies are in."""
    return [
        {k for k, part in enumerate(found) if np.isin(part, np.flatnonzero(checksums == one)).any()}
        for one in np.unique(checksums)
    ]


@pytest.mark.parametrize("parts", [(0.7, 0.3), (0.6, 0.2, 0.2)])
def test_copies_stay_in_one_part(parts):
    labels, checksums = np.repeat([0, 1], [50, 50]), np.arange(100)
    checksums[[4, 17, 30]] = 4  # three of one class, a pair in the other, a pair across
    checksums[[60, 99]] = 60
    checksums[[40, 70]] = 40
    for seed in range(20):
        found = split(labels, parts, seed, checksums=checksums)
        assert {len(one) for one in parts_of_copies(checksums, found)} == {1}
        for share, indices in zip(parts, found, strict=True):
            assert np.bincount(labels[indices]).tolist() == [round(50 * share)] * 2
    alone = split(labels, parts, 3, checksums=np.arange(100))
    assert all(map(np.array_equal, alone, split(labels, parts, 3)))


@pytest.mark.parametrize("parts", [(0.7, 0.3), (0.6, 0.2, 0.2)])
def test_a_folder_that_is_there_twice(parts):
    labels, checksums = np.repeat([0, 1, 0, 1], 25), np.tile(np.arange(50), 2)
    found = split(labels, parts, checksums=checksums)
    assert {len(one) for one in parts_of_copies(checksums, found)} == {1}
    for share, indices in zip(parts, found, strict=True):
        assert np.abs(np.bincount(labels[indices]) - 50 * share).max() <= 2
    assert not np.array_equal(found[1], split(labels, parts, 1, checksums=checksums)[1])


@pytest.mark.parametrize(
    ("copies", "parts", "expected"),
    [(75, (0.7, 0.3), [75, 25]), (50, (0.7, 0.3), [70, 30]), (80, (0.7, 0.15, 0.15), [80, 5, 15])],
)
def test_a_class_with_many_copies_of_one_picture(copies, parts, expected):
    checksums = np.append(np.zeros(copies, int), np.arange(1, 101 - copies))
    found = split(np.zeros(100, int), parts, checksums=checksums)
    assert [len(indices) for indices in found] == expected
    assert len(parts_of_copies(checksums, found)[0]) == 1


def test_a_class_of_copies_is_too_small_to_split():
    with pytest.raises(DataError, match=r"0: found 10 images, only 1 of them different, too few"):
        split(np.repeat([0, 1], 10), checksums=np.append(np.zeros(10, int), np.arange(1, 11)))


def test_a_class_too_small_to_split():
    with pytest.raises(DataError, match=r"class rose: found 3 images, .*90/10; expected 10"):
        split(np.repeat([0, 1], [50, 3]), (0.9, 0.1), classes=["daisy", "rose"])
    with pytest.raises(DataError, match="add up to 1"):
        split(np.zeros(9, int), (0.9, 0.2))


# --- many images ----------------------------------------------------------------------------------


def test_gathered_pictures_are_those_of_the_folder(flowers, tmp_path):
    found = find_images(flowers)
    pictures = gather(found, tmp_path / "build" / "flowers.h5")
    assert pictures.shape == (30, 64, 64, 3) and pictures.classes == ["daisy", "rose"]
    np.testing.assert_array_equal(pictures.labels, found.labels)
    np.testing.assert_array_equal(pictures[:], [read_photo(path) for path in found.paths])
    np.testing.assert_array_equal(pictures[[12, 3]], [read_photo(found.paths[k]) for k in (12, 3)])
    part = pictures.part(np.array([5, 20]))
    np.testing.assert_array_equal(part[[1]], pictures[[20]])
    assert len(set(pictures.checksums.tolist())) == 30
    assert part.checksums.tolist() == pictures.checksums[[5, 20]].tolist()
    assert part.labels.tolist() == [0, 1] and part.checksum != pictures.checksum
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["flowers.h5"]


def test_a_part_is_of_the_file_that_was_opened(flowers, tmp_path):
    """Another process may have written the folder anew meanwhile."""
    pictures = gather(find_images(flowers), tmp_path / "flowers.h5")
    expected = pictures[[20, 29]]
    for name in ("00.png", "01.png"):
        (flowers / "daisy" / name).unlink()
    assert len(gather(find_images(flowers), tmp_path / "flowers.h5")) == 28
    part = pictures.part(np.array([20, 29]))
    np.testing.assert_array_equal(part[:], expected)
    assert part.labels.tolist() == [1, 1]


def test_gathering_is_done_once_and_again_after_a_change(flowers, tmp_path, monkeypatch):
    path = tmp_path / "flowers.h5"
    first = gather(find_images(flowers), path).checksum
    with monkeypatch.context() as patch:
        patch.setattr(folders, "_decode_all", lambda *_: pytest.fail("decoded twice"))
        assert gather(find_images(flowers), path).checksum == first
    save(plain(colour=(1, 2, 3)), flowers / "rose" / "00.png")
    changed = gather(find_images(flowers), path)
    assert changed.checksum != first and changed[[10]][0, 0, 0].tolist() == [1, 2, 3]


def test_bad_files_are_named_and_the_rest_goes_on(flowers, tmp_path, capsys):
    (flowers / "daisy" / "03.png").write_bytes(b"")
    (flowers / "rose" / "05.png").write_text("no image")
    pictures = gather(find_images(flowers), tmp_path / "flowers.h5")
    assert np.bincount(pictures.labels).tolist() == [9, 19]
    assert [line.split(": ")[0][-12:] for line in pictures.refused] == [
        "daisy/03.png",
        "/rose/05.png",
    ]
    np.testing.assert_array_equal(pictures[[9]][0, 0, 0], [100, 0, 0])
    assert pictures[[14]][0, 0, 0, 0] == 106, "image 05 is left out, 06 follows 04"


def most_at_once(monkeypatch, folder, path):
    """Return how many pictures `gather` decoded side by side at most."""
    lock, running, seen = threading.Lock(), [], []
    real = photos._as_rgb

    def slow(image, *rest):
        with lock:
            running.append(image)
            seen.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()
        return real(image, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(photos, "_as_rgb", slow)
        patch.setattr(os, "cpu_count", lambda: 64)
        gather(find_images(folder), path)
    return max(seen)


def test_big_pictures_are_decoded_one_by_one(flowers, tmp_path, monkeypatch):
    assert 1 < most_at_once(monkeypatch, flowers, tmp_path / "a.h5") <= 4
    monkeypatch.setattr(photos, "BIG", 96 * 64 - 1)
    assert most_at_once(monkeypatch, flowers, tmp_path / "b.h5") == 1


def test_a_class_of_bad_files_is_an_error(tmp_path):
    for name in ("daisy", "rose"):
        save(plain(), tmp_path / "flowers" / name / "a.png")
    (tmp_path / "flowers" / "rose" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"no image that can be read in the class rose.*empty file"):
        gather(find_images(tmp_path / "flowers"), tmp_path / "flowers.h5")
    assert not list(tmp_path.glob("*.h5"))


def test_a_damaged_file_is_decoded_anew(flowers, tmp_path):
    path = tmp_path / "flowers.h5"
    before = gather(find_images(flowers), path).checksum
    path.write_bytes(b"no HDF5")
    assert gather(find_images(flowers), path).checksum == before


def test_names_of_other_times(flowers, tmp_path, capsys):
    name = os.fsencode(flowers / "rose") + b"/caf\xe9.jpg"
    try:
        with open(name, "wb"):  # noqa: PTH123
            pass
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    pictures = gather(find_images(flowers), tmp_path / "flowers.h5")
    assert len(pictures) == 30 and "caf" in pictures.refused[0]
    assert "left out" in capsys.readouterr().out
    gather(find_images(flowers), tmp_path / "flowers.h5")
    assert "left out" in capsys.readouterr().out, "said each time"


def test_a_full_disk_keeps_what_was_there(flowers, tmp_path, monkeypatch):
    path = tmp_path / "flowers.h5"
    before = gather(find_images(flowers), path).checksum
    save(plain(), flowers / "rose" / "99.png")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "_decode_all", full)
    with pytest.raises(DataError, match=r"No space left.*Expected room for 1 MB"):
        gather(find_images(flowers), path)
    monkeypatch.undo()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1_000_000))
        patch.setattr(folders, "_decode_all", lambda *_: pytest.fail("began without room"))
        with pytest.raises(DataError, match=r"1.4 MB are needed and 1.0 MB are free"):
            gather(find_images(flowers), path)
    assert folders.Pictures(path).checksum == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["flowers", "flowers.h5"]


def test_a_file_that_is_something_else(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1]
    with pytest.raises(DataError, match="no file of gathered pictures"):
        folders.Pictures(tmp_path / "a.h5")


# --- what is not taken ----------------------------------------------------------------------------


def test_what_is_not_taken_is_counted_by_kind(flowers, tmp_path, capsys):
    for name in ("a.ppm", "b.PPM", "photo", "c.IPYNB", ".hidden.png", "notes.txt"):
        (flowers / "daisy" / name).write_bytes(b"x")
    save(plain(), flowers / "rose" / "more" / "a.png")
    save(plain(), flowers / "outside.png")
    save(plain(), flowers / "@eaDir" / "a.png")
    (flowers / "rose" / "round").symlink_to(flowers)
    found = find_images(flowers)
    assert found.classes == ["daisy", "rose"] and len(found.paths) == 30
    gather(found, tmp_path / "flowers.h5")
    told = capsys.readouterr().out
    for line in (
        "2 ending in .ppm",
        "1 without an ending",
        "1 ending in .ipynb",
        "1 ending in .txt",
        "1 hidden",
        "2 in folders",
        "1 beside the classes' folders",
    ):
        assert f"not taken: {line}\n" in told


def test_a_class_without_an_image_says_what_lies_there(flowers):
    (flowers / "tulip").mkdir()
    (flowers / "tulip" / "a.ppm").write_bytes(b"x")
    with pytest.raises(DataError, match=r"tulip: found no image \(1 ending in .ppm\)"):
        find_images(flowers)


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "valid", "test")])
def test_an_export_that_is_split_already(tmp_path, names):
    for name in names:
        for kind in ("daisy", "rose"):
            save(plain(), tmp_path / name / kind / "a.png")
    with pytest.raises(DataError, match=r"a set that is split already.*Give one of them"):
        find_images(tmp_path)


def test_accents_in_two_forms_are_one_class(tmp_path):
    for k, name in enumerate(("caf\u00e9", "cafe\u0301", "rose")):
        for i in range(3):
            save(plain(colour=(k, i, 0)), tmp_path / name / f"{i}.png")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system knows one form alone")
    found = find_images(tmp_path)
    assert found.classes == ["caf\u00e9", "rose"]
    assert np.bincount(found.labels).tolist() == [6, 3]
    pictures = gather(found, tmp_path.parent / "a.h5")
    assert sorted(pictures[:][pictures.labels == 0][:, 0, 0, 0].tolist()) == [0] * 3 + [1] * 3


@pytest.mark.parametrize("parts", [(0.7, 0.3), (0.7, 0.15, 0.15)])
@pytest.mark.parametrize("shared", [5, 40, 80])
def test_one_picture_in_two_classes_is_in_one_part(parts, shared):
    checksums = np.concatenate([np.arange(100), np.arange(shared), np.arange(100, 200 - shared)])
    labels = np.repeat([0, 1], 100)
    for seed in range(20):
        found = split(labels, parts, seed, checksums=checksums)
        assert sorted(np.concatenate(found).tolist()) == list(range(200))
        assert {len(one) for one in parts_of_copies(checksums, found)} == {1}
        assert all(set(labels[part]) == {0, 1} for part in found)


def test_classes_that_hold_the_same_pictures_alone_can_t_be_split():
    with pytest.raises(DataError, match="too few to split"):
        split(np.repeat([0, 1], 10), checksums=np.tile(np.arange(10), 2))


def test_a_picture_in_two_classes_is_named(flowers, tmp_path, capsys):
    shutil.copy(flowers / "daisy" / "03.png", flowers / "rose" / "copy.png")
    pictures = gather(find_images(flowers), tmp_path / "flowers.h5")
    assert pictures.conflicts == ["daisy/03.png and rose/copy.png"]
    assert "one picture, several classes: daisy/03.png and rose/copy.png" in capsys.readouterr().out


def test_names_that_would_move_a_terminal_s_cursor(flowers, tmp_path, capsys):
    (flowers / "rose" / "a\x1b[2Jb.png").write_bytes(b"")
    (flowers / "ro\x1bse").mkdir()
    shutil.copy(flowers / "daisy" / "03.png", flowers / "ro\x1bse" / "03.png")
    pictures = gather(find_images(flowers), tmp_path / "flowers.h5")
    assert "\x1b" not in capsys.readouterr().out + "".join(pictures.classes)

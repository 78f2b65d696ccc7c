"""Photographs and labelled folders as people have them."""

import io
import os
import shutil
import struct
import threading
import time
import tracemalloc
import types
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image

from resnets.pictures import photos
from resnets.pictures.photos import find_images, gather, open_photo, read_photo, split
from resnets_utils import DataError

RED, WHITE = (200, 30, 40), (255, 255, 255)


def plain(size=(96, 64), colour=RED, mode="RGB"):
    """Return an image of one colour."""
    return Image.new("RGB", size, colour).convert(mode)


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


# --- one photograph -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.gif", "a.tif", "a.webp", "A.JPEG"])
def test_usual_formats(tmp_path, name):
    image = read_photo(save(plain(), tmp_path / name))
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - RED).max() < 12


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK", "YCbCr"])
def test_other_colours(tmp_path, mode):
    name = "a.png" if mode in ("P", "RGBA") else "a.jpg"
    image = plain(mode=mode) if mode != "P" else plain().quantize(4)
    image = read_photo(save(image, tmp_path / name))
    assert np.abs(image.astype(int) - RED).max() < 12


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16", "I"])
def test_greys(tmp_path, mode):
    if mode.startswith("I"):
        dtype = np.uint16 if mode == "I;16" else np.int32
        image = Image.fromarray(np.full((64, 96), 128 * 257, dtype))
    else:
        image = (
            plain(colour=(128,) * 3, mode=mode) if mode != "1" else plain(colour=WHITE, mode="1")
        )
    expected = 255 if mode == "1" else 128
    found = read_photo(save(image, tmp_path / ("a.tif" if mode == "I" else "a.png")))
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_sixteen_bits_a_colour(tmp_path):
    """Pillow does not write such PNGs, so this one is written by hand."""

    row = b"\0" + struct.pack(">3H", 200 * 257, 30 * 257, 40 * 257) * 8

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * 8)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert np.abs(read_photo(tmp_path / "a.png").astype(int) - RED).max() <= 1


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_telephone_held_otherwise(tmp_path, turn):
    """Whatever the EXIF tag says was turned comes out with red above and white below."""
    pixels = np.full((64, 96, 3), 255, np.uint8)
    pixels[:32] = RED
    stored = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels),
        7: np.rot90(pixels.transpose(1, 0, 2), 2),
        8: np.rot90(pixels, -1),
    }[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    path = save(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / "a.png", exif=exif)
    found = read_photo(path).astype(int)
    assert open_photo(path).size == (96, 64)
    assert np.abs(found[:28] - RED).max() < 12 and found[36:].min() > 240


def test_damaged_exif_data_cost_no_photograph(tmp_path, monkeypatch):
    path = save(plain(), tmp_path / "a.jpg")
    monkeypatch.setattr(Image.Image, "getexif", lambda _: (_ for _ in ()).throw(TypeError("bad")))
    assert np.abs(read_photo(path).astype(int) - RED).max() < 12


def test_no_other_program_is_called_for_a_file(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(DataError, match="is no image"):
        read_photo(tmp_path / "a.jpg")


def test_what_is_transparent_is_white(tmp_path):
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert read_photo(save(clear, tmp_path / "a.png")).min() == 255
    palette = plain(size=(64, 64)).convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    place = palette.getpixel((0, 0))
    assert read_photo(save(palette, tmp_path / "b.png", transparency=place)).min() == 255


def test_an_animation_shows_its_first_picture(tmp_path):
    more = [plain(colour=(10, 200, 10))]
    path = save(plain(), tmp_path / "a.gif", save_all=True, append_images=more)
    assert np.abs(read_photo(path).astype(int) - RED).max() < 12


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (900, 3), (63, 65)])
def test_tiny_and_narrow_ones(tmp_path, size):
    assert np.abs(read_photo(save(plain(size), tmp_path / "a.png")).astype(int) - RED).max() < 3


@pytest.mark.filterwarnings("error")
def test_a_huge_one_is_not_decoded_whole(tmp_path):
    path = save(plain((12_000, 9_000)), tmp_path / "a.jpg")
    assert max(open_photo(path, 64).size) < 2_000
    assert read_photo(path).shape == (64, 64, 3)


def test_the_middle_is_kept_and_nothing_is_squeezed(tmp_path):
    pixels = np.full((64, 128, 3), 255, np.uint8)
    pixels[:, 32:96] = RED
    path = save(Image.fromarray(pixels), tmp_path / "a.png")
    assert np.abs(read_photo(path)[:, 2:-2].astype(int) - RED).max() < 12


def damaged(kind):
    """Return the bytes of a file that should be refused."""
    memory = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(memory, "PNG" if "png" in kind else "JPEG")
    return {
        "empty": b"",
        "text": b"this is no image",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0",
        "cut jpeg": memory.getvalue()[:1500],
        "cut png": memory.getvalue()[:1500],
        "bytes of png": memory.getvalue()[:60] + b"x" * 60,
    }[kind]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "found an empty file"),
        ("text", "no image; expected JPEG or PNG"),
        ("heic", "HEIC photograph.*Export it as JPEG"),
        ("cut jpeg", "can't be read to its end"),
        ("cut png", "can't be read to its end"),
        ("bytes of png", "can't be read to its end|is no image"),
    ],
)
def test_what_is_refused(tmp_path, kind, reason):
    path = tmp_path / "photo.jpg"
    path.write_bytes(damaged(kind))
    with pytest.raises(DataError, match=f"photo.jpg: found .*{reason}|photo.jpg: {reason}"):
        read_photo(path)


@pytest.mark.filterwarnings("error")  # Pillow warns of some and refuses others, in its own words
@pytest.mark.parametrize("side", [15_000, 20_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, side):
    path = save(Image.new("1", (side, side)), tmp_path / "a.png")
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match=r"a.png: found more than 200 million pixels"):
        read_photo(path)


def test_missing_and_locked_files(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no such file"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(DataError, match="found a folder"):
        read_photo(tmp_path)
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError))
    with pytest.raises(DataError, match="Check its permissions"):
        read_photo(save(plain(), tmp_path / "a.png"))


# --- a labelled folder ----------------------------------------------------------------------------


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
    folders = [tmp_path / "daisy", tmp_path / "rose"]
    few = photos.Files(folders, [["a", "b"], ["c"]])
    assert list(few) == few[:] == [folders[0] / "a", folders[0] / "b", folders[1] / "c"]
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
    for share, places in zip(parts[1:], found[1:], strict=True):
        np.testing.assert_array_equal(
            np.bincount(labels[places]), np.multiply(share, [40, 10, 100])
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
        for share, places in zip(parts, found, strict=True):
            assert np.bincount(labels[places]).tolist() == [round(50 * share)] * 2
    alone = split(labels, parts, 3, checksums=np.arange(100))
    assert all(map(np.array_equal, alone, split(labels, parts, 3)))


@pytest.mark.parametrize("parts", [(0.7, 0.3), (0.6, 0.2, 0.2)])
def test_a_folder_that_is_there_twice(parts):
    labels, checksums = np.repeat([0, 1, 0, 1], 25), np.tile(np.arange(50), 2)
    found = split(labels, parts, checksums=checksums)
    assert {len(one) for one in parts_of_copies(checksums, found)} == {1}
    for share, places in zip(parts, found, strict=True):
        assert np.abs(np.bincount(labels[places]) - 50 * share).max() <= 2
    assert not np.array_equal(found[1], split(labels, parts, 1, checksums=checksums)[1])


@pytest.mark.parametrize(
    ("copies", "parts", "expected"),
    [(75, (0.7, 0.3), [75, 25]), (50, (0.7, 0.3), [70, 30]), (80, (0.7, 0.15, 0.15), [80, 5, 15])],
)
def test_a_class_with_many_copies_of_one_picture(copies, parts, expected):
    checksums = np.append(np.zeros(copies, int), np.arange(1, 101 - copies))
    found = split(np.zeros(100, int), parts, checksums=checksums)
    assert [len(places) for places in found] == expected
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
    assert pictures.checksums.tolist() == [zlib.crc32(image) for image in pictures[:]]
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
        patch.setattr(photos, "_decode_all", lambda *_: pytest.fail("decoded twice"))
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

    def slow(image):
        with lock:
            running.append(image)
            seen.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()
        return real(image)

    with monkeypatch.context() as patch:
        patch.setattr(photos, "_as_rgb", slow)
        patch.setattr(os, "cpu_count", lambda: 64)
        gather(find_images(folder), path)
    return max(seen)


def test_big_pictures_are_decoded_one_by_one(flowers, tmp_path, monkeypatch):
    assert 1 < most_at_once(monkeypatch, flowers, tmp_path / "a.h5") <= 4
    monkeypatch.setattr(photos, "BIG", 96 * 64 - 1)
    assert most_at_once(monkeypatch, flowers, tmp_path / "b.h5") == 1


def test_half_transparent_is_half_white(tmp_path):
    clear = Image.new("RGBA", (64, 64), (*RED, 128))
    found = read_photo(save(clear, tmp_path / "a.png"))
    assert np.abs(found.astype(int) - [227, 142, 147]).max() <= 1


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

    monkeypatch.setattr(photos, "_decode_all", full)
    with pytest.raises(DataError, match=r"No space left.*Expected room for 1 MB"):
        gather(find_images(flowers), path)
    monkeypatch.undo()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1_000_000))
        patch.setattr(photos, "_decode_all", lambda *_: pytest.fail("began without room"))
        with pytest.raises(DataError, match=r"1.4 MB are needed and 1.0 MB are free"):
            gather(find_images(flowers), path)
    assert photos.Pictures(path).checksum == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["flowers", "flowers.h5"]


def test_a_file_that_is_something_else(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1]
    with pytest.raises(DataError, match="no file of gathered pictures"):
        photos.Pictures(tmp_path / "a.h5")

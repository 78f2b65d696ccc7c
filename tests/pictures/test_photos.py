"""Photographs as people have them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from samples import RED, WHITE, plain, save

from resnets.pictures import photos
from resnets.pictures.photos import open_photo, read_photo
from resnets_utils import DataError


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


@pytest.mark.parametrize(
    ("name", "values", "white"),
    [
        ("a.png", np.uint16, 1023),
        ("a.png", np.uint16, 4095),
        ("a.png", np.uint16, 65535),
        ("a.tif", np.int32, 255),
        ("a.tif", np.int32, 65535),
        ("a.tif", np.float32, 1),
        ("a.tif", np.float32, 255),
        ("a.tif", np.float32, 4095),
    ],
)
def test_more_than_eight_bits_keep_their_brightness(tmp_path, name, values, white):
    pixels = np.full((64, 96), 0.5 * white, values)
    pixels[:, :20] = white
    found = read_photo(save(Image.fromarray(pixels), tmp_path / name))
    assert np.abs(found[:, 20:].astype(int) - 127).max() <= 1


@pytest.mark.parametrize("pixels", [np.full((9, 9), -1, np.int32), np.full((9, 9), 1e9, "f4")])
def test_values_without_a_white_are_refused(tmp_path, pixels):
    with pytest.raises(DataError, match=r"its pixels go from .* save it with 8 bits"):
        read_photo(save(Image.fromarray(pixels), tmp_path / "a.tif"))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_colours_are_those_of_the_profile(tmp_path, name):
    """A profile whose red is sRGB's green stands for those of wide-gamut cameras."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags = {tag: profile.index(tag) for tag in (b"rXYZ", b"gXYZ")}
    swapped = bytearray(profile.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")))
    swapped[tags[b"rXYZ"] : tags[b"rXYZ"] + 4] = b"gXYZ"
    swapped[tags[b"gXYZ"] : tags[b"gXYZ"] + 4] = b"rXYZ"
    path = save(plain(colour=(250, 5, 5)), tmp_path / name, icc_profile=bytes(swapped))
    assert np.abs(read_photo(path).astype(int) - (5, 250, 5)).max() < 20
    broken = save(plain(), tmp_path / name, icc_profile=b"no profile")
    assert np.abs(read_photo(broken).astype(int) - RED).max() < 12


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1", "CMYK", "I;16", "F"])
def test_a_big_picture_is_made_smaller_band_by_band(tmp_path, monkeypatch, mode):
    """As if at once: only the memory differs."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 8, 4), np.uint8)
    large = Image.fromarray(noise).resize((800, 1200))
    image = {
        "I;16": lambda: Image.fromarray(np.asarray(large)[..., 0].astype(np.uint16) * 257),
        "F": lambda: Image.fromarray(np.asarray(large)[..., 0].astype(np.float32)),
        "P": lambda: large.convert("RGB").quantize(16),
        "RGBA": lambda: large,
    }.get(mode, lambda: large.convert("RGB").convert(mode))()
    path = save(image, tmp_path / "a.tif")
    at_once = read_photo(path)
    monkeypatch.setattr(photos, "BIG", 1000)
    monkeypatch.setattr(photos, "BAND", 10_000)
    assert min(open_photo(path, 64).size) < 200
    assert np.abs(read_photo(path).astype(int) - at_once).mean() < 4


def test_what_takes_too_much_memory_is_refused(tmp_path, monkeypatch):
    path = save(plain((90, 90), mode="RGBA"), tmp_path / "a.png")
    monkeypatch.setattr(photos, "MOST_BYTES", 90 * 90 * 4)
    read_photo(path)
    monkeypatch.setattr(photos, "MOST_BYTES", 90 * 90 * 4 - 1)
    with pytest.raises(DataError, match=r"a.png: found 90 x 90 pixels.*Make it smaller"):
        read_photo(path)


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


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_telephone_held_otherwise(tmp_path, orientation, name):
    """Whatever the note says was turned comes out with red above and white below."""
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
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    note = {"tiffinfo": {0x0112: orientation}} if name == "a.tif" else {"exif": exif}
    path = save(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / name, **note)
    found = read_photo(path).astype(int)
    assert open_photo(path).size == (96, 64)
    assert np.abs(found[:28] - RED).max() < 20 and found[36:].min() > 235


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
@pytest.mark.parametrize("side", [25_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, side):
    path = save(Image.new("1", (side, side)), tmp_path / "a.png")
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match=r"a.png: found .* pixels, .* MB; expected 400 MB"):
        read_photo(path)


def test_missing_and_locked_files(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no such file"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(DataError, match="found a folder"):
        read_photo(tmp_path)
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError))
    with pytest.raises(DataError, match="Check its permissions"):
        read_photo(save(plain(), tmp_path / "a.png"))


def test_half_transparent_is_half_white(tmp_path):
    clear = Image.new("RGBA", (64, 64), (*RED, 128))
    found = read_photo(save(clear, tmp_path / "a.png"))
    assert np.abs(found.astype(int) - [227, 142, 147]).max() <= 1

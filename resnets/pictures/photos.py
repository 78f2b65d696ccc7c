"""Photographs, as people have them: upright, square, checked arrays come out.

    image = read_photo("me.jpg")

What can't be read is refused by name and with the reason.
"""

import contextlib
import io
import threading
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from resnets_utils import DataError, shown

SIDE = 64  # pixels, of the squares that the networks read
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")  # of Pillow's, no others
ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif"),
    *(".heic", ".heif"),  # refused, with what to do: passing over them would look like a loss
)
HEIF = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
MOST_BYTES = 400_000_000  # of a decoded picture: large JPEGs are decoded smaller, to fewer
Image.MAX_IMAGE_PIXELS = None  # Pillow would warn from less than half of that on, or raise
BIG = 25_000_000  # pixels: of pictures above, whose decoding takes 75 MB or more, one at a time
BAND = 4_000_000  # pixels of a big one that are converted at once
LEVELS = (255, 1023, 4095, 16383, 65535)  # white, in pictures of 8, 10, 12, 14 and 16 bits
_one_big = threading.Lock()


def open_photo(path: str | Path, side: int = 1024) -> Image.Image:
    """Return a photograph as RGB, upright, the first picture of an animation, on white.

    Args:
        path: Any file that Pillow reads.
        side: A large one is made smaller, to no less than this on its shorter side.

    Raises:
        DataError: The file is missing, empty, no image, damaged, HEIC, or too large.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{shown(path)}: found an empty file; expected an image.")
        with Image.open(path, formats=FORMATS) as image:
            image.draft("RGB", (side, side))  # a JPEG is decoded smaller
            size = image.width * image.height * _bytes_of(image)
            if size > MOST_BYTES:
                raise DataError(
                    f"{shown(path)}: found {image.width} x {image.height} pixels, "
                    f"{size / 1e6:,.0f} MB; expected {MOST_BYTES // 10**6} MB or less. Make it "
                    "smaller."
                )
            with _one_big if image.width * image.height > BIG else contextlib.nullcontext():
                return _upright(image, side)
    except DataError:
        raise
    except FileNotFoundError:
        reason = "no such file; expected an image. Check the name"
    except UnidentifiedImageError:
        reason = _kind_of(path)
    except IsADirectoryError:
        reason = "a folder; expected an image"
    except PermissionError:
        reason = "a file that can't be opened; expected one you may read. Check its permissions"
    # A damaged file makes Pillow's decoders raise nearly anything.
    except Exception as error:
        reason = f"an image that can't be read to its end ({error}); expected a whole one"
    raise DataError(f"{shown(path)}: found {reason}.") from None


def read_photo(path: str | Path, side: int = SIDE) -> np.ndarray:
    """Return the middle square of a photograph, uint8 (side, side, 3); see `open_photo`."""
    return square(open_photo(path, side), side)


def _bytes_of(image: Image.Image) -> int:
    """Return how many bytes a decoded pixel takes."""
    return 4 if image.mode[0] in "IF" else len(image.getbands())


def _upright(image: Image.Image, side: int) -> Image.Image:
    """Return an image as RGB, made smaller where it is big, and turned as its EXIF note says.

    Read to its end first: that is when Pillow turns a TIFF by itself, and drops its note.
    """
    image.load()
    note = image.getexif() if _has_note(image) else None
    small = _as_srgb(_small(image, side), image.info.get("icc_profile"))
    if note is None:
        return small
    small.getexif()[ExifTags.Base.Orientation] = note[ExifTags.Base.Orientation]
    return ImageOps.exif_transpose(small)


def _has_note(image: Image.Image) -> bool:
    """Whether an image says how it was turned, in bytes that can be read."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in range(2, 9)
    # The note is a stranger's bytes, and worth no photograph.
    except Exception:
        return False


def _small(image: Image.Image, side: int) -> Image.Image:
    """Return an image as RGB; a big one is made smaller first, band by band, to save memory."""
    white = _white(image)
    factor = min(image.size) // (2 * side) if image.width * image.height > BIG else 1
    if factor < 2:
        return _as_rgb(image, white)
    small = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, BAND // (image.width * factor))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(_as_rgb(band, white).reduce(factor), (0, top // factor))
    return small


def _white(image: Image.Image) -> float:
    """Return the value that is white in an image of one channel of more than 8 bits, else 255.

    Raises:
        ValueError: No such value can be told.
    """
    if image.mode[0] not in "IF":
        return 255
    low, high = image.getextrema()
    if image.mode == "F" and 0 <= low <= high <= 1:
        return 1.0
    white = next((level for level in LEVELS if 0 <= low <= high <= level), None)
    if white is None:
        raise ValueError(f"its pixels go from {low:g} to {high:g}: save it with 8 bits")
    return white


def _as_rgb(image: Image.Image, white: float = 255) -> Image.Image:
    """Return any of Pillow's kinds of image as RGB, what is transparent as white."""
    if image.mode[0] in "IF":
        grey = np.asarray(image, np.float32) * (255 / white)
        return Image.fromarray(np.round(grey).astype(np.uint8)).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        clear = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(clear, mask=clear)
        return paper
    return image.convert("RGB")


def _as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an image with the colours that its profile gives it: some telephones' are wider."""
    if profile is None:
        return image
    # A profile is a stranger's bytes too: one that can't be used is as none.
    with contextlib.suppress(Exception):
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" not in ImageCms.getProfileDescription(own):
            return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"))
    return image


def _kind_of(path: Path) -> str:
    """Return what an unknown file is, what was expected, and what helps."""
    with path.open("rb") as file:
        start = file.read(16)
    if start[4:8] == b"ftyp" and start[8:12] in HEIF:
        return (
            "a HEIC photograph, which this project does not read; expected JPEG or PNG. Export it "
            "as JPEG (a telephone's camera settings call it most compatible)"
        )
    return f"a file that begins with {start[:8]!r} and is no image; expected JPEG or PNG"


def square(image: Image.Image, side: int = SIDE) -> np.ndarray:
    """Return the largest square in an image's middle, uint8 (side, side, 3)."""
    cut = min(image.size)
    left, up = (image.width - cut) / 2, (image.height - cut) / 2
    box = (left, up, left + cut, up + cut)
    small = image.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=3)
    return np.asarray(small)

"""Photographs and labelled folders, as people have them: checked arrays come out.

    image = read_photo("me.jpg")                        one picture, upright, square, uint8
    folder = find_images("flowers")                     a folder per class
    pictures = gather(folder, "build/flowers.h5")       decoded once, then read from there
    training, held_out = split(pictures.labels, (0.9, 0.1))

What can't be read is refused by name and with the reason, and the rest goes on.
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm.auto import tqdm

from resnets.whole_files import replacing
from resnets_utils import DataError

SIDE = 64  # pixels, of the squares that the networks read
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")  # of Pillow's, no others
ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
# HEIC is refused, with what to do: passing over it in silence would look like a loss.
ENDINGS += (".avif", ".heic", ".heif")
HEIF = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
MOST_PIXELS = 200_000_000  # the largest telephones' photographs have as many
Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # Pillow itself warns from less than half of that on
TURNS = {  # what makes a picture upright, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BLOCK = 256  # pictures that are decoded at once, however many there are


# --- one photograph -------------------------------------------------------------------------------


def open_photo(path: str | Path, side: int = 0) -> Image.Image:
    """Return a photograph as RGB, upright, the first picture of an animation, on white.

    Args:
        path: Any file that Pillow reads.
        side: A JPEG may be decoded smaller, to no less than this on its shorter side; 0: whole.

    Raises:
        DataError: The file is missing, empty, no image, damaged, HEIC, or has too many pixels.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: found an empty file; expected an image.")
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:  # Pillow warns here, and raises later
                raise Image.DecompressionBombError
            if side:
                image.draft("RGB", (side, side))
            return _as_rgb(_upright(image))
    except DataError:
        raise
    except Image.DecompressionBombError:
        reason = f"more than {MOST_PIXELS // 10**6} million pixels; expected fewer. Make it smaller"
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
    raise DataError(f"{path}: found {reason}.") from None


def _upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its EXIF data say; where they can't be read, as it is."""
    try:
        turn = TURNS.get(image.getexif().get(0x0112))
    # The tag is a stranger's bytes, and worth no photograph.
    except Exception:
        turn = None
    return image if turn is None else image.transpose(turn)


def _as_rgb(image: Image.Image) -> Image.Image:
    """Return any of Pillow's kinds of image as RGB, what is transparent as white."""
    if image.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode == "F":
        raise ValueError("its pixels are decimal numbers: save it with 8 bits")
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


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


def read_photo(path: str | Path, side: int = SIDE) -> np.ndarray:
    """Return the middle square of a photograph, uint8 (side, side, 3); see `open_photo`."""
    return square(open_photo(path, side), side)


# --- a labelled folder ----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class LabelledFolder:
    """Image files of a folder that has a folder for each class.

    Attributes:
        root: The folder.
        paths: m files, class by class, sorted by name.
        labels: int64 (m,), which of the classes each is of.
        classes: The folders' names, sorted; by value where all of them are numbers.
    """

    root: Path
    paths: list[Path]
    labels: np.ndarray
    classes: list[str]


def find_images(folder: str | Path, leave_out: Sequence[str] = ()) -> LabelledFolder:
    """List the image files of a folder that has a folder for each class; open none of them.

    Args:
        folder: For example `flowers`, with `flowers/daisy/1.jpg`, `flowers/rose/2.png`. Other
            files, and what begins with a dot or an underscore, are passed over.
        leave_out: Names of class folders to pass over, as Caltech-101's `BACKGROUND_Google`.

    Raises:
        DataError: The folder is missing, has fewer than two classes, or one without an image; a
            name to leave out is not there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            f"{folder}: found no such folder; expected one with a folder of images per class."
        )
    inside = [p for p in _listing(folder) if p.is_dir() and not p.name.startswith((".", "_"))]
    if unknown := set(leave_out) - {p.name for p in inside}:
        raise DataError(
            f"{folder}: found no class {', '.join(sorted(unknown))} to leave out; expected one of "
            f"{some(sorted(p.name for p in inside))}."
        )
    inside = [p for p in inside if p.name not in leave_out]
    numbers = all(p.name.isdecimal() for p in inside)
    inside.sort(key=lambda p: (int(p.name), p.name) if numbers else p.name)
    if len(inside) < 2:
        raise DataError(
            f"{folder}: found {some([p.name for p in inside]) or 'no class'}; expected two or "
            f"more folders, one per class.{_deeper(inside)}"
        )
    files = [sorted(p for p in _listing(one) if _is_image(p)) for one in inside]
    for one, found in zip(inside, files, strict=True):
        if not found:
            raise DataError(
                f"{one}: found no image; expected some, ending in .jpg or .png, in each class's "
                f"folder.{_deeper([one])}"
            )
    labels = np.repeat(np.arange(len(files)), [len(found) for found in files])
    paths = list(itertools.chain.from_iterable(files))
    return LabelledFolder(folder, paths, labels, [printable(p.name) for p in inside])


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{folder}: found a folder that can't be listed ({error.strerror}); expected one you "
            "may read. Check its permissions."
        ) from None


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()


def _deeper(folders: list[Path]) -> str:
    """Return a hint where the classes' folders seem to lie one level farther down."""
    for one in folders:
        if sum(p.is_dir() for p in _listing(one)) >= 2:
            return f" Its folders lie deeper: give {one}?"
    return ""


def some(names: Sequence[str], most: int = 8) -> str:
    """Return names with commas, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def split(
    labels: np.ndarray,
    parts: Sequence[float] = (0.7, 0.3),
    seed: int = 0,
    classes: Sequence[str] | None = None,
) -> list[np.ndarray]:
    """Return disjoint parts of a set, each class in each part by its share.

    Args:
        labels: Whole numbers (m,).
        parts: Two or more shares that add up to 1: 70/30 is (0.7, 0.3).
        seed: 0 or more; decides what goes where.
        classes: Names for the message.

    Returns:
        For each part the places (k,) of its images, in order. Rounding goes to the first part.

    Raises:
        DataError: A class is too small to be in all parts; impossible shares.
    """
    if len(parts) < 2 or min(parts) <= 0 or abs(sum(parts) - 1) > 1e-6:
        raise DataError(f"split: found the shares {tuple(parts)}; expected some that add up to 1.")
    found = [[] for _ in parts]
    for label in np.unique(labels):
        places = np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))
        counts = [int(share * len(places) + 1e-9) for share in parts[1:]]
        ends = np.cumsum([len(places) - sum(counts), *counts])
        if min(np.diff(ends, prepend=0)) < 1:
            name = classes[label] if classes else label
            needed = int(np.ceil(1 / min(parts) - 1e-9))
            raise DataError(
                f"class {name}: found {len(places)} images, too few to split "
                f"{'/'.join(f'{100 * share:g}' for share in parts)}; expected {needed} or more."
            )
        for part, chosen in zip(found, np.split(places, ends[:-1]), strict=True):
            part.append(chosen)
    return [np.sort(np.concatenate(part)) for part in found]


# --- many images ----------------------------------------------------------------------------------


class Pictures:
    """Images in a file of `gather`, read as they are asked for: memory does not grow with them.

    Attributes:
        labels: int64 (m,).
        classes: Names.
        refused: Names of files that could not be read, with the reasons.
        shape: (m, side, side, 3).
        checksum: Of the images.
    """

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(self, path: str | Path, places: np.ndarray | None = None):
        """Open a file; with `places` (k,), only those images of it."""
        self.path = Path(path)
        try:
            self.file = h5py.File(self.path)
            self.classes = list(self.file["classes"].asstr()[()])
            self.refused = list(self.file["refused"].asstr()[()])
            labels, self.checksum = self.file["labels"][()], int(self.file.attrs["checksum"])
            self.images = self.file["images"]
        except (OSError, KeyError) as error:
            raise DataError(
                f"{self.path}: found no file of gathered pictures ({error}). Delete it."
            ) from None
        self.places = np.arange(len(labels)) if places is None else np.asarray(places)
        self.labels = labels[self.places]
        self.shape = (len(self.places), *self.images.shape[1:])
        if places is not None:
            self.checksum = zlib.crc32(self.places.tobytes(), self.checksum)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.places)

    def __getitem__(self, chosen) -> np.ndarray:
        """Return the images, uint8 (k, side, side, 3), at some places, a slice or numbers (k,)."""
        rows = np.atleast_1d(self.places[chosen])
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for k, row in enumerate(rows):
            self.images.read_direct(found, np.s_[row], np.s_[k])
        return found

    def part(self, places: np.ndarray) -> "Pictures":
        """Return some of the images, by their places (k,), as another view of the file."""
        return Pictures(self.path, self.places[places])


def gather(folder: LabelledFolder, path: str | Path, side: int = SIDE) -> Pictures:
    """Decode all images of a folder into one file, once; what can't be read is named and left out.

    A file that is there already is taken as it is, if the folder's files have not changed.

    Args:
        folder: From `find_images`.
        path: The file, ending in .h5; its folder is made.
        side: Pixels per side.

    Raises:
        DataError: No image of a class could be read; the file can't be written.
    """
    path = Path(path)
    wanted = _fingerprint(folder, side)
    if path.exists():
        with contextlib.suppress(OSError), h5py.File(path) as file:  # a damaged one is made anew
            if file.attrs.get("fingerprint") == wanted:
                return _named(Pictures(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new, h5py.File(new, "w") as file:
            _decode_all(folder, side, file)
            file.attrs["fingerprint"] = wanted
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as RuntimeError
        raise DataError(
            f"{path}: the pictures could not be written ({error}). Expected room for "
            f"{len(folder.paths) * side**2 * 3 / 1e6:,.0f} MB; free some, or name another file."
        ) from None
    return _named(Pictures(path))


def _named(pictures: Pictures) -> Pictures:
    """Print what was left out of a folder."""
    for line in pictures.refused:
        print(f"left out: {line}")
    return pictures


def checksum_of_text(text: str) -> int:
    """Return a number that changes with a text."""
    return zlib.crc32(text.encode(errors="surrogateescape"))


def _fingerprint(folder: LabelledFolder, side: int) -> str:
    """Return what changes when a file is added, taken away or written anew."""
    value = zlib.crc32(repr((side, folder.classes)).encode())
    for path, label in zip(folder.paths, folder.labels, strict=True):
        facts = path.stat()
        line = f"{path.name} {label} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
        value = zlib.crc32(line.encode(errors="surrogateescape"), value)
    return f"{len(folder.paths)} files, {value:08x}"


def _read_or_reason(path: Path, side: int) -> np.ndarray | str:
    try:
        return read_photo(path, side)
    except DataError as error:
        return printable(str(error))


def printable(text: str) -> str:
    """Return a text without what no screen shows: names of files may hold bytes of other times."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _decode_all(folder: LabelledFolder, side: int, file: h5py.File) -> None:
    """Fill a file with what can be read of a folder, block by block."""
    images = file.create_dataset("images", (len(folder.paths), side, side, 3), np.uint8)
    labels, refused, checksum = [], [], 0
    todo = zip(folder.paths, folder.labels, strict=True)
    with (
        concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(folder.paths), unit="image", desc=f"reading {folder.root.name}") as bar,
    ):
        while block := list(itertools.islice(todo, BLOCK)):
            results = list(pool.map(lambda one: _read_or_reason(one[0], side), block))
            whole = [k for k, result in enumerate(results) if not isinstance(result, str)]
            refused += [result for result in results if isinstance(result, str)]
            if whole:
                pixels = np.stack([results[k] for k in whole])
                images[len(labels) : len(labels) + len(whole)] = pixels
                checksum = zlib.crc32(pixels, checksum)
            labels += [int(block[k][1]) for k in whole]
            bar.update(len(block))
    missing = sorted(set(range(len(folder.classes))) - set(labels))
    if missing:
        name = folder.classes[missing[0]]
        raise DataError(
            f"{folder.root}: found no image that can be read in the class "
            f"{name}; expected some. "
            + next((line for line in refused if f"{os.sep}{name}{os.sep}" in line), "")
        )
    file["labels"] = np.array(labels, np.int64)
    for name, lines in (("classes", folder.classes), ("refused", refused)):
        file.create_dataset(name, data=lines, shape=len(lines), dtype=h5py.string_dtype())
    file.attrs["checksum"] = checksum

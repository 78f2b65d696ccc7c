"""Photographs and labelled folders, as people have them: checked arrays come out.

    image = read_photo("me.jpg")                        one picture, upright, square, uint8
    folder = find_images("flowers")                     a folder per class
    pictures = gather(folder, "build/flowers.h5")       decoded once, then read from there
    training, held_out = split(pictures.labels, (0.9, 0.1))

What can't be read is refused by name and with the reason, and the rest goes on.
"""

import concurrent.futures
import contextlib
import copy
import dataclasses
import itertools
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm.auto import tqdm

from resnets.atomic_files import replacing
from resnets_utils import DataError, shown

SIDE = 64  # pixels, of the squares that the networks read
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")  # of Pillow's, no others
ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif"),
    *(".heic", ".heif"),  # refused, with what to do: passing over them would look like a loss
)
HEIF = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
MOST_PIXELS = 200_000_000  # the largest telephones' photographs have as many
Image.MAX_IMAGE_PIXELS = None  # Pillow would warn from less than half of that on, or raise
BIG = 25_000_000  # pixels: of images above, whose decoding takes 100 MB or more, one at a time
_one_big = threading.Lock()
BLOCK = 256  # pictures that are kept decoded, however many there are
READERS = 4  # threads at most
LAYOUT = 2  # of the files of `gather`: one of another layout is made anew


# --- one photograph -------------------------------------------------------------------------------


def open_photo(path: str | Path, side: int = 0) -> Image.Image:
    """Return a photograph as RGB, upright, the first picture of an animation, on white.

    Args:
        path: Any file that Pillow reads.
        side: A JPEG may be decoded smaller, to no less than this on its shorter side; 0: whole.

    Raises:
        DataError: The file is missing, empty, no image, damaged, HEIC, or has too many pixels.
    """
    return _read(path, side, lambda image: image)


def read_photo(path: str | Path, side: int = SIDE) -> np.ndarray:
    """Return the middle square of a photograph, uint8 (side, side, 3); see `open_photo`."""
    return _read(path, side, lambda image: square(image, side))


def _read(path: str | Path, side: int, use: Callable[[Image.Image], Any]) -> Any:
    """Return what `use` makes of a photograph; see `open_photo` for the rest."""
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{shown(path)}: found an empty file; expected an image.")
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(
                    f"{path}: found more than {MOST_PIXELS // 10**6} million pixels; expected "
                    "fewer. Make it smaller."
                )
            if side:
                image.draft("RGB", (side, side))
            big = image.width * image.height > BIG
            with _one_big if big else contextlib.nullcontext():
                return use(_as_rgb(_upright(image)))
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


def _upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its EXIF data say; where they can't be read, as it is.

    Read to its end first: that is when Pillow turns a TIFF by itself, and drops its note.
    """
    image.load()
    # The note is a stranger's bytes, and worth no photograph.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _as_rgb(image: Image.Image) -> Image.Image:
    """Return any of Pillow's kinds of image as RGB, what is transparent as white."""
    if image.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode == "F":
        raise ValueError("its pixels are decimal numbers: save it with 8 bits")
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        if image.mode != "RGBA":  # huge ones want no copy
            image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image)
        return white
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


# --- a labelled folder ----------------------------------------------------------------------------


class Files(Sequence):
    """Files of some folders, in order: their names are kept, and a path is made when asked for.

    100,000 paths take 35 MB, their names 8 MB.
    """

    def __init__(self, folders: Sequence[Path], names: Sequence[Sequence[str]]):
        """Take folders, and for each the names of its files."""
        self.folders, self.names = folders, list(itertools.chain.from_iterable(names))
        self.ends = np.cumsum([len(own) for own in names])

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.names)

    def __getitem__(self, index):
        """Return the path at an index, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        name, index = self.names[index], index % len(self)
        return self.folders[np.searchsorted(self.ends, index, side="right")] / name


@dataclasses.dataclass(frozen=True)
class LabelledFolder:
    """Image files of a folder that has a folder for each class.

    Attributes:
        root: The folder.
        paths: m files, class by class, sorted by name; made as they are asked for.
        labels: int64 (m,), which of the classes each is of.
        classes: The folders' names, sorted; by value where all of them are numbers.
    """

    root: Path
    paths: Sequence[Path]
    labels: np.ndarray
    classes: list[str]


def find_images(folder: str | Path, leave_out: Sequence[str] = ()) -> LabelledFolder:
    """List the image files of a folder that has a folder for each class; open none of them.

    Args:
        folder: For example `flowers`, with `flowers/daisy/1.jpg`, `flowers/rose/2.png`. Other
            files, whatever begins with a dot, and folders that begin with an underscore are passed
            over.
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
    names = [_images_in(one) for one in inside]
    for one, found in zip(inside, names, strict=True):
        if not found:
            raise DataError(
                f"{one}: found no image; expected some, ending in .jpg or .png, in each class's "
                f"folder.{_deeper([one])}"
            )
    labels = np.repeat(np.arange(len(names)), [len(found) for found in names])
    classes = [printable(p.name) for p in inside]
    return LabelledFolder(folder, Files(inside, names), labels, classes)


def _listing(folder: Path) -> list[Path]:
    with _listed(folder) as entries:
        return [folder / entry.name for entry in entries]


def _images_in(folder: Path) -> list[str]:
    """Return the names of a folder's images, sorted."""
    with _listed(folder) as entries:
        return sorted(entry.name for entry in entries if _is_image(entry))


@contextlib.contextmanager
def _listed(folder: Path) -> Iterator[Iterator[os.DirEntry]]:
    """Open a folder to be listed, or say that it can't be."""
    try:
        with os.scandir(folder) as entries:
            yield entries
    except OSError as error:
        raise DataError(
            f"{folder}: found a folder that can't be listed ({error.strerror}); expected one you "
            "may read. Check its permissions."
        ) from None


def _is_image(entry: os.DirEntry) -> bool:
    ending = os.path.splitext(entry.name)[1]  # noqa: PTH122  a Path for each is what this avoids
    return ending.lower() in ENDINGS and not entry.name.startswith(".") and entry.is_file()


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
    checksums: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Return disjoint parts of a set, each class in each part by its share.

    Copies of one picture stay in one part: what is learned must not be held out. That is the first
    part, as long as it has room, so that what is held out has no copies at all.

    Args:
        labels: Whole numbers (m,).
        parts: Two or more shares that add up to 1: 70/30 is (0.7, 0.3).
        seed: 0 or more; decides what goes where.
        classes: Names for the message.
        checksums: Of the images (m,), equal for copies; None: there are no copies.

    Returns:
        For each part the indices (k,) of its images, in order. Rounding goes to the first part.
        Where a class has more copies than its first part has room for, shares are approximate.

    Raises:
        DataError: A class is too small to be in all parts; impossible shares.
    """
    if len(parts) < 2 or min(parts) <= 0 or abs(sum(parts) - 1) > 1e-6:
        raise DataError(f"split: found the shares {tuple(parts)}; expected some that add up to 1.")
    checksums = np.arange(len(labels)) if checksums is None else np.asarray(checksums)
    _, group, copies = np.unique(checksums, return_inverse=True, return_counts=True)
    has_copies = copies[group] > 1
    found = [[] for _ in parts]
    for label in np.unique(labels):
        indices = np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))
        indices = _copies_first(indices, checksums, has_copies)
        counts = [int(share * len(indices) + 1e-9) for share in parts[1:]]
        ends = np.cumsum([len(indices) - sum(counts), *counts])
        for k, end in enumerate(ends[:-1]):
            ends[k] = _not_between_copies(end, checksums[indices], ends[k - 1] if k else 0)
        if min(np.diff(ends, prepend=0)) < 1:
            name = classes[label] if classes else label
            needed = int(np.ceil(1 / min(parts) - 1e-9))
            different = len(np.unique(checksums[indices]))
            but = f", only {different} of them different" if different < len(indices) else ""
            raise DataError(
                f"class {name}: found {len(indices)} images{but}, too few to split "
                f"{'/'.join(f'{100 * share:g}' for share in parts)}; expected {needed} or more."
            )
        for part, chosen in zip(found, np.split(indices, ends[:-1]), strict=True):
            part.append(chosen)
    return [np.sort(np.concatenate(part)) for part in found]


def _copies_first(indices: np.ndarray, checksums: np.ndarray, has_copies: np.ndarray) -> np.ndarray:
    """Return indices (k,) with copies at the beginning, side by side, and the rest as it was."""
    _, first, group = np.unique(checksums[indices], return_index=True, return_inverse=True)
    key = np.where(has_copies[indices], first[group], len(indices))
    return indices[np.argsort(key, kind="stable")]


def _not_between_copies(end: int, checksums: np.ndarray, start: int) -> int:
    """Return the end of a part, moved down where it would fall between copies; up, if none is left.

    Args:
        end: In 1 to k.
        checksums: (k,), copies side by side.
        start: Of the part.
    """
    borders = np.flatnonzero(np.diff(checksums)) + 1
    borders = np.concatenate([[0], borders, [len(checksums)]])
    below = borders[borders <= end].max()
    return below if below > start else borders[borders >= end].min()


# --- many images ----------------------------------------------------------------------------------


class Pictures:
    """Images in a file of `gather`, read as they are asked for: memory does not grow with them.

    Attributes:
        labels: int64 (m,).
        classes: Names.
        refused: Names of files that could not be read, with the reasons.
        shape: (m, side, side, 3).
        checksum: Of the images, all together.
        checksums: uint32 (m,), of each: equal for copies.
    """

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(self, path: str | Path):
        """Open a file."""
        self.path = Path(path)
        try:
            self.file = h5py.File(self.path)
            self.classes = list(self.file["classes"].asstr()[()])
            self.refused = list(self.file["refused"].asstr()[()])
            self.labels, self.checksums = self.file["labels"][()], self.file["checksums"][()]
            self.checksum = int(self.file.attrs["checksum"])
            self.images = self.file["images"]
        except (OSError, KeyError) as error:
            raise DataError(
                f"{self.path}: found no file of gathered pictures ({error}). Delete it."
            ) from None
        self.indices = np.arange(len(self.labels))
        self.shape = self.images.shape

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.indices)

    def __getitem__(self, chosen) -> np.ndarray:
        """Return the images, uint8 (k, side, side, 3), at some indices (k,) or in a slice."""
        rows = np.atleast_1d(self.indices[chosen])
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for k, row in enumerate(rows):
            self.images.read_direct(found, np.s_[row], np.s_[k])
        return found

    def part(self, indices: np.ndarray) -> "Pictures":
        """Return some of the images, by indices (k,), as another view of the open file."""
        part = copy.copy(self)
        part.indices = self.indices[indices]
        part.labels, part.checksums = self.labels[indices], self.checksums[indices]
        part.shape = (len(part.indices), *self.shape[1:])
        part.checksum = zlib.crc32(part.indices.tobytes(), self.checksum)
        return part


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
    wanted, room = _fingerprint(folder, side), len(folder.paths) * (side**2 * 3 + 256) + 10**6
    if path.exists():
        with contextlib.suppress(OSError), h5py.File(path) as file:  # a damaged one is made anew
            if file.attrs.get("fingerprint") == wanted:
                return _named(Pictures(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, room) as new, h5py.File(new, "w") as file:
            _decode_all(folder, side, file)
            file.attrs["fingerprint"] = wanted
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as RuntimeError
        raise DataError(
            f"{path}: the pictures could not be written ({error}). Expected room for "
            f"{room / 1e6:,.0f} MB; free some, or name another file."
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
    value = zlib.crc32(repr((LAYOUT, side, folder.classes)).encode())
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
    labels, checksums, refused, checksum = [], [], [], 0
    todo = zip(folder.paths, folder.labels, strict=True)
    with (
        concurrent.futures.ThreadPoolExecutor(min(READERS, os.cpu_count() or 1)) as pool,
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
                checksums += map(zlib.crc32, pixels)
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
    file["checksums"] = np.array(checksums, np.uint32)
    for name, lines in (("classes", folder.classes), ("refused", refused)):
        file.create_dataset(name, data=lines, shape=len(lines), dtype=h5py.string_dtype())
    file.attrs["checksum"] = checksum

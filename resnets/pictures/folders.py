"""Labelled folders, as people have them: a folder of pictures per class.

    folder = find_images("flowers")                     lists, opens nothing
    pictures = gather(folder, "build/flowers.h5")       decoded once, then read from there
    training, held_out = split(pictures.labels, (0.9, 0.1))

What can't be read, and what is not taken, is named and counted, and the rest goes on.
"""

import concurrent.futures
import contextlib
import copy
import dataclasses
import hashlib
import itertools
import os
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
from tqdm.auto import tqdm

from resnets.atomic_files import replacing
from resnets.pictures.photos import ENDINGS, SIDE, read_photo
from resnets_utils import DataError, printable, shown

BLOCK = 256  # pictures that are kept decoded, however many there are
READERS = 4  # threads at most
LAYOUT = 3  # of the files of `gather`: one of another layout is made anew
NO_CLASSES = (".", "_", "@", "$")  # how the names of systems' own folders begin
PARTS = {"train", "training", "valid", "validation", "val", "test", "testing"}  # of an export


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
        passed_over: What else lies there, counted by kind, a line for each.
    """

    root: Path
    paths: Sequence[Path]
    labels: np.ndarray
    classes: list[str]
    passed_over: list[str] = dataclasses.field(default_factory=list)


def find_images(folder: str | Path, leave_out: Sequence[str] = ()) -> LabelledFolder:
    """List the image files of a folder that has a folder for each class; open none of them.

    Args:
        folder: For example `flowers`, with `flowers/daisy/1.jpg`, `flowers/rose/2.png`. Folders
            whose names begin with one of `._@$`, which systems make, are no classes.
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
    listing = _listing(folder)
    inside = [p for p in listing if p.is_dir() and not p.name.startswith(NO_CLASSES)]
    if unknown := set(leave_out) - {p.name for p in inside}:
        raise DataError(
            f"{shown(folder)}: found no class {some(sorted(unknown))} to leave out; expected one "
            f"of {some(sorted(p.name for p in inside))}."
        )
    inside = [p for p in inside if p.name not in leave_out]
    names = sorted({class_name(p) for p in inside})
    if len(names) < 2:
        raise DataError(
            f"{shown(folder)}: found {some(names) or 'no class'}; expected two or more folders, "
            f"one per class.{_deeper(inside)}"
        )
    if set(map(str.lower, names)) <= PARTS:
        raise DataError(
            f"{shown(folder)}: found {some(names)}, the parts of a set that is split already; "
            f"expected a folder per class. Give one of them, such as {shown(inside[0])}, or put "
            "the pictures of all parts together: they are split by class here."
        )
    if all(name.isdecimal() for name in names):
        names.sort(key=lambda name: (int(name), name))
    # By class: an accent may be written in two ways, in two folders of one class.
    inside.sort(key=lambda p: (names.index(class_name(p)), p.name))
    passed, files = Counter(), []
    for one in inside:
        images, others = _images_in(one)
        files.append(images)
        passed += others
        if not images:
            raise DataError(
                f"{shown(one)}: found no image{_as_text(others)}; expected some, ending in .jpg "
                f"or .png, in each class's folder.{_deeper([one])}"
            )
    passed["beside the classes' folders"] = sum(not p.is_dir() for p in listing)
    of_folder = [names.index(class_name(p)) for p in inside]
    labels = np.repeat(of_folder, [len(images) for images in files])
    lines = [f"{count} {kind}" for kind, count in sorted(passed.items()) if count]
    return LabelledFolder(folder, Files(inside, files), labels, names, lines)


def class_name(folder: Path) -> str:
    """Return the class that a folder is for, accents in one form (NFC)."""
    return printable(unicodedata.normalize("NFC", folder.name))


def _as_text(passed: Counter) -> str:
    """Return what was passed over in one folder, for a message."""
    return f" ({some([f'{count} {kind}' for kind, count in sorted(passed.items())])})" * bool(
        passed
    )


def _listing(folder: Path) -> list[Path]:
    with _listed(folder) as entries:
        return [folder / entry.name for entry in entries]


def _images_in(folder: Path) -> tuple[list[str], Counter]:
    """Return the names of a folder's images, sorted, and what else is there, counted by kind."""
    images, passed = [], Counter()
    with _listed(folder) as entries:
        for entry in entries:
            ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122  faster than a Path
            if entry.name.startswith("."):
                passed["hidden"] += 1
            elif not entry.is_file():
                passed["in folders" if entry.is_dir() else "that are no files"] += 1
            elif ending not in ENDINGS:
                passed[f"ending in {printable(ending)}" if ending else "without an ending"] += 1
            else:
                images.append(entry.name)
    return sorted(images), passed


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


def _deeper(folders: list[Path]) -> str:
    """Return a hint where the classes' folders seem to lie one level farther down."""
    for one in folders:
        if sum(p.is_dir() for p in _listing(one)) >= 2:
            return f" Its folders lie deeper: give {shown(one)}?"
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
    part, as long as it has room, so that what is held out has no copies at all; copies in several
    classes are always in the first part.

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
    pairs = np.unique(np.stack([group, labels]), axis=1)[0]  # each picture once for each class
    in_classes = np.bincount(pairs, minlength=len(copies))[group]
    found = [[] for _ in parts]
    for label in np.unique(labels):
        indices = np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))
        order = np.where(in_classes[indices] > 1, 0, np.where(has_copies[indices], 1, 2))
        indices = _copies_first(indices, checksums, order)
        least = np.count_nonzero(order == 0)
        counts = [int(share * len(indices) + 1e-9) for share in parts[1:]]
        first = max(len(indices) - sum(counts), least)
        if first > len(indices) - sum(counts):  # what is left is shared out as before
            rest = len(indices) - first
            counts = [max(1, rest * count // max(sum(counts), 1)) for count in counts]
            counts[-1] = max(rest - sum(counts[:-1]), 0)
        ends = np.cumsum([first, *counts])
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


def _copies_first(indices: np.ndarray, checksums: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return indices (k,) by `order` (k,), 0 to 2; those of 0 and 1, copies, side by side."""
    _, first, group = np.unique(checksums[indices], return_index=True, return_inverse=True)
    key = np.where(order < 2, first[group], 0)
    return indices[np.lexsort((key, order))]


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
        checksums: uint64 (m,), of each: equal for copies.
        conflicts: Pictures that lie in several classes, a line for each, the first ones.
    """

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(self, path: str | Path):
        """Open a file."""
        self.path = Path(path)
        try:
            self.file = h5py.File(self.path)
            self.classes = list(self.file["classes"].asstr()[()])
            self.refused = list(self.file["refused"].asstr()[()])
            self.conflicts = list(self.file["conflicts"].asstr()[()])
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
                return _named(Pictures(path), folder)
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
    return _named(Pictures(path), folder)


def _named(pictures: Pictures, folder: LabelledFolder) -> Pictures:
    """Print what was left out of a folder, and what contradicts itself."""
    for line in pictures.refused:
        print(f"left out: {line}")
    for line in folder.passed_over:
        print(f"not taken: {line}")
    for line in pictures.conflicts:
        print(f"one picture, several classes: {line}")
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


def _decode_all(folder: LabelledFolder, side: int, file: h5py.File) -> None:
    """Fill a file with what can be read of a folder, block by block."""
    images = file.create_dataset("images", (len(folder.paths), side, side, 3), np.uint8)
    labels, checksums, refused, taken, checksum = [], [], [], [], 0
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
                checksums += map(_checksum, pixels)
                taken += [block[k][0] for k in whole]
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
    file["checksums"] = np.array(checksums, np.uint64)
    conflicts = _conflicts(np.array(checksums, np.uint64), np.array(labels), taken)
    texts = (("classes", folder.classes), ("refused", refused), ("conflicts", conflicts))
    for name, lines in texts:
        file.create_dataset(name, data=lines, shape=len(lines), dtype=h5py.string_dtype())
    file.attrs["checksum"] = checksum


def _checksum(pixels: np.ndarray) -> int:
    """Return 64 bits of an image's content: of 100,000 different ones, no two are likely alike."""
    return int.from_bytes(hashlib.blake2b(pixels.tobytes(), digest_size=8).digest(), "big")


def _conflicts(checksums: np.ndarray, labels: np.ndarray, paths: Sequence[Path]) -> list[str]:
    """Return a line for each picture that lies in several classes, for the first ten of them."""
    _, group, copies = np.unique(checksums, return_inverse=True, return_counts=True)
    lines = []
    for one in np.flatnonzero(copies > 1):
        same = np.flatnonzero(group == one)
        if len(np.unique(labels[same])) > 1:
            names = [printable(f"{paths[k].parent.name}/{paths[k].name}") for k in same]
            lines.append(" and ".join(names[:4]))
    more = [f"and {len(lines) - 10} more"] if len(lines) > 10 else []
    return lines[:10] + more

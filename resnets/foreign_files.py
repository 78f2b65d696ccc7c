"""Files that others made: what they are, before anything of them is read.

A file may promise more than it holds, point to other files, or be no file at all. `Foreign` says
what was found; the caller adds the file's name, what it expected, and the remedy.
"""

import errno
import math
import os
import re
import stat
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import h5py

LARGEST = 10**9  # bytes that a file may hold once it is decoded
# HDF5 and zip can say in a few bytes what fills the memory. Pictures shrink to a half, trained
# weights hardly; a file of blanks is of no use.
RATIO, HARMLESS = 50, 2**26
CHUNK = 2**26  # bytes of an HDF5 chunk, which HDF5 holds in memory whole
LOSSLESS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_LZF: "lzf",
}


class Foreign(ValueError):
    """A file that is not read; the text names what was found, as in "found {error}"."""


def shortened(value: object, most: int = 60) -> str:
    """Return a stranger's value as a message may quote it: short, and of printable characters."""
    text = str(value)
    cut = "".join(c if c.isprintable() else "?" for c in text[:most])
    return cut if len(text) <= most else f"{cut}... ({len(text):,} characters)"


# --- what the system says -------------------------------------------------------------------------


class Trouble(NamedTuple):
    """What kept the system from reading a file, though the file may be whole, and the way out."""

    found: str
    remedy: str


_TROUBLES = [
    (
        ("EAGAIN", "EWOULDBLOCK", "EBUSY", "ETXTBSY", "EDEADLK"),
        "a file that another process has locked",
        "Close the program or the notebook that writes it, and try again.",
    ),
    (
        ("ENOLCK", "ENOSYS", "EOPNOTSUPP", "ENOTSUP"),
        "a file whose file system can't lock it",
        "Set HDF5_USE_FILE_LOCKING=FALSE, or copy it to a local disk.",
    ),
    (
        ("EACCES", "EPERM"),
        "a file that you may not read",
        "Check the permissions of it and of its folders.",
    ),
    (
        (
            *("ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"),
            *("ENOTCONN", "ECONNRESET", "ECONNABORTED", "EREMOTEIO"),
        ),
        "a file whose server does not answer for it",
        "See that the network folder is still there, mount it again if need be, and try again.",
    ),
    (
        ("EIO", "ENXIO", "ENODEV"),
        "a file that the disk or the network does not deliver",
        "Try again; if it stays so, copy the file to another disk and look after this one.",
    ),
    (
        ("EMFILE", "ENFILE"),
        "too many files open to open one more",
        "Close some programs or notebooks, or raise the limit (ulimit -n).",
    ),
    (("ENOMEM",), "too little memory to read it", "Close some programs, and try again."),
    (
        ("ENOSPC", "EDQUOT"),
        "no room on the disk for what is read meanwhile",
        "Free some room, or name another folder in TMPDIR.",
    ),
    (("EROFS",), "a disk that can't be written", "Name a folder that can be in TMPDIR."),
    (("EINTR",), "a read that was interrupted", "Try again."),
    (("ENOENT",), "no such file", "Check the name; it may have been moved meanwhile."),
    (("ENOTDIR", "ENAMETOOLONG", "ELOOP"), "a name that leads to no file", "Check the name."),
    (("EISDIR",), "a folder", "Name a file."),
]
CAUSES = {
    getattr(errno, name): Trouble(found, remedy)
    for names, found, remedy in _TROUBLES
    for name in names
    if hasattr(errno, name)  # Windows knows fewer
}


def trouble(error: BaseException) -> Trouble | None:
    """Return why the system could not read a file, None where the file itself is at fault.

    Args:
        error: What open, zipfile, h5py or Keras raised.
    """
    if isinstance(error, MemoryError):
        return CAUSES[errno.ENOMEM]
    number = getattr(error, "errno", None)
    if not number:  # HDF5 puts it into the text, where it knows it
        said = re.search(r"errno = (\d+)", str(error)[:2000])
        number = int(said[1]) if said else None
    if not number:
        return None
    reason = getattr(error, "strerror", None) or os.strerror(number)
    return CAUSES.get(number) or Trouble(
        f"a file that can't be read ({shortened(reason)})", "Try again, or copy it elsewhere."
    )


def check_ordinary(path: Path) -> None:
    """Raise Foreign if a path leads to anything but an ordinary file.

    A pipe would keep `open` waiting for ever, and a device has no end.

    Raises:
        Foreign: It is none.
        OSError: It can't be looked at.
    """
    mode = path.stat().st_mode
    kinds = {
        "a folder": stat.S_ISDIR,
        "a pipe": stat.S_ISFIFO,
        "a socket": stat.S_ISSOCK,
        "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
    }
    if not stat.S_ISREG(mode):
        found = [name for name, holds in kinds.items() if holds(mode)]
        raise Foreign(f"{(found or ['something'])[0]} in place of a file")


def kind_of_file(start: bytes) -> str:
    """Return what a file is that begins with these bytes, 64 or more if it has them."""
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "an HDF5 file"
    if start.startswith(b"version https://git-lfs"):
        return "a git-LFS pointer"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    return f"a file that begins with {start[:8]!r}" if start else "an empty file"


# --- sizes ----------------------------------------------------------------------------------------


def check_size(promised: int, stored: int, largest: int = LARGEST) -> None:
    """Raise Foreign if a file promises more than `largest`, or far more than it stores.

    Args:
        promised: Bytes of memory that its contents take, as it says itself.
        stored: Bytes on disk.
        largest: Bytes.
    """
    if promised > largest:
        raise Foreign(
            f"a promise of {promised / 1e6:,.0f} MB, above the {largest / 1e6:,.0f} MB that are "
            "read"
        )
    if promised > max(HARMLESS, RATIO * stored):
        raise Foreign(
            f"a promise of {promised / 1e6:,.0f} MB in {stored / 1e6:,.3f} MB, too much to be true"
        )


# --- HDF5 -----------------------------------------------------------------------------------------


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file to read; where the file system knows no locks, without one."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if trouble(error) != CAUSES[errno.ENOLCK]:
            raise
        return h5py.File(path, "r", locking=False)


def plain(group: h5py.Group, name: str) -> Any:
    """Return a member of an HDF5 group that is in this file; a data set with all of its values.

    Links may lead to other files; data sets may be views of others (of themselves even, which ends
    Python when they are read), or take their values from any file on the disk. Nothing of a data
    set's values is read here.

    Args:
        group: Of an open file.
        name: A name, or several with slashes between them.

    Returns:
        The data set or group, None where there is none of the name.

    Raises:
        Foreign: The member is not plain.
    """
    found: Any = group
    for part in filter(None, name.split("/")):
        if not isinstance(found, h5py.Group):
            return None
        link = found.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise Foreign(f"{shortened(name)!r}, a link that leads elsewhere")
        found = found[part]
    if isinstance(found, h5py.Dataset):
        _check_values_are_here(found, shortened(name))
    return found


def plain_members(file: h5py.File, most: int = 20_000) -> list[h5py.Dataset]:
    """Return all data sets of an HDF5 file, in groups of groups too.

    Raises:
        Foreign: One of its members is not plain, or there are more than `most`.
    """
    found, waiting, seen = [], [file["/"]], {h5py.h5o.get_info(file.id).addr}
    while waiting:
        group = waiting.pop()
        for name in group:
            member = plain(group, name)
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:  # a group may hold itself
                continue
            seen.add(address)
            if len(seen) > most:
                raise Foreign(f"more than {most:,} members")
            if isinstance(member, h5py.Group):
                waiting.append(member)
            elif isinstance(member, h5py.Dataset):
                found.append(member)
    return found


def check_data_sets(data_sets: Iterable[h5py.Dataset], stored: int, largest: int = LARGEST) -> int:
    """Raise Foreign if data sets promise more than `check_size` allows; return the promise.

    Args:
        data_sets: Of one file, which `plain` returned.
        stored: Bytes of that file.
        largest: Bytes that may be read of it.
    """
    promised = sum(math.prod(d.shape or ()) * d.dtype.itemsize for d in data_sets)
    check_size(promised, stored, largest)
    return promised


def _check_values_are_here(data_set: h5py.Dataset, name: str) -> None:
    """Raise Foreign if a data set's values are elsewhere, missing, or packed unusually."""
    settings = data_set.id.get_create_plist()
    if settings.get_layout() == h5py.h5d.VIRTUAL:
        raise Foreign(f"{name!r}, a view of other data (a virtual data set)")
    if settings.get_external_count():
        raise Foreign(f"{name!r}, whose values are in another file (external storage)")
    filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
    if len(set(filters)) < len(filters) or not set(filters) <= LOSSLESS.keys():
        raise Foreign(
            f"{name!r}, packed by the filters {shortened(filters)}; read are those of "
            f"{', '.join(LOSSLESS.values())}, each once"
        )
    if not (data_set.shape and math.prod(data_set.shape)):
        return
    missing = f"{name!r}, of which no or not all values are stored"
    if data_set.chunks is None:
        if data_set.id.get_storage_size() < math.prod(data_set.shape) * data_set.dtype.itemsize:
            raise Foreign(missing)
        return
    size = math.prod(data_set.chunks) * data_set.dtype.itemsize
    if size > CHUNK:
        raise Foreign(f"{name!r}, in chunks of {size / 1e6:,.0f} MB, too large to be read")
    wanted = math.prod(
        -(-side // chunk) for side, chunk in zip(data_set.shape, data_set.chunks, strict=True)
    )
    if data_set.id.get_num_chunks() != wanted:
        raise Foreign(missing)
    # HDF5 unpacks a chunk as far as it goes, however large the chunk is said to be.
    chunks: list = []
    data_set.id.chunk_iter(chunks.append)
    for chunk in chunks:
        if chunk.size > size + size // 50 + 4096 or (
            chunk.size > 2**18 and filters and _overflows(data_set, chunk, filters, size)
        ):
            raise Foreign(f"{name!r}, with a chunk that unpacks to more than {size:,} bytes")


def _overflows(data_set: h5py.Dataset, chunk: Any, filters: list[int], size: int) -> bool:
    """Return whether a large chunk unpacks to more than `size` bytes and a checksum."""
    if h5py.h5z.FILTER_DEFLATE not in filters:
        return h5py.h5z.FILTER_LZF in filters and chunk.size > 2**22  # it unpacks to 90 times that
    packed = data_set.id.read_direct_chunk(chunk.chunk_offset)[1]
    unpacking, left = zlib.decompressobj(), size + 8
    while packed and left > 0:
        left -= len(unpacking.decompress(packed, min(left, 2**20)))
        packed = unpacking.unconsumed_tail
    return left <= 0

"""Files that are written whole or not at all, by one process at a time."""

import contextlib
import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, needed: int = 0) -> Iterator[Path]:
    """Give a temporary name beside `path`, of the same ending, to write to.

    At the end of the block that file is moved to `path`; if the block fails it is deleted, and
    what was at `path` stays. Two processes have two names.

    Args:
        path: The file; its folder is there.
        needed: Bytes that must be free first. For HDF5: a disk that gets full under it can crash
            the process.

    Raises:
        OSError: They are not free.
    """
    if (free := shutil.disk_usage(path.parent).free) < needed:
        reason = f"{needed / 1e6:,.1f} MB are needed and {free / 1e6:,.1f} MB are free"
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {reason}", str(path))
    part = path.with_name(f"new-{os.getpid()}-{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8 with plain line ends, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


class Busy(OSError):
    """Another process is at work on the file; the text says which."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes that ask for the same from working on `path` meanwhile.

    The lock is a file beside it, NAME.lock, which says who holds it. A process that ends, however,
    lets go. On Windows it is none: there a file that is open can't be replaced anyway.

    Raises:
        Busy: Another process has it.
        OSError: The file can't be made.
    """
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("a+", encoding="ascii") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = re.sub(r"\D", "", file.read(20)) or "another one"
                text = f"process {holder} is at work on it"
                raise Busy(errno.EAGAIN, text, str(path)) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            # Who waits for the lock waits for this file, not for the next one of its name.
            with contextlib.suppress(OSError):
                lock.unlink()

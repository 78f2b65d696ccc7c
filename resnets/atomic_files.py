"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import shutil
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

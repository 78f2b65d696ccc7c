"""Files that are written whole or not at all, by one process at a time."""

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, needed: int = 0) -> Iterator[Path]:
    """Give a temporary file to write to, of the same name in a hidden folder beside `path`.

    At the end of the block that file is moved to `path`; if the block fails it is deleted, and
    what was at `path` stays. Each call has a folder of its own, so no two write to one file, and
    no pattern such as *.ipynb finds what is not whole. What processes that are no more have left
    there is swept first.

    Args:
        path: The file; its folder is there.
        needed: Bytes that must be free first. For HDF5: a disk that gets full under it can crash
            the process.

    Raises:
        OSError: They are not free, or the folder can't be written.
    """
    sweep(path.parent)
    if (free := shutil.disk_usage(path.parent).free) < needed:
        reason = f"{needed / 1e6:,.1f} MB are needed and {free / 1e6:,.1f} MB are free"
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {reason}", str(path))
    try:
        hidden = Path(tempfile.mkdtemp("", f".new-{os.getpid()}-", path.parent))
    except OSError as error:  # of `path`: who reads of it never saw the other name
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        yield hidden / path.name
        (hidden / path.name).replace(path)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what `replacing` left in a folder where its process was killed."""
    for left in folder.glob(".new-*-*"):
        process = left.name.split("-")[1]
        if process.isdecimal() and not running(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def running(process: int) -> bool:
    """Return whether there is a process of that number; on Windows always True."""
    if sys.platform == "win32":
        return True  # there os.kill would end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


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


def writable(folder: Path) -> Path:
    """Return `folder`, or where it can't be written its stand-in in the user's cache.

    That is for a checkout that is read-only: /opt/course/build becomes
    ~/.cache/resnets/opt/course/build. XDG_CACHE_HOME, and LOCALAPPDATA on Windows, name another
    place than ~/.cache.

    Args:
        folder: An absolute path. Neither it nor what leads there need be there yet.
    """
    if can_be_written(folder):
        return folder
    own = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    if own is None:
        own = os.path.expanduser("~/.cache")  # noqa: PTH111 (pathlib's raises where there is none)
    return Path(own, "resnets", folder.relative_to(folder.anchor))


def can_be_written(folder: Path) -> bool:
    """Return whether a folder may be written to, or be made."""
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def advice(error: BaseException) -> str:
    """Return what to do about a file that could not be written, a sentence.

    Args:
        error: An OSError, or the RuntimeError as which HDF5 reports a full disk.
    """
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or not isinstance(error, OSError):
        return "Free some room, or name another folder."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Use a folder, or a copy of the repository, that you may write to."
    if number == errno.ENAMETOOLONG:
        return "Give it a shorter name."
    if isinstance(error, Busy):
        return "Wait until it ends, or stop it."
    return "Name another folder."

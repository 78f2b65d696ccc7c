"""What a student's process leaves: bytes and entries on disk, processes, folders to remove."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

import psutil


def usage(folder: Path, most: int) -> tuple[int, int]:
    """Return bytes on disk and number of entries below a folder, counting up to `most`."""
    used = entries = 0
    folders = [str(folder)]
    while folders and entries <= most:
        try:
            with os.scandir(folders.pop()) as found:
                for entry in found:
                    entries += 1
                    with suppress(OSError):
                        used += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    if entries > most:
                        break
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno == 36:  # a path too long to look into
                return used, most + 1
    return used, entries


def open_files(pid: int) -> int:
    """Return the bytes of files that a process has open though they are deleted (Linux)."""
    used = 0
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found = path.stat()
                used += found.st_blocks * 512 if found.st_nlink == 0 else 0
    return used


def kill_strays(folder: str) -> None:
    """End processes that took leave of their parent, where no sandbox kept them from it."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get("HOME", "").startswith(folder):
                process.kill()


def remove(folder: Path) -> None:
    """Remove a folder, however deep and whatever its permissions, following no link."""
    if folder.is_symlink() or not folder.is_dir():
        return
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        with suppress(OSError):
            current.chmod(0o700)
            for path in list(current.iterdir()):
                with suppress(OSError):
                    if path.is_symlink() or not path.is_dir():
                        path.unlink()
                        continue
                    path.chmod(0o700)  # moved up, so that no path gets too long
                    waiting.append(path.rename(folder / f"~{secrets.token_hex(8)}"))
        if current != folder:
            with suppress(OSError):
                current.rmdir()
    with suppress(OSError):
        folder.rmdir()

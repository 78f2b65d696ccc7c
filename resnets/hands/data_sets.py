"""Data sets of rendered hands, of any size, in the format of SIGNS.

    write_set("build/hands", train=10_000, test=600)

in a script under `if __name__ == "__main__":`, as it starts processes of its own.
"""

import concurrent.futures
import dataclasses
import errno
import io
import json
import multiprocessing
import os
import shutil
import signal
import threading
from pathlib import Path

import h5py
import numpy as np
from tqdm.auto import tqdm

from resnets import atomic_files
from resnets.hands import rendering
from resnets.hands.variation import ANY, Variation
from resnets_utils import TEST_FILE, TRAIN_FILE, DataError

BLOCK = 60  # pictures in a file of a set that is not yet whole
MARK = "rendered"  # the attribute of a file that says how its pictures were made


def sign_of(seed: int, index: int) -> int:
    """Return the sign that picture `index` of the set `seed` shows: each six hold all six."""
    return int(np.random.default_rng([seed, index // 6, 6]).permutation(6)[index % 6])


def write_set(
    folder: str | Path,
    train: int,
    test: int,
    seed: int = 0,
    how: Variation = ANY,
    workers: int | None = None,
) -> None:
    """Render a data set in the schema of SIGNS, which `load_dataset(folder)` reads.

    Pictures 0 to train - 1 of the set `seed` go to the training file, the next ones to the test
    file. The same arguments give the same pictures on one machine; elsewhere single pixels may
    differ by a rounding. A set that is there already stays. Interrupted, the same call goes on
    where it was. Memory does not grow with the number of pictures.

    Args:
        folder: Where the two files will lie. Rendered ones that lie there are replaced.
        train: Training images, 1 or more.
        test: Test images, 1 or more.
        seed: 0 or more.
        how: How much the pictures differ.
        workers: Processes that render side by side; by default one for each core.

    Raises:
        DataError: A number is not as above; the folder can't be written, or holds files that were
            not rendered, or an unfinished set of other settings; the disk is full; a process was
            stopped from outside; another process renders into the folder.
    """
    workers = workers or cores()
    for name, value, least in (
        ("train", train, 1),
        ("test", test, 1),
        ("seed", seed, 0),
        ("workers", workers, 1),
    ):
        if not isinstance(value, int | np.integer) or value < least:
            raise DataError(f"hands: {name} is {value!r}; give a whole number of {least} or more.")
    folder = Path(folder)
    settings = {
        "training images": int(train),
        "test images": int(test),
        "seed": int(seed),
        **dataclasses.asdict(how),
        "version of the renderer": rendering.VERSION,
    }
    settings = json.loads(json.dumps(settings))  # tuples become lists, as they will be read
    if not _is_needed(folder, settings):
        return
    new, parts = not folder.exists(), folder / "unfinished"
    files = ((TRAIN_FILE, "train", 0, train), (TEST_FILE, "test", train, test))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_files.locked(parts):
            if not _is_needed(folder, settings):  # by now
                return
            parts.mkdir(exist_ok=True)
            _agree(parts / "settings.json", settings)
            _render_blocks(parts, seed, train + test, how, workers)
            for name, prefix, first, count in files:
                _assemble(parts, parts / name, prefix, first, count, settings)
            for name, *_ in files:
                (parts / name).replace(folder / name)
            shutil.rmtree(parts, ignore_errors=True)
    except atomic_files.Busy as error:
        raise DataError(
            f"{folder}: {error.strerror}, rendering hands. Wait until it ends, or name another "
            "folder."
        ) from None
    except concurrent.futures.BrokenExecutor:
        raise DataError(
            f"{folder}: a process that rendered was stopped, often for want of memory. What is "
            "done is kept: run the same again, with fewer workers. In a script the call has to "
            'stand under `if __name__ == "__main__":`.'
        ) from None
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as RuntimeError
        message = f"{folder}: the pictures could not be written ({_reason(error)})."
        if not isinstance(error, OSError) or error.errno in (errno.ENOSPC, errno.EDQUOT):
            # What is whole so far would only take up the room that was wanting.
            shutil.rmtree(folder if new else parts, ignore_errors=True)
            message += " Nothing was left there. A picture takes 25 KB."
        raise DataError(f"{message} {atomic_files.advice(error)}") from None


def cores() -> int:
    """Return how many processes may run side by side here."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(own, 61)  # Windows has no more to give to one pool


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _is_needed(folder: Path, settings: dict) -> bool:
    """Return whether there is something to render; refuse to replace what was not rendered."""
    made = []
    for path in (folder / TRAIN_FILE, folder / TEST_FILE):
        if path.exists():
            try:
                with h5py.File(path) as file:
                    made.append(json.loads(file.attrs[MARK]))
            except (OSError, KeyError, ValueError):
                raise DataError(
                    f"{path}: found a file that was not rendered; expected none, or one that may "
                    "be replaced. Move it away, or name another folder."
                ) from None
    return made != [settings, settings]


def _agree(path: Path, settings: dict) -> None:
    """Write down what the unfinished set is, or see that it is the same one."""
    if not path.exists():
        atomic_files.write(path, json.dumps(settings, indent=1))
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        kept = {}
    for name, value in settings.items():
        if kept.get(name) != value:
            raise DataError(
                f"{path.parent} holds an unfinished set whose {name} is {kept.get(name)}; "
                f"expected {value}. Delete it to begin anew, or name another folder."
            )


def _block(parts: Path, first: int) -> Path:
    return parts / f"{first:09}.npy"


def _whole(path: Path, count: int) -> bool:
    """Return whether a block is there and whole."""
    try:
        return len(np.load(path, mmap_mode="r")) == count
    except (OSError, ValueError, EOFError):
        return False


def _end_with_parent() -> None:
    """Let a process that renders end when the one that began it does, however that ends.

    It gets no task any more then, and would wait for one until the machine is switched off.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None, "this process was not begun by multiprocessing"
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _render_block(parts: Path, first: int, last: int, seed: int, how: Variation) -> None:
    """Render the pictures from `first` to `last` - 1 and write them as one file."""
    pictures = [rendering.picture(seed, i, sign_of(seed, i), how) for i in range(first, last)]
    memory = io.BytesIO()
    np.save(memory, np.stack(pictures))
    atomic_files.write(_block(parts, first), memory.getvalue())


def _render_blocks(parts: Path, seed: int, end: int, how: Variation, workers: int) -> None:
    """Render the blocks that are not there yet, in processes, with a progress bar."""
    blocks = [(first, min(first + BLOCK, end)) for first in range(0, end, BLOCK)]
    missing = [(a, b) for a, b in blocks if not _whole(_block(parts, a), b - a)]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in threads}
    os.environ |= dict.fromkeys(threads, "1")  # the processes inherit it: one core each
    try:
        with (
            tqdm(total=end, initial=end - sum(b - a for a, b in missing), unit="image") as bar,
            concurrent.futures.ProcessPoolExecutor(
                workers,
                multiprocessing.get_context("spawn"),
                initializer=_end_with_parent,
            ) as pool,
        ):
            tasks = {pool.submit(_render_block, parts, a, b, seed, how): b - a for a, b in missing}
            try:
                for task in concurrent.futures.as_completed(tasks):
                    task.result()
                    bar.update(tasks[task])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _assemble(parts: Path, path: Path, prefix: str, first: int, count: int, settings: dict) -> None:
    """Write pictures `first` to `first` + `count` - 1 as one HDF5 file, a block at a time."""
    with h5py.File(path, "w") as file:
        # Chunks of one colour channel: neighbouring bytes are neighbouring pixels.
        images = file.create_dataset(
            f"{prefix}_set_x",
            (count, 64, 64, 3),
            np.uint8,
            chunks=(min(count, BLOCK), 64, 64, 1),
            compression="gzip",
            compression_opts=9,
        )
        for block in range(first - first % BLOCK, first + count, BLOCK):
            pictures = np.load(_block(parts, block))
            start, stop = max(block, first), min(block + BLOCK, first + count)
            images[start - first : stop - first] = pictures[start - block : stop - block]
        shown = [sign_of(settings["seed"], i) for i in range(first, first + count)]
        file[f"{prefix}_set_y"] = np.array(shown, np.int64)
        file["list_classes"] = np.arange(6, dtype=np.int64)
        file.attrs[MARK] = json.dumps(settings)

"""Fetch the real SIGNS, `train_signs.h5` and `test_signs.h5`, into datasets/ (`make data`).

The files are not this project's to hand on, so they come from public copies, tried one after
the other. A file is moved into place only when it is the original, byte for byte. Without the
real files everything runs on datasets/bundled.
"""

import argparse
import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tqdm import tqdm

from resnets.atomic_files import Busy, advice, locked, replacing
from resnets.command_line import Parser, run, seconds
from resnets_utils import ROOT, kind_of_file

# The originals, by git blob id. GitHub's copies are tracked by it, and it covers the size too.
BLOBS = {
    "train_signs.h5": "15904fbeb148848aea50d42c96a539b7bd11c4e5",
    "test_signs.h5": "ac34131b87c829b90f5c0913f90d509f1c1f8ed0",
}
# Each address names a commit, so what it gives cannot change.
GITHUB = "https://raw.githubusercontent.com"
SOURCES = (
    f"{GITHUB}/jungsoh/resnet-sign-language-recognition"
    "/64db40f36cab0057834ef466577ec1fe2fc87583/datasets",
    f"{GITHUB}/itsayushthada/Convolution-Neural-Network"
    "/fd28f400f7ac0605657efcfd4f9dc3e354e0abf1/datasets",
    f"{GITHUB}/DrAlexSanz/CNN-in-TF/5f0da09b23d8920755c2d0087debebdfe3ce8bf0",
    f"{GITHUB}/priya-dwivedi/Deep-Learning"
    "/35a3ea2842eaa4a194a19f95436294a0a38cdc72/resnet_keras/datasets",
)
LIMIT = 64 * 2**20  # bytes; the larger original has 13 million
CHUNK = 2**16  # bytes


WAIT = 0.2  # seconds between two looks whether another process is through


class CopyError(Exception):
    """One public copy could not be had, or is not the original; the message says which."""


def blob_id(content: bytes) -> str:
    """The id under which git stores `content`."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def describe(content: bytes) -> str:
    """What a file that is not the original looks like, for an error message."""
    return f"{kind_of_file(content[:100])} ({len(content):,} bytes, blob id {blob_id(content)})"


def receive(url: str, timeout: float, patience: float) -> Iterator[bytes]:
    """Yield the body of `url` piece by piece, under a progress bar.

    Args:
        url: an http or https address.
        timeout: seconds to wait for the server's next sign of life.
        patience: seconds that the whole download may take. A server that drips one byte at a
            time never runs into `timeout`.

    Raises:
        CopyError: no connection, an HTTP error, a stuck or slow server, a body that is
            shorter than announced or longer than LIMIT.
    """
    give_up = time.monotonic() + patience
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            announced, received = response.length, 0  # announced: None where it is not said
            name = url.rsplit("/", 1)[1]
            # disable=None: no bar where the output is no terminal
            with tqdm(desc=name, total=announced, unit="B", unit_scale=True, disable=None) as bar:
                while piece := response.read1(CHUNK):
                    received += len(piece)
                    if max(received, announced or 0) > LIMIT:
                        raise CopyError(f"longer than {LIMIT:,} bytes, so not the original")
                    if time.monotonic() > give_up:
                        raise CopyError(f"too slow: {received:,} bytes in {patience:g} s")
                    bar.update(len(piece))
                    yield piece
        if announced is not None and received < announced:
            raise CopyError(f"cut off: {received:,} of {announced:,} bytes came")
    except urllib.error.HTTPError as error:
        raise CopyError(f"HTTP {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise CopyError(f"no answer for {timeout:g} s") from error
    except urllib.error.URLError as error:
        raise CopyError(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CopyError(f"the connection failed ({error or type(error).__name__})") from error


def download(url: str, target: Path, expected: str, timeout: float, patience: float) -> None:
    """Put the file at `url` in `target`, if its blob id is `expected`; else change nothing.

    Raises:
        CopyError: see `receive`; or the file is not the expected one.
        OSError: `target` cannot be written.
    """
    try:
        with replacing(target) as part:
            with part.open("wb") as file, closing(receive(url, timeout, patience)) as pieces:
                for piece in pieces:
                    file.write(piece)
            content = part.read_bytes()
            if blob_id(content) != expected:
                raise CopyError(f"found {describe(content)}, expected blob id {expected}")
    except OSError as error:  # a full disk's names no file
        raise OSError(error.errno, error.strerror, str(target)) from error


@contextmanager
def in_turn(target: Path, patience: float) -> Iterator[None]:
    """Wait until no other process fetches `target`, and keep others waiting meanwhile.

    Raises:
        Busy: it took longer than `patience` seconds.
        OSError: the folder of `target` cannot be written.
    """
    give_up, told = time.monotonic() + patience, False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locked(target))
                break
            except Busy as error:
                if time.monotonic() > give_up:
                    raise
                if not told:
                    print(f"{target.name}: {error.strerror}; waiting for it", flush=True)
                told = True
                time.sleep(WAIT)
        yield


def is_there(target: Path, expected: str) -> bool:
    """Return whether the original is there already, and say so."""
    if target.exists() and blob_id(target.read_bytes()) == expected:
        print(f"{target.name}: already there")
        return True
    return False


def fetch(
    name: str, folder: Path, expected: str, sources: list[str], timeout: float, patience: float
) -> bool:
    """Fetch one file from the first source that has it, saying what happens in one line each.

    Returns:
        Whether the verified file is in `folder` now.

    Raises:
        OSError: `folder` cannot be read or written.
    """
    target = folder / name
    if is_there(target, expected):
        return True
    with in_turn(target, patience):
        if is_there(target, expected):  # by now: another process had its turn
            return True
        if target.exists():
            print(
                f"{name}: {target} is {describe(target.read_bytes())}; expected blob id {expected}."
            )
            print(f"{name}: it stays until the original is here.")
        for source in sources:
            url = f"{source.rstrip('/')}/{name}"
            try:
                download(url, target, expected, timeout, patience)
            except CopyError as error:
                print(f"{name}: {url}: {error}")
            else:
                print(f"{name}: fetched from {url}, verified")
                return True
    return False


def web_folder(text: str) -> str:
    """Check an address given on the command line."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not start with http:// or https://")
    return text


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "datasets", help="folder for the files (%(default)s)"
    )
    parser.add_argument(
        "--source",
        type=web_folder,
        action="append",
        metavar="URL",
        help="a web folder that has both files, instead of the known copies; repeatable",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=20,
        metavar="SECONDS",
        help="how long to wait for a silent server (%(default)s)",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=900,
        metavar="SECONDS",
        help="how long one download may take (%(default)s)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None, blobs: dict[str, str] = BLOBS) -> int:
    """Fetch every file in `blobs` (name: blob id); return the exit status, 0 when all are there."""
    args = parse(argv)
    sources = args.source or list(SOURCES)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        missing = [
            name
            for name, expected in blobs.items()
            if not fetch(name, args.out, expected, sources, args.timeout, args.patience)
        ]
    except OSError as error:
        if error.filename is None:
            raise  # the standard output's
        # No other copy would fare better: the fault is here, on this machine.
        print(
            f"Cannot write {error.filename or args.out}: {error.strerror}. {advice(error)} Another"
            " folder is chosen with --out, and then named in SIGNS_DIR.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing unfinished was left; run it again to fetch.", file=sys.stderr)
        return 130
    if missing:
        print(
            f"Not fetched: {', '.join(missing)}. Tried: {', '.join(sources)}. Download by hand"
            f" into {args.out}, or set SIGNS_DIR to a folder that has both files, or go on"
            f" without: with neither file in {args.out} the bundled set is used.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(main))

"""What the command lines share: arguments that are checked, and an end without a traceback.

    parser = Parser(description=...)
    parser.add_argument("--epochs", type=positive)
    ...
    if __name__ == "__main__":
        sys.exit(run(main))

It imports nothing but Python's own, so --help and a wrong option are answered at once.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable

MOST = 10**9  # of a whole number: NumPy's seeds end at 2**32, and no training has as many steps
LONGEST = 10**7  # seconds, 115 days: what waits for a socket or a kernel can count no further
INTERRUPTED, NO_OUTPUT = 130, 74  # exit statuses: a shell's after Ctrl-C; EX_IOERR of sysexits.h


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that refuses --option=--, where Python's fails, in its own words.

    And that lets --help fail where it can't be written.
    """

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[override]
        """Read the arguments, as argparse does."""
        given = list(sys.argv[1:] if args is None else args)
        for one in given:
            if one.startswith("-") and one.endswith("=--"):
                self.error(f"{one!r} gives no value")
        return super().parse_known_args(given, namespace)

    def print_help(self, file=None) -> None:
        """Write the help."""
        print(self.format_help(), end="", file=file)


def whole(text: str, least: int, most: int = MOST) -> int:
    """Return a whole number between two bounds; raise argparse.ArgumentTypeError for others."""
    # int() itself refuses numbers of more than 4300 digits, with advice for programmers.
    value = int(text) if text.isdecimal() and len(text) <= 20 else -1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} is not a whole number from {least} to {most:,}"
        )
    return value


def positive(text: str) -> int:
    """Return a whole number of 1 or more, of a thousand million at most."""
    return whole(text, 1)


def natural(text: str) -> int:
    """Return a whole number of 0 or more, of a thousand million at most."""
    return whole(text, 0)


def seconds(text: str) -> float:
    """Return a time of more than no seconds that has an end."""
    value = number(text)
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} is no number of seconds above 0 and up to {LONGEST:,}"
        )
    return value


def percent(text: str) -> float:
    """Return "85" or "85%" as 0.85."""
    value = number(text.removesuffix("%")) / 100
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no percentage above 0 and up to 100")
    return value


def shares(text: str) -> tuple[float, ...]:
    """Return "70/30" as (0.7, 0.3), two or three parts."""
    found = tuple(number(part) / 100 for part in text.split("/"))
    # "not ... <=" and not "... >": a comparison with nan is always false.
    if not (2 <= len(found) <= 3 and min(found) > 0 and abs(sum(found) - 1) <= 1e-6):
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} does not add up to 100 in two or three parts, as 70/30 does"
        )
    return found


def number(text: str) -> float:
    """Return a finite number; nan, which is within no bounds, for everything else."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def quoted(text: str) -> str:
    """Return what was given as a message quotes it: printable, and not endless."""
    return ascii(text if len(text) <= 60 else f"{text[:57]}...")


def run(main: Callable[[], int | None]) -> int:
    """Return the exit status of a command line's `main`; what stops it is told in a sentence.

    Ctrl-C is 130. A standard output that is full, closed, or no longer read (`| head`) is 74. Any
    other OSError that `main` lets through is 2; it names its file itself.
    """
    open_missing_streams()
    try:
        try:
            status = main() or 0
        finally:  # argparse leaves by SystemExit, with --help unwritten
            sys.stdout.flush()
    except KeyboardInterrupt:
        tell("\nInterrupted.")
        return INTERRUPTED
    except OSError as error:
        if error.filename is not None:
            tell(f"{error.filename!r}: {error.strerror or error}.")
            return 2
        if not isinstance(error, BrokenPipeError):  # who has stopped reading wants no message
            tell(f"The output could not be written: {error.strerror or error}.")
        abandon(sys.stdout)
        return NO_OUTPUT
    return status


def open_missing_streams() -> None:
    """Give a program that was started with a closed stream (`>&-`) one that can't be written.

    Else Python has None in its place, and the next file that is opened gets its number: what
    TensorFlow writes to standard error would land in a picture or a model.
    """
    for descriptor, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY if descriptor == 2 else os.O_RDONLY)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", closefd=False))  # noqa: SIM115
    # A name of other times or of another system is written with \x.., and not refused.
    if hasattr(sys.stdout, "reconfigure"):  # a test's own stream may not have it
        sys.stdout.reconfigure(errors="backslashreplace")


def tell(text: str) -> None:
    """Write a line to standard error, if that can be."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        abandon(sys.stderr)


def abandon(stream) -> None:
    """Turn a stream away from where it can't be written, so that Python's exit can flush it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

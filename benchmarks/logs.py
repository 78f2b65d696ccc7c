"""The committed logs in benchmarks/results/: a line per measurement, with its day and commit."""

import csv
import os
import platform
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"


def read(log: Path) -> list[dict[str, str]]:
    """Return the lines of a log; none where there is no log."""
    if not log.exists():
        return []
    with log.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append(row: dict, log: Path) -> None:
    """Add a line to a log, and the heading where it is new; what is not measured stays empty."""
    new, columns = not log.exists(), list(row)
    if not new:
        with log.open(newline="", encoding="utf-8") as file:
            columns = next(csv.reader(file))
    with log.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a Markdown table from the cells of its heading and of its rows."""
    heading = list(heading)
    return [f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *rows)]


def mean_and_range(accuracies: Iterable[str]) -> tuple[str, str]:
    """Return two cells, the mean and worst to best, in percent; the log has them in [0, 1]."""
    found = [float(value) for value in accuracies]
    worst, best = (100 * value for value in (min(found), max(found)))
    return f"{100 * np.mean(found):.1f} %", f"{worst:.1f} to {best:.1f} %"


def stamp() -> dict[str, str]:
    """Return what a line begins with: today, and the checked-out commit."""
    return {"date": time.strftime("%Y-%m-%d"), "commit": commit()}


def commit() -> str:
    """Return the checked-out commit, short, with a + where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, cwd=RESULTS, check=False
        )
        return done.stdout.strip()

    lines = git("status", "--porcelain").splitlines()
    changed = [line for line in lines if "/results/" not in line]  # a log may have grown
    return (git("rev-parse", "--short", "HEAD") or "unknown") + "+" * bool(changed)


def machine() -> str:
    """Return the processor's name, or at least its kind, and how many cores there are."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"

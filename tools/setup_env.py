"""Set up `.venv`, the Python environment of this repository, from environment.yml.

    python3 tools/setup_env.py             build .venv, or say at once that it is whole
    python3 tools/setup_env.py --check     only say whether it is whole (exit status 0 or 1)
    python3 tools/setup_env.py --rebuild   build it anew

On Windows: `py tools\\setup_env.py`. The Python range and the packages come from
environment.yml, nothing here repeats them. Exit status: 0 whole, 1 not whole or not
built, 2 nothing could be tried (no fitting Python, a file that cannot be used), 130 Ctrl-C.

Standard library only, and nothing newer than Python 3.6, so that whoever starts it with
an old Python reads a sentence and not a SyntaxError.
"""

import argparse
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LIST = ROOT / "environment.yml"
STAMP = VENV / "whole.json"  # written last: no stamp, no environment
LOG = VENV / "setup.log"
WINDOWS = os.name == "nt"
VENV_PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")

# What pip writes when it fails -> what to tell. The first that fits: without a network
# pip ends with "No matching distribution", so that one comes last.
CAUSES = (
    (
        r"No space left|Errno 28\b|not enough space",
        "the disk is full: free about 4 GB and run this again.",
    ),
    (
        r"NewConnectionError|NameResolution|name resolution|getaddrinfo|ProxyError|SSLError"
        r"|[Cc]onnection (?:refused|reset|aborted|broken)|ConnectionReset|ConnectTimeout"
        r"|ReadTimeout|timed out|Network is unreachable|Max retries exceeded",
        "the package index cannot be reached: check the network (and pip's proxy settings), "
        "then run this again; what was downloaded so far is kept.",
    ),
    (
        r"No matching distribution found for (?P<what>[^\s,]+)",
        "there is no ready-made package (wheel) of {what} for this Python and this platform.",
    ),
)


class SetupError(Exception):
    """Why there is no environment, in words for the user; `status` is the exit status."""

    def __init__(self, message: str, status: int = 1):
        """Keep the message and the exit status that goes with it."""
        super().__init__(message)
        self.status = status


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


# ---------------------------------------------------------------- environment.yml


def read_list(path: Path = LIST) -> tuple:
    """Read environment.yml without a YAML parser, which the standard library lacks.

    Returns:
        The range of Python, `((3, 11), (3, 14))` for `python >=3.11,<3.14`, and the list of
        requirements below `- pip:`, comments stripped.

    Raises:
        SetupError: the file is missing, or holds something this reader does not know.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"Cannot read {path}: {error}.", 2) from None
    section, bounds, pip_indent, requirements = "", None, None, []
    for number, raw in enumerate(lines, 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        item = re.match(r"( *)- +(\S.*)$", line)
        if not line:
            continue
        if re.match(r"[\w-]+:( |$)", line):
            section = line.split(":")[0]
        elif item is None:
            raise list_error(path, number, raw, "neither `key:` nor `- item`")
        elif section == "dependencies":
            indent, text = len(item.group(1)), item.group(2).strip("\"'")
            if pip_indent is not None and indent > pip_indent:
                requirements.append(text)
            elif text == "pip:":
                pip_indent = indent
            elif re.match(r"python\b", text):
                bounds = python_range(text)
                if bounds is None:
                    raise list_error(path, number, raw, "not of the form `python >=3.11,<3.14`")
            elif text != "pip":
                raise list_error(path, number, raw, "a package outside `- pip:`, unknown to pip")
    if bounds is None or not requirements:
        missing = "`- python >=...,<...`" if bounds is None else "packages below `- pip:`"
        raise SetupError(f"{path} lists no {missing} under `dependencies:`.", 2)
    return bounds, requirements


def list_error(path: Path, number: int, line: str, finding: str) -> SetupError:
    """Return the error for one line of environment.yml."""
    return SetupError(f"{path}, line {number}: {finding}: {line.strip()!r}.", 2)


def python_range(text: str) -> tuple:
    """Return `((3, 11), (3, 14))` for `python >=3.11,<3.14`, None for anything else."""
    match = re.match(r"python *>= *(\d+)\.(\d+) *, *< *(\d+)\.(\d+)$", text)
    if match is None:
        return None
    low_major, low, high_major, high = (int(group) for group in match.groups())
    return (low_major, low), (high_major, high)


# ---------------------------------------------------------------- a Python to build with


def dotted(version: tuple) -> str:
    """Return "3.12.1" for (3, 12, 1)."""
    return ".".join(str(part) for part in version)


def ask_version(command: list) -> tuple:
    """Return (version, can it make environments) of a Python, or None if it does not run."""
    code = (
        "import sys; from importlib.util import find_spec as f; "
        "print(*sys.version_info[:3], int(bool(f('venv') and f('ensurepip'))))"
    )
    try:
        output = subprocess.check_output(
            [*command, "-I", "-S", "-c", code], stderr=subprocess.DEVNULL, timeout=60
        )
        *version, able = (int(word) for word in output.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return tuple(version), bool(able)


def running_python() -> str:
    """Return the Python that runs this; for .venv's own, the one that .venv was made from."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return getattr(sys, "_base_executable", sys.executable)
    return sys.executable


def other_pythons(bounds: tuple) -> list:
    """Return commands that may be a fitting Python, the newest version first."""
    (major, low), (_, high) = bounds
    commands = []
    for minor in range(high - 1, low - 1, -1):
        if WINDOWS:
            commands.append(["py", f"-{major}.{minor}"])
        name = f"python{major}.{minor}"
        # Every folder of PATH: the first hit may be a version manager's empty shell.
        for folder in os.get_exec_path():
            found = shutil.which(name, path=folder)
            if found and VENV not in Path(found).parents:
                commands.append([found])
    return commands


def choose_python(bounds: tuple) -> tuple:
    """Return (command, version) of a Python within `bounds` that can make environments."""
    own = [running_python()]
    findings = []
    for command in [own, *other_pythons(bounds)]:
        version, able = ask_version(command) or (None, False)
        if version is None:
            continue
        fits = bounds[0] <= version[:2] < bounds[1]
        if fits and able:
            if command != own:
                say("{}; using {}.".format("; ".join(findings), " ".join(command)))
            return command, version
        lack = " (no venv module; Debian: apt install python3-venv)" if fits else ""
        findings.append("Python {} at {}{}".format(dotted(version), " ".join(command), lack))
    last = (bounds[1][0], bounds[1][1] - 1)
    raise SetupError(
        "Found {}, but this needs Python {} to {}: install one of them and run this again "
        "with it (`python{} tools/setup_env.py`, or `make env PYTHON=/path/to/python`).".format(
            ", ".join(findings) or "no Python that runs",
            dotted(bounds[0]),
            dotted(last),
            dotted(last),
        ),
        2,
    )


# ---------------------------------------------------------------- is it whole?


def fingerprint() -> str:
    """Return a hash of what decides the contents of .venv.

    Of pyproject.toml that is how the repository is installed, not how it is linted or tested.
    """
    parts = [LIST.read_text(encoding="utf-8")]
    project = ROOT / "pyproject.toml"
    if project.is_file():
        tables = r"(?ms)^\[(?:build-system|project|tool\.setuptools)\].*?(?=^\[|\Z)"
        found = re.findall(tables, project.read_text(encoding="utf-8"))
        parts += [table.strip() for table in found]
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def whats_wrong() -> str:
    """Return in one sentence why .venv has to be built, "" when it is whole."""
    if not VENV.exists():
        return "there is no .venv yet"
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        root, inputs, python = stamp["root"], stamp["inputs"], stamp["python"]
        site, packages = VENV / stamp["site"], stamp["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return ".venv was not finished by this script"
    if root != str(ROOT):
        return f"the repository was moved here from {root}"
    if inputs != fingerprint():
        return "environment.yml or pyproject.toml changed since .venv was built"
    version, _ = ask_version([str(VENV_PYTHON)]) or (None, False)
    if version is None:
        return "the Python of .venv no longer runs"
    if dotted(version[:2]) != dotted(tuple(python[:2])):
        return f"the Python of .venv is now {dotted(version)}, not {dotted(python)}"
    for package in packages:
        loss = lost_file(site, package)
        if loss:
            return loss
    return ""


def lost_file(site: Path, package: str) -> str:
    """Return what is missing of one installed package, "" if nothing.

    Every file of the package's RECORD is looked at, by its size alone: reading them for
    their hashes would take half a minute. Compiled files come and go, and a longer file is
    somebody's edit (`ipykernel install` does one), so neither counts.
    """
    base = str(site) + os.sep
    name = package[: -len(".dist-info")].replace("-", " ")
    try:
        with Path(base, package, "RECORD").open(encoding="utf-8", newline="") as record:
            for path, _, size in csv.reader(record):
                if path.endswith(".pyc"):
                    continue
                try:
                    # Not Path: with 37,000 files that would double the time.
                    found = os.stat(base + path).st_size  # noqa: PTH116
                    if found < int(size or 0):
                        return f"{name}: {path} is cut short"
                except OSError:
                    return f"{name} has lost {path}"
    except (OSError, ValueError):
        return f"{name} is missing"
    return ""


def write_stamp() -> None:
    """Record what .venv holds, and by being there, that it is whole."""
    code = "import sys, sysconfig; print(sys.prefix); print(sysconfig.get_path('purelib'))"
    output = subprocess.check_output([str(VENV_PYTHON), "-I", "-c", code])
    prefix, site = os.fsdecode(output).splitlines()
    found = sorted(path.name for path in Path(site).glob("*.dist-info"))
    version, _ = ask_version([str(VENV_PYTHON)])
    stamp = {
        "root": str(ROOT),
        "inputs": fingerprint(),
        "python": version,
        "site": os.path.relpath(site, prefix),
        # pip may be upgraded by hand: nothing here needs its version.
        "packages": [name for name in found if not name.startswith("pip-")],
    }
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    part.replace(STAMP)


# ---------------------------------------------------------------- build


def remove_old() -> None:
    """Delete .venv, unless it is not a virtual environment."""
    if not VENV.exists() and not VENV.is_symlink():
        return
    # The log is there before pyvenv.cfg is, so a build that was killed early counts as ours.
    if not (VENV / "pyvenv.cfg").is_file() and not LOG.is_file():
        raise SetupError(
            f"{VENV} exists, but is no virtual environment (it has no pyvenv.cfg), so it is left "
            "alone: move it away and run this again.",
            2,
        )
    try:
        # A deletion that stops halfway must neither leave a "whole" .venv, so the stamp goes
        # first, nor one that looks like somebody's folder, so pyvenv.cfg goes last.
        if STAMP.exists():
            STAMP.unlink()
        for path in VENV.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(str(path))
        shutil.rmtree(str(VENV))
    except OSError as error:
        raise SetupError(
            f"Cannot delete the old .venv ({error}): close what still uses it (JupyterLab?), "
            "or delete it by hand."
        ) from None


def run_logged(command: list, show_output: bool) -> bool:
    """Run a command, its messages into LOG; return whether it succeeded.

    Args:
        command: the command, run in the repository's root (`-e .` means that folder).
        show_output: let its standard output, where pip draws its bars, through.
    """
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=str(ROOT),
            stdin=subprocess.DEVNULL,
            stdout=None if show_output else subprocess.PIPE,
            stderr=subprocess.PIPE if show_output else subprocess.STDOUT,
        )
        try:
            for line in process.stderr if show_output else process.stdout:
                log.write(line)
                if b"Retrying" in line:  # else a dead network is a silent minute
                    say("    " + line.decode("utf-8", "replace").strip()[:140])
            return process.wait() == 0
        except BaseException:  # Ctrl-C above all: leave no child behind
            process.terminate()
            process.wait()
            raise


def explain(log: str) -> str:
    """Return what pip's messages mean, and their last lines."""
    message = "see the messages below."
    for pattern, text in CAUSES:
        match = re.search(pattern, log)
        if match:
            message = text.format(**match.groupdict())
            break
    noise = re.compile(r"\s*$|WARNING: (Location|Retrying)")
    tail = [line[:300] for line in log.splitlines() if not noise.match(line)][-8:]
    return "\n".join([message, *("    " + line for line in tail)])


def step(done: str, command: list, show_output: bool = False) -> None:
    """Run one step of the build; where it fails, say why in words."""
    try:
        succeeded = run_logged(command, show_output)
    except OSError as error:
        raise SetupError(f"{done} failed: {explain(str(error))}") from None
    if not succeeded:
        log = LOG.read_text(encoding="utf-8", errors="replace")
        raise SetupError(f"{done} failed: {explain(log)}\n(All of it: {LOG})")


def build(bounds: tuple, requirements: list) -> None:
    """Build .venv and mark it whole."""
    started = time.time()
    python, version = choose_python(bounds)
    remove_old()
    say("1/3 Making .venv with Python {} ({}).".format(dotted(version), " ".join(python)))
    try:
        VENV.mkdir()
    except OSError as error:
        raise SetupError(f"Cannot make {VENV}: {error}.") from None
    step("Making .venv", [*python, "-I", "-m", "venv", str(VENV)])
    say(
        f"2/3 Installing {len(requirements)} listed packages and what they need. The first time "
        "downloads about\n    1 GB; the last step, `Installing collected packages`, is silent "
        "for a minute or two."
    )
    pip = [str(VENV_PYTHON), "-I", "-m", "pip", "install", "--no-input", "--no-user"]
    # Wheels only: building TensorFlow or h5py from source fails late, and unreadably.
    pip += ["--disable-pip-version-check", "--only-binary", ":all:"]
    for requirement in requirements:
        pip += requirement.split(None, 1) if requirement.startswith("-") else [requirement]
    step("Installing the packages", pip, show_output=True)
    say("3/3 Checking.")
    write_stamp()
    wrong = whats_wrong()
    if wrong:
        STAMP.unlink()
        raise SetupError(f"The environment was built, but {wrong}. Run this again.")
    say(f"Done in {time.time() - started:.0f} s: {VENV}")
    jupyter = VENV_PYTHON.parent.relative_to(ROOT) / "jupyter"
    make = "`make lab`, or without make " if not WINDOWS else ""
    say(f"Next: {make}`{jupyter} lab`")


def main(arguments: list) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Set up .venv from environment.yml.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="only say whether .venv is whole")
    choice.add_argument("--rebuild", action="store_true", help="build .venv anew")
    options = parser.parse_args(arguments)
    try:
        bounds, requirements = read_list()
        wrong = "as asked" if options.rebuild else whats_wrong()
        if not wrong:
            say("The environment .venv is whole.")
            return 0
        say("{}: {}.".format("Not whole" if options.check else "Building .venv", wrong))
        if not options.check:
            build(bounds, requirements)
        return 1 if options.check else 0
    except SetupError as error:
        print(error, file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"Setting up .venv failed: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again to finish the environment.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

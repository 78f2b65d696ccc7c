"""Set up `.venv`, the Python environment of this repository, with Python's venv and pip.

    python3 tools/setup_env.py             build .venv, or say at once that it is whole
    python3 tools/setup_env.py --check     only say whether it is whole
    python3 tools/setup_env.py --rebuild   build it anew

pyproject.toml says which Python and which packages, constraints.txt the versions of all that
comes along. Exit status: 0 whole, 1 not. It starts from Python 3.6 on, to say what is needed.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
VENV = ROOT / ".venv"
STAMP = VENV / "whole.json"  # written last: no stamp, no environment
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# Wheels only: building TensorFlow or h5py from source fails late, and unreadably.
PIP = "-I -m pip install --no-input --no-user --disable-pip-version-check --only-binary :all:"
# Runs a command as the leader of a group of processes, and ends the group when its standard input
# ends. That is when this script does, however it ends: pip and what pip began must not go on.
GUARD = """
import os, signal, subprocess, sys, threading
def watch():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)
threading.Thread(target=watch, daemon=True).start()
sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL) != 0)
"""
# What venv and pip write when they fail -> what to tell. The first that fits: order matters.
CAUSES = {
    r"No space left|Errno 28\b|not enough space": "the disk is full: free about 4 GB",
    r"(?i)NewConnectionError|name ?resolution|getaddrinfo|ProxyError|SSLError|timed? ?out"
    r"|connection (refused|reset|aborted|broken)|unreachable|Max retries": "the package index "
    "cannot be reached: check the network and pip's proxy settings",
    r"No matching distribution": "no wheel of a package fits this Python and this platform",
    r"": "see above",
}


def ask(*command):
    """Return the lines that a command prints, none where it is not there or fails."""
    settings = {"stderr": subprocess.DEVNULL, "universal_newlines": True}
    try:
        return subprocess.check_output(command, **settings).splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def fingerprint():
    """Return a hash of what decides the contents of .venv: not of how the code is checked."""
    text = PROJECT.read_text(encoding="utf-8")
    tables = re.findall(r"(?ms)^\[(?:build-system|project|tool\.setuptools).*?(?=^\[|\Z)", text)
    tables.append((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(map(str.strip, tables)).encode("utf-8")).hexdigest()


def installed():
    """Return the names in .venv's site-packages, but for what comes and goes."""
    code = "import os, sysconfig as s; print(*os.listdir(s.get_path('purelib')), sep='\\n')"
    names = ask(str(VENV_PYTHON), "-I", "-c", code)
    return sorted(name for name in names if not re.match(r"pip-|__pycache__", name))


def whats_wrong():
    """Return in a few words why .venv has to be built, "" when it is whole."""
    try:
        root, inputs, names = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return "there is no .venv that was finished"
    if root != str(ROOT):
        return f"the repository was moved here from {root}"
    if inputs != fingerprint():
        return "pyproject.toml or constraints.txt changed since .venv was built"
    lost = sorted(set(names).difference(installed()))
    if len(lost) == len(names):
        return "the Python of .venv no longer runs"
    return f".venv has lost {', '.join(lost[:3])}" if lost else ""


def choose_python():
    """Return the path of a Python in pyproject's range that can make environments, not .venv's."""
    text = PROJECT.read_text(encoding="utf-8")
    low, high = map(int, re.search(r'python = ">=3\.(\d+),<3\.(\d+)"', text).groups())
    code = f"import ensurepip, os, sys as s; assert {low} <= s.version_info[1] < {high}; "
    code += "p = s._base_executable; print(p if s.prefix == s.base_prefix else os.path.realpath(p))"
    launcher = "py -3.{}" if os.name == "nt" else "python3.{}"
    others = [launcher.format(minor).split() for minor in range(high - 1, low - 1, -1)]
    for command in [[sys.executable], *others]:
        for path in ask(*command, "-I", "-c", code):
            return path
    sys.exit(
        f"Found Python {sys.version.split()[0]} at {sys.executable}, but this needs Python "
        f"3.{low} to 3.{high - 1} with its venv module (Debian: apt install python3-venv): install "
        "one and run this again with it, or `make env PYTHON=/path/to/python`."
    )


def remove_old():
    """Delete .venv, unless it is something else than a virtual environment."""
    if VENV.is_symlink() or (VENV.exists() and not (VENV / "pyvenv.cfg").is_file()):
        sys.exit(f"{VENV} is a link or no virtual environment: move it away and run this again.")
    old = ROOT / ".venv-old"  # renamed first: stopped in the middle, no half of it is .venv
    shutil.rmtree(str(old), ignore_errors=True)
    if VENV.exists():
        VENV.rename(old)
        shutil.rmtree(str(old), ignore_errors=True)


def run(*command):
    """Run a Python in the root, no longer than this runs; where it fails, say the cause."""
    settings = dict(os.environ, TMPDIR=str(VENV))  # what a stopped pip leaves goes with .venv
    end, lifeline = os.pipe()
    done = subprocess.Popen(
        [command[0], "-I", "-c", GUARD, *command],
        cwd=str(ROOT),
        env=settings,
        stdin=end,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(end)
    try:
        _, said = done.communicate()
    finally:
        os.close(lifeline)
        done.wait()
    if done.returncode:
        said = said.decode("utf-8", "replace")
        if shutil.disk_usage(str(ROOT)).free < 1e8:  # venv keeps to itself what its own pip said
            said += "No space left"
        cause = next(CAUSES[pattern] for pattern in CAUSES if re.search(pattern, said))
        telling = r"(?m)^.+$" if cause == "see above" else r"(?m)^ERROR: .+$"
        print("\n".join(re.findall(telling, said)[-12:]), file=sys.stderr)
        sys.exit(f"Building .venv failed: {cause}. Then run this again.")


@contextlib.contextmanager
def in_turn():
    """Wait until no other process builds .venv, and keep others waiting meanwhile.

    A process that ends, however, lets go of the lock. Windows has none.
    """
    with (ROOT / ".venv.lock").open("a+") as lock:
        if os.name != "nt":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                print("Process", lock.read(20), "is building .venv: waiting for it.", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Set up .venv from pyproject.toml.")
    parser.add_argument("--check", action="store_true", help="only say whether .venv is whole")
    parser.add_argument("--rebuild", action="store_true", help="build .venv anew")
    options = parser.parse_args()
    wrong = "as asked" if options.rebuild else whats_wrong()
    if not wrong:
        return print("The environment .venv is whole.")
    if options.check:
        sys.exit(f"Not whole: {wrong}.")
    python = choose_python()
    with in_turn():
        wrong = "as asked" if options.rebuild else whats_wrong()
        if wrong:
            build(python, wrong)
        else:
            print("The environment .venv is whole.")


def build(python, wrong):
    """Build .venv with a Python; `wrong` says why."""
    print(f"Building .venv with {python}: {wrong}.", flush=True)
    remove_old()
    run(python, "-I", "-m", "venv", str(VENV))
    print("Installing: about 1 GB the first time; the last step is silent for minutes.", flush=True)
    inputs = fingerprint()
    run(str(VENV_PYTHON), *PIP.split(), "-c", "constraints.txt", "-e", ".[instructor,dev]")
    STAMP.write_text(json.dumps([str(ROOT), inputs, installed()], indent=1), encoding="utf-8")
    print("Done. Next: make lab, or", VENV_PYTHON.relative_to(ROOT).with_name("jupyter"), "lab")


if __name__ == "__main__":
    try:
        main()
        if sys.stdout:  # started with a closed one, it is None
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run it again to finish the environment.")
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else what it could not print is tried again
        sys.exit(f"Setting up .venv failed: {error}.")

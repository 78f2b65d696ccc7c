"""grading/sandbox.py: what a confined process can and can't do, seen from outside."""

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from grading import run, sandbox

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
posix = pytest.mark.skipif(os.name != "posix", reason="resource limits are those of Unix")


@pytest.fixture
def confined(tmp_path):
    """Run code in a confined process whose own folder is `tmp_path/own`; return what it prints."""

    def run(code, **limits):
        own = tmp_path / "own"
        own.mkdir(exist_ok=True)
        start = (
            f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom grading import sandbox\n"
            f"held = sandbox.confine({str(own)!r}, sandbox.python_folders(), "
            f"sandbox.Limits(**{limits!r}))\n"
        )
        command = [sys.executable, "-I", "-S", "-B", "-c", start + code]
        return subprocess.run(command, cwd=own, capture_output=True, text=True, timeout=60)

    return run


def need(part):
    """Skip a test where this system has no such part of the sandbox; say which."""
    with_part = {"files": sandbox.landlock_version() > 0, "processes": can_filter()}
    if not with_part[part]:
        pytest.skip({"files": "no Landlock here", "processes": "no seccomp filter here"}[part])


def can_filter():
    """Whether this system takes a filter of system calls: tried in a process of its own."""
    code = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom grading import sandbox\n"
        "sandbox.LIBC.prctl(sandbox.NO_NEW_PRIVS, 1, 0, 0, 0)\nprint(sandbox.filter_calls())"
    )
    result = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True)
    return result.stdout.strip() == b"seccomp"


@linux
def test_only_the_own_folder_can_be_written(confined, tmp_path):
    need("files")
    (tmp_path / "secret").write_text("secret")
    code = f"""
import os
open("mine", "w").write("mine")
os.mkdir("folder"); os.rename("mine", "folder/mine")
print(open("folder/mine").read())
path = {str(tmp_path / "secret")!r}
for action in (lambda: open(path), lambda: open(path, "a"), lambda: os.unlink(path),
               lambda: os.rename(path, "secret"), lambda: os.link(path, "secret"),
               lambda: os.listdir(os.path.dirname(path)), lambda: os.truncate(path, 0),
               lambda: os.mkdir(path + "2"), lambda: os.symlink(path, path + "3"),
               lambda: open("/dev/shm/x", "w")):
    try:
        action()
        print("NOT REFUSED")
    except OSError:
        pass
os.symlink(path, "link")
try:
    open("link")
    print("NOT REFUSED")
except OSError:
    pass
os.chmod(path, 0)
os.utime(path, (0, 0))
"""
    before = (tmp_path / "secret").stat()
    result = confined(code)
    assert result.stdout.split() == ["mine"], result
    after = (tmp_path / "secret").stat()
    assert (after.st_mode, after.st_mtime) == (before.st_mode, before.st_mtime)


@linux
def test_no_process_signal_or_socket(confined):
    need("processes")
    code = """
import ctypes, fcntl, os, resource, signal, socket, subprocess, threading
parent = os.getppid()
for action in (os.fork, lambda: subprocess.run(["/bin/true"]), lambda: os.execv("/bin/true", ["x"]),
               lambda: os.posix_spawn("/bin/true", ["x"], {}), lambda: os.kill(parent, 0),
               lambda: os.kill(-1, 0), lambda: os.kill(1, 0), lambda: os.pidfd_open(parent),
               lambda: resource.prlimit(parent, resource.RLIMIT_CPU, (1, 1)),
               lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
               lambda: os.sched_setaffinity(parent, {0}), socket.socket,
               lambda: socket.socket(socket.AF_UNIX), lambda: os.memfd_create("x"),
               lambda: fcntl.fcntl(0, fcntl.F_SETOWN, parent)):
    try:
        action()
        print("NOT REFUSED")
    except OSError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
assert libc.ptrace(16, parent, 0, 0) == -1 and libc.prctl(1, 0, 0, 0, 0) == -1
assert libc.unshare(0x10000000) == -1 and libc.syscall(425, 1, 0) == -1
thread = threading.Thread(target=print, args=["thread"])
thread.start(); thread.join()
one, other = socket.socketpair()
one.send(b"pair"); print(other.recv(4).decode())
signal.signal(signal.SIGUSR1, lambda *_: print("signal"))
os.kill(os.getpid(), signal.SIGUSR1)
resource.prlimit(0, resource.RLIMIT_CORE)
"""
    result = confined(code)
    assert result.stdout.split() == ["thread", "pair", "signal"], result


@linux
def test_root_keeps_no_right_of_its_own(confined):
    code = """
lines = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(*(int(lines[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")))
print(lines["NoNewPrivs"].strip())
"""
    assert confined(code).stdout.split() == ["0"] * 4 + ["1"]


@posix
def test_limits_hold(confined):
    code = """
try:
    bytearray(2**29)
except MemoryError:
    print("memory")
try:
    open("x", "wb").write(bytes(2**21))
except OSError as error:
    print(error.errno)
try:
    files = [open("x", "rb") for _ in range(99)]
except OSError as error:
    print(error.errno)
"""
    said = confined(code, memory=256, file=1, files=32).stdout.split()
    if sys.platform == "linux":
        assert said[0] == "memory"
    assert said[-2:] == [str(errno.EFBIG), str(errno.EMFILE)]


@posix
def test_cpu_time_ends(confined):
    assert confined("while True: pass", cpu=1).returncode < 0


@linux
def test_a_confined_process_ends_with_its_parent(tmp_path):
    inner = (
        f"import sys, time\nsys.path.insert(0, {str(ROOT)!r})\nfrom grading import sandbox\n"
        f"sandbox.confine({str(tmp_path)!r}, sandbox.python_folders(), sandbox.Limits())\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    outer = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-I', '-S', '-c', {inner!r}],\n"
        "                         stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    result = subprocess.run([sys.executable, "-c", outer], capture_output=True, text=True)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(result.stdout), 0)
            subprocess.run(["sleep", "0.05"], check=True)


def test_filters_for_both_processors_are_well_formed():
    for column, machine in sandbox.MACHINES.values():
        program = sandbox.filter_program(column, machine, 1234)
        steps = list(struct.iter_unpack("=HBBI", program))
        assert len(steps) < 4096
        for position, (code, then, otherwise, _) in enumerate(steps):
            if code in (sandbox.EQUAL, sandbox.AT_LEAST, sandbox.ANY_BIT):
                assert position + 1 + max(then, otherwise) < len(steps)
        assert steps[-1] == (sandbox.RETURN, 0, 0, sandbox.ALLOW)


@pytest.mark.parametrize(("column", "machine"), [(0, 0xC000003E), (1, 0xC00000B7)])
def test_filters_decide_as_meant(column, machine):
    own, other = 1234, 99
    program = list(struct.iter_unpack("=HBBI", sandbox.filter_program(column, machine, own)))

    def verdict(number, *arguments, via=machine):
        data = struct.pack("=iIQ6Q", number, via, 0, *arguments, *[0] * (6 - len(arguments)))
        loaded = position = 0
        while True:
            code, then, otherwise, value = program[position]
            if code == sandbox.RETURN:
                return value
            if code == sandbox.LOAD:
                (loaded,) = struct.unpack_from("=I", data, value)
            else:
                true = {
                    sandbox.EQUAL: loaded == value,
                    sandbox.AT_LEAST: loaded >= value,
                    sandbox.ANY_BIT: bool(loaded & value),
                }[code]
                position += then if true else otherwise
            position += 1

    refused, nothing = sandbox.ERROR | errno.EPERM, sandbox.ERROR
    for numbers in sandbox.REFUSED.values():
        if numbers[column] is not None:
            assert verdict(numbers[column]) == refused
    for numbers in sandbox.IGNORED.values():
        if numbers[column] is not None:
            assert verdict(numbers[column]) == nothing
    clone = sandbox.CLONE[column]
    assert verdict(clone, sandbox.CLONE_THREAD | 17) == sandbox.ALLOW
    assert verdict(clone, 17) == refused
    assert verdict(435) == sandbox.ERROR | errno.ENOSYS
    for numbers in sandbox.OWN.values():
        assert verdict(numbers[column], own) == sandbox.ALLOW
        assert verdict(numbers[column], other) == verdict(numbers[column], 0) == refused
    for numbers in sandbox.OWN_OR_ZERO.values():
        assert verdict(numbers[column], own) == verdict(numbers[column], 0) == sandbox.ALLOW
        assert verdict(numbers[column], other) == refused
    for numbers, place, values in sandbox.REFUSED_VALUES.values():
        for value in values:
            assert verdict(numbers[column], *[0] * place, value) == refused
        assert verdict(numbers[column], *[0] * place, 777) == sandbox.ALLOW
    read = (0, 63)[column]
    assert verdict(read) == sandbox.ALLOW
    assert verdict(read, via=0x40000003) == refused


def test_what_a_run_says_of_itself(tmp_path, monkeypatch):
    text, whole = run.protection(ROOT / "README.md", tmp_path)
    assert text.startswith("Sandbox: ")
    assert whole == ("NOT STOPPED" not in text)
    (tmp_path / "again").mkdir()
    monkeypatch.setattr(run, "SANDBOX", tmp_path / "none.py")  # not there: nothing protects
    text, whole = run.protection(ROOT / "README.md", tmp_path / "again")
    assert not whole
    assert "none; stopped: nothing; NOT STOPPED HERE: reading other files" in text


@linux
def test_the_trial_tries_in_earnest(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    refused = sandbox.attempts(str(secret))  # here nothing confines
    assert not any(refused[name] for name in ("reading", "writing", "processes", "network"))

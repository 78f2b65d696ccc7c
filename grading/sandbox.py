"""Confine a process that runs strangers' code, with what the system offers; no dependency.

`confine` is called by a process on itself, before it runs anything of a stranger's, while it
has one thread. On Linux it uses

- Landlock: only the given folders can be read, only its own folder can be written;
- a seccomp filter: no new process or program, no signal to another process, no network, no
  change of permissions, no look into or setting of limits for another process;
- no capability is kept (matters to root) and none can be gained;
- resource limits (CPU time, memory, size of a file, open files), as on every Unix.

What can't be had is left out and reported, so that whoever starts a run can say it.

    python grading/sandbox.py FOLDER FILE   confine this process to an own folder and try what is
                                            forbidden, reading FILE for one; print what held

Everything here is standard library: the file is read by a Python without site-packages.
"""

import ctypes
import errno
import json
import os
import platform
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MB = 2**20
LIBC = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None

# prctl
SET_PDEATHSIG, SET_SECCOMP, BOUNDING_DROP, NO_NEW_PRIVS = 1, 22, 24, 38

# Landlock: three system calls, with the same numbers on every processor
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
READ = READ_FILE | READ_DIR
FILES_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights this version knows; later: 16
TCP = 3  # binding and connecting
SCOPES = 3  # abstract sockets and signals of other processes

# What Python, NumPy and TensorFlow read outside of Python's own folders.
SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/filesystems",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
)

# System calls by number: x86_64, aarch64 (None: there is none). Refused in any case:
REFUSED = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),  # pairs of connected sockets stay
    "io_uring_setup": (425, 425),  # would do all of this by another way
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "tkill": (200, 130),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "shmget": (29, 194),  # memory that outlives the process
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),  # memory that no limit counts
    "memfd_secret": (447, 447),
    "truncate": (76, 45),  # by path; older Landlocks let it through
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
# Landlock leaves these alone, so a stranger could take the right to read from the files of whoever
# grades. They do nothing and report success: shutil.copy and the like go on working.
IGNORED = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
}
CLONE, CLONE3 = (56, 220), (435, 435)
CLONE_THREAD = 0x10000
# Allowed on this process only: the first argument is 0 (where that means "this one") or its id.
OWN_OR_ZERO = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
OWN = {
    "kill": (62, 129),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}
# Refused with these values: (argument's place, values).
REFUSED_VALUES = {
    "prctl": ((157, 167), 0, (SET_PDEATHSIG,)),
    "fcntl": ((72, 25), 1, (8, 10, 15)),  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals by a detour
    "ioctl": ((16, 29), 1, (0x8901, 0x8902)),  # FIOSETOWN, SIOCSPGRP: the same
}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000


@dataclass(frozen=True)
class Limits:
    """What one process may use.

    Attributes:
        cpu: Seconds of CPU time, all threads together.
        memory: MB of memory of its own.
        file: MB in one file.
        files: Open files.
    """

    cpu: int = 1200
    memory: int = 4096
    file: int = 64
    files: int = 256


def confine(folder: str, readable: list[str], limits: Limits) -> dict[str, str]:
    """Confine this process for the rest of its life.

    Args:
        folder: Where it may write; files that should not survive it belong in here.
        readable: Files and folders that it may read besides `folder` and the system's libraries.
        limits: What it may use.

    Returns:
        What protects from it, each "" where the system has none: "limits" (resource limits),
        "processes" (other processes and the network), "files".
    """
    held = {"limits": set_limits(limits), "processes": "", "files": ""}
    if sys.platform != "linux":
        return held
    die_with_parent()
    drop_capabilities()
    if LIBC.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        held["files"] = restrict_files(folder, readable)
        held["processes"] = filter_calls()
    return held


def set_limits(limits: Limits) -> str:
    """Set the resource limits; return which, in words."""
    try:
        import resource
    except ImportError:  # Windows
        return ""
    wanted = {
        "RLIMIT_CPU": limits.cpu,
        "RLIMIT_DATA": limits.memory * MB,
        "RLIMIT_FSIZE": limits.file * MB,
        "RLIMIT_NOFILE": limits.files,
        "RLIMIT_CORE": 0,
    }
    done = []
    for name, value in wanted.items():
        with suppress(AttributeError, ValueError, OSError):
            number = getattr(resource, name)
            _, hard = resource.getrlimit(number)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))
            done.append(name)
    return "resource limits" if "RLIMIT_CPU" in done else ""


def die_with_parent(first: bool = True) -> None:
    """Have this process killed when its parent ends; `first` to go when memory runs out."""
    LIBC.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if first:
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def drop_capabilities() -> None:
    """Give up what root may do beyond being the owner of its files."""
    for number in range(64):
        if LIBC.prctl(BOUNDING_DROP, number, 0, 0, 0) < 0 and ctypes.get_errno() == errno.EINVAL:
            break
    header = struct.pack("=Ii", 0x20080522, 0)
    LIBC.capset(header, bytes(24))


# --- files: Landlock ------------------------------------------------------------------------------


def landlock_version() -> int:
    """Return the version of Landlock's interface, 0 if there is none."""
    return max(0, LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1))


def restrict_files(folder: str, readable: list[str]) -> str:
    """Allow writing in `folder` and reading in `readable`; return what does it, "" if nothing."""
    version = landlock_version()
    if not version:
        return ""
    handled = (1 << FILES_BY_VERSION.get(version, 16)) - 1
    attributes = struct.pack(
        "=QQQ", handled, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = LIBC.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        return ""
    try:
        for path in (*SYSTEM, *readable):
            allow(rules, path, READ & handled)
        allow(rules, "/dev/null", (READ_FILE | WRITE_FILE) & handled)
        allow(rules, folder, handled & ~(EXECUTE | IOCTL))
        if LIBC.syscall(RESTRICT_SELF, rules, 0) < 0:
            return ""
    finally:
        os.close(rules)
    return f"Landlock {version}"


def allow(rules: int, path: str, rights: int) -> None:
    """Add a rule for a path, if it is there."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not Path(f"/proc/self/fd/{place}").is_dir():
            rights &= OF_FILES
        LIBC.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


# --- processes and network: seccomp ---------------------------------------------------------------


def filter_calls() -> str:
    """Install the filter of system calls; return what does it, "" if there is none."""
    if platform.machine() not in MACHINES or struct.calcsize("P") != 8:
        return ""
    program = filter_program(*MACHINES[platform.machine()], os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    return "seccomp" if LIBC.prctl(SET_SECCOMP, 2, fprog, 0, 0) == 0 else ""


def filter_program(column: int, machine: int, own: int) -> bytes:
    """Return the filter, in the kernel's own small language.

    Args:
        column: Which numbers of the tables are this machine's.
        machine: The kernel's number of the machine; calls in another machine's way are refused.
        own: The process's id.
    """
    refuse = [step(RETURN, ERROR | errno.EPERM)]
    allowed = [step(RETURN, ALLOW)]
    program = [step(LOAD, 4), step(EQUAL, machine, 1, 0), *refuse, step(LOAD, 0)]
    if column == 0:
        program += [step(AT_LEAST, 0x40000000, 0, 1), *refuse]  # the 32 bit way of calling

    def on(numbers: tuple, block: list[bytes]) -> None:
        if numbers[column] is not None:
            program.extend([step(EQUAL, numbers[column], 0, len(block)), *block])

    for numbers in REFUSED.values():
        on(numbers, refuse)
    for numbers in IGNORED.values():
        on(numbers, [step(RETURN, ERROR)])
    on(CLONE3, [step(RETURN, ERROR | errno.ENOSYS)])  # the C library then takes clone
    on(CLONE, [argument(0), step(ANY_BIT, CLONE_THREAD, 0, 1), *allowed, *refuse])
    for numbers in OWN.values():
        on(numbers, [argument(0), step(EQUAL, own, 0, 1), *allowed, *refuse])
    for numbers in OWN_OR_ZERO.values():
        ours = [step(EQUAL, own, 1, 0), step(EQUAL, 0, 0, 1)]
        on(numbers, [argument(0), *ours, *allowed, *refuse])
    for numbers, place, values in REFUSED_VALUES.values():
        tests = [step(EQUAL, value, len(values) - i, 0) for i, value in enumerate(values)]
        on(numbers, [argument(place), *tests, *allowed, *refuse])
    return b"".join(program + allowed)


def step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """Return one instruction of a filter; jumps are counted in instructions to leave out."""
    return struct.pack("=HBBI", code, then, otherwise, value)


def argument(place: int) -> bytes:
    """Return the instruction that loads the lower half of an argument of the call."""
    return step(LOAD, 16 + 8 * place)


# --- what a run may say of itself -----------------------------------------------------------------


def python_folders() -> list[str]:
    """Return the folders that a confined Python reads: the interpreter's and its packages'."""
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    folders = [Path(sys.base_prefix) / "lib", Path(os.__file__).parent, *map(Path, packages)]
    return sorted({str(folder.resolve()) for folder in folders})


def attempts(secret: str) -> dict[str, bool]:
    """Try what a confined process must not do; return what was refused."""

    def refused(action: Callable) -> bool:
        try:
            action()
        except OSError:
            return True
        return False

    def fork() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    def write() -> None:
        outside = Path(secret).parent / f".sandbox-{os.getpid()}"
        outside.touch()
        outside.unlink()

    return {
        "reading": refused(lambda: Path(secret).read_bytes()),
        "writing": refused(write),
        "processes": not hasattr(os, "fork") or refused(fork),
        "signals": os.name == "posix" and refused(lambda: os.kill(os.getppid(), 0)),
        "network": refused(lambda: socket.socket().close()),
    }


def main(arguments: list[str]) -> int:
    """Confine this process, try what is forbidden, print what held."""
    folder, secret = arguments
    held = confine(folder, python_folders(), Limits())
    print(json.dumps({"held": held, "refused": attempts(secret)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

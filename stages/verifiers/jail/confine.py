"""How the jail shuts itself in, on Linux, by system calls alone (ctypes; nothing to install).

Namespaces (level "namespaces"): own mounts, process ids, network, IPC and host name. The new root
holds Python's standard library and the shared libraries, read-only; no /proc, no /dev, no home, no
working directory. Root enters them as itself and then becomes `nobody`; an ordinary user (or a
root without the right to) enters a user namespace first. As process 1 of its namespace the server
cannot be signalled by its children, and they all die with it. No capability is left.

System calls (every level, x86_64 and aarch64): a seccomp filter of the child lets through what
computing and reading files needs and answers all else with EPERM: no fork, thread, exec, socket,
signal to another process, ptrace, limit or mount. That also holds for root, whom RLIMIT_NPROC does
not bind.

Level "bubblewrap" arrives here with the namespaces already made; level "none" has none and keeps
the filter where the platform has one.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct

NOBODY = 65534
NEW_ROOT = "/tmp"  # covered by the new root, in this mount namespace only
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

_NAMESPACES = 0x20000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000  # mnt uts ipc pid net
_NEW_USER = 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 4096, 16384, 1 << 18, 2
_READ_ONLY = 1 | 2 | 4  # MOUNT_ATTR_RDONLY, NOSUID, NODEV
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38

#: machine → (audit architecture, pivot_root, mount_setattr)
_MACHINES = {"x86_64": (0xC000003E, 155, 442), "aarch64": (0xC00000B7, 41, 442)}

#: The system calls that a program may use, by number on (x86_64, aarch64); None: not there.
ALLOWED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214),
    "mremap": (25, 216), "madvise": (28, 233), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "futex": (202, 98), "getrandom": (318, 278), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "restart_syscall": (219, 128),
    "openat": (257, 56), "open": (2, None), "newfstatat": (262, 79), "stat": (4, None),
    "lstat": (6, None), "statx": (332, 291), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "getdents64": (217, 61), "readlink": (89, None),
    "readlinkat": (267, 78), "getcwd": (79, 17), "pread64": (17, 67), "readv": (19, 65),
    "writev": (20, 66), "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "uname": (63, 160), "sysinfo": (99, 179), "sched_yield": (24, 124), "times": (100, 153),
    "sched_getaffinity": (204, 123), "getrusage": (98, 165), "exit": (60, 93),
    "exit_group": (231, 94),
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


def enter(level: str) -> Filter | None:
    """Shut this process in and return the filter for its children; OSError when it cannot be."""
    machine = _MACHINES.get(platform.machine()) if platform.system() == "Linux" else None
    if machine is None:
        if level != "none":
            raise OSError(f"no isolation on {platform.system()} {platform.machine()}")
        return None
    if level == "namespaces":
        _enter_namespaces(*machine[1:])
    if level != "none":
        _drop_capabilities()
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    return Filter(machine[0], list(_MACHINES).index(platform.machine()))


class Filter:
    """A seccomp filter, built once and installed in each child."""

    def __init__(self, architecture: int, column: int) -> None:
        numbers = [n[column] for n in ALLOWED.values() if n[column] is not None]
        load, equal, result, allow = 0x20, 0x15, 0x06, 0x7FFF0000
        code = [
            (load, 0, 0, 4),  # the architecture
            (equal, 1, 0, architecture),
            (result, 0, 0, 0x80000000),  # another one: kill
            (load, 0, 0, 0),  # the number of the system call
            *((equal, len(numbers) - at, 0, number) for at, number in enumerate(numbers)),
            (result, 0, 0, 0x00050000 | 1),  # EPERM
            (result, 0, 0, allow),
        ]
        self._code = b"".join(struct.pack("=HBBI", *step) for step in code)
        self._program = struct.pack("@HP", len(code), _address(self._code))

    def install(self) -> None:
        """From here on this process can only compute."""
        mode = ctypes.c_ulong(2)
        _check(_libc.prctl(_PR_SET_SECCOMP, mode, self._program, 0, 0), "seccomp")


def _enter_namespaces(pivot_root: int, mount_setattr: int) -> None:
    becomes_nobody = os.geteuid() == 0 and _libc.unshare(_NAMESPACES) == 0
    if not becomes_nobody:
        _enter_user_namespace()
    _build_root(pivot_root, mount_setattr)
    child = os.fork()  # the first process of the new namespace of process ids
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    if becomes_nobody:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")


def _enter_user_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(_NAMESPACES | _NEW_USER), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _build_root(pivot_root: int, mount_setattr: int) -> None:
    """A root of nothing but libraries, read-only, in place of the machine's."""
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "private mounts")
    folders = [os.path.dirname(os.__file__), *filter(os.path.isdir, LIBRARIES)]
    sources = {folder: os.open(folder, os.O_PATH) for folder in folders}
    _check(_libc.mount(b"jail", NEW_ROOT.encode(), b"tmpfs", 0, b"mode=755,size=1m"), "tmpfs")
    for folder, descriptor in sources.items():
        os.makedirs(NEW_ROOT + folder, exist_ok=True)
        source, target = f"/proc/self/fd/{descriptor}".encode(), (NEW_ROOT + folder).encode()
        _check(_libc.mount(source, target, None, _MS_BIND | _MS_REC, None), f"bind {folder}")
        os.close(descriptor)
    attributes = struct.pack("=QQQQ", _READ_ONLY, 0, 0, 0)
    path = NEW_ROOT.encode()
    _call(mount_setattr, _AT_FDCWD, path, _AT_RECURSIVE, attributes, len(attributes))
    os.chdir(NEW_ROOT)
    _call(pivot_root, b".", b".")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount")
    os.chdir("/")


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


def _call(number: int, *arguments: int | bytes) -> None:
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    _check(_libc.syscall(ctypes.c_long(number), *values), f"system call {number}")


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _address(data: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0

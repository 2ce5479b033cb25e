"""How the jail shuts itself in, on Linux, by system calls alone (ctypes; nothing to install).

Level "namespaces": own mounts, process ids, network, IPC and host name. The new root holds what
the jail is shown (Python's standard library and the shared libraries), read-only; no /proc, no
/dev, no home, no working directory. Root enters them as itself and then becomes `nobody`; an
ordinary user (or a root without the right to) enters a user namespace first. As process 1 of its
namespace the server cannot be signalled by its children, and they all die with it.

Level "landlock" (landlock.py) needs no privilege: the same files can be opened and no others.

Level "bubblewrap" arrives here with the namespaces already made; level "none" has none and keeps
the seccomp filter (seccomp.py) where the platform has one. No level but "none" keeps a capability.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Sequence
from pathlib import PurePath

import landlock
import seccomp

NOBODY = 65534
NEW_ROOT = "/tmp"  # covered by the new root, in this mount namespace only
WORK = "/r1-work"  # the folder to write to, where there are own mounts; hides no checkout
WORK_MEGABYTES = 256
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

_NAMESPACES = 0x20000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000  # mnt uts ipc pid net
_NEW_USER = 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 4096, 16384, 1 << 18, 2
_READ_ONLY = 1 | 2 | 4  # MOUNT_ATTR_RDONLY, NOSUID, NODEV
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

#: machine → (pivot_root, mount_setattr)
_CALLS = {"x86_64": (155, 442), "aarch64": (41, 442)}

_libc = ctypes.CDLL(None, use_errno=True)


def enter(level: str, shown: Sequence[str], packages: Sequence[str], work: str) -> None:
    """Shut this process in; OSError when it cannot be.

    shown: files and folders to see besides the shared libraries. packages: folders to import from,
    of which mounts show a part; what can be listed but not read would break imports. work: a
    folder that the server may write to, or "".
    """
    machine = platform.machine()
    if not filtered():
        if level != "none":
            raise OSError(f"no isolation on {platform.system()} {machine}")
        die_with_parent()
        return
    folders = [*shown, *filter(os.path.isdir, LIBRARIES)]
    if level == "namespaces":
        _enter_namespaces(folders, bool(work), *_CALLS[machine])
    os.chdir("/")
    if level != "none":
        _drop_capabilities()
    if level in ("landlock", "none"):
        die_with_parent()  # changed rights would undo it; a stopped server hears of no other end
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    if level == "landlock":
        landlock.restrict([*folders, *packages], [work] if work else [])


def filtered() -> bool:
    """Whether this machine's children get a seccomp filter."""
    return platform.system() == "Linux" and platform.machine() in seccomp.MACHINES


def die_with_parent() -> None:
    """Should this process's parent be killed, it is too, even where it is stopped."""
    if platform.system() == "Linux":
        _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")


def _enter_namespaces(
    folders: Sequence[str], work: bool, pivot_root: int, mount_setattr: int
) -> None:
    becomes_nobody = os.geteuid() == 0 and _libc.unshare(_NAMESPACES) == 0
    if not becomes_nobody:
        _enter_user_namespace()
    _build_root(folders, work, pivot_root, mount_setattr)
    die_with_parent()
    child = os.fork()  # the first process of the new namespace of process ids
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    if becomes_nobody:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    die_with_parent()


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


def _build_root(folders: Sequence[str], work: bool, pivot_root: int, mount_setattr: int) -> None:
    """A root of nothing but what is shown, read-only, in place of the machine's."""
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "private mounts")
    sources = {path: os.open(path, os.O_PATH) for path in _outermost(folders)}
    _check(_libc.mount(b"jail", NEW_ROOT.encode(), b"tmpfs", 0, b"mode=755,size=1m"), "tmpfs")
    if work:
        os.mkdir(NEW_ROOT + WORK)
    for path, descriptor in sources.items():
        _bind(path, descriptor)
    attributes = struct.pack("=QQQQ", _READ_ONLY, 0, 0, 0)
    root = NEW_ROOT.encode()
    _call(mount_setattr, _AT_FDCWD, root, _AT_RECURSIVE, attributes, len(attributes))
    if work:
        options = f"mode=777,size={WORK_MEGABYTES}m".encode()
        place = (NEW_ROOT + WORK).encode()
        _check(_libc.mount(b"work", place, b"tmpfs", 2 | 4, options), "work folder")
    os.chdir(NEW_ROOT)
    _call(pivot_root, b".", b".")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount")


def _outermost(paths: Sequence[str]) -> list[str]:
    """Without the paths that lie inside another one."""
    kept = set(paths)
    return [p for p in dict.fromkeys(paths) if not kept & set(map(str, PurePath(p).parents))]


def _bind(path: str, descriptor: int) -> None:
    target = NEW_ROOT + path
    if os.path.isdir(f"/proc/self/fd/{descriptor}"):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    source = f"/proc/self/fd/{descriptor}".encode()
    _check(_libc.mount(source, target.encode(), None, _MS_BIND | _MS_REC, None), f"bind {path}")
    os.close(descriptor)


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

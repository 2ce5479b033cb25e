"""Which isolation this machine has: start a jail at the first level that works.

bubblewrap   `bwrap`, if it is on the PATH
namespaces   the same by system calls (jail/confine.py), as root or as an ordinary user
landlock     for containers that may not make namespaces (jail/landlock.py); programs can tell
             whether a file of the container exists, but open none
none         only when asked for by name, in R1_SANDBOX; otherwise model code is refused
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import RecipeError, UsageError
from stages.verifiers.exchange import patience
from stages.verifiers.packages import Packages

LEVELS = ("bubblewrap", "namespaces", "landlock")
START_SECONDS = 10.0  # of CPU, by which a process is ready; what it starts takes twice as long

REMEDY = """
one of these helps:
  a kernel with Landlock: Linux 5.13 or newer, with landlock among `lsm=` (needs no privilege)
  user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu) or
    kernel.unprivileged_userns_clone=1 (Debian); in a container, start it with
    docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined
R1_SANDBOX=none runs it unprotected"""

_JAIL = Path(__file__).parent / "jail"
_PYTHON = ("-s", "-S", "-P", "-B", "-X", "utf8")
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    # Threads of a library, and heaps for each thread, take address space that is a program's.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MALLOC_ARENA_MAX": "1",
}
_OWN_MOUNTS = ("bubblewrap", "namespaces")
_WORK = "/r1-work"  # the folder to write to where the jail has mounts of its own (confine.py)


@dataclass(frozen=True)
class Content:
    """What a jail holds: packages for programs, or a compiler's folders and a place to write."""

    packages: Packages = field(default_factory=Packages)
    compiler: tuple[str, ...] = ()


@dataclass
class Jail:
    """A running server of a jail and the channel on which it takes orders."""

    level: str
    process: subprocess.Popen[bytes]
    channel: socket.socket
    cleaner: subprocess.Popen[bytes] | None = None  # of a folder that ends with the jail

    def end(self) -> None:
        """End the server and everything in it."""
        self.channel.close()
        self.process.kill()
        self.process.wait()
        _clean(self.cleaner)


def wanted_levels(level: str | None = None) -> Sequence[str]:
    """The levels to try: the one asked for, or all that isolate."""
    asked = level or os.environ.get("R1_SANDBOX") or None
    if asked is None:
        return LEVELS
    if asked not in (*LEVELS, "none"):
        raise UsageError(
            f"R1_SANDBOX={asked}: there is no such isolation; "
            f"there are {', '.join((*LEVELS, 'none'))}"
        )
    return (asked,)


class _Silent(OSError):
    """A jail's server ended without a word, as one does that is killed."""


def start_first(levels: Sequence[str], content: Content) -> Jail:
    """A running jail of the first level that starts; one that was killed starts again, once."""
    failures = []
    for level in levels:
        try:
            with contextlib.suppress(_Silent):
                return _start(level, content)
            return _start(level, content)
        except OSError as problem:
            failures.append(f"  {level}: {problem}")
    raise RecipeError(
        "code written by a model is only run in a sandbox, and none starts here:\n"
        + "\n".join(failures)
        + REMEDY
    )


def _start(level: str, content: Content) -> Jail:
    work = _work_folder(level) if content.compiler or content.packages.imports else ""
    cleaner = _cleaner(work) if level not in _OWN_MOUNTS else None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    shown = _shown(content)
    setup = {
        "level": level,
        "shown": shown,
        "work": work,
        "compiling": bool(content.compiler),
        "path": content.packages.path,
        "imports": content.packages.imports,
    }
    arguments = [*_PYTHON, str(_JAIL), str(theirs.fileno()), json.dumps(setup)]
    try:
        process = subprocess.Popen(
            [*_python(level, shown, work), *arguments],
            pass_fds=[theirs.fileno()],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError:
        ours.close()
        _clean(cleaner)
        raise
    finally:
        theirs.close()
    jail = Jail(level, process, ours, cleaner)
    said = _greeting(jail)
    if said == "ready":
        return jail
    jail.end()
    if problem := said or _errors(process):
        raise OSError(problem)
    raise _Silent("it ended without a word")


def _errors(process: subprocess.Popen[bytes]) -> str:
    """The end of what a process that has ended said; what it started may hold its stderr open."""
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    return (process.stderr.read() or b"").decode(errors="replace").strip()[-300:]


def _greeting(jail: Jail) -> str:
    seconds = patience(START_SECONDS)
    jail.channel.settimeout(seconds)
    try:
        return jail.channel.recv(4096).decode(errors="replace")
    except TimeoutError:
        return f"it did not start within {seconds:.0f} s"
    except OSError:
        return ""


def _cleaner(folder: str) -> subprocess.Popen[bytes] | None:
    """What removes a folder when its stdin ends: with this process, however that ends."""
    if not folder:
        return None
    command = 'cat >/dev/null; rm -rf -- "$0" || { sleep 1; rm -rf -- "$0"; }'
    return subprocess.Popen(
        ["/bin/sh", "-c", command, folder], stdin=subprocess.PIPE, start_new_session=True
    )


def _clean(cleaner: subprocess.Popen[bytes] | None) -> None:
    """Have it remove its folder now."""
    if cleaner is not None:
        cleaner.communicate()


def _work_folder(level: str) -> str:
    if level in _OWN_MOUNTS:
        return _WORK
    return tempfile.mkdtemp(prefix="r1-compile-")


def _shown(content: Content) -> list[str]:
    """The files and folders that the jail can read besides the shared libraries."""
    return [os.path.dirname(os.__file__), *content.packages.shown, *content.compiler]


def _python(level: str, shown: Sequence[str], work: str) -> list[str]:
    """The command that starts Python at a level."""
    if level != "bubblewrap":
        return [sys.executable]
    program = shutil.which("bwrap")
    if program is None:
        raise OSError("bwrap is not on the PATH")
    python = str(Path(sys.executable).resolve())  # a venv's link would not find its library
    library = str(Path(os.__file__).parents[1])
    paths = dict.fromkeys((*shown, str(_JAIL), library, python))
    binds = [a for path in paths for a in ("--ro-bind", path, path)]
    libraries = [a for p in ("/lib", "/lib64", "/usr/lib") for a in ("--ro-bind-try", p, p)]
    writable = ("--tmpfs", work) if work else ()
    return [
        *(program, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"),
        *("--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--chdir", "/"),
        *(*libraries, *binds, *writable, "--remount-ro", "/", "--", python),
    ]

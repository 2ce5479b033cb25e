"""Which isolation this machine has: start the jail at the first level that works.

bubblewrap   `bwrap`, if it is on the PATH
namespaces   the same by system calls (jail/confine.py), as root or as an ordinary user
none         only when asked for by name, in R1_SANDBOX; otherwise model code is refused
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import RecipeError, UsageError

LEVELS = ("bubblewrap", "namespaces")
START_SECONDS = 20.0

_JAIL = Path(__file__).parent / "jail"
_PYTHON = ("-s", "-S", "-P", "-B", "-X", "utf8")


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


def start_first(levels: Sequence[str]) -> tuple[str, subprocess.Popen[bytes], socket.socket]:
    """A running jail of the first level that starts, and the channel to it."""
    failures = []
    for level in levels:
        try:
            return level, *_start(level)
        except OSError as problem:
            failures.append(f"  {level}: {problem}")
    raise RecipeError(
        "code written by a model is only run in a sandbox, and none starts here:\n"
        + "\n".join(failures)
        + "\ninstall bubblewrap or allow user namespaces; R1_SANDBOX=none runs it unprotected"
    )


def _start(level: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        process = subprocess.Popen(
            [*_python(level), *_PYTHON, str(_JAIL), level, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={"PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.settimeout(START_SECONDS)
    said = ours.recv(4096).decode(errors="replace")
    ours.settimeout(None)
    if said == "ready":
        return process, ours
    ours.close()
    process.kill()
    errors = process.communicate()[1].decode(errors="replace").strip()
    raise OSError(said.removeprefix(f"{level}: ") or errors[-300:] or "it ended without a word")


def _python(level: str) -> list[str]:
    """The command that starts Python at a level."""
    if level != "bubblewrap":
        return [sys.executable]
    program = shutil.which("bwrap")
    if program is None:
        raise OSError("bwrap is not on the PATH")
    python = str(Path(sys.executable).resolve())  # a venv's link would not find its library
    shown = [str(_JAIL), str(Path(os.__file__).parents[1]), python]
    binds = [argument for path in shown for argument in ("--ro-bind", path, path)]
    libraries = [a for p in ("/lib", "/lib64", "/usr/lib") for a in ("--ro-bind-try", p, p)]
    return [
        *(program, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"),
        *("--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--chdir", "/"),
        *(*libraries, *binds, "--remount-ro", "/", "--", python),
    ]

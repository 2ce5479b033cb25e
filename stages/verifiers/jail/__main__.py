"""The jail: a warm server that forks one confined child per program. Standard library only.

Run by `stages/verifiers/sandbox.py` as `python … stages/verifiers/jail LEVEL FD`. It imports what
programs commonly import, shuts itself in, says "ready", and then, for each file descriptor that
it receives over FD, forks a child which talks to the judge over that descriptor alone. The server
never sees a program or a result, so there is nothing in its memory for a later child to find. Any
byte on FD while a child runs, or its end, is the order to kill the child; the judge has the clock.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import socket
import sys
from importlib import import_module

import confine
import program

PRELOADED = (
    "abc", "array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "io", "itertools",
    "json", "math", "numbers", "operator", "queue", "re", "statistics", "string", "struct",
    "textwrap", "time", "typing", "unicodedata",
)  # fmt: skip
MEMORY_BYTES = 512 << 20  # address space of a program; also bounds a memory bomb
CPU_SECONDS = 60  # a backstop; the judge's wall clock ends a program long before
OPEN_FILES = 64
RESULT_FD = 3


def main() -> None:
    level, channel = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    sys.path.pop(0)  # the jail's own folder is no place for programs to import from
    os.environ.clear()
    for name in PRELOADED:
        import_module(name)
    try:
        seccomp = confine.enter(level)
    except OSError as problem:
        channel.send(f"{level}: {problem}".encode())
        return
    gc.freeze()
    channel.send(b"ready")
    serve(channel, seccomp)


def serve(channel: socket.socket, seccomp: confine.Filter | None) -> None:
    """One child after the other, until the judge closes the channel."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        if not message:
            os._exit(0)
        child = os.fork()
        if child == 0:
            try:
                run_child(descriptors[0], seccomp)
            finally:
                os._exit(0)
        os.close(descriptors[0])
        order = channel.recv(1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if not order:
            os._exit(0)


def run_child(descriptor: int, seccomp: confine.Filter | None) -> None:
    """Keep the one descriptor, give up all else, and only then read the program."""
    os.dup2(1, 2)  # /dev/null; the server's own stderr is a pipe that would fill
    os.dup2(descriptor, RESULT_FD)
    os.closerange(RESULT_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))
    random.seed(0)  # the same program gets the same verdict in every run
    if seccomp is not None:
        seccomp.install()
    program.answer(RESULT_FD)


if __name__ == "__main__":
    main()

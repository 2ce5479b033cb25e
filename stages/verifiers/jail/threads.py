"""Threads in the jail, counted: a program starts at most `LARGEST`, alive or not.

A filter cannot count, and RLIMIT_NPROC counts a user's threads wherever they run, and root's not at
all. So the kernel asks a process of the jail, the supervisor, about each thread that a program
starts (seccomp's user notification, Linux 5.5), which says no after so many.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import select
import socket
import struct
import threading

import confine
import seccomp

LARGEST = 1000
STACK = 2 << 20  # bytes of address space for a thread's stack where the program does not say
READY_SECONDS = 10.0  # in which the supervisor is there
LARGEST_STACK = 64 << 20  # where it does; calls of Python functions do not need it

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_ANSWER = struct.Struct("=QqiI")  # which thread, 0, error, flags
_CONTINUE = 1
_NOTICE_BYTES = 80


def start_supervisor(notifier: seccomp.Notifier) -> socket.socket | None:
    """Start the supervisor; where children `report`. None where the kernel does not ask."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    trial = os.fork()
    if trial == 0:
        os._exit(0 if notifier.install() >= 0 else 1)
    if os.waitpid(trial, 0)[1] != 0:
        return None
    if os.fork() == 0:
        try:
            confine.die_with_parent()
            theirs.send(b".")
            os.dup2(theirs.fileno(), 0)
            os.closerange(3, 1024)
            _supervise(socket.socket(fileno=0))
        finally:
            os._exit(1)
    theirs.close()
    ours.settimeout(READY_SECONDS)
    ours.recv(1)
    ours.settimeout(None)
    return ours


def report(supervisor: socket.socket, notifier: seccomp.Notifier) -> None:
    """In a child: have the supervisor asked about this process's threads from here on."""
    listener = notifier.install()
    supervisor.sendmsg(
        [b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))]
    )
    os.close(listener)


def limit_stacks() -> None:
    """Stacks of threads that fit a program's memory, which contest programs ask too much of."""
    set_size = threading.stack_size
    set_size(STACK)
    threading.stack_size = lambda size=0: set_size(min(size, LARGEST_STACK))


def _supervise(reports: socket.socket) -> None:
    started: dict[int, int] = {}
    poll = select.poll()
    poll.register(reports, select.POLLIN)
    while True:
        for descriptor, event in poll.poll():
            if descriptor == reports.fileno():
                for listener in socket.recv_fds(reports, 1, 1)[1]:
                    started[listener] = 0
                    poll.register(listener, select.POLLIN)
            elif event & select.POLLIN:
                started[descriptor] += 1
                _answer(descriptor, started[descriptor] <= LARGEST)
            else:  # its process has ended
                poll.unregister(descriptor)
                os.close(descriptor)


def _answer(listener: int, allowed: bool) -> None:
    notice = bytearray(_NOTICE_BYTES)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
        asked = int.from_bytes(notice[:8], "little")
        error, flags = (0, _CONTINUE) if allowed else (-errno.EAGAIN, 0)
        fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(asked, 0, error, flags)))
    except OSError:  # it was killed meanwhile
        return

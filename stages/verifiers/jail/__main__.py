"""The jail: a warm server that forks one confined child per program. Standard library only.

Run by `stages/verifiers/isolation.py` as `python … stages/verifiers/jail FD SETUP`. It shuts itself
in, imports what programs commonly import, says "ready", and then obeys orders (ORDER, orders.py):

    start    fork a child with these limits; the descriptors that come along are 3, 4, … in it,
             or, for a program that reads stdin, 0, 1 and 3, or, for a compiled one, 0, 1 and what
             is executed
    wait     give the child a moment to end by itself, then kill it; answer with its exit status,
             the CPU time that it took and whether it had ended before
    kill     kill the child at once; answer likewise

The server never sees a program or a result: these travel between the judge and the child, so there
is nothing in its memory for a later child to find. The judge has the clock. Children of one server
can run side by side; they can neither see nor signal each other.
"""

from __future__ import annotations

import asyncio
import builtins
import gc
import json
import math
import os
import random
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import compiler
import confine
import loops
import orders
import program
import seccomp
import threads

PRELOADED = (
    "abc", "array", "atexit", "bisect", "cmath", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq",
    "concurrent.futures.thread", "io", "itertools", "json", "math", "numbers", "operator", "queue",
    "re", "statistics", "string", "struct", "textwrap", "threading", "time", "typing",
    "unicodedata", "unittest",
)  # fmt: skip
OPEN_FILES = 64
FIRST_FD = 3  # where a child's own descriptors begin
WAIT_MILLISECONDS = 200  # what a program that has closed its output may take to end
NOT_EXECUTED = 127  # exit status
MACHINE = os.uname().machine
WORK_FILE_BYTES = 128 << 20  # of a compiler; a program writes no file at all


def main() -> None:
    channel, setup = socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))  # the judge's own is for one question
    sys.path.pop(0)  # the jail's own folder is no place for programs to import from
    be_expendable()
    try:
        confine.enter(setup["level"], setup["shown"], setup["path"], setup["work"])
    except OSError as problem:
        channel.send(str(problem).encode())
        return
    preload(setup)
    work = setup["work"] if setup["compiling"] else ""
    rules = Rules.of(compiling=bool(work))
    channel.send(b"ready")
    serve(channel, work, rules)


@dataclass(frozen=True)
class Rules:
    """What binds children: a filter, where there is one, and who counts their threads, if any."""

    filter: seccomp.Filter | None = None
    notifier: seccomp.Notifier | None = None
    supervisor: socket.socket | None = None

    @classmethod
    def of(cls, compiling: bool) -> Rules:
        if not confine.filtered():
            return cls()
        if compiling:
            return cls(seccomp.Filter(MACHINE, compiling=True))
        notifier = seccomp.Notifier(MACHINE)
        supervisor = threads.start_supervisor(notifier)
        return cls(seccomp.Filter(MACHINE, threads=supervisor is not None), notifier, supervisor)

    def impose(self) -> None:
        """From here on this process can only compute."""
        if self.filter is not None and self.filter.install() < 0:
            raise OSError("no seccomp filter")


def be_expendable() -> None:
    """Where memory runs out, the kernel is to end programs, not those who judge or train."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:  # no /proc: bubblewrap's jail has its worker's number
        return


def preload(setup: dict[str, Any]) -> None:
    """Import what programs will want; some packages need a folder for that.

    What numpy's library reads of the environment, it reads when it is loaded.
    """
    sys.path += setup["path"]
    if setup["work"]:
        os.environ["TMPDIR"] = setup["work"]
    for name in (*PRELOADED, *setup["imports"]):
        import_module(name)
    os.environ.clear()
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # programs expect what `site` adds
    sys.set_int_max_str_digits(0)  # the limit on CPU time is limit enough
    threads.limit_stacks()
    asyncio.set_event_loop_policy(loops.Policy())
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket, work: str, rules: Rules) -> None:
    """Orders, until the judge closes the channel. work: the compiler's folder; else ""."""
    children: dict[int, int] = {}
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, orders.ORDER.size, 4)
        if not message:
            for child in children.values():
                os.killpg(child, signal.SIGKILL)
            os._exit(0)
        order = orders.Order(*orders.ORDER.unpack(message))
        if order.kind in orders.STARTS:
            children[order.child] = start(order, descriptors, rules, work)
        else:
            ended = end(children.pop(order.child), order.kind == orders.WAIT)
            channel.send(orders.STATUS.pack(*ended))


def start(order: orders.Order, descriptors: list[int], rules: Rules, work: str) -> int:
    """Fork the child; in the child, never return."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            confine.die_with_parent()
            if rules.supervisor and rules.notifier:
                threads.report(rules.supervisor, rules.notifier)
            take_descriptors(order, descriptors)
            set_limits(order, work)
            status = run_child(order, rules, work)
        finally:
            os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)
    return child


def end(child: int, patient: bool) -> tuple[int, int, bool]:
    """The child's exit status, negative when a signal ended it, its milliseconds of CPU, and
    whether it had ended by then.
    """
    poll = select.poll()
    watched = os.pidfd_open(child)
    poll.register(watched, select.POLLIN)
    had_ended = bool(poll.poll(WAIT_MILLISECONDS if patient else 0))
    os.close(watched)
    for kill in (os.killpg, os.kill):  # what a compiler started, and a child without its group
        try:
            kill(child, signal.SIGKILL)
        except OSError:
            continue
    _, status, usage = os.wait4(child, 0)
    used = usage.ru_utime + usage.ru_stime
    return os.waitstatus_to_exitcode(status), int(1000 * used), had_ended


def take_descriptors(order: orders.Order, descriptors: list[int]) -> None:
    """Put the received descriptors where the child looks for them; close all others but 0 to 2."""
    os.setsid()
    os.dup2(1, 2)  # /dev/null; the server's own stderr is a pipe that would fill
    received = sorted(descriptors)  # in the order sent; each is at or above its place
    if order.kind != orders.START:
        os.dup2(received.pop(0), 0)
        os.dup2(received.pop(0), 1)
    if order.kind == orders.START_BINARY:
        os.dup2(received.pop(0), seccomp.EXEC_FD, inheritable=False)
    for place, descriptor in enumerate(received, FIRST_FD):
        os.dup2(descriptor, place)
    os.closerange(FIRST_FD + len(received), seccomp.EXEC_FD)
    os.closerange(seccomp.EXEC_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def set_limits(order: orders.Order, work: str) -> None:
    """The limits of a child, where the machine's own are not lower.

    The timer is exact, but a program can block its signal: RLIMIT_CPU then ends it a second later.
    """
    memory, seconds = order.megabytes << 20, order.cpu_milliseconds / 1000
    signal.setitimer(signal.ITIMER_PROF, seconds)
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: math.ceil(seconds) + 1,
        resource.RLIMIT_FSIZE: WORK_FILE_BYTES if work else 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    if order.kind == orders.START_BINARY:
        limits[resource.RLIMIT_STACK] = memory
    if not confine.filtered():
        limits[resource.RLIMIT_NPROC] = 0
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def run_child(order: orders.Order, rules: Rules, work: str) -> int:
    """Give up all else, and only then read the program; the exit status."""
    random.seed(0)  # the same program gets the same verdict in every run
    rules.impose()
    if order.kind == orders.START_BINARY:
        seccomp.execute(seccomp.EXEC_FD, MACHINE)
        return NOT_EXECUTED
    if work:
        return compiler.answer(FIRST_FD, work)
    return program.answer(FIRST_FD)


if __name__ == "__main__":
    main()

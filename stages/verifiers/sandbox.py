"""Run code that a model wrote, and learn the values of expressions, without trusting it.

Isolation (isolation.py) is bubblewrap or namespaces, always with a seccomp filter. Both give: no
network, a read-only file system with nothing but Python's library, an empty environment, no other
process to see or signal, no new process or thread, limits on memory, CPU, open files and output,
and a wall clock that kills.

The result channel. A program's process is given expressions such as `f(1)` and reports values as
plain data; what they should be, and the comparison, stay in this process (code.py). So there is
nothing to forge: a program that finds the descriptor and writes to it, patches builtins, defeats
`==`, or exits early can only claim a value, and a wrong claim is as wrong as a wrong return.
Neither the server nor an earlier child holds an expected value or a program that could be read.

Limits: a program can still recognise a test's arguments and hard-code answers that it learned in
training. Within its limits it can waste a second of one core. The kernel is shared. Only Python's
standard library is there. stdin and stdout are /dev/null.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RecipeError
from stages.verifiers.isolation import start_first, wanted_levels
from stages.verifiers.jail import program as plain

OUTPUT_BYTES = 1 << 20  # values of one program, as JSON


@dataclass(frozen=True)
class Outcome:
    """values: one per expression, or fewer when `problem` says what ended the program."""

    values: list[Any]
    problem: str = ""


class _Gone(Exception):
    """The jail's server has died."""


class Sandbox:
    """A warm jail: start once, `run` many programs, `close`."""

    def __init__(self, level: str | None = None) -> None:
        self.level, self._process, self._channel = start_first(wanted_levels(level))

    def run(
        self,
        code: str,
        expressions: Sequence[str],
        values: Mapping[str, Any] | None = None,
        seconds: float = 5.0,
    ) -> Outcome:
        """Run a program in a process of its own, then evaluate expressions in it.

        `values` are names that the program starts with. A jail that has died is replaced once.
        """
        known = {name: plain.encode(value) for name, value in (values or {}).items()}
        request = {"program": code, "expressions": list(expressions), "values": known}
        message = json.dumps(request).encode()
        try:
            return self._run(message, seconds, len(expressions))
        except _Gone:
            self.close()
            self.level, self._process, self._channel = start_first((self.level,))
        try:
            return self._run(message, seconds, len(expressions))
        except _Gone:
            return Outcome([], "broke its sandbox")

    def close(self) -> None:
        """End the server and everything in it."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _run(self, message: bytes, seconds: float, expected: int) -> Outcome:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._tell(b"r", theirs.fileno())
            reply, problem = _exchange(ours, message, time.monotonic() + seconds)
            self._tell(b"k")
        return Outcome([], problem) if problem else _decode(reply, expected)

    def _tell(self, message: bytes, *descriptors: int) -> None:
        try:
            socket.send_fds(self._channel, [message], list(descriptors))
        except OSError:
            raise _Gone from None


def _exchange(channel: socket.socket, message: bytes, deadline: float) -> tuple[bytes, str]:
    """Send the request, read to the end of the reply; or what stopped it."""
    reply = bytearray()
    try:
        channel.settimeout(max(0.001, deadline - time.monotonic()))
        channel.sendall(message)
        channel.shutdown(socket.SHUT_WR)
        while len(reply) <= OUTPUT_BYTES:
            channel.settimeout(max(0.001, deadline - time.monotonic()))
            received = channel.recv(65536)
            if not received:
                return bytes(reply), ""
            reply += received
    except TimeoutError:
        return b"", "timed out"
    except OSError:
        return b"", "no result"
    return b"", "too much output"


def _decode(reply: bytes, expected: int) -> Outcome:
    try:
        found = json.loads(reply)
        if not isinstance(found, list) or len(found) > max(expected, 1):
            return Outcome([], "no result")
        values = [plain.decode(data) for data in found]
    except (ValueError, TypeError, RecursionError):
        return Outcome([], "no result")
    if found and isinstance(found[-1], list) and found[-1][0] == "other":
        return Outcome(values[:-1], f"raised or returned {str(found[-1][1])[:40]}")
    return Outcome(values, "" if len(values) == expected else "no result")


_shared: Sandbox | None = None
_limit = 5.0


def set_limit(seconds: float) -> None:
    """The wall clock of one judged answer in this process."""
    global _limit
    _limit = seconds


def limit() -> float:
    return _limit


def shared() -> Sandbox:
    """This process's sandbox, started when first needed."""
    global _shared
    if _shared is None:
        _shared = Sandbox()
    return _shared


def describe_isolation() -> str:
    """What untrusted code would run in on this machine; starts a jail and ends it (cheap)."""
    try:
        sandbox = Sandbox()
    except RecipeError as problem:
        return f"refused: {problem}"
    sandbox.close()
    if sandbox.level == "none":
        return "none (asked for by R1_SANDBOX): model code runs unprotected"
    return f"{sandbox.level}: no network, read-only files, no processes, memory and time limits"

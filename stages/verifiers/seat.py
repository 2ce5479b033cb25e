"""A seat of the pool: one worker process, as the pool's thread sees it.

The process is a plain `python -m stages.verifiers.worker`: it inherits neither torch nor memory
from the stage, and speaks one line of JSON at a time over a socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from pipeline.errors import RecipeError
from stages.verifiers.verdict import Verdict

MEMORY_MEGABYTES = 2048  # address space of a worker
GRACE_SECONDS = 0.25  # what a request may take beyond its limit before its worker is killed
START_SECONDS = 30.0  # a worker that is not ready by then has failed to start

#: Lines of a worker that are no verdict. After STARTED it says how many seconds of wall clock the
#: question may take, and in what programs run.
STARTING, STARTED = b"starting", b"started "

TIMED_OUT = Verdict(0.0, "timed out")
CRASHED = Verdict(0.0, "crashed its verifier")

_ROOT = Path(__file__).resolve().parents[2]


class Seat:
    """A worker process and the question that it has in hand (`line`; empty when idle)."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.line = b""
        self.deadline = time.monotonic() + START_SECONDS
        self._given = 0.0
        self.alive = True
        self._buffer = b""
        self._ready = False
        self._starting = False
        self.isolation = ""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in kill()
        self.channel, theirs = socket.socketpair()
        self._process = _start(theirs, timeout, self._errors)
        theirs.close()

    def give(self, line: bytes) -> None:
        """Send one question; the clock starts."""
        if not self._ready and self._read_line() is None:
            raise self._start_failure()
        self._ready = True
        self.line = line
        self._start_clock(self.timeout)
        self.channel.settimeout(self.timeout)
        with contextlib.suppress(OSError):  # it is dead or stuck: collect() will find out
            self.channel.sendall(line)

    def seconds(self) -> float:
        """How long the question has been in hand."""
        return time.monotonic() - self._given

    def _start_clock(self, seconds: float) -> None:
        self._given = time.monotonic()
        self.deadline = self._given + seconds + GRACE_SECONDS

    def collect(self) -> Verdict | None:
        """The verdict that came, or what its absence means; a late or dead worker is ended.

        None: the worker says that it starts what the question needs, or that this is done. No
        answer pays for that: the question's clock begins anew, with the time that the row allows.
        """
        reply = self._read_line()
        if reply is not None and reply.startswith((STARTING, STARTED)):
            self._starting = reply == STARTING
            if self._starting:
                self._start_clock(2 * START_SECONDS)
            else:
                seconds, _, self.isolation = reply.removeprefix(STARTED).decode().partition(" ")
                self._start_clock(float(seconds))
            return self.collect() if b"\n" in self._buffer else None
        if reply is None and self._starting:
            raise self._start_failure()
        self.line = b""
        if reply is None:
            late = time.monotonic() >= self.deadline
            self.kill()
            return TIMED_OUT if late else CRASHED
        verdict = json.loads(reply)
        if "error" in verdict:
            raise RecipeError(verdict["error"])
        return Verdict(verdict["score"], verdict["reason"])

    def check(self) -> None:
        """Notice a process that died while it was idle."""
        if self.alive and not self.line and self._process.poll() is not None:
            self.kill()

    def kill(self) -> None:
        """End the process at once; its sandbox ends with it."""
        self.alive = False
        self._process.kill()
        self._process.wait()
        self.channel.close()
        self._errors.close()

    def _read_line(self) -> bytes | None:
        while b"\n" not in self._buffer:
            self.channel.settimeout(max(0.001, self.deadline - time.monotonic()))
            try:
                received = self.channel.recv(65536)
            except OSError:
                return None
            if not received:
                return None
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _start_failure(self) -> RecipeError:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        errors = self._errors.read().decode(errors="replace").strip()
        return RecipeError(
            "a verifier worker did not start (python -m stages.verifiers.worker); it said:\n"
            + (errors[-2000:] or "nothing")
        )


def _start(theirs: socket.socket, timeout: float, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    arguments = [str(theirs.fileno()), str(timeout), str(MEMORY_MEGABYTES)]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", "stages.verifiers.worker", *arguments],
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,  # Ctrl-C is for the stage, which then closes the pool
    )

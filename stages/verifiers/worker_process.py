"""A worker of the pool: one process, as the pool's thread sees it.

The process is a plain `python -m stages.verifiers.worker`: it inherits neither torch nor memory
from the stage, and speaks one line of JSON at a time over a socket. It is in the stage's process
group, so that whoever ends that group ends it as well, even where it is stopped.

The limit of an answer is CPU time, which the worker's own timer ends. By the wall clock it may take
as long as `patience` gives so much CPU on a loaded machine. A worker that has neither answered nor
used its CPU time by then stands still, and one that has died was killed, or broke on the answer:
`lost` says which, and the pool asks again in a fresh worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from pipeline.errors import RecipeError
from stages.verifiers.exchange import patience
from stages.verifiers.isolation import START_SECONDS
from stages.verifiers.kept_rows import KeptRows
from stages.verifiers.question import Question, SentRow
from stages.verifiers.sandbox import LARGEST_MEMORY_MB
from stages.verifiers.verdict import Verdict

MEMORY_MEGABYTES = 2048  # address space of a worker, where the machine allows so much
GRACE_SECONDS = 0.25  # what a request may take beyond its limit before its worker is killed

#: Lines of a worker that are no verdict. After STARTED it says how many seconds of wall clock the
#: question may take, and in what programs run.
STARTING, STARTED = b"starting", b"started "

TIMED_OUT = Verdict(0.0, "timed out")
CRASHED = Verdict(0.0, "crashed its verifier")
STOOD_STILL = Verdict(None, "its verifier stood still: stopped, or without a core or memory")

_ROOT = Path(__file__).resolve().parents[2]


class NotStarted(RecipeError):
    """A worker, or the sandbox in it, did not start; no answer has been looked at yet."""


class WorkerProcess:
    """A worker process and the question that it has in hand (None when idle).

    again: whether the question was in another worker's hand before. lost: after `collect` has ended
    a worker that did not say what it found, what that means should a fresh one not say it either.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.question: Question | None = None
        self._rows = KeptRows[None]()  # that it was told of
        self.deadline = time.monotonic() + patience(START_SECONDS)
        self._given = 0.0
        self.alive = True
        self.again = False
        self.lost: Verdict | NotStarted | None = None
        self._buffer = b""
        self._ready = False
        self._starting = False
        self._runs_programs = False
        self.isolation = ""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in kill()
        self.channel, theirs = socket.socketpair()
        self._process = _start(theirs, timeout, self._errors)
        theirs.close()

    def give(self, question: Question) -> None:
        """Send one question, and its row where the worker lacks it; the clock starts.

        NotStarted: the worker is not there to take it."""
        if not self._ready and self._read_line() is None:
            raise self._start_failure()
        self._ready = True
        self.question, self.again = question, False
        self._runs_programs = False
        self._start_clock(patience(self.timeout))
        self.channel.settimeout(patience(self.timeout))
        with contextlib.suppress(OSError):  # it is dead or stuck: collect() will find out
            if question.row and not self._knows(question.row):
                self.channel.sendall(question.row.line)
            self.channel.sendall(question.line)

    def _knows(self, row: SentRow) -> bool:
        """Whether the worker has the row; from here on it does."""
        if self._rows.has(row.name):
            return True
        self._rows.add(row.name, len(row.line), None)
        return False

    def seconds(self) -> float:
        """How long the question has been in hand."""
        return time.monotonic() - self._given

    def _start_clock(self, seconds: float) -> None:
        self._given = time.monotonic()
        self.deadline = self._given + seconds + GRACE_SECONDS

    def collect(self) -> Verdict | None:
        """The verdict that came; a late or dead worker is ended, and `lost` says what that means.

        None without `lost`: the worker says that it starts what the question needs, or that this is
        done. No answer pays for that: the question's clock begins anew, with the time that the row
        allows.
        """
        reply = self._read_line()
        if reply is not None and reply.startswith((STARTING, STARTED)):
            self._starting = reply == STARTING
            if self._starting:
                self._start_clock(patience(2 * START_SECONDS))
            else:
                seconds, _, self.isolation = reply.removeprefix(STARTED).decode().partition(" ")
                self._start_clock(float(seconds))
                self._runs_programs = bool(self.isolation)
            return self.collect() if b"\n" in self._buffer else None
        if reply is None:
            return self._lose()
        self.question = None
        verdict = json.loads(reply)
        if "error" in verdict:
            raise RecipeError(verdict["error"])
        return Verdict(verdict["score"], verdict["reason"])

    def _lose(self) -> Verdict | None:
        """End a worker that has not answered; TIMED_OUT when the answer's CPU time was used up."""
        if self._starting:
            self.lost = self._start_failure()
            return None
        stands = self._process.poll() is None and time.monotonic() >= self.deadline
        self.kill()
        if self._process.returncode == -signal.SIGPROF:
            return TIMED_OUT
        if stands:  # a program can wait, and so choose to be late; what judges a text cannot
            self.lost = TIMED_OUT if self._runs_programs else STOOD_STILL
        else:
            self.lost = CRASHED
        return None

    def check(self) -> None:
        """Notice a process that died while it was idle."""
        if self.alive and self.question is None and self._process.poll() is not None:
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

    def _start_failure(self) -> NotStarted:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        errors = self._errors.read().decode(errors="replace").strip()
        self.kill()
        return NotStarted(
            "a verifier worker did not start (python -m stages.verifiers.worker); it said:\n"
            + (errors[-2000:] or f"nothing, and ended with status {self._process.returncode}")
        )


def _start(theirs: socket.socket, timeout: float, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    arguments = [str(theirs.fileno()), str(timeout), str(_megabytes())]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "stages.verifiers.worker", *arguments],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    except OSError as problem:
        theirs.close()
        raise NotStarted(f"a verifier worker could not be started: {problem}") from None


def _megabytes() -> int:
    """The address space of a worker: what this process may have, where that is less."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    allowed = MEMORY_MEGABYTES if hard == resource.RLIM_INFINITY else hard >> 20
    if allowed < LARGEST_MEMORY_MB:
        raise RecipeError(
            f"the limit on address space (ulimit -v) is {allowed} MiB here, and a verifier worker "
            f"with the programs in it needs {LARGEST_MEMORY_MB}: start this with a higher limit, "
            "or with ulimit -v unlimited"
        )
    return min(allowed, MEMORY_MEGABYTES)

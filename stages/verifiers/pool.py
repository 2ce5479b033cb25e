"""The pool: every verdict in order, none later than its limit, whatever the answers are.

Cheap and harmless verifiers (choice, text, instruction, logic, and the fast path of mathematics)
are linear in the length of the answer and run in the caller's thread: a few microseconds each.
Everything that needs sympy or runs code goes to worker processes, which start when first needed
(a plain `python -m`, so they inherit neither torch nor memory), work on one request at a time, are
killed at the wall-clock limit and replaced. There are no signals and no helper threads: the
calling thread waits on the sockets, and a lock lets any thread call.

The same answer to the same problem is judged once and remembered, unless time ran out on it.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from pipeline.errors import RecipeError
from stages.data.template import compose
from stages.verifiers.answer import parse
from stages.verifiers.grade import settle
from stages.verifiers.verdict import Request, Verdict

MEMORY_MEGABYTES = 2048  # address space of a worker
GRACE_SECONDS = 0.25  # what a request may take beyond its limit before its worker is killed
START_SECONDS = 30.0  # a worker that has not read anything by then has failed to start
REMEMBERED = 100_000

TIMED_OUT = Verdict(0.0, "timed out")
CRASHED = Verdict(0.0, "crashed its verifier")

_ROOT = Path(__file__).resolve().parents[2]


class VerifierPool:
    """`with VerifierPool(workers=2) as pool: verdicts = pool.verify(requests)`."""

    def __init__(self, workers: int, timeout: float = 5.0) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self.workers = workers
        self.timeout = timeout
        self.counts: Counter[str] = Counter()
        self._seats: list[_Worker] = []
        self._known: dict[bytes, Verdict] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> VerifierPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers; the pool can be used again and starts new ones."""
        with self._lock:
            for worker in self._seats:
                worker.kill()
            self._seats.clear()

    def verify(self, requests: Sequence[Request]) -> list[Verdict]:
        """One verdict per request, in order."""
        verdicts = [settle(request) for request in requests]
        hard = [number for number, verdict in enumerate(verdicts) if verdict is None]
        lines = {number: _line(requests[number]) for number in hard}
        with self._lock:
            fresh = dict.fromkeys(line for line in lines.values() if line not in self._known)
            judged = self._run(list(fresh)) if fresh else {}
            done = [
                verdict or judged.get(lines[n]) or self._known[lines[n]]
                for n, verdict in enumerate(verdicts)
            ]
            self._remember(judged)
            self.counts.update(verdict.reason for verdict in done)
        return done

    def _remember(self, judged: dict[bytes, Verdict]) -> None:
        if len(self._known) + len(judged) > REMEMBERED:
            self._known.clear()
        lasting = {k: v for k, v in judged.items() if not v.reason.endswith(TIMED_OUT.reason)}
        self._known.update(lasting)

    def _run(self, lines: list[bytes]) -> dict[bytes, Verdict]:
        """Spread requests over the workers, and wait for the last verdict."""
        waiting = deque(lines)
        judged: dict[bytes, Verdict] = {}
        try:
            while len(judged) < len(lines):
                self._hand_out(waiting)
                for worker in self._ready():
                    line = worker.line
                    judged[line] = worker.collect()
        except BaseException:  # an interrupted batch must not answer the next one
            for worker in self._seats:
                worker.kill()
            self._seats.clear()
            raise
        return judged

    def _hand_out(self, waiting: deque[bytes]) -> None:
        self._seats = [worker for worker in self._seats if worker.alive]
        idle = [worker for worker in self._seats if not worker.line]
        while len(idle) < len(waiting) and len(self._seats) < self.workers:
            idle.append(_Worker(self.timeout))
            self._seats.append(idle[-1])
        for worker in idle[: len(waiting)]:
            worker.give(waiting.popleft())

    def _ready(self) -> list[_Worker]:
        """Wait until a worker has answered or is late; return those."""
        busy = [worker for worker in self._seats if worker.line]
        with selectors.DefaultSelector() as selector:
            for worker in busy:
                selector.register(worker.channel, selectors.EVENT_READ)
            first = min(worker.deadline for worker in busy)
            answered = {e[0].fileobj for e in selector.select(max(0.0, first - time.monotonic()))}
        now = time.monotonic()
        return [w for w in busy if w.channel in answered or w.deadline <= now]


class _Worker:
    """One worker process and the request that it has in hand (`line`; empty when idle)."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.line = b""
        self.deadline = time.monotonic() + START_SECONDS
        self.alive = True
        self._buffer = b""
        self._ready = False
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in kill()
        self.channel, theirs = socket.socketpair()
        self._process = _start(theirs, timeout, self._errors)
        theirs.close()

    def give(self, line: bytes) -> None:
        """Send one request; the clock starts."""
        if not self._ready and self._read_line() is None:
            raise self._start_failure()
        self._ready = True
        self.line = line
        self.deadline = time.monotonic() + self.timeout + GRACE_SECONDS
        try:
            self.channel.settimeout(self.timeout)
            self.channel.sendall(line)
        except OSError:
            self.deadline = 0.0  # it died before it could read

    def collect(self) -> Verdict:
        """The verdict that came, or what its absence means; a late or dead worker is ended."""
        reply = self._read_line()
        self.line = b""
        if reply is None:
            late = self._process.poll() is None
            self.kill()
            return TIMED_OUT if late else CRASHED
        verdict = json.loads(reply)
        if "error" in verdict:
            raise RecipeError(verdict["error"])
        return Verdict(verdict["score"], verdict["reason"])

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
                self._process.wait()
                return None
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _start_failure(self) -> RecipeError:
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


def _line(request: Request) -> bytes:
    """A request as it travels to a worker: its answer, but not the thought that led to it.

    It is also the key under which the verdict is remembered.
    """
    parsed = parse(request.completion)
    answer = request.completion if parsed.answer is None else compose("", parsed.answer)
    fields = {
        "verifier": request.verifier,
        "completion": answer,
        "reference": request.reference,
        "metadata": dict(request.metadata),
    }
    return json.dumps(fields, sort_keys=True, default=str).encode() + b"\n"

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
import selectors
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from types import TracebackType

from stages.data.template import compose
from stages.verifiers.answer import parse
from stages.verifiers.grade import settle
from stages.verifiers.seat import TIMED_OUT, Seat
from stages.verifiers.verdict import Request, Verdict

REMEMBERED = 100_000


class VerifierPool:
    """`with VerifierPool(workers=2) as pool: verdicts = pool.verify(requests)`."""

    def __init__(self, workers: int, timeout: float = 5.0) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self.workers = workers
        self.timeout = timeout
        self.counts: Counter[str] = Counter()
        self._seats: list[Seat] = []
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
            self._end_seats()

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
                for seat in self._ready():
                    line = seat.line
                    judged[line] = seat.collect()
        except BaseException:  # an interrupted batch must not answer the next one
            self._end_seats()
            raise
        return judged

    def _hand_out(self, waiting: deque[bytes]) -> None:
        """Give every idle seat a request; take more seats while there is work for them."""
        for seat in self._seats:
            seat.check()
        self._seats = [seat for seat in self._seats if seat.alive]
        idle = [seat for seat in self._seats if not seat.line]
        while len(idle) < len(waiting) and len(self._seats) < self.workers:
            idle.append(Seat(self.timeout))
            self._seats.append(idle[-1])
        for seat in idle[: len(waiting)]:
            seat.give(waiting.popleft())

    def _ready(self) -> list[Seat]:
        """Wait until a seat has answered or is late; return those."""
        busy = [seat for seat in self._seats if seat.line]
        with selectors.DefaultSelector() as selector:
            for seat in busy:
                selector.register(seat.channel, selectors.EVENT_READ)
            first = min(seat.deadline for seat in busy)
            answered = {e[0].fileobj for e in selector.select(max(0.0, first - time.monotonic()))}
        now = time.monotonic()
        return [seat for seat in busy if seat.channel in answered or seat.deadline <= now]

    def _end_seats(self) -> None:
        for seat in self._seats:
            seat.kill()
        self._seats.clear()


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

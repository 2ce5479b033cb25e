"""The pool: every verdict in order, none later than its limit, whatever the answers are.

Cheap and harmless verifiers (choice, text, instruction, logic, and the fast path of mathematics)
are linear in the length of the answer and run in the caller's thread: a few microseconds each.
Everything that needs many digits or runs code goes to worker processes, which start when first
needed (a plain `python -m`, so they inherit neither torch nor memory), work on one question at a
time, end at the answer's limit of CPU time and are replaced. There are no signals and no helper
threads: the calling thread waits on the sockets, and a lock lets any thread call.

What happens to a worker from outside (the system runs out of memory, somebody stops it) is no fault
of the answer that it has in hand: a fresh worker is asked once more. A crash that repeats there is
the answer's own, and wrong. A worker that stands still twice has no verdict; no answer can choose
that (worker_process.py, workers.py).

The same answer to the same problem is judged once and remembered, unless its worker was lost or
time ran out on it. `stream` takes any number of requests and holds only `WINDOW` of them at a time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from stages.settings.verifiers import Verifiers
from stages.verifiers import load
from stages.verifiers.answer import DEFAULT, Policy, policy_of
from stages.verifiers.batch import Batch, Judged
from stages.verifiers.grade import Case, earned, malformed, settle
from stages.verifiers.question import question_of
from stages.verifiers.tally import Tally
from stages.verifiers.verdict import Request, Verdict, said
from stages.verifiers.workers import Workers

WINDOW = 4096  # rows that a stream may draw ahead of its oldest open one
PUMPED = 64  # requests settled here between two looks at the workers


class VerifierPool:
    """`with VerifierPool(workers=2) as pool: verdicts = pool.verify(requests)`."""

    def __init__(self, workers: int, timeout: float = 5.0, policy: Policy = DEFAULT) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self.policy = policy
        self.tally = Tally()
        self._workers = Workers(workers, timeout)
        self._known: dict[bytes, Judged] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, config: Verifiers) -> VerifierPool:
        """The pool that a stage's `verifiers` asks for."""
        return cls(config.workers, config.seconds, policy_of(config))

    def __enter__(self) -> VerifierPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers; the pool can be used again and starts new ones."""
        with self._lock:
            self._workers.end()

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Meanwhile answers are compared with each other: lenient, and not in the tally."""
        tally, policy = self.tally, self.policy
        self.tally, self.policy = Tally(), replace(policy, strict=False)
        try:
            yield
        finally:
            self.tally, self.policy = tally, policy

    def verify(self, requests: Iterable[Request]) -> list[Verdict]:
        """One verdict per request, in order."""
        return [judged.verdict for judged in self.stream(requests)]

    def stream(self, requests: Iterable[Request]) -> Iterator[Judged]:
        """Verdicts in order, as they come; `requests` is drawn at most `WINDOW` rows ahead.

        The pool is the stream's until it ends: other threads wait.
        """
        with self._lock:
            try:
                yield from self._stream(requests)
            except BaseException:  # an interrupted batch must not answer the next one
                self._workers.end()
                raise

    def _stream(self, requests: Iterable[Request]) -> Iterator[Judged]:
        batch = Batch(self._known)
        window: deque[_Row] = deque()
        started = time.perf_counter()
        for number, request in enumerate(requests):
            window.append(self._settle(request, batch))
            if batch.waiting and number % PUMPED == 0:
                self._pump(batch, wait=False)
            while window and (len(window) > WINDOW or batch.has(window[0].place)):
                yield self._next(window, batch)
        while window:
            yield self._next(window, batch)
        self.tally.seconds += time.perf_counter() - started

    def _next(self, window: deque[_Row], batch: Batch) -> Judged:
        """The verdict on the first row of the window, waited for where it must be."""
        row = window.popleft()
        while not batch.has(row.place):
            self._pump(batch, wait=True)
        judged = batch.take(row.place)
        if row.case:
            judged = Judged(earned(row.case, judged.verdict), judged.seconds)
        judged = Judged(said(judged.verdict), judged.seconds)
        self.tally.add(row.request, judged, self.policy.strict)
        return judged

    def _settle(self, request: Request, batch: Batch) -> _Row:
        """The verdict, or the line by which a worker is asked for it."""
        if not malformed(request):
            load(request.verifier)  # the first row does not pay for the import
        started = time.perf_counter()
        found = settle(request, self.policy)
        if isinstance(found, Verdict):
            return _Row(request, Judged(found, time.perf_counter() - started))
        question = question_of(found)
        batch.ask(question)
        return _Row(request, question.line, found)

    def _pump(self, batch: Batch, wait: bool) -> None:
        """Hand out what waits, and collect what is answered or late."""
        self._workers.hand_out(batch.waiting)
        for worker in self._workers.ready(wait):
            asked, seconds = worker.question, worker.seconds()
            assert asked is not None
            if verdict := worker.collect() or self._workers.lost(worker, asked):
                batch.judged[asked.line] = Judged(verdict, seconds)
            if worker.isolation and not self.tally.isolation:
                self.tally.isolation = worker.isolation
                print(f"programs run in {worker.isolation}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class _Row:
    """A request and its verdict, or the line and the case whose verdict a worker gives."""

    request: Request
    place: Judged | bytes
    case: Case | None = None

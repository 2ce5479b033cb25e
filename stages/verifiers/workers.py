"""The workers of a pool: processes that start when needed, and are replaced when they are lost."""

from __future__ import annotations

import selectors
import time
from collections import deque

from stages.verifiers.question import Question
from stages.verifiers.verdict import Verdict
from stages.verifiers.worker_process import NotStarted, WorkerProcess

STARTS = 3  # workers that are started for a question before it is given up that one can be
PAUSE = 0.5  # seconds between these


class Workers:
    """At most `most` processes, each with so many seconds for a question."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._running: list[WorkerProcess] = []

    def hand_out(self, waiting: deque[Question]) -> None:
        """Give every idle worker a question; take more workers while there is work for them."""
        for worker in self._running:
            worker.check()
        self._running = [worker for worker in self._running if worker.alive]
        idle = [worker for worker in self._running if worker.question is None]
        while len(idle) < len(waiting) and len(self._running) < self._most:
            idle.append(self._start(STARTS))
        for worker in idle[: len(waiting)]:
            self._give(worker, waiting.popleft())

    def ready(self, wait: bool) -> list[WorkerProcess]:
        """The workers that have answered or are late; with `wait`, until there is one."""
        busy = [worker for worker in self._running if worker.question is not None]
        if not busy:
            return []
        with selectors.DefaultSelector() as selector:
            for worker in busy:
                selector.register(worker.channel, selectors.EVENT_READ)
            first = min(worker.deadline for worker in busy)
            patience = max(0.0, first - time.monotonic()) if wait else 0.0
            answered = {event[0].fileobj for event in selector.select(patience)}
        now = time.monotonic()
        return [worker for worker in busy if worker.channel in answered or worker.deadline <= now]

    def lost(self, worker: WorkerProcess, asked: Question) -> Verdict | None:
        """Have a fresh worker answer what a lost one has not; the verdict when both were lost.

        NotStarted when what the question needs, which no answer changes, did not start twice.
        """
        if worker.lost is None:
            return None
        self._running.remove(worker)
        if not worker.again:
            fresh = self._give(self._start(STARTS), asked)
            fresh.again = True
            return None
        if isinstance(worker.lost, NotStarted):
            raise worker.lost
        return worker.lost

    def end(self) -> None:
        """End all workers."""
        for worker in self._running:
            worker.kill()
        self._running.clear()

    def _start(self, starts: int) -> WorkerProcess:
        """A new worker, which need not be ready yet; it may take several starts."""
        try:
            worker = WorkerProcess(self._seconds)
        except NotStarted:
            if starts <= 1:
                raise
            time.sleep(PAUSE)
            return self._start(starts - 1)
        self._running.append(worker)
        return worker

    def _give(
        self, worker: WorkerProcess, question: Question, starts: int = STARTS
    ) -> WorkerProcess:
        """Give a worker a question, or a new one where it has not become ready."""
        try:
            worker.give(question)
            return worker
        except NotStarted:
            self._running.remove(worker)
            if starts <= 1:
                raise
            time.sleep(PAUSE)
            return self._give(self._start(starts - 1), question, starts - 1)

"""The seats of a pool: workers that start when needed, and are replaced when they are lost."""

from __future__ import annotations

import selectors
import time
from collections import deque

from stages.verifiers.verdict import Verdict
from stages.verifiers.worker_process import NotStarted, Seat

STARTS = 3  # workers that are started for a question before it is given up that one can be
PAUSE = 0.5  # seconds between these


class Seats:
    """At most `workers` seats, each with so many seconds for a question."""

    def __init__(self, workers: int, seconds: float) -> None:
        self._workers = workers
        self._seconds = seconds
        self._seats: list[Seat] = []

    def hand_out(self, waiting: deque[bytes]) -> None:
        """Give every idle seat a question; take more seats while there is work for them."""
        for seat in self._seats:
            seat.check()
        self._seats = [seat for seat in self._seats if seat.alive]
        idle = [seat for seat in self._seats if not seat.line]
        while len(idle) < len(waiting) and len(self._seats) < self._workers:
            idle.append(self._start(STARTS))
        for seat in idle[: len(waiting)]:
            self._give(seat, waiting.popleft())

    def ready(self, wait: bool) -> list[Seat]:
        """The seats that have answered or are late; with `wait`, until there is one."""
        busy = [seat for seat in self._seats if seat.line]
        if not busy:
            return []
        with selectors.DefaultSelector() as selector:
            for seat in busy:
                selector.register(seat.channel, selectors.EVENT_READ)
            first = min(seat.deadline for seat in busy)
            patience = max(0.0, first - time.monotonic()) if wait else 0.0
            answered = {event[0].fileobj for event in selector.select(patience)}
        now = time.monotonic()
        return [seat for seat in busy if seat.channel in answered or seat.deadline <= now]

    def lost(self, seat: Seat, line: bytes) -> Verdict | None:
        """Have a fresh worker answer what a lost one has not; the verdict when both were lost.

        NotStarted when what the question needs, which no answer changes, did not start twice.
        """
        if seat.lost is None:
            return None
        self._seats.remove(seat)
        if not seat.again:
            fresh = self._give(self._start(STARTS), line)
            fresh.again = True
            return None
        if isinstance(seat.lost, NotStarted):
            raise seat.lost
        return seat.lost

    def end(self) -> None:
        """End all workers."""
        for seat in self._seats:
            seat.kill()
        self._seats.clear()

    def _start(self, starts: int) -> Seat:
        """A new seat, whose worker need not be ready yet; it may take several starts."""
        try:
            seat = Seat(self._seconds)
        except NotStarted:
            if starts <= 1:
                raise
            time.sleep(PAUSE)
            return self._start(starts - 1)
        self._seats.append(seat)
        return seat

    def _give(self, seat: Seat, line: bytes, starts: int = STARTS) -> Seat:
        """Give a seat a question, or a new seat where its worker has not become ready."""
        try:
            seat.give(line)
            return seat
        except NotStarted:
            self._seats.remove(seat)
            if starts <= 1:
                raise
            time.sleep(PAUSE)
            return self._give(self._start(starts - 1), line, starts - 1)

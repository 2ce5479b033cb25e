"""Engines that further nodes of the stage's job hold, as a fleet takes them up and does without.

They come when their nodes have begun. One that is not reached is left aside for a while, with those
of its node that have nothing to do; others draw what it had. It is tried again as long as its
node's heart beats (pipeline/engine_nodes.py).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from pipeline import notices
from pipeline.engine_nodes import Engines
from pipeline.errors import NodeLost, StageFailed
from stages.rollout.remote import Remote, address_of
from stages.rollout.replica import Replica
from stages.rollout.replica_process import Start

LOOK = 1.0  # seconds between looks at which nodes there are
CONNECTS = 3.0  # seconds: a node that is lost keeps the others waiting for so long
LONGEST_PAUSE = 16.0  # seconds between two tries
IN_VAIN = 120.0  # seconds of tries after which a stage that has no other engine gives up


class Unreached(Exception):
    """An engine that is not there now, by its address."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(why)
        self.address = address


class Lent:
    """Such engines for one model."""

    def __init__(self, engines: Engines, start: Start) -> None:
        self._engines = engines
        self._start = start
        self._replicas: dict[str, Replica] = {}
        self._aside: dict[str, float] = {}  # until when
        self._tries: Counter[str] = Counter()  # in vain, in a row
        self._looked = 0.0
        self._waits_since: float | None = None
        self._told: set[str] = set()

    def addresses(self) -> list[str]:
        """HOST:PORT of all whose nodes live."""
        return self._engines.there()

    def come(self) -> Iterator[Replica]:
        """Those that may be asked from now on."""
        now = time.monotonic()
        if now < self._looked + LOOK:
            return
        self._looked = now
        for trouble in set(self._engines.troubles()) - self._told:
            notices.warn(f"a node that was to hold engines has none: {trouble}")
            self._told.add(trouble)
        for address in self._engines.there():
            if address not in self._replicas:
                self._replicas[address] = Replica(self._start, partial(self._reach, address))
            elif self._aside.pop(address, now + 1) > now:
                continue
            yield self._replicas[address]

    def leave_aside(self, error: Unreached) -> list[Replica]:
        """Which are not asked for now, since one was not reached."""
        if error.address not in self._told:
            notices.warn(f"it goes on without an engine of another node: {error}")
            self._told.add(error.address)
        host, now = address_of(error.address)[0], time.monotonic()
        self._tries[error.address] += 1
        pause = min(LONGEST_PAUSE, 2.0 ** self._tries[error.address])
        left = {
            address: replica
            for address, replica in self._replicas.items()
            if address not in self._aside and not replica.lives and address_of(address)[0] == host
        }
        self._aside |= dict.fromkeys(left, now + pause)
        return [*left.values()]

    def gather(self) -> None:
        """Wait until every node has said what it has, or will not."""
        while self._engines.awaited():
            time.sleep(LOOK / 2)

    def wait(self) -> None:
        """Let some time pass in which one may come. Raises NodeLost, StageFailed: none will."""
        now = time.monotonic()
        self._waits_since = self._waits_since or now
        if not self._engines.awaited():
            if not self._engines.there():
                if troubles := self._engines.troubles():
                    raise StageFailed("; ".join(sorted(set(troubles))))
                raise NodeLost("no node that holds engines for it answers any more")
            if now - self._waits_since > IN_VAIN:
                raise StageFailed(f"no engine is reached: {'; '.join(sorted(self._told))}")
        time.sleep(LOOK / 2)

    def _reach(self, address: str, start: Start) -> Remote:
        try:
            peer = Remote(address, start, self._engines.key(), within=0.0, connects=CONNECTS)
        except StageFailed as error:
            raise Unreached(address, str(error)) from error
        self._tries.pop(address, None)
        self._told.discard(address)
        self._waits_since = None
        return peer

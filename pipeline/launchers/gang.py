"""A stage as a gang of processes: each runs its entry function, rank 0 has the result.

The stage's own process leads the gang. It forks one process per rank, with the environment that
torch.distributed and accelerate read (RANK, WORLD_SIZE, MASTER_ADDR, …), and waits. The first rank
that fails ends all others, whatever collective they are waiting in, and its message is the stage's.
Rank 0 writes to the stage's log, rank r to `<stage>.rank<r>.log` beside it.

Ranks of one machine find each other in a file of the work folder (GANG): a store that listens would
take words from whoever reaches the machine. Gloo listens on the loopback interface alone. They are
in the stage's process group and end with it. A gang over several machines has a leader on each,
which forks the ranks there; `Peers` is what it knows of the others (pipeline/launchers/team.py).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from pipeline.context import RankDone, asked_to_leave
from pipeline.errors import NodeLost
from pipeline.kinds import Outputs
from pipeline.launchers.peers import ALONE, Failure, Peers, Rank, RankFailed, told

LOOK = 0.5  # seconds between looks at other machines
SETTLE = 1.0  # seconds in which the failures that a first one causes may be told, too
GRACE = 4.0  # seconds that a rank has to close its files after SIGTERM; below the launcher's own

_ASKED = 128 + signal.SIGTERM


#: What a rank does; rank 0's Outputs are the stage's.
Body = Callable[[Rank], Outputs]
#: How an error becomes a message for the user.
Explain = Callable[[BaseException], str]


def run(
    size: int, log: Path, work: Path, body: Body, explain: Explain, peers: Peers = ALONE
) -> Outputs:
    """Run `body` as `size` ranks. Returns the first local rank's outputs, or raises RankFailed.

    work: a folder of this attempt alone, for what the ranks share.
    """
    ranks = peers.ranks(size, work)
    members = [_Member(rank, log, body, explain, peers) for rank in ranks]
    _here[:] = members
    try:
        while (alive := [member for member in members if member.alive()]) or peers.wait():
            if any(member.failed() for member in members) or peers.trouble():
                raise _cause(members, log, peers)  # also before the others were forked
            if alive:  # asked once: waiting for none never ends
                wait([member.sentinel for member in alive], None if peers is ALONE else LOOK)
            else:
                time.sleep(LOOK)
        if any(member.failed() for member in members) or peers.trouble():
            raise _cause(members, log, peers)
        outputs = members[0].outcome
        assert isinstance(outputs, Outputs)
        return outputs
    finally:
        _end(members)
        _here.clear()


_here: list[_Member] = []


def pass_on(number: signal.Signals) -> None:
    """Send a signal to every rank of this process's gang."""
    for member in _here:
        member.tell(number)


class _Member:
    """One rank's process, as the leader of the gang sees it."""

    def __init__(self, rank: Rank, log: Path, body: Body, explain: Explain, peers: Peers) -> None:
        context: Any = get_context("fork")
        self.rank = rank
        self.outcome: Outputs | Failure | None = None
        self._answer, send = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_main,
            args=(rank, rank.log(log), body, explain, peers, send),
            name=f"rank{rank.number}",
        )
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python 3.12 warns of a fork beside threads: those here keep the lease and hold no lock
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        send.close()

    @property
    def sentinel(self) -> int:
        return int(self._process.sentinel)

    def alive(self) -> bool:
        alive: bool = self._process.is_alive()
        if self.outcome is None:
            with contextlib.suppress(EOFError, OSError):
                if self._answer.poll():
                    self.outcome = self._answer.recv()
        return alive

    def failed(self) -> bool:
        return not self.alive() and not isinstance(self.outcome, Outputs)

    def left(self) -> bool:
        """Whether it ended because it was asked to."""
        return not self.alive() and self._process.exitcode == _ASKED

    def failure(self) -> Failure | None:
        """A rank that was killed had no time to say so, and comes before those that could."""
        if not self.failed():
            return None
        if isinstance(self.outcome, Failure):
            return self.outcome
        return Failure(f"its process was ended by {ended(self._process.exitcode)}", 0.0)

    def tell(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def join(self, timeout: float | None = None) -> None:
        self._process.join(timeout)


def ended(code: int | None) -> str:
    """An exit code in words."""
    if code is None or code >= 0:
        return f"exit code {code} and no answer"
    name = signal.Signals(-code).name
    hint = "; the system may have run out of memory" if -code == signal.SIGKILL else ""
    return f"{name}{hint}"


def _cause(members: list[_Member], log: Path, peers: Peers) -> BaseException:
    """The failure that came first: the others lost their peer."""
    deadline = time.monotonic() + SETTLE
    while any(member.alive() for member in members) and time.monotonic() < deadline:
        time.sleep(0.05)
    if any(member.left() for member in members) and asked_to_leave():
        return SystemExit(_ASKED)
    failures = [(failure.when, m.rank, failure) for m in members if (failure := m.failure())]
    if not failures:
        return peers.cause(None)
    _, rank, failure = min(failures, key=lambda found: (found[0], found[1].number))
    if failure.when == 0.0:  # it could not say so itself
        peers.report(rank, failure, rank.log(log))
    if failure.lost:
        return NodeLost(failure.message)
    where = rank.log(log)
    return peers.cause(RankFailed(told(rank, failure.message, where), where))


def _end(members: list[_Member]) -> None:
    """No rank outlives the gang: SIGTERM, then SIGKILL for one that waits in a collective."""
    left = [member for member in members if member.alive()]
    for member in left:
        member.tell(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for member in left:
        member.join(max(0.0, deadline - time.monotonic()))
        if member.alive():
            member.tell(signal.SIGKILL)
            member.join(GRACE)  # one that waits for a disk for ever is left to the kernel


def _main(
    rank: Rank, log: Path, body: Body, explain: Explain, peers: Peers, answer: Connection
) -> None:
    """Inside a rank's process."""
    os.environ |= rank.environment()
    if rank.number:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    outcome: Outputs | Failure
    try:
        outputs = body(rank)
        outcome = outputs if rank.number == 0 else Outputs()
    except RankDone:
        outcome = Outputs()
    except SystemExit:
        os._exit(_ASKED)
    except BaseException as error:
        when = time.monotonic()
        outcome = Failure(explain(error), when, isinstance(error, NodeLost))
        peers.report(rank, outcome, log)
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        answer.send(outcome)
    os._exit(0 if isinstance(outcome, Outputs) else 1)

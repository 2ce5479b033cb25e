"""A lease keeps two runners off one stage.

The stage's own process takes it: it writes a file that says who it is, keeps that file's time fresh
from a thread, and holds a lock beside it until it ends. Who holds a stage is told by both:

    written on this machine     held while that process lives (its start time guards against a
                                reused pid)
    written on another one      held until a reader has seen no heartbeat for `EXPIRES` seconds of
                                its own clock (pipeline/heart.py); locks do not reach everywhere,
                                so they do not count
    gone, torn, of a dead one   held while the lock is, by the process or what it has forked

Where a scheduler starts a job again, since it lost a machine, the later start takes the lease at
once: what is left of the earlier one may live and beat.

A file that is gone or torn is written again with the next heartbeat. A holder that finds another's
name in it has lost the stage: it stops, and its result is refused (see pipeline/attempts.py).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import heart, locks, machine, state, threads

HEARTBEAT = 2.0
EXPIRES = 60.0
_LOOKS = 1.0  # seconds that somebody's look at the lock may keep it from who wants to take it


@dataclass(frozen=True)
class Holder:
    """A process that runs a stage. `machine` separates hosts and their pid namespaces."""

    machine: str
    pid: int
    started: str
    since: float
    token: str = ""  # of this lease and no other
    job: str = ""  # the scheduler's, with its start: of two of a job the later one holds
    start: int = 0

    def __str__(self) -> str:
        process = f"process {self.pid}" if self.pid else "a process"
        return f"{process} on {self.machine.partition('/')[0]}"


SOMEBODY = Holder("this machine", 0, "", 0.0)  # who holds the lock and is named nowhere


class Lease:
    """The right to run one stage; use `acquire`, then `release`."""

    def __init__(
        self,
        path: Path,
        on_beat: Callable[[], None] | None = None,
        on_loss: Callable[[], None] | None = None,
        job: tuple[str, int] = ("", 0),
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """job: what a scheduler calls this job, and the number of its start.

        over: whether the job has ended, as a later start of it can have brought about.
        """
        self._path = path
        self._on_beat = on_beat
        self._on_loss = on_loss
        self._over = over
        self._me = _this_process(job)
        self._lock: int | None = None
        self._stopped = threading.Event()
        self._beating: threading.Thread | None = None

    def acquire(self) -> Holder | None:
        """Take the lease. Returns None, or who holds it. Raises OSError and RecipeError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        other = self._take_lock() or self._other()
        try:
            return other or self._begin()
        finally:
            if self._beating is None:
                self._unlock()

    def _begin(self) -> Holder | None:
        if os.path.lexists(self._path):
            state.write(self._path, self._me)
        else:  # of several that find nobody at the same moment one is the first
            state.write_once(self._path, self._me)
        heart.begins(self._path)
        if (other := self.lost_to()) is None:  # where there are no locks, two may look at once
            beating = threading.Thread(target=self._beat, name="lease", daemon=True)
            threads.start(beating)
            self._beating = beating
        return other

    def lost_to(self) -> Holder | None:
        """Who took the stage although this lease was never released; None if nobody did."""
        if self._over():
            return SOMEBODY
        found = state.read(self._path, Holder)
        return None if found is None or found.token == self._me.token else found

    def release(self) -> None:
        """Give the lease back."""
        self._stopped.set()
        if self._beating is not None:
            self._beating.join()
        if self.lost_to() is None:
            self._path.unlink(missing_ok=True)
        self._unlock()

    def _take_lock(self) -> Holder | None:
        """Hold the lock from here on; else who has the lease. None, too, when it has expired."""
        deadline = time.monotonic() + _LOOKS
        while (lock := _try_lock(self._path)) is None:
            found = state.read(self._path, Holder)
            if found is not None and self._follows(found):
                return None
            if found is not None and _is_alive(found, self._path):
                return found
            if found is not None and found.machine != machine.name():
                return None
            if time.monotonic() > deadline:
                return SOMEBODY
            time.sleep(_LOOKS / 20)
        self._lock = lock
        return None

    def _other(self) -> Holder | None:
        """Who the file says has it, if that holder is alive; whatever the lock says."""
        found = state.read(self._path, Holder)
        if found is None or self._follows(found):
            return None
        return found if _is_alive(found, self._path) else None

    def _follows(self, found: Holder) -> bool:
        """Whether this is a later start of the same job."""
        return bool(self._me.job) and found.job == self._me.job and found.start < self._me.start

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                if self.lost_to() is not None:
                    if self._on_loss is not None:
                        self._on_loss()
                    return
                self._keep_fresh()
                if self._on_beat is not None:
                    self._on_beat()

    def _keep_fresh(self) -> None:
        if state.read(self._path, Holder) is None:
            state.write(self._path, self._me)
        os.utime(self._path)


@contextlib.contextmanager
def briefly(path: Path) -> Iterator[Holder | None]:
    """The lease for the length of a block, which sees None, or who has it. Raises OSError."""
    lease = Lease(path)
    other = lease.acquire()
    try:
        yield other
    finally:
        if other is None:
            lease.release()


def holder(path: Path) -> Holder | None:
    """Who holds the lease now; None when nobody does, or nobody alive."""
    found = state.read(path, Holder)
    if found is not None and _is_alive(found, path):
        return found
    if found is not None and found.machine != machine.name():
        return None
    return SOMEBODY if locks.is_held(path.with_suffix(".lock")) else None


def renounce(path: Path, pid: int) -> None:
    """Tell other machines that a process of this one, which may have the lease, has ended or will.

    Raises OSError.
    """
    beat, found = heart.beat_of(path), state.read(path, Holder)
    if beat and found and (found.machine, found.pid) == (machine.name(), pid):
        heart.was_the_last(path, beat)


def _is_alive(found: Holder, path: Path) -> bool:
    if found.machine == machine.name():
        return machine.started(found.pid) == found.started
    return heart.beats(path, EXPIRES)


def _try_lock(path: Path) -> int | None:
    """The open file whose lock is held with it; None if another process holds it.

    A file system without locks gives a file that is not locked: there the names in the lease alone
    count.
    """
    beside = path.with_suffix(".lock")
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ELOOP):
            raise
        beside.rename(f"{beside}.{uuid.uuid4().hex[:8]}.stray")  # what lies there is no file
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.path.samestat(os.fstat(lock), beside.stat())
    except (BlockingIOError, FileNotFoundError):  # held; or removed in this moment
        mine = False
    except OSError:
        mine = True
    if mine:
        return lock
    os.close(lock)
    return None


def _this_process(job: tuple[str, int]) -> Holder:
    pid = os.getpid()
    return Holder(machine.name(), pid, machine.started(pid), time.time(), uuid.uuid4().hex, *job)

"""A gang over several machines, as the leader on one of them sees it.

Leaders talk by files of a folder that all see and that belongs to this start of the job:

    meeting.json        from the first: where the ranks meet, and for which attempt
    leader-K            the heart of each (pipeline/heart.py)
    failure.json        the rank that failed first: written before its process ends, so that those
                        that lose their peer by it come later
    killed-R.json       a rank that could not say so itself, told by its leader; comes before that
    done-K              all ranks of a machine are done
    end                 from the first: the gang has ended

A machine that is lost is no failure of the stage: where a leader's heart stands still, the first
one says so, and its job is started again. Machines after those of the gang hold engines alone
(pipeline/engine_nodes.py): the gang goes on without one that is lost.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import engine_nodes, heart, state, threads
from pipeline.engine_nodes import Engines, Lending
from pipeline.errors import NodeLost, StageFailed
from pipeline.launchers import files, gang
from pipeline.launchers.job import Job
from pipeline.launchers.peers import Failure, Peers, Rank, RankFailed, free_port, told

BEAT = 1.0  # seconds
SILENT = 60.0  # seconds without a beat after which a machine is lost; a disk may stand still, too
ANSWERS = 10.0  # seconds in which a leader shows that it lives, where a rank has failed
CALLED = 600.0  # seconds that imports on another machine may take


@dataclass(frozen=True)
class Meeting:
    """The attempt that a gang makes: its token, its output, and where its ranks meet."""

    token: str
    output: str
    address: str = ""
    port: int = 0


@dataclass(frozen=True)
class _Told:
    """A rank's failure, for the other machines."""

    message: str
    log: str
    lost: bool = False


class Team(Peers):
    """Leader `number` of a job's. name, start: what the scheduler calls the job, and its start.

    address: by which others reach the first machine; its name, if nobody says.
    """

    def __init__(
        self, folder: Path, number: int, job: Job, name: str, start: int, address: str = ""
    ) -> None:
        self.job = name
        self.start = start
        self._folder = folder
        self._number = number
        self._of = job.nodes
        self._whole = job
        self._address = address or socket.gethostname()
        self._met: Meeting | None = None

    @property
    def lends(self) -> bool:
        """Whether this machine holds engines alone."""
        return self._number >= self._of

    def engines(self) -> Engines | None:
        """Those of the machines that hold them alone; None where the job has no such."""
        numbers = range(self._of, self._whole.machines)
        return Engines(self._folder, numbers) if numbers else None

    def lending(self) -> Lending:
        """What this machine is told, which holds engines alone."""
        job = self._whole
        threads = job.threads * max(1, job.processes // job.nodes)

        def over() -> bool:
            return self.is_over() or self._silent() is not None

        return Lending(self._folder, self._number, threads, over)

    def is_over(self) -> bool:
        """Whether the stage has ended, in this start or in a later one."""
        return self._ended() or files.outcome(self._whole.folder) is not None

    def begin(self) -> None:
        """Let this leader's heart beat, until its process ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        own = self._leader(self._number)
        own.write_text(socket.gethostname())
        if not self._number and self._whole.engine_nodes:
            engine_nodes.invite(self._folder, self._address)

        def beat() -> None:
            while True:
                time.sleep(BEAT)
                with contextlib.suppress(OSError):  # a disk that fails for a moment
                    os.utime(own)

        threads.start(threading.Thread(target=beat, name="leader", daemon=True))

    def call(self, meeting: Meeting) -> Meeting:
        """Tell the other leaders of an attempt; returns it with the place."""
        met = replace(meeting, address=self._address, port=free_port())
        state.write(self._folder / "meeting.json", met)
        self._met = met
        return met

    def meeting(self) -> Meeting:
        """Wait for the first leader's call. Raises NodeLost."""
        deadline = time.monotonic() + CALLED
        while (met := state.read(self._folder / "meeting.json", Meeting)) is None:
            if time.monotonic() > deadline or self._ended():
                raise NodeLost("the first machine of the gang called no attempt")
            time.sleep(gang.LOOK)
        self._met = met
        return met

    def ranks(self, size: int, work: Path) -> list[Rank]:
        assert self._met is not None
        here, met = size // self._of, self._met
        first = self._number * here
        return [Rank(first + n, size, n, here, met.address, met.port, None) for n in range(here)]

    def report(self, rank: Rank, failure: Failure, log: Path) -> None:
        name = "failure" if failure.when else f"killed-{rank.number}"
        said = _Told(told(rank, failure.message, log), str(log), failure.lost)
        state.write_once(self._folder / f"{name}.json", said)

    def trouble(self) -> bool:
        return self._failure() is not None or self._ended() or self._silent() is not None

    def cause(self, own: RankFailed | None) -> BaseException:
        if self._number:
            return own or StageFailed("the gang has ended")
        time.sleep(gang.SETTLE)  # a leader may be about to tell of one that was killed
        if (lost := self._silent() or self._mute()) is not None:
            return NodeLost(f"{lost} does not answer any more")
        if (said := self._failure()) is not None:
            if said.lost:
                return NodeLost(said.message)
            return RankFailed(said.message, Path(said.log))
        assert own is not None
        return own

    def wait(self) -> bool:
        if self._number:
            return False
        return not all((self._folder / f"done-{n}").exists() for n in range(1, self._of))

    def end(self, done: bool) -> None:
        """Say that this machine's part is over; the others' leaders wait for the first one's."""
        if not self._number:
            (self._folder / "end").touch()
            (self._folder / engine_nodes.INVITATION).unlink(missing_ok=True)
            return
        if done:
            (self._folder / f"done-{self._number}").touch()
        while not self._ended() and self._silent() is None:
            time.sleep(gang.LOOK)

    def _ended(self) -> bool:
        return (self._folder / "end").exists()

    def _failure(self) -> _Told | None:
        files = [*sorted(self._folder.glob("killed-*.json")), self._folder / "failure.json"]
        return next((said for file in files if (said := state.read(file, _Told))), None)

    def _silent(self) -> str | None:
        """A leader that has stood still for long."""
        for file in self._others():
            if not heart.beats(file, SILENT):
                return file.read_text()
        return None

    def _mute(self) -> str | None:
        """A leader that does not beat again from now on."""
        before = {file: file.stat().st_mtime_ns for file in self._others()}
        deadline = time.monotonic() + ANSWERS
        while before and time.monotonic() < deadline:
            time.sleep(BEAT / 2)
            before = {file: at for file, at in before.items() if file.stat().st_mtime_ns == at}
        return next((file.read_text() for file in before), None)

    def _others(self) -> list[Path]:
        """The hearts of the leaders that matter to this one and have begun to beat."""
        numbers = [0] if self._number else range(1, self._of)
        return [file for n in numbers if (file := self._leader(n)).exists()]

    def _leader(self, number: int) -> Path:
        return self._folder / f"leader-{number}"

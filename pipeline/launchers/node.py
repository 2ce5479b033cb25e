"""`python -m pipeline.launchers.node FOLDER`: run the job in a folder on this machine, to its end.

A scheduler starts this on every machine of a job; by hand it runs a job alone. The stage is a
process below this one, so that it can be told from outside how it ended, killed ones included. The
first machine writes the outcome, unless the stage was only interrupted: then there is none, and the
scheduler may start the job again. Exit codes: 0, 1 the stage failed, 75 it may go on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from pipeline import lease, state, threads
from pipeline.context import LEAVE
from pipeline.errors import RecipeError
from pipeline.launchers import files, process
from pipeline.launchers.attempt import guarded
from pipeline.launchers.calls import follow, lend
from pipeline.launchers.gang import ended
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.team import Team
from pipeline.progress import Place, where
from pipeline.store import Store

STARTS = "starts"  # in the job's folder: how many in a row got no further
_FURTHEST = "furthest.json"
INTERRUPTED = 75  # the exit code of a job that may go on


def main(arguments: Sequence[str] | None = None) -> int:
    """Run this machine's part of a job; the exit code."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    if files.outcome(folder) is not None:
        return 0
    try:
        job = files.read(folder)
    except (RecipeError, ImportError) as error:
        files.write_outcome(folder, Outcome("failed", str(error)))
        return 1
    place = folder / f"start-{options.start}"
    team = Team(place, options.number, job, options.job, options.start, options.address)
    team.begin()
    if not options.number:  # of an earlier start that had no time to note it
        _note_headway(job, folder, starts=1)
    outcome = _Stage(job, team, options.number, options.patience).outcome()
    if team.lends:
        return _end_lending(job, team, outcome)
    if outcome.state in ("stopped", "lost") and not options.number:
        _note_headway(job, folder, starts=0)
    final = outcome.state in ("finished", "failed", "held")
    if final and not options.number:
        files.write_outcome(folder, outcome)
    print(f"{job.stage}: {outcome.state} {outcome.message}".rstrip(), flush=True)
    team.end(outcome.state == "finished")
    if not final:
        return INTERRUPTED
    return 1 if outcome.state == "failed" else 0


def _end_lending(job: Job, team: Team, outcome: Outcome) -> int:
    """Of a machine that held engines alone: whatever has happened, the stage goes on without it."""
    print(f"{job.stage}: engines {outcome.state} {outcome.message}".rstrip(), flush=True)
    if outcome.state == "failed":
        team.lending().give_up(outcome.message)
    return {"failed": 1, "lost": INTERRUPTED}.get(outcome.state, 0)


def _note_headway(job: Job, folder: Path, starts: int) -> None:
    """Set back the count of starts, which the scheduler's script keeps, if the stage got further.

    A stage that counts anew inside (an evaluation, for each budget) shows another place, too.
    starts: how many there were since.
    """
    place = where(Store(job.store).work(job.stage, job.wanted.fingerprint))
    before = state.read(folder / _FURTHEST, Place)
    state.write(folder / _FURTHEST, place)
    if before is None or not place.near(before):
        (folder / STARTS).write_text(f"{starts}\n")


class _Stage:
    """The stage's process on this machine. patience: seconds that it has to leave in order."""

    def __init__(self, job: Job, team: Team, number: int, patience: float) -> None:
        self._job = job
        self._patience = patience
        self._asked = False
        context: Any = get_context("fork")
        self._answer, send = context.Pipe(duplex=False)
        self._process = context.Process(target=_stage, args=(job, team, number, send))
        self._process.start()
        send.close()
        for signal_ in (signal.SIGTERM, LEAVE):
            signal.signal(signal_, self._ask)
        self._end_with_scheduler()

    def outcome(self) -> Outcome:
        """Wait for it. One that was ended from outside without a warning has failed."""
        while self._process.is_alive():
            wait([self._process.sentinel])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(EOFError, OSError):
            if self._answer.poll():
                found: Outcome = self._answer.recv()
                return found
        how = f"its process was ended by {ended(self._process.exitcode)}"
        if self._asked or self._process.exitcode == process.ASKED:  # by who took its lease
            return Outcome("stopped", how)
        if self._process.exitcode == -signal.SIGKILL:
            how += ". Ask for more: launcher.job.memory, or by kind: launcher.kinds.….memory"
        return Outcome("failed", how)

    def _ask(self, number: int, _: Any) -> None:
        self._asked = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)
        if number == LEAVE:
            late = threading.Timer(self._patience, self._ask, (signal.SIGTERM, None))
            late.daemon = True
            late.start()

    def _end_with_scheduler(self) -> None:
        """A scheduler's own process that is killed cannot end the job: what is left ends itself.

        Whoever goes on with the stage, from another machine, need not wait for its lease to expire.
        """
        parent = os.pidfd_open(os.getppid())

        def watch() -> None:
            wait([parent])
            self._asked = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            wait([self._process.sentinel], timeout=process.GRACE)
            with contextlib.suppress(OSError):
                lease.renounce(_lease_of(self._job), self._process.pid)
            os._exit(INTERRUPTED)

        threads.start(threading.Thread(target=watch, name="scheduler-watch", daemon=True))


def _stage(job: Job, team: Team, number: int, answer: Connection) -> None:
    first = gang_log(job, number)
    process.begin(first, True, lambda: lease.renounce(_lease_of(job), os.getpid()))
    part = lend if team.lends else follow if number else guarded
    outcome = part(job, team)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    answer.send(outcome)
    os._exit(0)


def _lease_of(job: Job) -> Path:
    return Store(job.store).lease(job.stage, job.wanted.fingerprint)


def gang_log(job: Job, number: int) -> Path:
    """Where a machine's leader writes: the first one into the stage's log."""
    return job.log.with_suffix(f".node{number}{job.log.suffix}") if number else job.log


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.launchers.node")
    parser.add_argument("folder", type=Path, help="the job's folder, with job.json")
    parser.add_argument("--number", type=int, default=0, help="which of the job's machines this is")
    parser.add_argument("--job", default="", help="what the scheduler calls the job")
    parser.add_argument("--start", type=int, default=0, help="how often it was started before")
    parser.add_argument("--address", default="", help="by which the others reach this machine")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to leave in order")
    return parser


if __name__ == "__main__":
    sys.exit(main())

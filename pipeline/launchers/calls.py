"""A stage's entry function: called in this process, or in every rank of a gang."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import disk, manifest, meter
from pipeline.artifact import Inputs
from pipeline.attempts import Attempts
from pipeline.context import LEAVE, Context, ask_to_leave
from pipeline.errors import RecipeError, StageFailed
from pipeline.kinds import Outputs
from pipeline.launchers import files, gang
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.peers import ALONE, Rank
from pipeline.launchers.process import end_with_parent, leave_now
from pipeline.launchers.record import inputs_of
from pipeline.launchers.team import Meeting, Team
from pipeline.project import load
from pipeline.seeds import plain
from pipeline.store import Store
from pipeline.watchdog import watching

Entry = Callable[[Any, Inputs, Context], Outputs]

_LONGEST_MESSAGE = 4000  # well below a pipe's buffer: the answer must never block


def outputs_of(
    job: Job, team: Team | None, entry: Entry, inputs: Inputs, context: Context
) -> Outputs:
    """What the stage's entry function returns: called here, or in every rank of a gang."""

    def call(context: Context) -> Outputs:
        _prepare(job.threads, context.seed)
        with watching(job.patience), meter.running(context.work, context.rank):
            outputs = entry(job.config, inputs, context)
        if not isinstance(outputs, Outputs):
            raise StageFailed(f"{job.kind.entry} returned {type(outputs).__name__}, not Outputs")
        funnel = manifest.jsonable(outputs.funnel, "funnel")
        return Outputs(manifest.jsonable(outputs.facts), funnel)

    context.scheduled = team is not None
    context.engines = team.engines() if team is not None else None
    if job.processes == 1:
        return call(context)

    def body(rank: Rank) -> Outputs:
        if context.scheduled:
            signal.signal(LEAVE, leave_now)
        end_with_parent()
        return call(replace(context, rank=rank.number, processes=rank.of))

    if context.scheduled:
        signal.signal(LEAVE, _pass_on)
    peers = ALONE if team is None or job.nodes == 1 else team
    return gang.run(job.processes, job.log, context.work, body, lambda e: message_of(e, job), peers)


def _pass_on(*_: Any) -> None:
    """The ranks know how they leave; the gang's leader waits for them."""
    ask_to_leave()
    gang.pass_on(LEAVE)


def _prepare(threads: int, seed: int) -> None:
    """Threads and seeds of the libraries that the stage has imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)


def follow(job: Job, team: Team) -> Outcome:
    """The ranks of a gang on a machine that is not its first. Its outcome is nobody's result."""
    try:
        store, meeting = Store(job.store), team.meeting()
        work = store.work(job.stage, job.wanted.fingerprint)
        attempts = Attempts(work)

        def fence() -> None:
            refuse(files.outcome(job.folder) is not None or not attempts.is_of(meeting.token))

        context = context_of(job, store, work, meeting, fence)
        outputs_of(job, team, load(job.kind.entry), inputs_of(job, store), context)
        return Outcome("finished")
    except SystemExit:
        return Outcome("stopped")
    except BaseException as error:
        return Outcome("failed", message_of(error, job))


def lend(job: Job, team: Team) -> Outcome:
    """Hold engines on a machine of a job for the stage on its first one, until that has ended."""
    try:
        assert job.kind.engines is not None
        lending = team.lending()
        hold = load(job.kind.engines)
        _prepare(lending.threads, 0)
        hold(job.config, lending)
        return Outcome("finished" if team.is_over() else "lost")
    except SystemExit:
        return Outcome("stopped")
    except BaseException as error:
        return Outcome("failed", message_of(error, job))


def refuse(taken_over: bool) -> None:
    if taken_over:
        raise StageFailed("another process took this stage over; what this one made is dropped")


def context_of(
    job: Job, store: Store, work: Path, meeting: Meeting, fence: Callable[[], None]
) -> Context:
    return Context(
        plain(job.stage),
        job.wanted.fingerprint,
        work,
        Path(meeting.output),
        int(getattr(job.config, "seed", 0)),
        job.threads,
        store.shared,
        fence=fence,
    )


def message_of(error: BaseException, job: Job) -> str:
    """One message for the user; only what nobody foresaw leaves a traceback in the log."""
    if (full := disk.full_disk(error, job.store)) is not None:
        message = disk.full_message(full)
    elif isinstance(error, RecipeError):
        message = str(error)
    elif isinstance(error, ImportError) and error.name:
        message = f"the Python module `{error.name}` cannot be imported ({error}); install it"
    else:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    with contextlib.suppress(OSError):  # the log may lie on the same full disk
        print(message, file=sys.stderr)
    return message[:_LONGEST_MESSAGE]

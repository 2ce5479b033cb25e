"""A job from its lease to its published artifact, in whatever process runs it.

A gang over several machines has this on the first of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline import manifest, meter, notices
from pipeline.artifact import METRICS
from pipeline.attempts import Attempts
from pipeline.errors import NodeLost
from pipeline.launchers import files
from pipeline.launchers.calls import context_of, message_of, outputs_of, refuse
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.peers import RankFailed
from pipeline.launchers.process import ASKED, GRACE
from pipeline.launchers.record import inputs_of, manifest_of
from pipeline.launchers.team import Meeting, Team
from pipeline.lease import Lease
from pipeline.manifest import CorruptArtifact
from pipeline.project import load
from pipeline.sources import code_root
from pipeline.store import Store


@dataclass(frozen=True)
class _Running:
    """What an attempt works with. token: of the attempt."""

    job: Job
    team: Team | None
    store: Store
    work: Path
    attempts: Attempts
    lease: Lease
    token: str = ""


def guarded(job: Job, team: Team | None = None) -> Outcome:
    """The job under its lease; every way it can end becomes an Outcome. team: on other machines."""
    try:
        store = Store(job.store)
        work = store.work(job.stage, job.wanted.fingerprint)
        attempts = Attempts(work)
        path = store.lease(job.stage, job.wanted.fingerprint)
        if team is None:
            lease = Lease(path, attempts.beat, _stop)
        else:
            over = partial(_is_over, job)
            lease = Lease(path, attempts.beat, _stop, (team.job, team.start), over)
        if (holder := lease.acquire()) is not None:
            return Outcome("held", str(holder))
        try:
            store.begin(job.stage, job.wanted.fingerprint)
            outcome = _attempt(_Running(job, team, store, work, attempts, lease))
            if (other := lease.lost_to()) is None:
                return outcome
            again = team is not None and (_is_over(job) or other.job == team.job)
            return Outcome("lost" if again else "held", str(other))
        finally:
            lease.release()
    except Exception as error:
        return Outcome("failed", message_of(error, job))


def _attempt(running: _Running) -> Outcome:
    job, attempts, work = running.job, running.attempts, running.work
    try:
        if _is_there(job, running.store):  # another runner published it while we waited
            shutil.rmtree(work, ignore_errors=True)
            return Outcome("finished")
        token = attempts.start(os.uname().nodename, job.threads, job.processes)
        _run(replace(running, token=token))
    except SystemExit as exit_:
        if exit_.code == ASKED:
            _end_attempt(attempts, "stopped")
            return Outcome("stopped")
        return _failed(attempts, f"the stage called exit({exit_.code})")
    except NodeLost as error:
        _end_attempt(attempts, "killed", str(error))
        return Outcome("lost", str(error))
    except RankFailed as error:
        return _failed(attempts, str(error), error.log)
    except BaseException as error:
        return _failed(attempts, message_of(error, job))
    attempts.close()
    shutil.rmtree(work, ignore_errors=True)
    return Outcome("finished")


def _is_over(job: Job) -> bool:
    """Whether a later start of the job has ended it, and this one is on a lost machine."""
    return files.outcome(job.folder) is not None


def _is_there(job: Job, store: Store) -> bool:
    """Whether the result is there by now. A corrupt one is moved aside, and told."""
    try:
        return store.find(job.stage, job.wanted.fingerprint) is not None
    except CorruptArtifact as error:
        aside = store.set_aside(job.stage, job.wanted.fingerprint)
        notices.warn(f"corrupt, made again. {error}. Moved to {aside}")
        return False


def _run(running: _Running) -> None:
    """Call the stage's entry function and publish what it made."""
    job, store, work, attempts = running.job, running.store, running.work, running.attempts

    def fence() -> None:
        refuse(running.lease.lost_to() is not None or not attempts.is_current())

    commit, sources = manifest.commit(code_root(job.kind)), store.sources.digest(job.kind)
    output = new_output(work, running.token)
    if job.devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(job.devices)
    entry = load(job.kind.entry)
    meeting = Meeting(running.token, str(output))
    if running.team is not None:
        meeting = running.team.call(meeting)
    context = context_of(job, store, work, meeting, fence)
    outputs = outputs_of(job, running.team, entry, inputs_of(job, store), context)
    if (work / METRICS).exists():
        shutil.copy(work / METRICS, output / METRICS)
    code = {"commit": commit, "sources": sources}
    spent = meter.total(work)
    whole = manifest_of(job, outputs, context.seed, code, attempts.finish(), spent)
    store.publish(output, whole, fence)
    store.save_caches()


def new_output(work: Path, token: str) -> Path:
    """The attempt's own folder for its result; those of earlier ones go.

    So what is left of an earlier attempt, on a machine that was lost, has nothing to publish, even
    where it was held up between its last look at the fence and the renaming.
    """
    for old in work.glob("output*"):
        if old.is_symlink() or old.is_file():
            old.unlink()
        shutil.rmtree(old, ignore_errors=True)
    output = work / f"output-{token[:8]}"
    output.mkdir()
    return output


def _stop() -> None:
    """Another process has this stage: end this one as a runner would, and if need be by force."""
    by_force = threading.Timer(GRACE, os.killpg, (0, signal.SIGKILL))
    by_force.daemon = True
    by_force.start()
    os.kill(os.getpid(), signal.SIGTERM)


def _failed(attempts: Attempts, message: str, log: Path | None = None) -> Outcome:
    _end_attempt(attempts, "failed", message)
    return Outcome("failed", message, log)


def _end_attempt(attempts: Attempts, outcome: str, message: str | None = None) -> None:
    with contextlib.suppress(OSError):  # a full disk must not hide the first error
        attempts.end(outcome, message)

"""Jobs in the cluster, by the records of them in the store: none is ever submitted twice.

    <store>/.jobs/<stage>-<fingerprint>.json

A record is written before sbatch, with the job's name, which is its own, and again after it, with
the id. Whoever comes later, after a runner was killed or from another machine, finds the job by it:
by the id, or by the name where sbatch was not seen to answer.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import lease, state
from pipeline.launchers import files
from pipeline.launchers.job import Job
from pipeline.launchers.slurm import cluster
from pipeline.launchers.slurm.cluster import Queued, SlurmError
from pipeline.launchers.slurm.script import CANCELLED, Shape, text
from pipeline.launchers.slurm.settings import Settings
from pipeline.seeds import plain

_OTHERS = 60.0  # seconds that another runner may take to submit
_ANSWERS = 3.0  # seconds after which a job that was submitted can be seen


@dataclass(frozen=True)
class Submission:
    """A stage's job. id: None until sbatch has answered. log: the stage's, in the run's folder."""

    stage: str
    fingerprint: str
    name: str
    folder: str
    log: str
    id: str | None = None

    def of(self, jobs: Sequence[Queued]) -> Queued | None:
        """The same job in the queue."""
        return next((job for job in jobs if job.id == self.id or job.name == self.name), None)


def record(store: Path, stage: str, fingerprint: str) -> Path:
    """Where a stage's submission is written down."""
    return store / ".jobs" / f"{plain(stage)}-{fingerprint}.json"


def found(store: Path, stage: str, fingerprint: str) -> Submission | None:
    """A stage's submission, if there is one; its job may have ended."""
    return state.read(record(store, stage, fingerprint), Submission)


def everything(store: Path) -> list[Submission]:
    """All submissions of a store."""
    files_ = sorted((store / ".jobs").glob("*.json"))
    return [found for file in files_ if (found := state.read(file, Submission)) is not None]


def submitted(job: Job, shape: Shape, settings: Settings) -> tuple[Submission, bool]:
    """The stage's job, and whether it was there already. Raises SlurmError."""
    path = record(job.store, job.stage, job.wanted.fingerprint)
    deadline = time.monotonic() + _OTHERS
    while True:
        with lease.briefly(Path(f"{path}.lease")) as other:
            if other is None:
                return _found_or_new(path, job, shape, settings)
        if time.monotonic() > deadline:
            raise SlurmError(f"{other} submits this stage, and does not come to an end")
        time.sleep(0.5)


def cancel(submission: Submission) -> None:
    """End a job, and let no start of it follow. Raises SlurmError."""
    Path(submission.folder).mkdir(parents=True, exist_ok=True)
    (Path(submission.folder) / CANCELLED).touch()
    job = submission.of(cluster.queue())
    if job is not None and not job.ended:
        cluster.cancel([job.id])


def forget(store: Path, submission: Submission) -> None:
    """Remove the record of a job that has ended, unless it is of another by now."""
    path = record(store, submission.stage, submission.fingerprint)
    kept = state.read(path, Submission)
    if kept is not None and kept.name == submission.name:
        path.unlink(missing_ok=True)


def _found_or_new(
    path: Path, job: Job, shape: Shape, settings: Settings
) -> tuple[Submission, bool]:
    before = state.read(path, Submission)
    if before is not None and (running := _still_there(before)) is not None:
        known = replace(before, id=running.id)
        state.write(path, known)
        return known, True
    files.forget_outcome(job.folder)
    files.write(job)
    name = f"r1-{re.sub('[^a-zA-Z0-9_.-]', '-', job.stage)}-{uuid.uuid4().hex[:8]}"
    new = Submission(
        *(plain(job.stage), job.wanted.fingerprint, name, str(job.folder), str(job.log))
    )
    script = job.folder / "batch.sh"
    script.write_text(text(job, name, shape, settings))
    job.log.parent.mkdir(parents=True, exist_ok=True)
    state.write(path, new)
    new = replace(new, id=_sent(new, script, path))
    state.write(path, new)
    return new, False


def _still_there(submission: Submission) -> Queued | None:
    """The job, if it waits or runs."""
    job = submission.of(cluster.queue())
    if job is None and submission.id is None:  # sbatch may just be at it
        time.sleep(_ANSWERS)
        job = submission.of(cluster.queue())
    return None if job is None or job.ended else job


def _sent(submission: Submission, script: Path, path: Path) -> str:
    """Submit; the id. An sbatch that failed may have submitted all the same."""
    try:
        return cluster.submit(script)
    except SlurmError:
        job = submission.of(cluster.queue())
        if job is not None:
            return job.id
        path.unlink(missing_ok=True)
        raise

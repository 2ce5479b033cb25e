"""Stages as jobs of a Slurm cluster: submitted once, watched by files first and squeue second.

What a job says of itself, in its outcome on the shared disk, counts before what the queue says of
it. The queue tells why a job waits, and how one ended that could say nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.attempts import Attempts
from pipeline.devices import Place
from pipeline.errors import RecipeError
from pipeline.kinds import Stage
from pipeline.launchers import files, standstill
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.launcher import Open, Say
from pipeline.launchers.slurm import cluster, submission
from pipeline.launchers.slurm.advice import EXCLUDE, may_be_taken_later
from pipeline.launchers.slurm.cluster import SlurmError
from pipeline.launchers.slurm.endings import starts_of, why_it_ended, why_put_back
from pipeline.launchers.slurm.job import GOES_ON, SlurmJob
from pipeline.launchers.slurm.settings import settings_of
from pipeline.launchers.slurm.shapes import Shapes
from pipeline.launchers.slurm.submission import Submission
from pipeline.limits import Limits
from pipeline.situation import Situation

_RESTS = 3.0  # seconds between two starts
_TICK = 0.2  # seconds between looks at outcomes
_LOOKS = 4  # at the queue, after which a job that has left it is taken to be silent


def prepare(situation: Situation, pending: Sequence[str], limits: Limits) -> Open:
    """The launcher of this cluster. UsageError: something is asked for that it does not have."""
    cluster.require()
    settings = settings_of(situation.composed.root["launcher"])
    profile = situation.composed.choices.get("profile", "")
    shapes = Shapes(settings, profile, limits, cluster.partitions())
    for name in pending:
        shapes.check(situation.graph.stages[name])
    return lambda folder, say: SlurmLauncher(situation.store.root, say, shapes)


class SlurmLauncher:
    """Submits stages, watches them, and ends them when it is stopped."""

    def __init__(self, store: Path, say: Say, shapes: Shapes) -> None:
        self.running: list[SlurmJob] = []
        self._store = store
        self._say = say
        self._shapes = shapes
        self._looked = 0.0
        self._told: dict[str, str] = {}

    def has(self, stage: str, fingerprint: str) -> bool:
        """Whether the stage's job waits or runs."""
        sent = submission.found(self._store, stage, fingerprint)
        return sent is not None and _is_there(sent)

    def place(self, stage: Stage, before: Attempts, at_once: int) -> Place | None:
        """What the stage's job will have; the queue sees to it that it waits."""
        return self._shapes.place(stage, before)

    def start(self, job: Job) -> SlurmJob:
        """Submit a stage's job, or find the one that was submitted."""
        started = SlurmJob(job)
        self._submit(started)
        self.running.append(started)
        self._looked = 0.0
        return started

    def _submit(self, job: SlurmJob) -> None:
        shape = self._shapes.of(job.job.stage)
        try:
            sent, adopted = submission.submitted(job.job, shape, self._shapes.settings)
        except SlurmError as error:
            job.error = str(error)
            job.refused_for_now = may_be_taken_later(job.error, _have_jobs())
            return
        job.refused_for_now = False
        job.take(sent, adopted)
        if adopted:
            _show_log(job.job.log, Path(sent.log))

    def wait(self, timeout: float) -> list[tuple[SlurmJob, Outcome]]:
        """The jobs that ended, after at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._look()
            found = [(job, how) for job in self.running if (how := self._ended(job)) is not None]
            if found or time.monotonic() > deadline:
                break
            time.sleep(_TICK)
        for job, _ in found:
            self.running.remove(job)
            if job.sent is not None:
                submission.forget(job.job.store, job.sent)
        return found

    def stop(self, grace: float) -> None:
        """Cancel every job; Slurm kills what is left after its own patience."""
        ours = [job.sent for job in self.running if job.sent is not None]
        for sent in ours:
            try:
                submission.cancel(sent)
            except SlurmError as error:
                self._say(f"job {sent.id} may run on: {error}")
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(_is_there(sent) for sent in ours):
            time.sleep(1.0)
        for job in self.running:
            if job.sent is not None:
                submission.forget(job.job.store, job.sent)
        self.running = []

    def _look(self) -> None:
        """Ask the queue, now and then; while it does not answer, nothing is concluded."""
        if time.monotonic() - self._looked < self._shapes.settings.poll_seconds:
            return
        try:
            jobs = cluster.queue()
        except SlurmError as error:
            self._tell("Slurm", str(error))
            return
        finally:
            self._looked = time.monotonic()
        for job in self.running:
            if job.refused_for_now:
                self._tell(job.job.stage, job.waits_for)
                self._submit(job)
                if job.sent is not None:
                    self._tell(job.job.stage, job.began)
            if job.sent is None:
                continue
            ran = job.queued is not None and job.queued.state in GOES_ON
            job.queued = job.sent.of(jobs)
            if ran and job.queued is not None and job.queued.state == "PENDING":
                if not job.put_back_here:
                    why = why_put_back(job.job, job.sent)
                    self._say(f"{job.job.stage}: back in the queue: {why}")
                job.put_back_here = False
            self._see_standstill(job)
            gone = job.queued is None or job.queued.ended
            job.ended_at = (job.ended_at or time.monotonic()) if gone else None
            self._hurry(job)
            if job.waits_for == job.waited_for:  # two looks long
                self._tell(job.job.stage, job.waits_for)
            job.waited_for = job.waits_for

    def _see_standstill(self, job: SlurmJob) -> None:
        """A node that gives no sign of life for long is lost, whatever Slurm thinks of it."""
        if job.sent is None or job.queued is None or job.queued.state != "RUNNING":
            return
        still, name, node = job.standstill.seconds(), job.job.stage, job.queued.nodes
        if not still:
            self._told.pop(f"{name} on {node}", None)
            return
        self._tell(f"{name} on {node}", "no sign of life; if that lasts, the node counts as lost")
        if still < standstill.GIVEN_UP:
            return
        what = f"its node {node} stood still: leave it out if that happens again ({EXCLUDE})"
        try:
            if starts_of(job.sent) < self._shapes.settings.starts:
                cluster.requeue(job.queued.id)
                self._say(f"{name}: put back into the queue: {what}")
                job.put_back_here = True
            else:
                files.write_outcome(Path(job.sent.folder), Outcome("failed", what))
                submission.cancel(job.sent)
        except SlurmError as error:
            self._tell("Slurm", str(error))

    def _hurry(self, job: SlurmJob) -> None:
        """A job that was put back may have to wait for two minutes, for nothing.

        Not at once: started in the second in which it ended, its credential counts as revoked.
        """
        if job.queued is None or job.queued.reason != "BeginTime":
            job.put_back = None
            return
        job.put_back = job.put_back or time.monotonic()
        if time.monotonic() - job.put_back > _RESTS:
            try:
                cluster.start_now(job.queued.id)
            except SlurmError as error:
                self._tell("scontrol", str(error))

    def _tell(self, who: str, what: str) -> None:
        """Say why something waits when that changes."""
        if what and self._told.get(who) != what:
            self._say(f"{who}: {what}")
        self._told[who] = what

    def _ended(self, job: SlurmJob) -> Outcome | None:
        if job.sent is None:
            return None if job.refused_for_now else Outcome("failed", job.error)
        outcome = files.outcome(Path(job.sent.folder))
        if outcome is None:
            patience = _LOOKS * self._shapes.settings.poll_seconds
            if job.ended_at is None or time.monotonic() - job.ended_at < patience:
                return None
            return why_it_ended(job.job, job.sent, job.queued)
        job.ended_at = job.ended_at or time.monotonic()
        return files.seen(outcome, job.job, job.ended_at)


def _show_log(here: Path, there: Path) -> None:
    """The log of a job that another run has submitted, in this run's folder."""
    if here != there and not here.exists():
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there)


def _have_jobs() -> bool:
    try:
        return not all(job.ended for job in cluster.queue())
    except SlurmError:
        return True


def _is_there(sent: Submission) -> bool:
    try:
        job = sent.of(cluster.queue())
    except RecipeError:
        return True
    return job is not None and not job.ended

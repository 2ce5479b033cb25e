"""A stage's job in a Slurm cluster, as its runner has it in hand."""

from __future__ import annotations

import time
from pathlib import Path

from pipeline.launchers.job import Job
from pipeline.launchers.slurm.advice import advised
from pipeline.launchers.slurm.cluster import Queued
from pipeline.launchers.slurm.submission import Submission
from pipeline.launchers.standstill import Standstill

GOES_ON = {"RUNNING", "COMPLETING"}


class SlurmJob:
    """A stage's job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.sent: Submission | None = None
        self.started = time.monotonic()
        self.exit_code = None
        self.queued: Queued | None = None
        self.waited_for = ""  # at the last look
        self.put_back: float | None = None  # when it was found to wait for its time to begin
        self.ended_at: float | None = None  # when it was found to have left the queue
        self.error = ""  # why it could not be submitted
        self.refused_for_now = False  # since there are too many
        self.standstill = Standstill(job.folder)
        self.put_back_here = False  # by this runner, which has said why
        self.began = "not submitted"

    def take(self, sent: Submission, adopted: bool) -> None:
        """The job that was submitted, or found."""
        self.sent = sent
        self.standstill = Standstill(Path(sent.folder))
        self.began = f"{'goes on as' if adopted else 'submitted as'} job {sent.id}"

    @property
    def waits_for(self) -> str:
        """Why it does not run, in squeue's words."""
        if self.refused_for_now:
            return f"not submitted yet: {self.error}"
        if self.queued is None or self.queued.ended or self.queued.state in GOES_ON:
            return ""
        reason = self.queued.reason
        words = self.queued.state.lower()
        return words if reason in ("None", "") else advised(f"{words}: {reason}")

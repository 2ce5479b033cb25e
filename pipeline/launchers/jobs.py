"""What schedulers have in hand of a store, whichever they are."""

from __future__ import annotations

from pathlib import Path

from pipeline.launchers.ray import look as ray
from pipeline.launchers.slurm import look as slurm
from pipeline.launchers.slurm import submission


def jobs(store: Path) -> list[slurm.JobRow]:
    """The jobs that wait or run, or that nobody has taken leave of."""
    return [*slurm.jobs(store), *ray.jobs(store)]


def forget(store: Path, stage: str, fingerprint: str) -> None:
    """Of a stage that is done, the record of a job that ended when its runner was gone."""
    for record in (submission.record, ray.record):
        record(store, stage, fingerprint).unlink(missing_ok=True)

"""What schedulers have in hand of a store, whichever they are."""

from __future__ import annotations

from pathlib import Path

from pipeline.launchers.ray import look as ray
from pipeline.launchers.slurm import look as slurm


def jobs(store: Path) -> list[slurm.JobRow]:
    """The jobs that wait or run, or that nobody has taken leave of."""
    return [*slurm.jobs(store), *ray.jobs(store)]

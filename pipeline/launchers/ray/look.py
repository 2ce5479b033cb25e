"""How the stages of running Ray launchers stand, for `r1 status`: a small file of each.

    <store>/.jobs/ray/<stage>-<fingerprint>.json

The run that wrote one may be gone: then its actors are, too, and the file says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import state
from pipeline.detached import is_alive
from pipeline.launchers.job import Job
from pipeline.launchers.slurm.look import JobRow
from pipeline.run_folder import RunFolder
from pipeline.seeds import plain

if TYPE_CHECKING:
    from pipeline.launchers.ray.job import RayJob


@dataclass(frozen=True)
class _Noted:
    """A stage of the run in a folder; node: empty while it waits, for the reason."""

    stage: str
    fingerprint: str
    run: str
    id: str
    node: str
    reason: str


def note(store: Path, run: Path, started: RayJob) -> None:
    """Write down how a stage stands. Raises OSError."""
    job = started.job
    own = plain(job.stage), job.wanted.fingerprint, str(run)
    state.write(
        record(store, job.stage, job.wanted.fingerprint),
        _Noted(*own, started.id, started.nodes, started.waits_for),
    )


def forget(store: Path, job: Job) -> None:
    """Of a stage that has ended."""
    record(store, job.stage, job.wanted.fingerprint).unlink(missing_ok=True)


def jobs(store: Path) -> list[JobRow]:
    """What runs and waits of this store's stages."""
    files = sorted((store / ".jobs" / "ray").glob("*.json"))
    noted = [found for file in files if (found := state.read(file, _Noted)) is not None]
    return [
        JobRow(
            *(one.stage, one.fingerprint, one.id, "RUNNING" if one.node else "WAITING"),
            *(one.node, one.reason),
        )
        for one in noted
        if is_alive(RunFolder(Path(one.run)))
    ]


def record(store: Path, stage: str, fingerprint: str) -> Path:
    """Where it is written down how a stage stands."""
    return store / ".jobs" / "ray" / f"{plain(stage)}-{fingerprint}.json"

"""The files of a job, which any machine that sees them can run: `job.json`, `outcome.json`.

They lie in the job's own folder, below that of its run. A job that is started from its file is the
one that the runner composed, or it is refused: `read` holds the config and the versions that it
finds against those that the job was written with. An outcome appears whole and once: the first one
that is written stays.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline import state
from pipeline.errors import StageFailed
from pipeline.identity import InputIdentity, config_identity
from pipeline.kinds import Registry
from pipeline.launchers.job import Job, Outcome
from pipeline.manifest import versions
from pipeline.plan import Wanted
from pipeline.project import load
from pipeline.seeds import plain
from pipeline.watchdog import Patience

JOB = "job.json"
_OUTCOME = "outcome.json"
_ARRIVES = 60.0  # seconds in which a shared disk shows what another machine has written


@dataclass(frozen=True)
class _Written:
    """A Job as plain data. versions: of Python and packages where it was written."""

    stage: str
    kind: str
    config: dict[str, Any]
    fingerprint: str
    identity: dict[str, Any]
    inputs: list[InputIdentity]
    registry: str
    store: str
    log: str
    threads: int
    processes: int
    nodes: int
    patience: Patience
    versions: dict[str, str]
    engine_nodes: int = 0


def write(job: Job) -> Path:
    """Write a job into its folder; returns the file. Raises OSError."""
    written = _Written(
        stage=job.stage,
        kind=job.kind.name,
        config=dict(job.resolved),
        fingerprint=job.wanted.fingerprint,
        identity=dict(job.wanted.identity),
        inputs=list(job.wanted.inputs),
        registry=job.registry,
        store=str(job.store),
        log=str(job.log),
        threads=job.threads,
        processes=job.processes,
        nodes=job.nodes,
        patience=job.patience,
        versions=versions(),
        engine_nodes=job.engine_nodes,
    )
    state.write(job.folder / JOB, asdict(written))
    return job.folder / JOB


def read(folder: Path) -> Job:
    """The job in a folder. Raises StageFailed if this machine would run another."""
    written = state.read(folder / JOB, _Written)
    if written is None:
        raise StageFailed(
            f"{os.uname().nodename} finds no {folder / JOB}: paths.store and paths.runs must be on "
            "a disk that all nodes see under the same path"
        )
    _require_versions(written.versions)
    registry: Registry = load(written.registry)
    kind = registry[written.kind]
    config = _config(kind.config, written.config)
    made = config_identity(config, registry.edges).config
    if state.plain(made) != written.identity["config"]:
        raise StageFailed(
            f"{written.stage}: on {os.uname().nodename} its config comes to something else than "
            "where it was composed, so the code there differs. Run the same checkout on all nodes"
        )
    return Job(
        stage=written.stage,
        kind=kind,
        config=config,
        resolved=written.config,
        wanted=Wanted(written.fingerprint, written.identity, tuple(written.inputs)),
        registry=written.registry,
        store=Path(written.store),
        log=Path(written.log),
        folder=folder,
        threads=written.threads,
        processes=written.processes,
        nodes=written.nodes,
        engine_nodes=written.engine_nodes,
        patience=written.patience,
    )


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Say how a job ended, unless that was said. Raises OSError."""
    state.write_once(folder / _OUTCOME, asdict(outcome))


def outcome(folder: Path) -> Outcome | None:
    """How a job ended; None while it has not."""
    return state.read(folder / _OUTCOME, Outcome)


def seen(outcome: Outcome, job: Job, since: float) -> Outcome | None:
    """An outcome that another machine wrote, once its result is seen here; None: not yet.

    since: by `time.monotonic`, when the outcome was. A result that does not come is a failure.
    """
    result = job.store / plain(job.stage) / job.wanted.fingerprint
    if outcome.state != "finished" or result.exists():
        return outcome
    if time.monotonic() - since < _ARRIVES:
        return None
    return Outcome("failed", f"it has finished, and its result {result} is not seen here")


def forget_outcome(folder: Path) -> None:
    """Of a job that begins again. Raises OSError."""
    (folder / _OUTCOME).unlink(missing_ok=True)


def _config(shape: type, said: dict[str, Any]) -> Any:
    try:
        return TypeAdapter(shape).validate_python(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise StageFailed(
            f"stages.….{where}: {first['msg']} on {os.uname().nodename}, so the code there is "
            "another. Run the same checkout on all nodes"
        ) from None


def _require_versions(then: dict[str, str]) -> None:
    now = versions()
    differ = [
        f"{name} {now.get(name, 'none')} (the runner has {then.get(name, 'none')})"
        for name in sorted({*then, *now})
        if now.get(name) != then.get(name)
    ]
    if differ:
        raise StageFailed(
            f"{os.uname().nodename} has other versions than the runner: {', '.join(differ)}. "
            "Put the environment on a disk that all nodes see, or set launcher.python"
        )

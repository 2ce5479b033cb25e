"""What a job takes from the store, and what is written down of what it made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline import manifest as manifests
from pipeline.artifact import Artifact
from pipeline.attempts import Attempt, seconds_of
from pipeline.errors import StageFailed
from pipeline.kinds import Outputs
from pipeline.launchers.job import Job
from pipeline.meter import Spent
from pipeline.seeds import plain
from pipeline.store import Store


def manifest_of(
    job: Job,
    outputs: Outputs,
    seed: int,
    code: Mapping[str, Any],
    attempts: list[Attempt],
    spent: Spent,
) -> dict[str, Any]:
    """All that a manifest says, but for the files."""
    return {
        "format": manifests.FORMAT,
        "stage": plain(job.stage),
        "kind": job.kind.name,
        "version": job.kind.version,
        "type": job.kind.produces,
        "fingerprint": job.wanted.fingerprint,
        "created": datetime.now(UTC).isoformat(),
        "seconds": seconds_of(attempts),
        "cost": vars(spent),
        "config": job.resolved,
        "identity": job.wanted.identity,
        "inputs": [
            {"edge": i.edge, "stage": plain(i.stage), "fingerprint": i.fingerprint}
            for i in job.wanted.inputs
        ],
        "facts": outputs.facts,
        "funnel": outputs.funnel,
        "seed": seed,
        "versions": manifests.versions(),
        "host": manifests.host(),
        "code": code,
        "attempts": attempts,
    }


def inputs_of(job: Job, store: Store) -> dict[str, tuple[Artifact, ...]]:
    """The input artifacts by edge, in config order."""
    found: dict[str, list[Artifact]] = {}
    for source in job.wanted.inputs:
        artifact = store.find(source.stage, source.fingerprint)
        if artifact is None:
            raise StageFailed(
                f"{job.stage}: its input {source.stage} ({source.fingerprint}) is gone from "
                f"{store.root}. Give the same command again: it will be made again."
            )
        found.setdefault(source.edge, []).append(artifact)
    return {edge: tuple(artifacts) for edge, artifacts in found.items()}

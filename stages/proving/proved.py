"""Which rows were proved how: a fact of the stage that proved them, and of those after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.artifact import Artifact
from stages.settings.verifiers import Verifiers
from stages.verifiers.answer import STRICT, TAG

FACT = "proved_by"


def fact_of(config: Verifiers) -> dict[str, Any]:
    """How rows are proved, as far as it matters for whoever asks again."""
    return {
        "strict": config.policy == STRICT,
        "tag": TAG in config.forms,
        "seconds": float(config.seconds),
    }


def covers(artifact: Artifact, config: Verifiers) -> bool:
    """Whether rows were proved at least as strictly as these verifiers would."""
    by: Mapping[str, Any] | None = artifact.facts.get(FACT)
    if by is None:
        return False
    asked = fact_of(config)
    return (
        by["strict"] >= asked["strict"]
        and by["tag"] == asked["tag"]
        and by["seconds"] <= asked["seconds"]
    )


def passed_on(artifacts: Iterable[Artifact]) -> dict[str, Any]:
    """The fact of rows that come from several stages: where all were proved alike."""
    found = [artifact.facts.get(FACT) for artifact in artifacts]
    alike = bool(found) and found[0] is not None and all(one == found[0] for one in found)
    return {FACT: found[0]} if alike else {}

"""Configs and facts in the shapes that MLflow takes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.notices import kept

LONGEST_PARAM = 6000
_NOT_IN_A_NAME = re.compile(r"[^\w\-. /]")


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{"sampling": {"top_p": 1}}` as `sampling.top_p`, 1.

    A mapping with a key that no parameter may have ("A>B") stays one value.
    """
    for key, value in config.items():
        if isinstance(value, Mapping) and value and not any(map(_NOT_IN_A_NAME.search, value)):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield _NOT_IN_A_NAME.sub("_", f"{prefix}{key}"), value


def text(value: Any) -> str:
    """A parameter's value."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words[:LONGEST_PARAM]


def metric_name(name: str) -> str:
    """MLflow allows no `@` and no brackets in the name of a metric."""
    return _NOT_IN_A_NAME.sub("_", name)


def numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the facts."""
    return {
        key: float(value)
        for key, value in facts.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def results(artifact: Artifact) -> dict[str, float]:
    """The numbers that a finished stage of any project has beside its curve."""
    found = numbers(artifact.facts)
    found |= numbers({"seconds": artifact.manifest.get("seconds")})
    return found | numbers(
        {"peak_memory_mib": artifact.manifest.get("host", {}).get("peak_memory_mib")}
    )


def tags(artifact: Artifact, named: Callable[[Path], str]) -> dict[str, str]:
    """What a finished stage's run is found by; named: a path as MLflow shall show it."""
    found = {
        "r1.artifact": named(artifact.path),
        "mlflow.source.git.commit": str(artifact.manifest.get("code", {}).get("commit") or ""),
    }
    if warnings := kept(artifact.facts):
        found["r1.warnings"] = "\n".join(warnings)
    return found

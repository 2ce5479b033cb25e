"""What a run had to wait for: its longest chain of stages, and how far its places stood idle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.artifact import Artifact
from stages.report.tables import duration

LEAST = 0.01  # of the path; a stage that takes less is not named


def facts(run: Mapping[str, Any], artifacts: Mapping[str, Artifact], places: int) -> dict[str, str]:
    """Lines of the report; none where the run launched nothing or has not ended.

    places: how many stages could run at once.
    """
    stages = run.get("stages") or {}
    ran = {name: s["ran_seconds"] for name, s in stages.items() if s.get("ran_seconds")}
    if not ran or not run.get("seconds"):
        return {}
    path = _longest(ran, artifacts)
    seconds = sum(ran[name] for name in path)
    named = [f"{name} {duration(ran[name])}" for name in path if ran[name] >= LEAST * seconds]
    idle = 1 - sum(ran.values()) / (places * run["seconds"])
    return {
        "Critical path": f"{duration(seconds)}: {' → '.join(named)}",
        "Idle": f"{100 * max(0.0, idle):.0f} % of {places} stages at once",
    }


def _longest(ran: Mapping[str, float], artifacts: Mapping[str, Artifact]) -> list[str]:
    """The chain of stages of this run, each an input of the next, that took longest together."""
    names = {artifact.manifest["fingerprint"]: name for name, artifact in artifacts.items()}
    paths: dict[str, list[str]] = {}

    def length(path: list[str]) -> float:
        return sum(ran[name] for name in path)

    def path(name: str) -> list[str]:
        if name not in paths:
            given = artifacts[name].manifest["inputs"] if name in artifacts else []
            before = [path(names[i["fingerprint"]]) for i in given if i["fingerprint"] in names]
            own = [name] if name in ran else []
            paths[name] = max(before, key=length, default=[]) + own
        return paths[name]

    return max((path(name) for name in ran), key=length)

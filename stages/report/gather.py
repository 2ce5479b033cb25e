"""The facts of a run as plain data: what `r1 report --json` prints and `report.md` words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from pipeline.artifact import Artifact
from pipeline.statistics import Bootstrap
from stages.report.claims import Judgement, judge
from stages.report.comparison import compare
from stages.report.evidence import Evidence
from stages.report.falls import falls
from stages.report.names import ACCURACY, GROUPS

Estimates = dict[str, dict[str, Any]]


def gather(artifacts: Mapping[str, Artifact], claims: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics of every evaluated stage, verdicts on the claims, seconds of every stage."""
    evidence = Evidence(artifacts)
    differences = _differences(evidence, claims)
    judged = [_claim(judgement) for judgement in judge(claims, evidence)]
    return {
        "stages": {stage: estimates(evidence, stage) for stage in evidence.models()}
        | {name: _accuracy(a) for name, a in artifacts.items() if a.type == "reward_model"},
        "differences": differences,
        "claims": judged,
        "fell": falls(claims["claims"], judged, differences),
        "validation": {
            n: a.facts["validation"] for n, a in artifacts.items() if a.facts.get("validation")
        },
        "seconds": {name: seconds(artifact) for name, artifact in artifacts.items()},
    }


def estimates(evidence: Evidence, stage: str) -> Estimates:
    """`pass_at_1` over all problems, `reasoning/pass_at_1`, `math/…`, `zh/…`, `on gsm8k/…`, …"""
    facts = evidence.evaluation(stage).facts
    found: Estimates = {metric: _estimate(e) for metric, e in facts["overall"].items()}
    for prefix, metrics in _slices(facts):
        found |= {f"{prefix}/{metric}": _estimate(e) for metric, e in metrics.items()}
    return found


def seconds(artifact: Artifact) -> float:
    """How long the stage took, over all its attempts."""
    return float(artifact.manifest.get("seconds", 0.0))


def _slices(facts: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in ("by_domain", "by_language", "by_group"):  # the group `general` is the domain
        yield from (facts.get(key) or {}).items()
    for name, metrics in (facts.get("by_benchmark") or {}).items():
        yield f"on {name}", metrics
    for level, metrics in (facts.get("by_level") or {}).items():
        yield f"level {level}", metrics


def _estimate(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry.get(key) for key in ("value", "low", "high", "n")}


def _accuracy(artifact: Artifact) -> Estimates:
    """A reward model's numbers on the rows that it was not trained on."""
    entries = artifact.facts.items()
    return {
        name: _estimate(entry if isinstance(entry, Mapping) else {"value": entry})
        for name, entry in entries
        if isinstance(entry, int | float | Mapping) and not isinstance(entry, bool)
    }


def _differences(evidence: Evidence, claims: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each shown stage that was evaluated against the one before it, on the same problems."""
    bootstrap = Bootstrap(**claims["bootstrap"])
    shown = [s for s in claims.get("shown", {}).get("stages", ()) if s in evidence.models()]
    return [
        {"stage": stage, "against": before, "group": group, "metric": ACCURACY}
        | compare(evidence, stage, before, [ACCURACY], bootstrap, group)[ACCURACY]
        for before, stage in pairwise(shown)
        for group in GROUPS
    ]


def _claim(judgement: Judgement) -> dict[str, Any]:
    decisive = judgement.decisive
    return {
        "id": judgement.id,
        "statement": judgement.statement,
        "source": judgement.source,
        "verdict": judgement.verdict,
        "difference": decisive.difference,
        "low": decisive.low,
        "high": decisive.high,
        "n": decisive.n,
        "checks": [asdict(finding) for finding in judgement.findings],
    }

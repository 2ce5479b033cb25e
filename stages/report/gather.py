"""The facts of a run as plain data: what `r1 report --json` prints and `report.md` words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from pipeline.artifact import Artifact
from pipeline.statistics import Bootstrap
from stages.report import beside, origins, over_seeds
from stages.report.claims import Finding, Judgement, judge, seeds_needed
from stages.report.comparison import compare, paired
from stages.report.evidence import Evidence, Missing, seconds
from stages.report.falls import falls
from stages.report.names import ACCURACY, CONSENSUS, GROUPS, REASONING, VOTED
from stages.report.over_seeds import Estimates
from stages.report.quantities import Quantity, Worlds


def gather(
    artifacts: Mapping[str, Artifact],
    claims: Mapping[str, Any],
    by_seed: Mapping[int, Mapping[str, Artifact]],
) -> dict[str, Any]:
    """Metrics of every evaluated stage, verdicts on the claims, seconds of every stage.

    artifacts: of all seeds. by_seed: of each, by names without it. Of several seeds the facts are
    those of the whole, and `by_seed` has each; `absent` has the stages that one lacks and others
    have; `asked` says on which problems all this was measured.
    """
    seeds = [Evidence(own, seed) for seed, own in by_seed.items()]
    one_by_one = seeds if len(seeds) > 1 else []
    whole = _judged(seeds, claims)
    papers = claims.get("shown", {}).get("beside") or {}
    bootstrap = Bootstrap(**claims["bootstrap"])
    return whole | {
        "beside": beside.facts(papers, seeds, whole["stages"], bootstrap),
        "seeds": list(by_seed),
        "by_seed": {str(one.seed): _judged([one], claims) for one in one_by_one},
        "asked": origins.asked(artifacts),
        "absent": {str(seed): names for seed, names in _absent(by_seed).items()},
        "validation": {
            n: a.facts["validation"] for n, a in artifacts.items() if a.facts.get("validation")
        },
        "seconds": {name: seconds(artifact) for name, artifact in artifacts.items()},
    }


def _judged(seeds: Sequence[Evidence], claims: Mapping[str, Any]) -> dict[str, Any]:
    differences = _differences(seeds, claims)
    judged = [_claim(judgement) for judgement in judge(claims, seeds)]
    bootstrap = Bootstrap(**claims["bootstrap"])
    return {
        "stages": over_seeds.estimates(_stages_of(seeds, bootstrap), bootstrap),
        "differences": differences,
        "votes": list(_votes(seeds, bootstrap)),
        "claims": judged,
        "fell": falls(claims["claims"], judged, differences),
    }


def _stages_of(seeds: Sequence[Evidence], bootstrap: Bootstrap) -> dict[int, dict[str, Estimates]]:
    return {
        one.seed: {stage: estimates(one, stage, bootstrap) for stage in one.models()}
        | {name: _accuracy(a) for name, a in one.artifacts.items() if a.type == "reward_model"}
        for one in seeds
    }


def _absent(by_seed: Mapping[int, Mapping[str, Artifact]]) -> dict[int, list[str]]:
    """The stages that a seed lacks and another one has, by seed."""
    made = dict.fromkeys(name for own in by_seed.values() for name in own)
    lacks = {seed: [n for n in made if n not in own] for seed, own in by_seed.items()}
    return {seed: names for seed, names in lacks.items() if names}


def estimates(evidence: Evidence, stage: str, bootstrap: Bootstrap) -> Estimates:
    """`pass_at_1` over all problems, `reasoning/pass_at_1`, `math/…`, `zh/…`, `on gsm8k/…`, …

    They are as the evaluation told them; what it did not tell is made here.
    """
    facts = evidence.evaluation(stage).facts
    found: Estimates = {metric: _estimate(e) for metric, e in facts["overall"].items()}
    for prefix, metrics in _slices(facts):
        found |= {f"{prefix}/{metric}": _estimate(e) for metric, e in metrics.items()}
    return found | _voted(evidence, stage, bootstrap)


def _voted(evidence: Evidence, stage: str, bootstrap: Bootstrap) -> Estimates:
    side = Quantity(stage, metric=VOTED, group=REASONING)
    try:
        draws = Worlds.of([evidence], [side], bootstrap).mean(evidence, stage, VOTED)
    except Missing:
        return {}
    low, high = draws.interval(bootstrap.confidence)
    entry = {"value": draws.value, "low": low, "high": high, "n": draws.n}
    return {f"{REASONING}/{VOTED}": entry}


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


def _differences(seeds: Sequence[Evidence], claims: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each shown stage that was evaluated against the one before it, on the same problems."""
    bootstrap = Bootstrap(**claims["bootstrap"])
    there = {stage for one in seeds for stage in one.models()}
    shown = [s for s in claims.get("shown", {}).get("stages", ()) if s in there]
    return [
        {"stage": stage, "against": before, "group": group, "metric": ACCURACY}
        | compare(seeds, stage, before, [ACCURACY], bootstrap, group)[ACCURACY]
        for before, stage in pairwise(shown)
        for group in GROUPS
    ]


def _votes(seeds: Sequence[Evidence], bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    """What the majority of every evaluated stage gains over one sample, on the same problems."""
    for stage in dict.fromkeys(stage for one in seeds for stage in one.models()):
        vote, one = (Quantity(stage, metric=m, group=REASONING) for m in (CONSENSUS, VOTED))
        try:
            found = paired(seeds, vote, one, bootstrap)
        except Missing:
            continue
        yield {"stage": stage, "group": REASONING, "metric": CONSENSUS, "against": VOTED} | found


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
        "seeds_needed": seeds_needed(judgement),
        "checks": [_check(finding) for finding in judgement.findings],
    }


def _check(finding: Finding) -> dict[str, Any]:
    """Plain data, as JSON has it: seeds as text."""
    found = asdict(finding)
    return found | {
        name: {str(seed): said for seed, said in found[name].items()}
        for name in ("by_seed", "absent")
    }

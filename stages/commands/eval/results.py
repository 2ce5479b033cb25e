"""What `r1 eval` found: the facts of every evaluation, models compared, as tables and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.project import Project
from pipeline.situation import survey
from pipeline.statistics import Bootstrap
from stages.commands.eval.request import Request
from stages.commands.eval.words import slug
from stages.report.comparison import compare
from stages.report.evidence import Evidence
from stages.report.over_seeds import estimates

COLUMNS = {
    "pass_at_1": "pass@1",
    "cons_at_k": "cons@k",
    "format": "format",
    "language_consistency": "language",
    "truncation": "truncated",
    "cannot_judge": "not judged",
}

Facts = dict[str, Any]
By = dict[str, dict[str, Facts]]  # benchmark → model →
Seeds = dict[int, dict[str, Artifact]]  # seed → model →
#: What the evaluations of all seeds have in common.
COUNTED = ("model", "problems", "prompts_too_long", "samples_per_problem")


@dataclass(frozen=True)
class Results:
    """evaluations: benchmark → model → facts. differences: to the first model, metric by metric."""

    evaluations: By
    differences: By


def made_before(project: Project, request: Request) -> set[str]:
    """The evaluations that are there already: they draw nothing."""
    facts = survey(project, request.composed).facts
    names = [request.stage(*asked, seed) for asked in request.evaluations for seed in request.seeds]
    return {stage for stage in names if facts[stage].done}


def read_results(project: Project, request: Request, before: set[str]) -> Results:
    """The facts of all evaluations, once they ran, and the models compared."""
    found = survey(project, request.composed).facts
    artifacts: dict[str, Seeds]
    artifacts = {name: {seed: {} for seed in request.seeds} for name in request.benchmarks}
    evaluations: By = {name: {} for name in request.benchmarks}
    bootstrap = Bootstrap(**request.composed.root["bootstrap"])
    for model, benchmark in request.evaluations:
        by_seed = {}
        for seed in request.seeds:
            stage = request.stage(model, benchmark, seed)
            artifact = found[stage].artifact
            assert artifact is not None  # `execute` returned 0
            artifacts[benchmark][seed][model] = artifact
            samples = _samples(artifact, there=stage in before)
            own = {**artifact.facts, "samples": samples, "artifact": str(artifact.path)}
            by_seed[seed] = own
        evaluations[benchmark][model] = _whole(by_seed, bootstrap)
    return Results(evaluations, _differences(request, artifacts, bootstrap))


def _whole(by_seed: Mapping[int, Facts], bootstrap: Bootstrap) -> Facts:
    """The facts of one seed as they are; of several what they have in common, and each."""
    first = next(iter(by_seed.values()))
    if len(by_seed) == 1:
        return first
    overall = {seed: {"": own["overall"]} for seed, own in by_seed.items()}
    counts = [own["samples"] for own in by_seed.values()]
    return {
        **{name: first[name] for name in COUNTED},
        "overall": estimates(overall, bootstrap)[""],
        "samples": {name: sum(one[name] for one in counts) for name in counts[0]},
        "by_seed": {str(seed): own for seed, own in by_seed.items()},
    }


def _samples(artifact: Artifact, there: bool) -> dict[str, int]:
    """How many samples there are, and how many this command had to draw."""
    funnel = artifact.manifest["funnel"]
    drawn = 0 if there else funnel["drawn"]
    return {"in_all": funnel["samples"], "drawn": drawn, "reused": funnel["samples"] - drawn}


def _differences(request: Request, artifacts: Mapping[str, Seeds], bootstrap: Bootstrap) -> By:
    first, *others = request.models
    if not others:
        return {}
    found: By = {}
    for benchmark, by_seed in artifacts.items():
        seeds = [
            Evidence({artifact.stage: artifact for artifact in by_model.values()}, seed)
            for seed, by_model in by_seed.items()
        ]
        by_model = next(iter(by_seed.values()))
        known = by_model[first].facts["overall"]
        found[benchmark] = {}
        for other in others:
            shared = [name for name in by_model[other].facts["overall"] if name in known]
            left, right = (str(by_model[model].facts["model"]) for model in (other, first))
            found[benchmark][other] = compare(seeds, left, right, shared, bootstrap)
    return found


def keep(request: Request, results: Results) -> None:
    """`<root>/eval/<model>/<benchmark>.json`, the latest result of each."""
    folder = Path(request.composed.root["paths"]["runs"]).parent
    for benchmark, by_model in results.evaluations.items():
        for model, facts in by_model.items():
            place = folder / slug(model)
            place.mkdir(parents=True, exist_ok=True)
            text = json.dumps(facts, indent=1, ensure_ascii=False)
            (place / f"{benchmark}.json").write_text(text + "\n")


def tables(request: Request, results: Results) -> Iterator[str]:
    """A line per benchmark and model; a score of about nothing is shown as it is."""
    head = ["benchmark", "model", "pass@1 [95 %]", *list(COLUMNS.values())[1:]]
    lines = [[*head, "problems", "too long", "k", "drawn", "reused"]]
    for benchmark, by_model in results.evaluations.items():
        for model, facts in by_model.items():
            own = facts.get("by_seed", {})
            lines += [_line(benchmark, f"{model}, seed {seed}", own[seed]) for seed in own]
            lines.append(_line(benchmark, f"{model}, all seeds" if own else model, facts))
    yield from _aligned(lines)
    if results.differences:
        yield from _compared(request.models[0], results)


def _line(benchmark: str, model: str, facts: Facts) -> list[str]:
    overall = facts["overall"]
    cells = [_cell(overall.get(metric)) for metric in COLUMNS]
    if first := overall.get("pass_at_1"):
        cells[0] += f" [{first['low']:.3f}, {first['high']:.3f}]"
    if (voted := overall.get("cons_at_k")) and first and voted["n"] != first["n"]:
        cells[1] += f" (of {voted['n']})"  # programs have no vote
    counts = [facts["problems"], facts["prompts_too_long"], facts["samples_per_problem"]]
    counts += [facts["samples"]["drawn"], facts["samples"]["reused"]]
    return [benchmark, model, *cells, *map(str, counts)]


def _compared(first: str, results: Results) -> Iterator[str]:
    yield ""
    yield f"Differences to {first}, on the problems that both were asked:"
    yield ""
    lines = [["benchmark", "model", "metric", "difference [95 %]", "better", "worse", "sign test"]]
    lines[0].append("problems")
    for benchmark, by_model in results.differences.items():
        for model, metrics in by_model.items():
            asked = results.evaluations[benchmark]
            most = max(facts["problems"] for facts in (asked[first], asked[model]))
            for metric in [name for name in metrics if name.startswith(("pass_at", "cons_at_k"))]:
                lines.append([benchmark, model, metric, *_difference(metrics[metric], most)])
    yield from _aligned(lines)


def _difference(found: Facts, asked: int) -> list[str]:
    if found["difference"] is None:
        return [f"- ({found['reason']})", "", "", "", ""]
    interval = f"{found['difference']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"
    chance = f"p = {found['sign_test']:.3f}"
    problems = f"{found['n']} of {asked}"
    return [interval, str(found["higher"]), str(found["lower"]), chance, problems]


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; the first two are words, the others numbers."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = [
            f"{cell:<{width}}" if i < 2 else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _cell(estimate: Mapping[str, float] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.3f}"

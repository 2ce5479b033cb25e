"""What the paper measured beside what this run measured in the same way: shown, not judged.

The parts and the paper's numbers are data (conf/beside). What ours is follows from a row's `ours`:

{stage, key}                    an estimate of the report's tables
{stage, curve}                  the first and the last value of a training curve, over seeds
{left, right}                   a difference of two quantities, as a check of a claim has it
{stage, metric, by}             a metric on thirds of the reasoning problems, easiest first
{stage, benchmark, shortest}    a benchmark that few runs ask
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.statistics import Bootstrap
from stages.report import tables
from stages.report.comparison import paired
from stages.report.evidence import Evidence, Missing
from stages.report.names import ACCURACY, COUNTS, REASONING
from stages.report.quantities import read_quantity, with_evidence

Facts = dict[str, Any]
THIRDS = 3
NOT = "not measured: "


def facts(
    beside: Mapping[str, Any],
    seeds: Sequence[Evidence],
    estimates: Mapping[str, Any],
    bootstrap: Bootstrap,
) -> list[Facts]:
    """Every part with its rows: the paper's words, and ours as numbers or the reason why not.

    estimates: of every evaluated stage over all seeds, as in the report's tables.
    """
    found = []
    for part in beside.get("parts", ()):
        rows = []
        for row in part["rows"]:
            told: Facts = {"says": row["says"], "paper": row.get("paper"), "ours": None}
            if asked := row.get("ours"):
                told |= {"asked": dict(asked), "ours": _ours(asked, seeds, estimates, bootstrap)}
            rows.append(told)
        found.append({key: part[key] for key in ("title", "source", "unlike")} | {"rows": rows})
    return found


def _ours(
    asked: Mapping[str, Any],
    seeds: Sequence[Evidence],
    estimates: Mapping[str, Any],
    bootstrap: Bootstrap,
) -> Facts:
    try:
        if "left" in asked:
            left, right = (read_quantity(asked[side], "beside") for side in ("left", "right"))
            return paired(seeds, left, right, bootstrap)
        if "curve" in asked:
            return _ends(seeds, asked["stage"], asked["curve"])
        if "by" in asked:
            return {"thirds": _thirds(seeds, asked["stage"], asked["metric"], asked["by"])}
        key = f"on {asked['benchmark']}/{ACCURACY}" if "benchmark" in asked else asked["key"]
        return dict(_estimate(estimates, asked["stage"], key))
    except Missing as missing:
        return {"reason": str(missing)}


def _estimate(estimates: Mapping[str, Any], stage: str, key: str) -> Mapping[str, Any]:
    entry: Mapping[str, Any] | None = estimates.get(stage, {}).get(key)
    if entry is None:
        raise Missing(f"{stage} was not asked it")
    return entry


def _ends(seeds: Sequence[Evidence], stage: str, metric: str) -> Facts:
    """The mean over seeds of a curve's first and last finite value."""
    ends = []
    reason = Missing(f"{stage} was not run")
    for evidence in seeds:
        try:
            values = evidence.curve(stage).series(metric)[1]
        except Missing as missing:
            reason = missing
            continue
        finite = values[np.isfinite(values)]
        if len(finite):
            ends.append((finite[0], finite[-1]))
        else:
            reason = Missing(f"{stage} logged no {metric}")
    if not ends:
        raise reason
    first, last = np.mean(ends, axis=0)
    return {"first": float(first), "last": float(last)}


def _thirds(seeds: Sequence[Evidence], stage: str, metric: str, by: str) -> list[Facts]:
    """The metric's mean on the third of the problems that `by` solves most often, and so on."""
    sides = [
        read_quantity({"stage": name, "metric": of, "group": REASONING}, "beside")
        for name, of in ((stage, metric), (by, ACCURACY))
    ]
    there, absent = with_evidence(seeds, sides)
    if not there:
        raise next(iter(absent.values()))
    parts = [_cut(evidence, stage, metric, by) for evidence in there]
    return [
        {"value": float(np.mean([own.mean() for own in third])), "n": len(third[0])}
        for third in zip(*parts, strict=True)
    ]


def _cut(evidence: Evidence, stage: str, metric: str, by: str) -> list[Any]:
    table, judge = evidence.problems(stage), evidence.problems(by)
    ids = [id_ for id_ in table.ids({"group": REASONING}) if id_ in judge.rows]
    values, ease = table.values(metric, ids), judge.values(ACCURACY, ids)
    known = np.isfinite(values) & np.isfinite(ease)
    if known.sum() < THIRDS:
        raise Missing(f"{known.sum()} problems are not enough for thirds")
    order = np.argsort(-ease[known], kind="stable")
    return np.array_split(values[known][order], THIRDS)


def section(found: Sequence[Facts], figures: Sequence[str], prompt: int | None) -> str:
    """The parts as Markdown, the figures under the first.

    prompt: the tokens that a prompt may have in this run.
    """
    written = []
    for number, part in enumerate(found):
        rows = [
            [row["says"], row["paper"] or tables.NONE, _words(row, prompt)] for row in part["rows"]
        ]
        parts = [tables.table([part["title"], "the paper", "ours"], rows)]
        parts += figures if number == 0 else []
        written.append("\n\n".join([*parts, f"The paper: {part['source']}. {part['unlike']}"]))
    return "\n\n".join(written)


def _words(row: Facts, prompt: int | None) -> str:
    ours = row["ours"]
    if ours is None:
        return tables.NONE
    shortest = row["asked"].get("shortest")
    if "reason" in ours:
        if shortest and prompt and prompt < shortest:
            return f"0.0: no task fits, prompts have at most {prompt} tokens"
        return f"{NOT}{ours['reason']}"
    if "first" in ours:
        return f"{tables.number(ours['first'])} → {tables.number(ours['last'])}"
    if "difference" in ours:
        return f"{tables.points(ours)}, n = {ours['n']}"
    if "value" in ours:
        return tables.cell({"": ours}, "")
    metric = row["asked"]["metric"] if row["asked"]["metric"] in COUNTS else "share"
    return " / ".join(tables.number(third["value"], metric) for third in ours["thirds"])

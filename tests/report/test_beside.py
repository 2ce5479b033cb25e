"""What the paper measured, beside what a run measured in the same way."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.statistics import Bootstrap
from stages import report
from stages.report import beside
from stages.report.evidence import Evidence

BOOTSTRAP = Bootstrap(draws=500, seed=0, smallest=3)


def found(world: Any, ours: dict[str, Any], **more: Any) -> Any:
    """What a single row says."""
    row = {"says": "it", "paper": "9"} | ({"ours": ours} if ours else {})
    part = {"title": "t", "source": "s", "unlike": "u", "rows": [row]}
    told = beside.facts({"parts": [part]}, [Evidence(world.artifacts)], more, BOOTSTRAP)
    return told[0]["rows"][0]["ours"]


def test_a_metric_is_cut_by_how_often_another_stage_solves_the_problems(world: Any) -> None:
    """The judge solves p0 to p2 always, p3 to p5 half of the time, the last three never."""
    world.add_evaluation("judge", {"pass_at_1": [1.0] * 3 + [0.5] * 3 + [0.0] * 3})
    world.add_evaluation("r1", {"thinking_length": [10.0] * 3 + [20.0] * 3 + [40.0, 50.0, 60.0]})
    ours = found(world, {"stage": "r1", "metric": "thinking_length", "by": "judge"})
    assert [third["value"] for third in ours["thirds"]] == [10.0, 20.0, 50.0]
    assert [third["n"] for third in ours["thirds"]] == [3, 3, 3]


def test_a_curve_is_told_from_its_first_to_its_last_finite_value(world: Any) -> None:
    nan = float("nan")
    world.add_model("zero", [{"held": value} for value in (nan, 0.25, 0.5, 0.75, nan)])
    assert found(world, {"stage": "zero", "curve": "held"}) == {"first": 0.25, "last": 0.75}


def test_what_was_not_run_says_so_in_its_row(world: Any) -> None:
    world.add_model("zero", [{"held": float("nan")}])
    assert found(world, {"stage": "zero", "curve": "held"}) == {"reason": "zero logged no held"}
    assert found(world, {"stage": "r1", "key": "math/pass_at_1"})["reason"] == "r1 was not asked it"


@pytest.mark.parametrize(
    ("prompt", "words"), [(128, "0.0: no task fits"), (512, "not measured: r1 was not asked it")]
)
def test_a_benchmark_whose_tasks_do_not_fit_scores_nothing(
    world: Any, prompt: int, words: str
) -> None:
    asked = {"stage": "r1", "benchmark": "arc_agi_1", "shortest": 159}
    row = {"says": "r1", "paper": "15.8", "asked": asked, "ours": found(world, asked)}
    part = {"title": "ARC", "source": "s", "unlike": "u", "rows": [row]}
    assert words in beside.section([part], [], prompt)


def test_a_whole_run_has_every_row_of_ours(whole: Any, shipped: dict[str, Any]) -> None:
    facts = report.facts(whole.artifacts, {"claims": shipped})
    rows = [row for part in facts["beside"] for row in part["rows"] if row["ours"]]
    reasons = {row["ours"]["reason"] for row in rows if "reason" in row["ours"]}
    assert len(rows) > 15
    assert reasons == {"zero was not asked it", "r1 was not asked it"}  # ARC-AGI-1

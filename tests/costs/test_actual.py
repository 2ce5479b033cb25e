"""What a finished stage cost, as its manifest tells it, and beside what was foreseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.artifact import Artifact
from stages.costs.actual import Actual
from stages.costs.compare import Pair, beside, off, total
from stages.report.costs import facts, section

MIB = 2**20


def manifest(stage: str = "zero", kind: str = "rl", **more: Any) -> dict[str, Any]:
    files = {"rows.parquet": {"sha256": "0", "bytes": 3_000_000}, "a.json": {"bytes": 500_000}}
    return {"stage": stage, "kind": kind, "seconds": 90.0, "files": files, "facts": {}} | more


def made(stage: str, **more: Any) -> Artifact:
    return Artifact(Path(), manifest(stage, **more))


def told(**stages: dict[str, float | None]) -> dict[str, Any]:
    keys = ("seconds", "tokens_in", "tokens_out", "memory_bytes", "disk_bytes", "money")
    rows = {name: dict.fromkeys(keys) | {"devices": 2} | row for name, row in stages.items()}
    return {"hardware": "2 × abacus", "hour": 4.0, "currency": "EUR", "stages": rows}


def test_prompts_that_were_read_and_tokens_that_were_learnt_are_what_went_in() -> None:
    counts = {"tokens_in": 100.0, "tokens_trained": 900.0, "tokens_out": 700.0}
    cost = {"phases": {"train": 60.0}, "counts": counts, "peaks": {"memory_mib": 1000}}
    was = Actual.of(manifest(cost=cost))
    assert (was.tokens_in, was.tokens_out) == (1000.0, 700.0)
    assert was.memory_bytes == 1000 * MIB
    assert was.disk_bytes == 3_500_000
    assert was.device_bytes is None


def test_a_manifest_of_before_says_what_its_facts_have_and_the_rest_is_not_known() -> None:
    host = {"peak_memory_mib": 512}
    trained = Actual.of(manifest(host=host, facts={"compute": {"tokens": 42}, "tokens": 21}))
    assert (trained.tokens_in, trained.tokens_out) == (42, None)
    assert trained.memory_bytes == 512 * MIB
    assert not trained.phases
    overall = {"overall": {"length": {"value": 20.0, "n": 10}}, "samples_per_problem": 8}
    assert Actual.of(manifest(kind="evaluate", facts=overall)).tokens_out == 1600
    assert Actual.of(manifest(kind="sample", facts={"tokens_drawn": 7})).tokens_out == 7


@pytest.mark.parametrize(("foreseen", "actual", "wrong"), [(100, 125, False), (100, 126, True)])
def test_a_quarter_is_not_off_and_more_is(foreseen: float, actual: float, wrong: bool) -> None:
    assert Pair(foreseen, actual).off is wrong


def test_money_is_the_devices_by_their_hours() -> None:
    row = beside(told(zero={"seconds": 45.0, "money": 0.1}), made("zero"))
    assert row["money"] == Pair(0.1, 4.0 * 2 * 90 / 3600)
    assert row["seconds"].ratio == 2.0
    without = told(zero={"seconds": 45.0}) | {"hour": None}
    assert beside(without, made("zero"))["money"] == Pair(None, None)


def test_sums_are_of_what_is_known_on_both_sides() -> None:
    rows = {
        "zero": beside(told(zero={"seconds": 45.0}), made("zero")),
        "old": beside(told(), made("old", seconds=1e6)),
    }
    assert total(rows.values())["seconds"] == Pair(45.0, 90.0)
    assert total(rows.values())["tokens_in"] == Pair(None, None)
    assert [name for name, _ in off(rows, "seconds")] == ["zero"]


def test_the_report_shows_each_number_beside_its_forecast_and_names_what_was_off() -> None:
    artifacts = {"zero": made("zero"), "dev1": made("dev1", kind="sft", seconds=50.0)}
    text = section(artifacts, told(zero={"seconds": 45.0}, dev1={"seconds": 48.0}))
    assert "| zero | 45.0 s → 1 min 30 s (**2.00**) | – |" in text
    assert "| dev1 | 48.0 s → 50.0 s (1.04) |" in text
    assert "Off in time: zero took 2.00 of it." in text
    assert "4 EUR a device-hour" in text
    assert "1 min 33 s → 2 min 20 s (**1.51**)" in text
    assert section({}, told()) == ""


def test_without_a_forecast_the_report_says_why_and_what_was() -> None:
    text = section({"zero": made("zero")}, {"why": "hardware=this: a GPU that nobody knows"})
    assert "Nothing was foreseen: hardware=this: a GPU that nobody knows" in text
    assert "| zero | – → 1 min 30 s |" in text
    assert facts({"zero": made("zero")}, {})["stages"]["zero"]["seconds"] == {
        "foreseen": None,
        "actual": 90.0,
        "ratio": None,
    }

"""Two runs held against each other, from their folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.run_folder import RunFolder, named
from stages import report
from stages.report import between_page
from stages.report.between import apart
from tests.report.conftest import World

Fill = Callable[[World], None]


def run(tmp_path: Path, name: str, fill: Fill, config: Mapping[str, Any]) -> RunFolder:
    """A run whose results `fill` publishes, with its report's facts."""
    world = World(tmp_path / name)
    fill(world)
    folder = RunFolder.create(tmp_path / "runs", name, config)
    stages = {
        stage: {"fingerprint": a.fingerprint, "artifact": str(a.path)}
        for stage, a in world.artifacts.items()
    }
    folder.write(folder.facts() | {"stages": stages, "command": f"r1 run name={name}"})
    folder.report.mkdir()
    facts = json.dumps(report.facts(world.artifacts, config))
    (folder.report / "facts.json").write_text(facts)
    return folder


def asked(world: World, accuracy: list[float], fingerprint: str, problems: str = "f1") -> None:
    path = world.add_evaluation("zero", {"pass_at_1": accuracy})
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["fingerprint"] = fingerprint
    manifest["inputs"] = [{"edge": "data_from", "stage": "heldout", "fingerprint": problems}]
    (path / "manifest.json").write_text(json.dumps(manifest))
    world.artifacts["eval_zero"] = type(world.artifacts["eval_zero"])(path, manifest)


@pytest.fixture
def config(shipped: dict[str, Any]) -> dict[str, Any]:
    return {
        "bootstrap": shipped["bootstrap"],
        "claims": shipped,
        "stages": {"zero": {"max_steps": 60}, "dev2": {"max_steps": 60}},
    }


def compare(old: RunFolder, new: RunFolder, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    path = between_page.build(old, new, config)
    assert path.with_suffix(".html").read_text().startswith("<!doctype html>")
    return path.read_text(), json.loads(path.with_suffix(".json").read_text())


def test_configuration_and_numbers_that_differ_are_named_with_paired_intervals(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    easy = [i / 20 for i in range(10)]
    changed = config | {"stages": {"zero": {"max_steps": 90}, "dev2": {"max_steps": 90}}}
    old = run(tmp_path, "a", lambda w: asked(w, easy, "e1"), config)
    new = run(tmp_path, "b", lambda w: asked(w, [e + 0.25 for e in easy], "e2"), changed)
    text, found = compare(old, new, config)
    assert "| `max_steps` | `60` | `90` | zero, dev2 |" in text
    assert {row["key"] for row in found["configuration"]} == {
        "stages.zero.max_steps",
        "stages.dev2.max_steps",
    }
    numbers = {row["metric"]: row for row in found["numbers"]}
    assert numbers["reasoning/pass_at_1"]["difference"] == pytest.approx(0.25)
    assert numbers["reasoning/pass_at_1"]["low"] == pytest.approx(0.25)  # the same for each problem
    assert numbers["reasoning/pass_at_1"]["n"] == 10
    assert "**+25.0 [+25.0, +25.0]**" in text


def test_other_problems_are_not_paired(tmp_path: Path, config: dict[str, Any]) -> None:
    """Ids are the same; the intervals of ± 0.05 each make one of ± 0.05 √2."""
    old = run(tmp_path, "a", lambda w: asked(w, [0.25] * 10, "e1"), config)
    new = run(tmp_path, "b", lambda w: asked(w, [0.5] * 10, "e2", problems="f2"), config)
    text, found = compare(old, new, config)
    row = next(r for r in found["numbers"] if r["metric"] == "reasoning/pass_at_1")
    assert row["low"] == pytest.approx(0.25 - 0.05 * 2**0.5)
    assert not row["paired"]
    assert "~ +25.0 [+17.9, +32.1]" in text


def test_the_same_results_differ_in_nothing(tmp_path: Path, config: dict[str, Any]) -> None:
    runs = [run(tmp_path, n, lambda w: asked(w, [0.25] * 10, "e1"), config) for n in ("a", "b")]
    text, found = compare(runs[0], runs[1], config)
    assert found["numbers"] == found["configuration"] == []
    assert found["stages"]["same"] == ["eval_zero"]
    assert "**0 of 10 verdicts, 0 keys of the configuration and 0 numbers differ.**" in text


def test_results_that_are_gone_leave_the_numbers_of_the_reports(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    old = run(tmp_path, "a", lambda w: asked(w, [0.25] * 10, "e1"), config)
    new = run(tmp_path, "b", lambda w: asked(w, [0.5] * 10, "e2"), config)
    for manifest in (tmp_path / "a").rglob("manifest.json"):
        manifest.unlink()
    _, found = compare(old, new, config)
    row = next(r for r in found["numbers"] if r["metric"] == "reasoning/pass_at_1")
    assert (row["difference"], row["paired"]) == (0.25, False)


def test_an_interval_of_independent_estimates_is_that_of_their_worst_sides() -> None:
    """Below: 3 of the new and 4 of the old make 5; above: 5 and 12 make 13."""
    old = {"value": 10.0, "low": -2.0, "high": 14.0}
    new = {"value": 20.0, "low": 17.0, "high": 25.0}
    assert apart(old, new) == {"low": 5.0, "high": 23.0, "paired": False}
    assert apart(old, new | {"low": None}) == {}


def test_a_run_that_is_not_there_or_has_no_report_is_named(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    bare = RunFolder.create(tmp_path / "runs", "bare", config)
    with pytest.raises(UsageError, match=f"zzz: no run of this name.*{bare.name}"):
        named(tmp_path / "runs", "zzz")
    assert named(tmp_path / "runs", "latest").name == bare.name
    with pytest.raises(UsageError, match=r"has no report/facts\.json to compare"):
        between_page.build(bare, bare, config)

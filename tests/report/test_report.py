"""The report of a whole run, of a part of one, and of none."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from stages import report

RUN = {"name": "r1-tiny", "recipe": "r1", "profile": "tiny", "command": "r1 run", "seconds": 700.0}
FIGURES = ("claims", "rl_curves", "rewards", "stages", "students", "budget", "preference")


@pytest.fixture
def config(shipped: dict[str, Any]) -> dict[str, Any]:
    return {"claims": shipped}


def read(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_whole_run_gives_figures_with_their_data_and_a_verdict_on_each_claim(
    whole: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    path = report.build(whole.artifacts, config, tmp_path / "out", RUN)
    text = path.read_text()
    for name in FIGURES:
        png = path.parent / "figures" / f"{name}.png"
        assert png.read_bytes().startswith(b"\x89PNG")
        assert f"figures/{name}.png" in text
        assert read(png.with_suffix(".csv"))
    assert text.count("✔ reproduced") == 10
    assert "Of 10 claims of the paper: 10 reproduced" in text
    assert "11 min 40 s" in text
    assert "abacus, 2 cores" in text
    assert "wrong 210" in text
    assert "| dev2_nolang | rl | 1 min 46 s |" in text
    assert "| dev1 − zero, reasoning | -" in text


def test_the_data_behind_a_figure_are_the_numbers_of_the_artifacts(
    whole: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    figures = report.build(whole.artifacts, config, tmp_path / "out", RUN).parent / "figures"
    points = [
        row
        for row in read(figures / "rl_curves.csv")
        if (row["stage"], row["metric"]) == ("zero_weak", "length")
    ]
    logged = (whole.artifacts["zero_weak"].path / "metrics.jsonl").read_text().splitlines()
    assert [float(row["value"]) for row in points] == [json.loads(x)["length"] for x in logged]
    assert {row["segment"] for row in points} == {"zero"}
    bars = {(row["stage"], row["slice"]): row for row in read(figures / "stages.csv")}
    expected = whole.artifacts["eval_r1"].facts["by_domain"]["logic"]["pass_at_1"]
    assert float(bars["r1", "logic"]["value"]) == expected["value"]
    assert float(bars["r1", "logic"]["low"]) == expected["low"]


def test_the_json_facts_have_the_promised_shape(
    whole: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    path = report.build(whole.artifacts, config, tmp_path / "out", RUN)
    facts = json.loads((path.parent / "facts.json").read_text())
    assert facts == report.facts(whole.artifacts, config)
    assert {"base", "zero", "dev2_nolang", "r1", "student_rl"} < set(facts["stages"])
    assert set(facts["stages"]["zero"]["reasoning/pass_at_1"]) == {"value", "low", "high", "n"}
    assert facts["stages"]["helpful_rm"]["accuracy"]["value"] == 0.91
    keys = {"id", "statement", "verdict", "difference", "low", "high", "n"}
    assert all(keys <= set(claim) for claim in facts["claims"])
    assert facts["seconds"]["cold_start_data"] == 14.0


def test_held_out_points_are_drawn_over_the_curves_and_told_beside_them(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    looks = {0: (0.2, 0.3), 20: (0.55, 0.6), 40: (0.5, 0.7)}
    curve = [{"accuracy": 0.3 + i / 100, "length": 30.0 + i, "reward": 1.0} for i in range(1, 41)]
    for step, (accuracy, cons) in looks.items():
        if step:
            curve[step - 1] |= {"validation/accuracy": accuracy, "validation/cons_at_k": cons}
    told = {
        name: {"step": step, "accuracy": looks[step][0], "cons_at_k": looks[step][1]}
        for name, step in (("first", 0), ("best", 20), ("last", 40))
    }
    asked = {"problems": 50, "samples_per_problem": 4, **told}
    path = world.add_model("zero", curve, facts={"validation": asked})
    with (path / "metrics.jsonl").open("a") as file:
        first = {"step": 0, "time": 0.0, "validation/accuracy": 0.2, "validation/cons_at_k": 0.3}
        file.write(json.dumps(first) + "\n")
    text = report.build(world.artifacts, config, tmp_path / "out", RUN).read_text()
    assert "| zero | 50 × 4 | 20.0 | 55.0 (step 20) | 50.0 (step 40) | 70.0 |" in text
    rows = read(tmp_path / "out" / "figures" / "rl_curves.csv")
    points = [row for row in rows if row["metric"] == "validation/cons_at_k"]
    assert [(int(r["step"]), float(r["value"])) for r in points] == [(0, 0.3), (20, 0.6), (40, 0.7)]
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert facts["validation"]["zero"] == asked


def test_building_twice_gives_the_same_bytes(
    whole: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        report.build(whole.artifacts, config, tmp_path / name, RUN)
    for path in (tmp_path / "one").rglob("*.*"):
        assert (
            path.read_bytes()
            == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
        )


def test_a_part_of_the_recipe_is_reported_with_the_rest_shown_as_not_run(
    whole: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    """What `recipe=r1_zero` leaves: no r1, no students, no preference reward."""
    kept = ("heldout", "base", "zero", "eval_base", "eval_zero")
    artifacts = {name: whole.artifacts[name] for name in kept}
    path = report.build(artifacts, config, tmp_path / "out", {"name": "r1_zero-tiny"})
    text = path.read_text()
    assert "2 reproduced, 0 not reproduced, 0 undecided, 8 not run" in text
    assert "| – | > 0 | – | not run: r1 was not run |" in text
    assert "Not run or not evaluated: dev1, dev2, dev3, r1" in text
    drawn = {png.stem for png in (path.parent / "figures").glob("*.png")}
    assert drawn == {"rl_curves", "rewards", "stages", "budget", "claims", "held_out"}


def test_models_that_no_table_names_are_still_reported(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    """What `recipe=distill` calls its models is for its user to choose."""
    world.add_evaluation("pupil", {"pass_at_1": [0.25] * 8})
    text = report.build(world.artifacts, config, tmp_path / "out", {"name": "x"}).read_text()
    assert "## Other evaluated models" in text
    assert "| **reasoning, pass@1** | 25.0 [20.0, 30.0] |" in text


def test_a_run_with_nothing_finished_still_has_a_report(
    config: dict[str, Any], tmp_path: Path
) -> None:
    text = report.build({}, config, tmp_path / "out", {"name": "empty"}).read_text()
    assert "0 reproduced, 0 not reproduced, 0 undecided, 10 not run" in text


def test_truncated_completions_are_pointed_out(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    world.add_evaluation("zero", {"pass_at_1": [0.5] * 8, "truncation": [0.4] * 8})
    text = report.build(world.artifacts, config, tmp_path / "out", {"name": "x"}).read_text()
    assert "zero: 40 % of its completions hit the length limit." in text


def test_a_config_without_claims_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="claims: no value"):
        report.build({}, {}, tmp_path / "out", {"name": "x"})

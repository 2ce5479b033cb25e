"""What is wrong with a run is named in its report, and the rest is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages import report
from stages.report.overlap import overlaps

RUN = {"name": "r1-tiny"}


def written(world: Any, shipped: dict[str, Any], out: Path) -> str:
    return report.build(world.artifacts, {"claims": shipped}, out, RUN).read_text()


def test_one_problem_decides_nothing_and_is_named(
    world: Any, shipped: dict[str, Any], tmp_path: Path
) -> None:
    for stage in ("base", "zero"):
        world.add_evaluation(stage, {"pass_at_1": [1.0], "cons": [1.0]})
    text = written(world, shipped, tmp_path / "out")
    assert "zero was asked one problem, fewer than 8: that decides nothing." in text
    assert "1 problems have all values, fewer than 8" in text


def test_a_curve_that_ends_in_nan_decides_nothing_and_the_facts_stay_json(
    world: Any, shipped: dict[str, Any], tmp_path: Path
) -> None:
    points = [{"thinking_length": 10.0 + step} for step in range(90)]
    world.add_model("zero", [*points, *({"thinking_length": float("nan")} for _ in range(10))])
    text = written(world, shipped, tmp_path / "out")
    assert "zero: thinking_length is not a finite number at 10 steps, from 91 on." in text
    assert "has 10 values that are no finite numbers in its last part" in text

    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads((tmp_path / "out" / "facts.json").read_text(), parse_constant=refuse)


def test_a_split_that_shares_questions_with_training_rows_is_named(
    world: Any, shipped: dict[str, Any], tmp_path: Path
) -> None:
    """Two of the user's three questions are among the rows of zero's training, one in capitals."""
    asked = {"mine": ["What is 2+2?", "Add 3 and 4", "New?"], "reasoning_clean": ["what is 2 + 2?"]}
    asked["reasoning_clean"] += ["Add 3 and 4", "Other"]
    for stage, questions in asked.items():
        path = world.add(stage, "problems", "problems")
        rows = [{"prompt": [{"role": "user", "content": text}]} for text in questions]
        pq.write_table(pa.Table.from_pylist(rows), path / "rows.parquet")
    given = [
        {"edge": "data_from", "stage": name, "fingerprint": world.artifacts[name].fingerprint}
        for name in asked
    ]
    world.add_model("zero", inputs=[given[1], given[0] | {"edge": "validate_on"}])
    world.add_evaluation("zero", {"pass_at_1": [0.5] * 8})
    world.artifacts["eval_zero"].manifest["inputs"].append(given[0])
    words = "2 of the 3 questions of mine are in reasoning_clean, which zero was trained on"
    assert [str(one).partition(":")[0] for one in overlaps(world.artifacts)] == [words]
    assert words in written(world, shipped, tmp_path / "out")


@pytest.mark.parametrize("lacks", [0, 1])
def test_a_stage_that_one_seed_lacks_has_its_page_and_its_figures(
    world: Any, shipped: dict[str, Any], tmp_path: Path, lacks: int
) -> None:
    artifacts: dict[str, Any] = {}
    for seed in (0, 1):
        own = type(world)(tmp_path / str(seed))
        own.add_evaluation("zero", {"pass_at_1": [0.5, 0.75] * 5})
        own.add_model("zero", [{"accuracy": 0.5, "reward": 1.0}] * 10)
        if seed != lacks:
            artifacts |= {(f"{n}@1" if seed else n): a for n, a in own.artifacts.items()}
    names = ["zero", "eval_zero", "zero@1", "eval_zero@1"]
    config = {"claims": shipped, "seeds": [0, 1], "stages": {name: {} for name in names}}
    path = report.build(artifacts, config, tmp_path / "out", RUN)
    assert f"**Seed {lacks} lacks" in path.read_text()
    assert 'id="stage-zero"' in path.with_name("report.html").read_text()
    head, first, *_ = (path.parent / "figures" / "rl_curves.csv").read_text().splitlines()
    assert head.startswith("seed,")
    assert first.startswith(f"{1 - lacks},")

"""What came out of a run, beside the verdicts: completions, reward terms, losses, weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages import report
from stages.report.samples import choose, mark

RUN = {"name": "r1-tiny"}
SCORES = (1.0, 0.0, None, 0.5)


@pytest.fixture
def config(shipped: dict[str, Any]) -> dict[str, Any]:
    return {"claims": shipped}


def keep_samples(path: Path, problems: int = 20, completion: str = "<think>a</think>b") -> None:
    rows = [
        {
            "id": f"p{problem}",
            "domain": "math",
            "language": "en",
            "prompt": [{"role": "user", "content": "3 < 4\x1b[2J?"}],
            "reference": "yes",
            "completion": completion,
            "score": SCORES[(problem + number) % 4],
            "reason": "right" if (problem + number) % 4 == 0 else "no final answer",
        }
        for problem in range(problems)
        for number in range(4)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path / "samples.parquet", row_group_size=7)


def written(world: Any, config: dict[str, Any], tmp_path: Path, **run: str) -> str:
    return report.build(world.artifacts, config, tmp_path / "out", RUN | run).read_text()


def test_ten_completions_of_each_stage_are_shown_with_their_marks(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    for stage in ("base", "zero"):
        keep_samples(world.add_evaluation(stage, {"pass_at_1": [0.5] * 20}))
    text = written(world, config, tmp_path)
    assert text.count("<p>") == 20
    assert text.count("<pre>&lt;think&gt;a&lt;/think&gt;b</pre>") == 20
    base, zero = (part.partition("</details>")[0] for part in text.split("</b>: ")[1:])
    assert base == zero
    assert base.startswith(f"{base.count('<p>✔ right')} of 10 right")
    assert "3 &lt; 4\N{REPLACEMENT CHARACTER}[2J?" in text


def test_the_choice_of_completions_follows_from_the_seed(tmp_path: Path) -> None:
    keep_samples(tmp_path)
    path = tmp_path / "samples.parquet"
    assert choose(path, 10, seed=0) == choose(path, 10, seed=0) != choose(path, 10, seed=1)
    everything = choose(path, 1000, seed=0)
    assert everything == pq.read_table(path).to_pylist()


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (1.0, "✔ right"),
        (0.0, "✘ wrong"),
        (None, "? cannot be judged"),
        (0.5, "✘ wrong (score 0.50)"),
    ],
)
def test_a_completion_is_marked_by_its_score(score: float | None, words: str) -> None:
    assert mark({"score": score}) == words


def test_a_long_completion_is_folded_and_cut_in_its_middle(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    completion = "<think>" + "so " * 3000 + "</think></details>7"
    path = world.add_evaluation("zero", {"pass_at_1": [0.5] * 20})
    keep_samples(path, completion=completion)
    text = written(world, config, tmp_path)
    assert text.count(f"<summary>completion, {len(completion):,} characters</summary>") == 10
    assert f"[…{len(completion) - 4000:,} characters…]" in text
    assert text.count("<details>") == text.count("</details>") == 11


def test_every_reward_term_entropy_and_kl_are_told_from_first_to_last(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    curve = [
        {"reward": 1.0 + i / 10, "reward/format": 1.0, "entropy": 0.5, "kl": i / 100}
        | ({"reward/safety": 0.25} if i > 4 else {})
        for i in range(10)
    ]
    world.add_model("zero", curve)
    world.add_model("dev1")
    text = written(world, config, tmp_path)
    head = "|  | reward | reward/format | reward/safety | entropy | kl |"
    row = "| zero | 1.050 → 1.850 | 1.000 → 1.000 | 0.250 → 0.250 | 0.500 → 0.500 | 0.005 → 0.085 |"
    assert head in text
    assert row in text
    assert "figures/rewards.png" in text


def test_what_fell_is_said_where_a_claim_holds(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    """r1 lies above zero on general tasks, and yet the final RL lowers them."""
    groups = ["reasoning"] * 10 + ["general"] * 10
    for stage, general in (("zero", 0.25), ("dev3", 0.75), ("r1", 0.5)):
        values = [0.5] * 10 + [general] * 10
        world.add_evaluation(stage, {"group": groups, "pass_at_1": values})
    text = written(world, config, tmp_path)
    assert "| 4. Zero is weak on general tasks and r1 restores them | ✔ reproduced |" in text
    sentence = "Though claim 4 holds, general accuracy fell by 25.0 points from dev3 to r1"
    assert f"- {sentence} [-25.0, -25.0]." in text


def test_the_report_says_where_the_weights_are_and_how_to_load_them(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    model = world.add_model("r1") / "model"
    world.add_model("student_qwen")
    text = written(world, config, tmp_path, closing="Ask it: Compute 5+6+2")
    path = f"../store/r1/{model.parent.name}/model"
    assert (tmp_path / "out" / path).samefile(model)
    assert f"| r1 | [{path}]({path}) |" in text
    assert "Ask it: Compute 5+6+2" in text


def test_the_report_says_when_mlflow_does_not_hold_the_run(
    world: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    words = "not all of this run is there (no answer); `r1 track runs/x` sends what is missing"
    tracked = config | {"tracking": {"experiment": "r1"}}
    assert f"- MLflow: {words}." in written(world, tracked, tmp_path, tracking=words)
    assert "- MLflow: was still being told" in written(world, tracked, tmp_path)
    assert "- MLflow" not in written(world, config, tmp_path)

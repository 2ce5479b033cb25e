"""A reward model is tried on what the policy says itself, before RL asks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from pipeline.artifact import Artifact
from stages.kinds.reward_model import run as reward_model
from stages.reward_models.trial import measured
from stages.rows.schemas import SAMPLES
from tests.training.test_reward_model import BAD, GOOD, gated, pair, reply, settings

RIGHT, WRONG = 1.0, 0.0


def test_the_trial_on_samples_is_as_worked_by_hand() -> None:
    liked_wrong = [(RIGHT, 0.1), (RIGHT, 0.9), (WRONG, 2.0), (WRONG, -1.0)]  # 2 of 4 pairs; − 1/2
    liked_right = [(WRONG, 0.0), (RIGHT, 1.0)]  # all pairs; + 1/2
    tied = [(WRONG, 0.5), (RIGHT, 0.5)]  # half of a pair; half of the best are right: 0
    all_right, alone = [(RIGHT, 0.0), (RIGHT, 1.0)], [(WRONG, 3.0)]
    facts = measured([liked_wrong, liked_right, tied, all_right, alone])
    assert facts == {
        "own_accuracy": pytest.approx((0.5 + 1 + 0.5) / 3),
        "own_mixed": 3,
        "best_of_gain": pytest.approx((-0.5 + 0.5 + 0 + 0) / 4),
        "own_problems": 4,
    }
    nothing = measured([alone])
    assert (nothing["own_accuracy"], nothing["best_of_gain"]) == (None, None)


def test_a_model_that_passes_on_easy_pairs_is_stopped_by_what_the_policy_says(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    """Its pairs say that the longer answer is good; to the policy's questions the short one is."""
    samples = [sample(n, right) for n in range(6) for right in (RIGHT, WRONG)]
    samples += [sample(n, RIGHT, preference="safety") for n in range(6, 9)]  # never its to judge
    inputs = {
        "init_from": (make_artifact("model", "base", model_dir=tiny_model_dir),),
        "data_from": (make_artifact("preferences", "pairs", rows=[pair(n) for n in range(40)]),),
        "tried_on": (evaluated(tmp_path / "asked", samples),),
    }
    config = settings(
        tried_on=["asked"], min_accuracy=0.9, min_own_accuracy=0.55, min_best_of_gain=0.0
    )
    facts = reward_model.run(config, inputs, make_context()).facts
    assert facts["accuracy"] == 1.0
    assert (facts["own_accuracy"], facts["own_mixed"]) == (0.0, 6)
    assert (facts["best_of_gain"], facts["own_problems"]) == (-0.5, 6)
    found = {problem.key: problem.text for problem in gated(config, facts)}
    assert set(found) == {"min_own_accuracy", "min_best_of_gain"}
    assert "in a share of 0.000 (6 problems of asked)" in found["min_own_accuracy"]
    assert "by -0.500 (6 problems of asked)" in found["min_best_of_gain"]


def test_a_model_that_was_not_tried_passes() -> None:
    facts = {"n": 9, "accuracy": 0.9, "calibration": 0.2, "length_bias": None}
    assert not list(gated(settings(min_own_accuracy=0.55, min_best_of_gain=0.0), facts))


def sample(number: int, score: float, preference: str = "helpful") -> dict[str, Any]:
    return {
        "id": f"general-{number}",
        "prompt": [{"role": "user", "content": f"Another {number}?"}],
        "completion": reply(BAD if score == RIGHT else GOOD),
        "score": score,
        "metadata": json.dumps({"preference": preference}),
    }


def evaluated(path: Path, samples: list[dict[str, Any]]) -> Artifact:
    path.mkdir()
    pq.write_table(pa.Table.from_pylist(samples), path / SAMPLES)
    return Artifact(path, {"stage": "asked", "type": "evaluation"})

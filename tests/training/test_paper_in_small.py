"""What the paper does over thousands of steps, by the same config with its lengths divided.

The stages are those of profile=paper. Only what a tiny model on a CPU cannot hold is made smaller;
the schedules keep their proportions.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from transformers import AutoModelForSequenceClassification

from pipeline.compose import compose
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import LengthSwitch, RLConfig
from stages.project import R1
from stages.settings.training import Lora, Precision
from stages.training import common
from tests.shipped import shipped

LIMIT = 11  # tokens: in the middle of these thoughts
SMALL: dict[str, Any] = {
    "questions_per_step": 2,
    "samples_per_question": 4,
    "steps_per_rollout": 1,
    "save_steps": 50,
    "max_prompt_tokens": 200,
    "precision": Precision(),
}


@cache
def paper(stage: str) -> RLConfig:
    config = compose(R1, ["profile=paper"]).stages[stage]
    assert isinstance(config, RLConfig)
    return config


def scaled(stage: str, max_tokens: int, **changes: Any) -> RLConfig:
    config = paper(stage)
    sampling = replace(config.sampling, max_tokens=max_tokens)
    return replace(config, sampling=sampling, **SMALL, **changes)


def curves(context: Any) -> list[dict[str, float]]:
    return [json.loads(line) for line in (context.work / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("lora", [None, shipped(Lora, rank=4, alpha=8)], ids=["full", "lora"])
def test_the_limit_doubles_and_the_reference_is_replaced_while_r1_zero_trains(
    lora: Lora | None, speaking_inputs: Any, make_context: Any
) -> None:
    whole = paper("zero")
    (switch,) = whole.length_switches
    steps = whole.max_steps // 1000  # 10: the limit doubles at 8, the reference is new at 4 and 8
    config = scaled(
        "zero",
        max_tokens=LIMIT,
        max_steps=steps,
        reference_sync_steps=4,
        length_switches=[LengthSwitch(switch.step // 1000, 2 * LIMIT)],
        optimizer=replace(whole.optimizer, learning_rate=1e-3),
        lora=lora,
        template=None,  # the model of these tests has learnt to answer chat
    )
    context = make_context()
    rl.run(config, speaking_inputs, context)
    points = curves(context)
    lengths = [point["length"] for point in points]
    assert max(lengths[:8]) <= LIMIT < min(lengths[8:])
    distance = [point["kl"] for point in points]
    assert distance[4] == distance[8] == pytest.approx(0, abs=1e-7), "the policy is the reference"
    assert min(distance[3], distance[7], distance[9]) > 1e-5


def test_r1_is_sampled_at_0_7_and_hears_preferences_in_the_last_steps_alone(
    speaking_inputs: Any, make_artifact: Any, make_context: Any, tmp_path: Any
) -> None:
    from stages.tiny.problems import generate

    asked = generate("general", "en", 40, 0, "train")
    data = [row for row in asked if '"safety"' in row["metadata"]][:3] + asked[:3]
    inputs = {
        "init_from": speaking_inputs["init_from"],
        "data_from": (*speaking_inputs["data_from"], make_artifact("problems", "g", rows=data)),
        "score_with": tuple(judges(speaking_inputs["init_from"][0], make_artifact, tmp_path)),
    }
    whole = paper("r1")
    config = scaled("r1", max_tokens=24, max_steps=whole.max_steps // 100, reference_sync_steps=4)
    context = make_context()
    rl.run(config, inputs, context)
    points = curves(context)
    assert len(points) == 17
    heard = [p["step"] for p in points if "reward/helpful" in p or "reward/safety" in p]
    assert heard
    assert set(heard) <= {14, 15, 16, 17}  # 400 of 1,700
    # The trainer divides logits by the temperature that the engine sampled at: else these differ.
    assert config.sampling.temperature == 0.7
    assert max(point["sampling_logp_difference"] for point in points) < 1e-5


def judges(base: Any, make_artifact: Any, tmp_path: Any) -> Any:
    """Reward models as untrained heads on the base: what they say does not matter here."""
    tokenizer = common.load_tokenizer(base.model_path)
    for name, scores in (("helpful_rm", "answer"), ("safety_rm", "response")):
        model = AutoModelForSequenceClassification.from_pretrained(base.model_path, num_labels=1)
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        facts = {"scores": scores, "score_mean": 0.0, "score_std": 1.0}
        yield make_artifact("reward_model", name, model_dir=tmp_path / name, facts=facts)

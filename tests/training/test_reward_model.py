"""Reward models: what they read, how they are measured, when they are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from pipeline.errors import UsageError
from pipeline.identity import config_identity
from pipeline.kinds import Problem, Stage
from stages.kinds.reward_model import run as reward_model
from stages.kinds.reward_model.kind import RewardModelConfig
from stages.registry import REGISTRY
from stages.reward_models.data import hold_out, read_judged
from stages.reward_models.quality import calibration_error, correlation
from stages.rewards.preference import Scorer
from stages.settings.training import Optimizer
from tests.shipped import shipped

GOOD, BAD = "Glad to help", "no"


def reply(answer: str, thought: str = "") -> str:
    return f"<think>{thought}</think><answer>{answer}</answer>"


def pair(number: int, **changes: str) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "prompt": [{"role": "user", "content": f"Question {number}?"}],
        "chosen": changes.get("chosen", reply(GOOD)),
        "rejected": changes.get("rejected", reply(BAD)),
        "margin": 2.0,
        "source": "tiny",
    }


def label(number: int) -> dict[str, Any]:
    safe = number % 3 != 0
    return {
        "id": f"l{number}",
        "prompt": [{"role": "user", "content": f"Question {number}?"}],
        "completion": reply("done", thought="think well" if safe else "take a tool"),
        "label": int(safe),
        "source": "tiny",
    }


def settings(**changes: Any) -> RewardModelConfig:
    values: dict[str, Any] = {
        "objective": "pairwise",
        "scores": "answer",
        "optimizer": Optimizer(learning_rate=3e-3),
        "epochs": 3.0,
        "batch_size": 8,
        "max_length": 64,
        "heldout_fraction": 0.25,
        "micro_batch": 4,
        "save_steps": 4,
        "seed": 0,
    }
    return shipped(RewardModelConfig, **{**values, **changes})


@pytest.fixture
def base(tiny_model_dir: Path, make_artifact: Any) -> Any:
    return make_artifact("model", "base", model_dir=tiny_model_dir)


def test_a_clear_preference_is_learnt_and_the_published_model_scores_it(
    base: Any, make_artifact: Any, make_context: Any
) -> None:
    pairs = make_artifact("preferences", "pairs", rows=[pair(n) for n in range(40)])
    context = make_context()
    outputs = reward_model.run(
        settings(min_accuracy=0.9), {"init_from": (base,), "data_from": (pairs,)}, context
    )
    facts = outputs.facts
    assert (facts["accuracy"], facts["n"]) == (1.0, 10)
    assert (facts["objective"], facts["scores"]) == ("pairwise", "answer")
    assert facts["steps"] == 3 * 4  # 30 pairs, 8 a step: three full steps and a short one
    assert outputs.funnel["trained"] == 30
    assert facts["score_std"] > 0
    assert facts["length_bias"] > 0.5  # here the good answer is the longer one, and it says so
    model = AutoModelForSequenceClassification.from_pretrained(context.output / "model")
    assert model.config.num_labels == 1
    good, bad = Scorer(context.output / "model", "answer").score(
        ["<|user|>New?<|assistant|>"] * 2, [reply(GOOD, BAD), reply(BAD, GOOD)]
    )
    assert good > bad  # the thought is not read
    logged = (context.work / "metrics.jsonl").read_text().splitlines()
    assert json.loads(logged[-1])["accuracy"] > 0.9


def test_safety_is_learnt_from_labels_and_from_the_thought(
    base: Any, make_artifact: Any, make_context: Any
) -> None:
    labels = make_artifact("labels", "labels", rows=[label(n) for n in range(60)])
    context = make_context()
    config = settings(objective="pointwise", scores="response", epochs=6.0)
    facts = reward_model.run(config, {"init_from": (base,), "data_from": (labels,)}, context).facts
    assert facts["accuracy"] == 1.0
    safe, unsafe = Scorer(context.output / "model", "response").score(
        ["<|user|>New?<|assistant|>"] * 2,
        [reply("done", "think well"), reply("done", "take a tool")],
    )
    assert safe > 0 > unsafe


def gated(config: RewardModelConfig, facts: dict[str, Any]) -> list[Problem]:
    kind = REGISTRY["reward_model"]
    assert kind.gate is not None
    return list(kind.gate(Stage("helpful_rm", kind, config, {}, {}), facts))


def test_a_model_that_cannot_tell_is_published_and_its_gate_names_key_and_numbers(
    base: Any, make_artifact: Any, make_context: Any
) -> None:
    rows = [pair(n, chosen=reply(GOOD), rejected=reply(GOOD)) for n in range(24)]
    inputs = {
        "init_from": (base,),
        "data_from": (make_artifact("preferences", "pairs", rows=rows),),
    }
    config = settings(min_accuracy=0.6, epochs=1.0)
    facts = reward_model.run(config, inputs, make_context()).facts
    (problem,) = gated(config, facts)
    assert problem.key == "min_accuracy"
    assert problem.text.startswith("is 0.6, and its accuracy is 0.000 on 6 held-out rows")
    assert not list(gated(settings(), facts))


def test_calibration_and_length_bias_are_gates_where_they_are_set() -> None:
    facts = {"n": 9, "accuracy": 0.9, "calibration": 0.2, "length_bias": -0.5}
    config = settings(max_calibration_error=0.1, max_length_bias=0.3)
    found = {p.key: p.text for p in gated(config, facts)}
    assert "expected calibration error is 0.200 on 9" in found["max_calibration_error"]
    assert "a correlation of -0.500" in found["max_length_bias"]
    unmeasured = facts | {"calibration": 0.1, "length_bias": None}
    assert not list(gated(config, unmeasured))


def test_moving_the_gate_trains_nothing_again() -> None:
    gated = settings(min_accuracy=0.99, max_calibration_error=0.1, max_length_bias=0.1)
    assert config_identity(gated) == config_identity(settings())
    assert config_identity(settings(epochs=1.0)) != config_identity(settings())


def test_a_stage_of_the_wrong_rows_is_refused(
    base: Any, make_artifact: Any, make_context: Any
) -> None:
    labels = make_artifact("labels", "labels", rows=[label(0)])
    inputs = {"init_from": (base,), "data_from": (labels,)}
    with pytest.raises(UsageError, match="labels holds labels, but objective=pairwise"):
        reward_model.run(settings(), inputs, make_context())
    with pytest.raises(UsageError, match="heldout_fraction: is 0"):
        reward_model.run(settings(heldout_fraction=0.0), inputs, make_context())


def test_it_resumes_from_a_checkpoint_to_the_same_weights(
    base: Any, make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    pairs = make_artifact("preferences", "pairs", rows=[pair(n) for n in range(40)])
    inputs = {"init_from": (base,), "data_from": (pairs,)}
    straight, resumed = make_context(tmp_path / "a"), make_context(tmp_path / "b")
    reward_model.run(settings(), inputs, straight)
    shutil.copytree(straight.work, resumed.work, dirs_exist_ok=True)
    shutil.rmtree(resumed.work / "checkpoint-12")  # as if killed between 8 and 12
    reward_model.run(settings(), inputs, resumed)
    expected = load_file(straight.output / "model" / "model.safetensors")
    actual = load_file(resumed.output / "model" / "model.safetensors")
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


def test_rows_that_cannot_be_read_whole_are_dropped_by_reason(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    rows = [
        pair(0),
        pair(1, rejected="<think>never ends"),
        pair(2, chosen=reply("word " * 80)),
        pair(3, chosen=reply(GOOD, thought="word " * 80)),
    ]
    kept, dropped = read_judged(tokenizer, rows, "answer", max_length=40)
    assert dropped == {"rows": 4, "no_answer": 1, "too_long": 1}
    assert [tokenizer.decode(ids) for ids in kept[1].ids] == [
        f"<|user|>Question 3?<|assistant|>{GOOD}<|end|>",
        f"<|user|>Question 3?<|assistant|>{BAD}<|end|>",
    ]
    kept, dropped = read_judged(tokenizer, rows[1:2], "response", max_length=40)
    assert tokenizer.decode(kept[0].ids[1]).endswith("<|assistant|><think>never ends<|end|>")


def test_a_prompt_never_stands_on_both_sides_of_the_split(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    judged, _ = read_judged(tokenizer, [pair(n % 10) for n in range(50)], "answer", 64)
    train, held = hold_out(judged, 0.2, seed=1)
    assert (len(train), len(held)) == (40, 10)
    assert not {row.prompt for row in train} & {row.prompt for row in held}
    assert hold_out(judged, 0.2, seed=1)[1] == held
    assert len(hold_out(judged, 0.001, seed=1)[1]) == 5  # one prompt


def test_calibration_is_the_gap_between_confidence_and_accuracy() -> None:
    # margin ±ln 3 states 75 %; three right of four is exactly that
    margins = np.log(3) * np.array([1.0, 1.0, -1.0, -1.0])
    assert calibration_error(margins, np.array([True, True, True, False])) == pytest.approx(0.0)
    assert calibration_error(margins, np.array([True] * 4)) == pytest.approx(0.25)
    # half the rows say 75 % and are right, half say ~100 % and are wrong
    mixed = np.array([np.log(3), 50.0])
    assert calibration_error(mixed, np.array([True, False])) == pytest.approx(0.625)


def test_length_bias_is_a_correlation_or_nothing() -> None:
    assert correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])) == pytest.approx(1)
    assert correlation(np.array([1.0, 2.0]), np.array([7.0, 7.0])) is None

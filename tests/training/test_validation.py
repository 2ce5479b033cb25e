"""Held-out evaluation while RL trains: the paper's figure 1a, at no cost to what is trained."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from pipeline.errors import RecipeError
from stages.kinds.evaluate import run as evaluate
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import DynamicSampling, RewardTerm, RLConfig, Validation
from stages.settings.generation import Sampling
from stages.settings.health import Health, HealthRule
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.verifiers import maths
from stages.verifiers.verdict import COPIED

sys.path.insert(0, str(Path(__file__).parent))  # as the killed process finds it
from killed_rl import Case
from test_algorithms_run import algorithm
from test_rl_resume import kill, scramble_generators

from tests.shipped import shipped
from tests.training.conftest import speaking_problems

CONF = Path(__file__).resolve().parents[2] / "conf"
NOT_EXACT = ("time", "step_seconds", "tokens_per_second")
EVERY_2 = shipped(Validation, every=2, samples=3)
OFTEN = shipped(Validation, every=2, samples=24)  # so that what is seldom said is said


def config(**changes) -> RLConfig:
    base = {
        "kind": "rl",
        "seed": 3,
        "rewards": {name: RewardTerm(1.0) for name in ("language", "format", "accuracy")},
        "optimizer": Optimizer(learning_rate=1e-3, warmup_steps=2),
        "sampling": Sampling(1.0, max_tokens=24),
        "max_steps": 5,
        "questions_per_step": 6,
        "samples_per_question": 4,
        "steps_per_rollout": 2,
        "dynamic_sampling": DynamicSampling(budget=0.5),
        "max_prompt_tokens": 200,
        "micro_batch": 7,
        "save_steps": 2,
        "checking_words": ["wait"],
        "validation": EVERY_2,
    }
    return shipped(RLConfig, **(base | changes))


def heldout(count: int = 4) -> list[dict]:
    """In either language; the answer of every second is one that the model does give."""
    rows = [r for lang in ("en", "zh") for r in generate("math", lang, count, 0, "settling")]
    return [row | {"reference": "7.0"} if i % 2 else row for i, row in enumerate(rows)]


@pytest.fixture
def inputs(speaking_inputs, make_artifact):
    return {**speaking_inputs, "validate_on": (make_artifact("problems", "valid", heldout()),)}


def points(context) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [{k: v for k, v in point.items() if k not in NOT_EXACT} for point in found]


def looks(context) -> list[dict[str, float]]:
    """The curves of validation alone, where there is a point of them."""
    found = [point for point in points(context) if "validation/accuracy" in point]
    return [{k: v for k, v in p.items() if k == "step" or "validation" in k} for p in found]


def weights(context):
    return load_file(context.output / "model" / "model.safetensors")


def test_with_validation_or_without_the_same_is_trained(inputs, make_context, tmp_path):
    contexts = [make_context(tmp_path / name) for name in ("on", "off")]
    rl.run(config(), inputs, contexts[0])
    rl.run(config(validation=shipped(Validation, every=0)), inputs, contexts[1])
    on, off = (weights(context) for context in contexts)
    assert all(torch.equal(on[name], off[name]) for name in off)
    trained = [
        {name: value for name, value in point.items() if not name.startswith("validation/")}
        for point in points(contexts[0])
        if point["step"]
    ]
    assert trained == points(contexts[1])
    assert len(trained) == 5


def test_it_looks_before_the_first_step_every_few_steps_and_after_the_last(inputs, make_context):
    context = make_context()
    found = OmegaConf.to_container(OmegaConf.load(CONF / "health" / "rl.yaml"))["rules"]
    rules = {"unlike_held_out": HealthRule(**found["unlike_held_out"])}
    told = rl.run(config(health=Health(rules)), inputs, context).facts
    assert told["health"] == {"warnings": [], "without_curve": []}  # it has both of its curves
    facts = told["validation"]
    found = looks(context)
    assert [point["step"] for point in found] == [0, 2, 4, 5]
    for point in found:
        names = {"accuracy", "cons_at_k", "format", "length", "truncation", "checking_words"}
        assert {f"validation/{name}" for name in names} <= set(point)
    best = max(found, key=lambda point: point["validation/accuracy"])
    assert facts["stages"] == ["valid"]
    assert (facts["problems"], facts["samples_per_problem"], facts["looks"]) == (8, 3, 4)
    assert facts["best"]["step"] == best["step"]
    assert facts["best"]["accuracy"] == best["validation/accuracy"] > 0
    assert facts["last"]["cons_at_k"] == found[-1]["validation/cons_at_k"]


@pytest.mark.parametrize("name", ["grpo", "rft"])
def test_a_look_says_what_an_evaluation_of_the_published_model_says(
    name, inputs, make_artifact, make_context, tmp_path
):
    """Also where the samples that are learnt from are another model's."""
    context = make_context()
    changes = {} if name == "grpo" else {"dynamic_sampling": DynamicSampling()}
    rl.run(config(algorithm=algorithm(name), **changes), inputs, context)
    model = make_artifact("model", "trained", model_dir=context.output / "model")
    asked = shipped(
        EvaluateConfig,
        kind="evaluate",
        seed=3,
        sampling=Sampling(EVERY_2.temperature, EVERY_2.top_p, max_tokens=24),
        samples_per_problem=3,
        pass_at=[1],
        checking_words=["wait"],
    )
    there = {"evaluates": (model,), "data_from": inputs["validate_on"]}
    outputs = evaluate.run(asked, there, make_context(tmp_path / "evaluation", seed=3))
    first, last = looks(context)[0], looks(context)[-1]
    assert {**first, "step": 0} != {**last, "step": 0}
    for curve, metric in (("accuracy", "pass_at_1"), *[(n, n) for n in ("cons_at_k", "length")]):
        right = outputs.facts["overall"][metric]["value"]
        assert last[f"validation/{curve}"] == pytest.approx(right), metric


def test_accuracy_is_a_curve_by_level_where_problems_have_one(
    speaking_inputs, make_artifact, make_context
):
    rows = [row | {"metadata": json.dumps({"level": 1 + i % 2})} for i, row in enumerate(heldout())]
    inputs = {**speaking_inputs, "validate_on": (make_artifact("problems", "valid", rows),)}
    context = make_context()
    rl.run(
        config(max_steps=1, steps_per_rollout=1, save_steps=1, validation=OFTEN), inputs, context
    )
    for point in looks(context):
        easy, hard = (point[f"validation/accuracy/{level}"] for level in (1, 2))
        assert (easy + hard) / 2 == pytest.approx(point["validation/accuracy"])
        assert easy == 0 < hard  # only the second of two has an answer that the model gives


def test_it_is_judged_as_evaluations_are_and_not_as_rewards(
    inputs, make_artifact, make_context, monkeypatch
):
    """A rule that takes 7 for a copied answer stands in for a verifier's."""
    rows = [row for row in speaking_problems() if row["reference"] != "7"]
    inputs["data_from"] = (make_artifact("problems", "others", rows),)
    monkeypatch.setattr(
        maths, "unearned", lambda text, *_: COPIED if text == "7" else None, raising=False
    )
    context = make_context()
    rl.run(
        config(max_steps=1, steps_per_rollout=1, save_steps=1, validation=OFTEN), inputs, context
    )
    assert all(point["validation/accuracy"] > 0 for point in looks(context))
    strict = make_context(context.work.parent / "strict")
    same = config(max_steps=1, steps_per_rollout=1, save_steps=1)
    same.validation = shipped(Validation, every=2, samples=3, policy="strict")
    rl.run(same, inputs, strict)
    assert all(point["validation/accuracy"] == 0 for point in looks(strict))


def test_a_killed_stage_looks_at_each_step_once_and_sees_the_same(inputs, make_context, tmp_path):
    """Killed after the look of step 4 and before its checkpoint, and two steps after one."""
    moments = {"after-a-look": ("weights", 4), "after-a-checkpoint": ("step", 3)}
    contexts = {name: make_context(tmp_path / name) for name in moments}
    cases = [
        Case(config(), inputs, contexts[name], moment, step)
        for name, (moment, step) in moments.items()
    ]
    assert kill(cases, tmp_path / "cases.pickle") == [-9, -9]
    assert [p["step"] for p in looks(contexts["after-a-look"])] == [0, 2, 4]
    whole = make_context(tmp_path / "whole")
    rl.run(config(), inputs, whole)
    for context in contexts.values():
        scramble_generators()
        rl.run(config(), inputs, context)
        assert points(context) == points(whole)
        assert all(torch.equal(weights(whole)[k], v) for k, v in weights(context).items())


def test_problems_that_are_trained_on_are_refused(speaking_inputs, make_context):
    leaked = {**speaking_inputs, "validate_on": speaking_inputs["data_from"]}
    with pytest.raises(RecipeError, match=r"validate_on: 10 of 10 problems are trained on, e\.g\."):
        rl.run(config(), leaked, make_context())


def test_problems_that_nobody_can_judge_are_refused(speaking_inputs, make_artifact, make_context):
    bare = [row | {"reference": None} for row in heldout()]
    inputs = {**speaking_inputs, "validate_on": (make_artifact("problems", "bare", bare),)}
    with pytest.raises(RecipeError, match=r"validate_on: 8 of 8 problems have no reference"):
        rl.run(config(), inputs, make_context())

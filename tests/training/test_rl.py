"""The RL stage on a model of 100,000 weights: it learns, and says what it did."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from pipeline.errors import RecipeError
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import DynamicSampling, LengthSwitch, RewardTerm, RLConfig
from stages.proving.proved import FACT, fact_of
from stages.settings.generation import Rollout, Sampling
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.training import common
from stages.verifiers import maths
from stages.verifiers.verdict import COPIED
from tests.shipped import shipped

NOT_EXACT = ("time", "step_seconds", "tokens_per_second")


def config(**changes) -> RLConfig:
    """Think in the question's language: what the small model does about half of the time."""
    base = {
        "kind": "rl",
        "seed": 3,
        "rewards": {"language": RewardTerm(1.0), "format": RewardTerm(1.0)},
        "optimizer": Optimizer(learning_rate=1e-3, warmup_steps=2),
        "sampling": Sampling(1.0, max_tokens=24),
        "max_steps": 9,
        "questions_per_step": 6,
        "samples_per_question": 4,
        "max_prompt_tokens": 200,
        "micro_batch": 7,
        "save_steps": 4,
        "checking_words": ["wait"],
    }
    return shipped(RLConfig, **(base | changes))


def curves(context) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    points = [json.loads(line) for line in lines]
    return [{k: v for k, v in point.items() if k not in NOT_EXACT} for point in points]


def weights(context):
    return load_file(context.output / "model" / "model.safetensors")


def test_the_reward_rises_and_the_published_model_loads(
    speaking_inputs, make_artifact, make_context
):
    context = make_context()
    chinese = make_artifact("problems", "chinese", rows=generate("math", "zh", 5, 0, "train"))
    outputs = rl.run(
        config(max_steps=20, questions_per_step=8, samples_per_question=8),
        {**speaking_inputs, "data_from": (chinese,)},
        context,
    )
    found = [point["language_consistency"] for point in curves(context)]
    assert sum(found[:3]) / 3 < 0.7
    assert sum(found[-3:]) / 3 > 0.9
    assert outputs.facts["completions"] == 20 * 64
    assert outputs.facts["tokens"] == sum(point["length"] * 64 for point in curves(context))
    assert outputs.funnel == {"problems": 5, "other_domain": 0, "too_long": 0, "kept": 5}
    AutoModelForCausalLM.from_pretrained(context.output / "model")
    assert common.load_tokenizer(context.output / "model").chat_template


def test_every_step_has_every_curve(speaking_inputs, make_context):
    context = make_context()
    rewards = {name: RewardTerm(1.0) for name in ("accuracy", "format", "language")}
    rl.run(config(max_steps=2, rewards=rewards), speaking_inputs, context)
    names = {
        *("reward", "reward_std", "reward/accuracy", "reward/format", "reward/language"),
        *("accuracy", "format", "length", "thinking_length", "language_consistency"),
        *("copied", "mixed_language", "checking_words", "truncation", "entropy", "kl", "grad_norm"),
        *("zero_signal_groups", "learning_rate", "clip_ratio", "sampling_logp_difference"),
    }
    for point in curves(context):
        assert names <= set(point)
        assert point["sampling_logp_difference"] < 1e-5
    first, second = curves(context)
    assert first["kl"] == pytest.approx(0, abs=1e-6)
    assert second["step"] == 2
    counts = json.loads((context.work / "verdicts.json").read_text())
    assert counts["rows"] >= 2 * 6 * 4  # and the references, which proved themselves before
    assert "wrong" in counts["verdicts"]["math"]


def test_answers_that_were_not_worked_for_earn_nothing_and_are_a_curve(
    speaking_model_dir, make_artifact, make_context, monkeypatch
):
    """The model says 7 or 15 to all; a rule that takes 7 for a copy stands in for a verifier's."""
    monkeypatch.setattr(
        maths, "unearned", lambda text, *_: COPIED if text == "7" else None, raising=False
    )
    rows = [row | {"reference": "7.0"} for row in generate("math", "en", 5, 0, "train")]
    inputs = {
        "init_from": (make_artifact("model", "base", model_dir=speaking_model_dir),),
        "data_from": (make_artifact("problems", "problems", rows=rows),),
    }
    context = make_context()
    rl.run(config(max_steps=1, rewards={"accuracy": RewardTerm(1.0)}), inputs, context)
    (point,) = curves(context)
    counts = json.loads((context.work / "verdicts.json").read_text())["verdicts"]["math"]
    assert point["accuracy"] == 0
    assert point["copied"] == counts["wrong"][COPIED.reason] / 24 > 0.1


def test_a_torn_checkpoint_is_passed_over_for_the_one_before(speaking_inputs, make_context):
    context = make_context()
    rl.run(config(), speaking_inputs, context)
    whole, right = curves(context), weights(context)
    torn = context.work / "checkpoint-8" / "optimizer.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    rl.run(config(), speaking_inputs, context)
    assert curves(context) == whole
    assert all(torch.equal(right[name], found) for name, found in weights(context).items())


def test_groups_without_signal_are_replaced_and_what_that_costs_is_counted(
    speaking_inputs, make_context, tmp_path
):
    plain, dynamic = make_context(tmp_path / "plain"), make_context(tmp_path / "dynamic")
    rl.run(config(max_steps=4), speaking_inputs, plain)
    settings = config(max_steps=4, dynamic_sampling=DynamicSampling(budget=1.0))
    facts = rl.run(settings, speaking_inputs, dynamic).facts
    for point in curves(plain):
        assert (point["samples_spent"], point["replaced_groups"]) == (6 * 4, 0)
        assert point["skipped_rows"] >= 4 * point["zero_signal_groups"]  # one may score the mean
    assert sum(point["zero_signal_groups"] for point in curves(plain)) > 0
    for point in curves(dynamic):
        assert point["samples_spent"] == 4 * (6 + point["replaced_groups"])
        assert point["replaced_groups"] <= 6  # the budget
        assert not point["zero_signal_groups"] or point["replaced_groups"] == 6
    first = [points[0] for points in (curves(plain), curves(dynamic))]
    assert first[1]["replaced_groups"] >= first[0]["zero_signal_groups"] > 0
    assert facts["samples_spent"] == sum(point["samples_spent"] for point in curves(dynamic))


def test_groups_that_are_cut_into_several_batches_are_put_together_again(
    speaking_inputs, make_context, tmp_path
):
    found = []
    for tokens in (65536, 400):  # 400: three or four sequences at a time, of groups of four
        context = make_context(tmp_path / str(tokens))
        settings = config(max_steps=1, rollout=shipped(Rollout, batch_tokens=tokens))
        rl.run(settings, speaking_inputs, context)
        found.append(curves(context)[0])
    whole, cut = found
    names = ("reward", "reward/language", "length", "thinking_length", "zero_signal_groups")
    assert [cut[name] for name in names] == [pytest.approx(whole[name]) for name in names]


def test_at_most_two_checkpoints_are_kept(speaking_inputs, make_context):
    context = make_context()
    rl.run(config(save_steps=1, max_steps=5), speaking_inputs, context)
    assert {p.name for p in context.work.glob("checkpoint-*")} == {"checkpoint-4", "checkpoint-5"}


def test_a_scheduled_reward_acts_in_its_window_alone(speaking_inputs, make_context):
    context = make_context()
    rewards = {"language": RewardTerm(1.0), "soft_format": RewardTerm(1.0, start=0.5, stop=8)}
    rl.run(config(max_steps=10, rewards=rewards), speaking_inputs, context)
    acting = [point["step"] for point in curves(context) if "reward/soft_format" in point]
    assert acting == [6, 7, 8]  # steps 5, 6, 7 counted from 0, logged when they are done


def test_completions_grow_from_the_switched_step_on(speaking_inputs, make_context):
    context = make_context()
    switches = [LengthSwitch(step=2, max_tokens=40), LengthSwitch(step=1, max_tokens=5)]
    short = Sampling(1.0, max_tokens=3)
    rl.run(config(max_steps=3, sampling=short, length_switches=switches), speaking_inputs, context)
    first, second, third = (point["length"] for point in curves(context))
    assert (first, second) == (3, 5)
    assert 5 < third < 40


def test_no_prompt_that_fits_is_an_error_that_names_the_key(speaking_inputs, make_context):
    with pytest.raises(RecipeError, match="raise max_prompt_tokens"):
        rl.run(config(max_prompt_tokens=2), speaking_inputs, make_context())


def test_a_reference_that_its_verifier_rejects_stops_the_stage(
    speaking_inputs, make_artifact, make_context
):
    rows = generate("math", "en", 3, 0, "train")
    rows[1] |= {"verifier": "choice", "reference": "Z"}
    speaking_inputs["data_from"] = (make_artifact("problems", "broken", rows=rows),)
    with pytest.raises(RecipeError, match=rows[1]["id"]):
        rl.run(config(), speaking_inputs, make_context())


def test_rows_that_a_stage_has_proved_are_not_proved_again(
    speaking_inputs, make_artifact, make_context
):
    rows = generate("math", "en", 6, 0, "train")
    rows[1] |= {"verifier": "choice", "reference": "Z"}  # would stop the stage
    rows[2] |= {"verifier": "generative"}
    stages = config(max_steps=1)
    proved = make_artifact("problems", "proved", rows, facts={FACT: fact_of(stages.verifiers)})
    speaking_inputs["data_from"] = (proved,)
    outputs = rl.run(stages, speaking_inputs, make_context())
    assert outputs.funnel["no_rule"] == 1
    assert outputs.funnel["kept"] == 5


def test_a_thought_that_the_prompt_opens_is_paid_for_its_form(
    speaking_inputs, speaking_model_dir, make_artifact, make_context, tmp_path
):
    shutil.copytree(speaking_model_dir, tmp_path / "opening")
    tokenizer = common.load_tokenizer(tmp_path / "opening")
    opens = "{%- if add_generation_prompt -%}<|assistant|>"
    tokenizer.chat_template = tokenizer.chat_template.replace(opens, opens + "<think>")
    tokenizer.save_pretrained(tmp_path / "opening")
    base = make_artifact("model", "opening", model_dir=tmp_path / "opening")
    context = make_context()
    rl.run(config(max_steps=2), {**speaking_inputs, "init_from": (base,)}, context)
    for point in curves(context):
        assert point["reward/format"] > 0.5
        assert point["format"] == pytest.approx(point["reward/format"])

"""The plan's derived numbers, against the paper's own arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.artifact import Artifact
from pipeline.kinds import Stage
from pipeline.limits import Limits
from stages.registry import REGISTRY

PAPER_RL: dict[str, Any] = {
    "algorithm": {"name": "grpo"},
    "compute_as": None,
    "verifiers": {"policy": "strict"},
    "rollout": {"engine_nodes": 0},
    "questions_per_step": 32,
    "samples_per_question": 16,
    "steps_per_rollout": 16,
    "max_steps": 10400,
    "sampling": {"max_tokens": 32768},
    "length_switches": [{"step": 8200, "max_tokens": 65536}],
    "prompts_start": {},
    "rewards": {"accuracy": {"start": 0.0, "stop": None}},
    "validate_on": [],
    "validation": {"every": 100, "samples": 16, "limit": None},
}


def numbers_of(kind: str, settings: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> Any:
    """What the plan says of a stage of this kind with these settings."""
    own = REGISTRY[kind]
    config = TypeAdapter(own.config).validate_python({"kind": kind, **settings})
    assert own.numbers is not None
    return own.numbers(Stage("stage", own, config, {}, {}), inputs)


rl, sft, reward_model = (partial(numbers_of, kind) for kind in ("rl", "sft", "reward_model"))
evaluate, sample = partial(numbers_of, "evaluate"), partial(numbers_of, "sample")


def artifact(type_: str, rows: int) -> Artifact:
    return Artifact(Path(), {"type": type_, "facts": {"rows": rows}})


def test_the_papers_rl_batch_is_512_and_its_rollout_8192() -> None:
    derived = rl(PAPER_RL, {})
    assert derived["completions per step"] == 512
    assert derived["completions per rollout"] == 8192
    assert derived["completions in all"] == 10400 * 512
    assert derived["tokens per completion at most"] == 65536
    assert derived["tokens at most"] == 512 * (8200 * 32768 + 2200 * 65536)


def test_a_schedule_that_acts_inside_a_rollout_is_named() -> None:
    assert rl(PAPER_RL, {})["rollouts are cut at steps"] == "8200"  # of 8192 to 8208
    last = PAPER_RL | {"max_steps": 1700, "prompts_start": {"general": 1300 / 1700}}
    last |= {"rewards": {"helpful": {"start": 1300, "stop": 0.96}}}  # 1632, where a rollout begins
    assert rl(last, {})["rollouts are cut at steps"] == "1300"
    assert "rollouts are cut at steps" not in rl(last | {"steps_per_rollout": 4}, {})


def test_validation_asks_before_the_first_step_every_few_and_after_the_last() -> None:
    assert "validations" not in rl(PAPER_RL, {})
    watched = PAPER_RL | {"validate_on": ["aime"], "max_steps": 250}
    inputs = {"aime": artifact("problems", 30), "prompts": artifact("problems", 9999)}
    derived = rl(watched, inputs)
    assert derived["validations"] == 4  # 0, 100, 200, 250
    assert derived["completions of validation"] == 4 * 30 * 16
    few = watched | {"validation": {"every": 100, "samples": 16, "limit": 10}}
    assert rl(few, inputs)["completions of validation"] == 4 * 10 * 16


def test_a_switch_of_length_after_the_last_step_adds_no_tokens() -> None:
    late = PAPER_RL | {"max_steps": 100}
    assert rl(late, {})["tokens at most"] == 100 * 512 * 32768


def test_steps_of_sft_are_known_once_its_rows_are() -> None:
    config = {"batch_size": 128, "max_length": 256, "epochs": 2}
    assert "optimiser steps" not in sft(config, {})
    inputs = {
        "base": artifact("model", 7),
        "reasoning_data": artifact("samples", 1000),
        "general_data": artifact("conversations", 24),
    }
    assert sft(config, inputs)["optimiser steps"] == 16
    pairs = {"preference_pairs": artifact("preferences", 1024)}
    held_out = config | {"heldout_fraction": 0.5}
    assert reward_model(held_out, pairs)["optimiser steps"] == 8


def test_every_thinking_budget_and_wait_of_an_evaluation_draws_its_own_samples() -> None:
    config = {"samples_per_problem": 8, "sampling": {"max_tokens": 96}, "limit_problems": 50}
    config |= {"waits": [], "verifiers": {"policy": "lenient"}, "rollout": {"engine_nodes": 0}}
    rows = {"heldout": artifact("problems", 200), "zero": artifact("model", 9)}
    assert evaluate(config | {"budgets": []}, rows)["completions in all"] == 400
    assert evaluate(config | {"budgets": [8, 16]}, rows)["completions in all"] == 1200
    waits = {"budgets": [8], "waits": [1, 4]}  # the fourth goes on from the second and third
    assert evaluate(config | waits, rows)["completions in all"] == 400 * (1 + 1 + 4)


def test_adaptive_samples_are_a_budget_and_not_a_number_of_each_problem() -> None:
    config = {
        "strategy": "adaptive",
        "samples_per_problem": 16,
        "adaptive": {"most_samples": 64},
        "max_kept_per_problem": 4,
        "sampling": {"max_tokens": 96},
        "limit_problems": None,
        "rollout": {"engine_nodes": 0},
        "verifiers": {"policy": "strict"},
    }
    derived = sample(config, {"prompts": artifact("problems", 100)})
    assert derived["completions at most"] == 1600
    assert derived["completions per problem on average"] == 16
    assert derived["completions per problem at most"] == 64
    fixed = sample(config | {"strategy": "fixed"}, {"prompts": artifact("problems", 100)})
    assert fixed["completions in all"] == 1600
    assert fixed["completions per problem"] == 16


def test_a_stage_alone_gets_all_cores_and_a_given_number_of_threads_is_kept(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr("pipeline.limits.cores", lambda: 8)
    assert Limits(max_parallel=2, threads=None).threads_for(at_once=1) == 8
    assert Limits(max_parallel=2, threads=None).threads_for(at_once=5) == 4
    assert Limits(max_parallel=2, threads=3).threads_for(at_once=1) == 3

"""Numbers that follow from a stage's config, for `r1 plan`. No torch here.

Each function takes the resolved config and the facts of the inputs that are done (stage → facts).
What depends on rows that do not exist yet is left out, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]
Facts = Mapping[str, Mapping[str, Any]]
Numbers = dict[str, int]


def rl(config: Config, inputs: Facts) -> Numbers:
    """Batches of GRPO: questions × samples per optimiser step, steps per rollout."""
    prompts, samples = config["questions_per_step"], config["samples_per_question"]
    per_rollout, steps = config["steps_per_rollout"], config["max_steps"]
    longest = [config["sampling"]["max_tokens"]]
    longest += [switch["max_tokens"] for switch in config["length_switches"]]
    return {
        "prompts per step": prompts,
        "completions per step": prompts * samples,
        "completions per rollout": prompts * samples * per_rollout,
        "optimiser steps per rollout": per_rollout,
        "optimiser steps": steps,
        "completions in all": prompts * samples * steps,
        "tokens per completion at most": max(longest),
        "tokens at most": _rl_tokens(config),
    }


def sft(config: Config, inputs: Facts) -> Numbers:
    """Batches of supervised training; steps once the rows are there."""
    return _epochs(config, inputs)


def reward_model(config: Config, inputs: Facts) -> Numbers:
    """Batches of reward model training; held-out rows are not trained on."""
    return _epochs(config, inputs, 1.0 - config["heldout_fraction"])


def pretrain(config: Config, inputs: Facts) -> Numbers:
    """Tokens of the tiny base's training."""
    return {
        "tokens per step": config["batch_tokens"],
        "sequences per step": config["batch_tokens"] // config["sequence_length"],
        "optimiser steps": config["steps"],
        "tokens in all": config["batch_tokens"] * config["steps"],
        "documents": config["corpus"]["documents"],
    }


def sample(config: Config, inputs: Facts) -> Numbers:
    """Completions drawn for rejection sampling."""
    return {**_completions(config, inputs), "kept per problem at most": _kept(config)}


def evaluate(config: Config, inputs: Facts) -> Numbers:
    """Completions drawn for an evaluation; every thinking budget draws its own."""
    numbers = _completions(config, inputs, runs=1 + len(config["budgets"]))
    return numbers | ({"thinking budgets": len(config["budgets"])} if config["budgets"] else {})


def _rl_tokens(config: Config) -> int:
    """The most tokens that RL may generate, with its switches of length."""
    switches = sorted((s["step"], s["max_tokens"]) for s in config["length_switches"])
    lengths = [(0, config["sampling"]["max_tokens"]), *switches]
    ends = [*(step for step, _ in lengths[1:]), config["max_steps"]]
    per_step = config["questions_per_step"] * config["samples_per_question"]
    spans = zip(lengths, ends, strict=True)
    return sum(max(0, end - start) * per_step * tokens for (start, tokens), end in spans)


def _epochs(config: Config, inputs: Facts, share: float = 1.0) -> Numbers:
    numbers = {
        "sequences per step": config["batch_size"],
        "tokens per sequence at most": config["max_length"],
        "tokens per step at most": config["batch_size"] * config["max_length"],
    }
    rows = _rows(inputs)
    if rows:
        trained = int(rows * share * config["epochs"])
        numbers["rows"] = rows
        numbers["optimiser steps"] = math.ceil(trained / config["batch_size"])
    return numbers


def _completions(config: Config, inputs: Facts, runs: int = 1) -> Numbers:
    samples = config["samples_per_problem"]
    numbers = {
        "completions per problem": samples,
        "tokens per completion at most": config["sampling"]["max_tokens"],
    }
    problems = _rows(inputs)
    if config["limit_problems"] is not None:
        problems = min(problems or config["limit_problems"], config["limit_problems"])
    if problems:
        numbers["problems"] = problems
        numbers["completions in all"] = problems * samples * runs
    return numbers


def _kept(config: Config) -> int:
    return int(config["max_kept_per_problem"])


def _rows(inputs: Facts) -> int:
    """The rows of all inputs that report them; 0 when one is not there yet."""
    return sum(int(facts["rows"]) for facts in inputs.values() if "rows" in facts)

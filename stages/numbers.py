"""Numbers that follow from a stage's config, for `r1 plan`. No torch here.

Each function takes the resolved config and the inputs that are done. What depends on rows that do
not exist yet is left out, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.artifact import Artifact
from stages.training.rl.schedule import rollouts_of

Config = Mapping[str, Any]
Inputs = Mapping[str, Artifact]  # stage → its artifact, for the inputs that are done
Numbers = dict[str, int | str]  # and a word where a name says more


def rl(config: Config, inputs: Inputs) -> Numbers:
    """The algorithm and its batches: questions × samples per optimiser step, steps per rollout."""
    prompts, samples = config["questions_per_step"], config["samples_per_question"]
    per_rollout, steps = config["steps_per_rollout"], config["max_steps"]
    longest = [config["sampling"]["max_tokens"]]
    longest += [switch["max_tokens"] for switch in config["length_switches"]]
    return {
        "algorithm": config["algorithm"]["name"],
        **_policy(config),
        "prompts per step": prompts,
        "completions per step": prompts * samples,
        "completions per rollout": prompts * samples * per_rollout,
        "optimiser steps per rollout": per_rollout,
        **_cuts(config),
        "optimiser steps": steps,
        "completions in all": prompts * samples * steps,
        "tokens per completion at most": max(longest),
        "tokens at most": _rl_tokens(config),
        **_validation(config, inputs),
        **_budget(config, inputs),
    }


def sft(config: Config, inputs: Inputs) -> Numbers:
    """Batches of supervised training; steps once the rows are there."""
    return _epochs(config, _rows(inputs, "samples", "conversations"))


def on_policy_distill(config: Config, inputs: Inputs) -> Numbers:
    """Completions of the student, one to a prompt."""
    prompts, steps = config["prompts_per_step"], config["max_steps"]
    longest = config["sampling"]["max_tokens"]
    return {
        "completions per step": prompts,
        "optimiser steps": steps,
        "completions in all": prompts * steps,
        "tokens per completion at most": longest,
        "tokens at most": prompts * steps * longest,
    }


def reward_model(config: Config, inputs: Inputs) -> Numbers:
    """Batches of reward model training; held-out rows are not trained on."""
    rows = _rows(inputs, "preferences", "labels")
    return _epochs(config, rows, 1.0 - config["heldout_fraction"])


def pretrain(config: Config, inputs: Inputs) -> Numbers:
    """Tokens of the tiny base's training."""
    return {
        "tokens per step": config["batch_tokens"],
        "sequences per step": config["batch_tokens"] // config["sequence_length"],
        "optimiser steps": config["steps"],
        "tokens in all": config["batch_tokens"] * config["steps"],
        "documents": config["corpus"]["documents"],
    }


def sample(config: Config, inputs: Inputs) -> Numbers:
    """Completions drawn for rejection sampling; adaptive ones are a budget, and a mean."""
    numbers = _completions(config, inputs)
    kept = {"kept per problem at most": int(config["max_kept_per_problem"])}
    kept |= _judge(config, numbers)
    if config["strategy"] == "fixed":
        return numbers | kept
    renamed = {
        "completions per problem": "completions per problem on average",
        "completions in all": "completions at most",
    }
    most = {"completions per problem at most": int(config["adaptive"]["most_samples"])}
    return {renamed.get(name, name): value for name, value in numbers.items()} | most | kept


def _judge(config: Config, numbers: Numbers) -> dict[str, int]:
    """Replies of a model that judges what rules cannot; equal answers are asked about once."""
    judge = config.get("generative_judge")
    if not judge:
        return {}
    votes, drawn = int(judge["votes"]), numbers.get("completions in all")
    found = {"judge's replies per answer that no rule can judge": votes}
    found |= {"judge's replies at most": votes * int(drawn)} if drawn else {}
    return found | {"tokens per reply of the judge at most": int(judge["sampling"]["max_tokens"])}


def evaluate(config: Config, inputs: Inputs) -> Numbers:
    """Completions drawn for an evaluation, at most: each budget and each wait draws its own."""
    budgets, waits = config["budgets"], max(config["waits"], default=0)
    runs = 1 + len(budgets) + waits
    numbers = _completions(config, inputs, runs)
    counts = {"thinking budgets": len(budgets), "times that a thought must wait": waits}
    return numbers | {name: count for name, count in counts.items() if count}


def _policy(config: Config) -> Numbers:
    """Whether right answers must be worked for (conf/verifiers)."""
    return {"verdicts": config["verifiers"]["policy"]}


def _cuts(config: Config) -> Numbers:
    """Where a schedule cuts a rollout in two, so that it acts on the step that it names."""
    inside = rollouts_of(config).inside()
    return {"rollouts are cut at steps": ", ".join(map(str, inside))} if inside else {}


def _rl_tokens(config: Config) -> int:
    """The most tokens that RL may generate, with its switches of length."""
    switches = sorted((s["step"], s["max_tokens"]) for s in config["length_switches"])
    lengths = [(0, config["sampling"]["max_tokens"]), *switches]
    ends = [*(step for step, _ in lengths[1:]), config["max_steps"]]
    per_step = config["questions_per_step"] * config["samples_per_question"]
    spans = [
        (start, min(end, config["max_steps"]), tokens)
        for (start, tokens), end in zip(lengths, ends, strict=True)
    ]
    return sum(max(0, end - start) * per_step * tokens for start, end, tokens in spans)


def _validation(config: Config, inputs: Inputs) -> Numbers:
    """Completions on held-out problems: before the first step, every few, and after the last."""
    asked, steps = config["validation"], config["max_steps"]
    if not (asked["every"] and config["validate_on"]):
        return {}
    looks = len({*range(0, steps, asked["every"]), steps})
    numbers: Numbers = {"validations": looks}
    there = {name: inputs[name] for name in config["validate_on"] if name in inputs}
    problems = _rows(there, "problems")
    if problems and asked["limit"] is not None:
        problems = min(problems, asked["limit"])
    if problems:
        numbers["completions of validation"] = looks * problems * asked["samples"]
    return numbers


def _budget(config: Config, inputs: Inputs) -> Numbers:
    """The operations of the stage that this one may cost as much as; see training/compute.py."""
    other = inputs.get(config.get("compute_as") or "")
    spent = other.facts.get("compute", {}).get("flops") if other else None
    return {"floating-point operations at most": int(spent)} if spent else {}


def _epochs(config: Config, rows: int, share: float = 1.0) -> Numbers:
    numbers = {
        "sequences per step": config["batch_size"],
        "tokens per sequence at most": config["max_length"],
        "tokens per step at most": config["batch_size"] * config["max_length"],
    }
    if rows:
        steps_per_epoch = math.ceil(int(rows * share) / config["batch_size"])
        numbers["rows"] = rows
        numbers["optimiser steps"] = math.ceil(steps_per_epoch * config["epochs"])
    return numbers


def _completions(config: Config, inputs: Inputs, runs: int = 1) -> Numbers:
    """Where benchmarks are asked as often as they say, that may be another number for each."""
    samples: list[int] = config.get("samples_of") or [config["samples_per_problem"]]
    alike = len(set(samples)) == 1
    numbers: Numbers = {
        **_policy(config),
        "completions per problem": samples[0] if alike else ", ".join(map(str, samples)),
        "tokens per completion at most": config["sampling"]["max_tokens"],
    }
    problems, limit = _rows(inputs, "problems"), config["limit_problems"]
    if limit is not None:
        problems = min(problems or limit, limit)
    if problems:
        numbers["problems"] = problems
    if problems and alike:
        numbers["completions in all"] = problems * samples[0] * runs
    elif problems and limit is None:  # a limit takes problems of all in turn
        there = zip(config["data_from"], samples, strict=True)
        drawn = (_rows({n: inputs[n]}, "problems") * k for n, k in there if n in inputs)
        numbers["completions in all"] = sum(drawn) * runs
    return numbers


def _rows(inputs: Inputs, *types: str) -> int:
    """The rows of the inputs of these types that are there and report them."""
    reported = (a.facts.get("rows", 0) for a in inputs.values() if a.type in types)
    return sum(int(rows) for rows in reported)

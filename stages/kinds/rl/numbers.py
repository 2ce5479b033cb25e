"""Numbers that follow from an RL stage's config, for `r1 plan`."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.engines.segments import segments_of
from stages.kinds.rl.config import RLConfig
from stages.rl.schedule import rollouts_of
from stages.settings.engine import TRL
from stages.settings.numbers import Inputs, Numbers, engine_nodes, policy, rows_of


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """The algorithm and its batches: questions × samples per optimiser step, steps per rollout."""
    config: RLConfig = stage.config
    prompts, samples = config.questions_per_step, config.samples_per_question
    per_rollout, steps = config.steps_per_rollout, config.max_steps
    longest = [config.sampling.max_tokens]
    longest += [switch.max_tokens for switch in config.length_switches]
    return {
        "algorithm": config.algorithm.name,
        **_engine(config),
        **engine_nodes(config),
        **policy(config),
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


def _engine(config: RLConfig) -> Numbers:
    """An engine elsewhere, and how often it is started: once for each segment."""
    if config.engine.name == TRL:
        return {}
    return {"engine": config.engine.name, "segments": len(segments_of(config))}


def _cuts(config: RLConfig) -> Numbers:
    """Where a schedule cuts a rollout in two, so that it acts on the step that it names."""
    inside = rollouts_of(config).inside()
    return {"rollouts are cut at steps": ", ".join(map(str, inside))} if inside else {}


def _rl_tokens(config: RLConfig) -> int:
    """The most tokens that RL may generate, with its switches of length."""
    switches = sorted((s.step, s.max_tokens) for s in config.length_switches)
    lengths = [(0, config.sampling.max_tokens), *switches]
    ends = [*(step for step, _ in lengths[1:]), config.max_steps]
    per_step = config.questions_per_step * config.samples_per_question
    spans = [
        (start, min(end, config.max_steps), tokens)
        for (start, tokens), end in zip(lengths, ends, strict=True)
    ]
    return sum(max(0, end - start) * per_step * tokens for start, end, tokens in spans)


def _validation(config: RLConfig, inputs: Inputs) -> Numbers:
    """Completions on held-out problems: before the first step, every few, and after the last."""
    asked, steps = config.validation, config.max_steps
    if not (asked.every and config.validate_on):
        return {}
    looks = len({*range(0, steps, asked.every), steps})
    numbers: Numbers = {"validations": looks}
    there = {name: inputs[name] for name in config.validate_on if name in inputs}
    problems = rows_of(there, "problems")
    if problems and asked.limit is not None:
        problems = min(problems, asked.limit)
    if problems:
        numbers["completions of validation"] = looks * problems * asked.samples
    return numbers


def _budget(config: RLConfig, inputs: Inputs) -> Numbers:
    """The operations of the stage that this one may cost as much as; see training/compute.py."""
    other = inputs.get(config.compute_as or "")
    spent = other.facts.get("compute", {}).get("flops") if other else None
    return {"floating-point operations at most": int(spent)} if spent else {}

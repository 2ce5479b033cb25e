"""Numbers that follow from a stage's config, for `r1 plan`. No torch here.

Each function takes a stage's config and the inputs that are done. What depends on rows that do
not exist yet is left out, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.artifact import Artifact

Inputs = Mapping[str, Artifact]  # stage → its artifact, for the inputs that are done
Numbers = dict[str, int | str]  # and a word where a name says more


def policy(config: Any) -> Numbers:
    """Whether right answers must be worked for (conf/verifiers)."""
    return {"verdicts": config.verifiers.policy}


def engine_nodes(config: Any) -> Numbers:
    """Nodes of the stage's job that hold engines alone, where it has such."""
    nodes = int(config.rollout.engine_nodes)
    return {"nodes that hold engines alone": nodes} if nodes else {}


def epochs(config: Any, rows: int, share: float = 1.0) -> Numbers:
    numbers = {
        "sequences per step": config.batch_size,
        "tokens per sequence at most": config.max_length,
        "tokens per step at most": config.batch_size * config.max_length,
    }
    if rows:
        steps_per_epoch = math.ceil(int(rows * share) / config.batch_size)
        numbers["rows"] = rows
        numbers["optimiser steps"] = math.ceil(steps_per_epoch * config.epochs)
    return numbers


def completions(config: Any, inputs: Inputs, runs: int = 1) -> Numbers:
    """Where benchmarks are asked as often as they say, that may be another number for each."""
    samples: list[int] = getattr(config, "samples_of", None) or [config.samples_per_problem]
    alike = len(set(samples)) == 1
    numbers: Numbers = {
        **policy(config),
        **engine_nodes(config),
        "completions per problem": samples[0] if alike else ", ".join(map(str, samples)),
        "tokens per completion at most": config.sampling.max_tokens,
    }
    problems, limit = rows_of(inputs, "problems"), config.limit_problems
    if limit is not None:
        problems = min(problems or limit, limit)
    if problems:
        numbers["problems"] = problems
    if problems and alike:
        numbers["completions in all"] = problems * samples[0] * runs
    elif problems and limit is None:  # a limit takes problems of all in turn
        there = zip(config.data_from, samples, strict=True)
        drawn = (rows_of({n: inputs[n]}, "problems") * k for n, k in there if n in inputs)
        numbers["completions in all"] = sum(drawn) * runs
    return numbers


def rows_of(inputs: Inputs, *types: str) -> int:
    """The rows of the inputs of these types that are there and report them."""
    reported = (a.facts.get("rows", 0) for a in inputs.values() if a.type in types)
    return sum(int(rows) for rows in reported)

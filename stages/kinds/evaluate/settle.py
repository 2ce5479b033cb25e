"""What of a stage's config follows from other stages, once all are composed. No torch here.

A benchmark of conf/data may say how often the paper asks each of its problems (D.1): 64 times for
AIME, 16 for MATH-500. That is nothing of its rows, so it is outside their identity, and a matter of
the evaluations that take them, here and in `r1 eval`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pipeline.errors import UsageError
from pipeline.kinds import Stage
from stages.kinds.clean.kind import CleanConfig
from stages.kinds.evaluate.config import EvaluateConfig


def settle(stage: Stage, typed: Collection[str]) -> EvaluateConfig:
    """An evaluation with each benchmark's own number of samples; a typed number is stronger."""
    config: EvaluateConfig = stage.config
    if not config.samples_of_benchmark or "samples_per_problem" in typed:
        return config
    found = with_samples(config, [samples_of(source) for source in stage.inputs["data_from"]])
    return replace(found, pass_at=config.pass_at) if "pass_at" in typed else found


def with_samples(config: EvaluateConfig, owns: Sequence[int | None]) -> EvaluateConfig:
    """The evaluation that asks each of its benchmarks so often; None: samples_per_problem."""
    if not any(owns):
        return config
    samples = [own or config.samples_per_problem for own in owns]
    return replace(config, samples_of=samples, pass_at=pass_at(config, samples))


def pass_at(config: EvaluateConfig, samples: Sequence[int]) -> list[int]:
    """1, the numbers that are drawn, and those of the config that lie below."""
    return sorted({1, *samples, *(k for k in config.pass_at if k < max(samples))})


def samples_of(source: Stage) -> int | None:
    """How often the problems of a stage are asked; None where it does not say."""
    found = _found(source)
    if len(found) > 1:
        several = " and ".join(sorted(str(own) for own in found if own))
        raise UsageError(
            f"stages.{source.name}.data_from: some of these problems are to be asked {several} "
            "times and others not, and an evaluation of all together cannot tell which: give it "
            "stages of their own, or say how often with samples_per_problem=… of the evaluation "
            "(`r1 eval`: -k)"
        )
    return found.pop() if found else None


def _found(source: Stage) -> set[int | None]:
    """What the sets of problems say that a stage passes on."""
    if isinstance(source.config, CleanConfig):
        return {own for before in source.inputs["data_from"] for own in _found(before)}
    return {getattr(source.config, "samples", None)}

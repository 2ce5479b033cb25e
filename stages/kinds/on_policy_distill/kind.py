"""On-policy distillation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.settings import carried, context, health, parallel, training, values
from stages.settings.edges import one, some, takes
from stages.settings.generation import Sampling
from stages.settings.health import Health
from stages.settings.numbers import Inputs, Numbers
from stages.settings.parallel import Parallel
from stages.settings.stage import StageConfig, from_root, placement
from stages.settings.training import Lora, Optimizer, Precision


@dataclass
class OnPolicyDistillConfig(StageConfig):
    """A student learns, token by token of what it says itself, from a teacher (arXiv 2306.13649).

    divergence: 0 is the forward KL (cover all that the teacher says), 1 the reverse KL (keep to
    what it says most), between them the generalised Jensen-Shannon divergence.
    """

    teach_with: str | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)
    sampling: Sampling = field(default_factory=Sampling)  # of the student
    max_steps: int = MISSING
    prompts_per_step: int = MISSING  # each is answered once
    divergence: float = MISSING
    max_prompt_tokens: int = MISSING  # longer prompts are dropped and counted
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    parallel: Parallel = from_root("parallel", Parallel, identity=False)
    micro_batch: int = placement(8)
    batch_tokens: int = placement(65536)  # sequences × their longest length, while it answers
    save_steps: int = placement(25)
    health: Health = field(default_factory=Health, metadata={"identity": False})


def check(stage: Stage) -> Iterator[Problem]:
    """Its numbers; whether the vocabularies agree is seen when both models are there."""
    config: OnPolicyDistillConfig = stage.config
    yield from values.positive(config, "max_steps", "prompts_per_step", "micro_batch")
    yield from values.positive(config, "save_steps", "max_prompt_tokens")
    yield from training.optimizer(config.optimizer, config.max_steps)
    yield from training.lora(config.lora)
    yield from health.rules(config.health)
    yield from parallel.gang(
        config.parallel, "its rows are built after they are sampled, where accelerate cuts none"
    )
    yield from _context(stage)
    yield from carried.check(stage)
    if not 0 <= config.divergence <= 1:
        yield Problem(
            "divergence",
            f"is {config.divergence:g}: set it from 0 (forward KL) to 1 (reverse KL)",
        )
    if config.sampling.temperature <= 0:
        yield Problem(
            "sampling.temperature",
            f"is {config.sampling.temperature:g}, and both distributions are compared at it: set "
            "it above 0, e.g. to 1.0",
        )


def _context(stage: Stage) -> Iterator[Problem]:
    """Student and teacher read the same prompts and completions."""
    config: OnPolicyDistillConfig = stage.config
    models = stage.inputs["init_from"] + stage.inputs["teach_with"]
    longest = config.sampling.max_tokens
    yield from context.fits(models, "sampling.max_tokens", longest, config.max_prompt_tokens)


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """Completions of the student, one to a prompt."""
    config: OnPolicyDistillConfig = stage.config
    prompts, steps = config.prompts_per_step, config.max_steps
    longest = config.sampling.max_tokens
    return {
        "completions per step": prompts,
        "optimiser steps": steps,
        "completions in all": prompts * steps,
        "tokens per completion at most": longest,
        "tokens at most": prompts * steps * longest,
    }


def needs(stage: Stage) -> Needs:
    """A gang; each process has the same share of the prompts of a step."""
    config: OnPolicyDistillConfig = stage.config
    return parallel.processes(config.parallel, config.prompts_per_step)


KINDS = (
    Kind(
        "on_policy_distill",
        2,
        OnPolicyDistillConfig,
        "model",
        "stages.kinds.on_policy_distill.run:run",
        edges={
            "init_from": takes(one("model")),
            "data_from": takes(some("problems", "conversations")),
            "teach_with": takes(one("model")),
        },
        numbers=numbers,
        needs=needs,
        check=check,
        work="stages.kinds.on_policy_distill.work:work",
    ),
)

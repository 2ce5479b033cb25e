"""What on-policy distillation can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.checks import context, health, training
from stages.configs import OnPolicyDistillConfig


def check(stage: Stage) -> Iterator[Problem]:
    """Its numbers; whether the vocabularies agree is seen when both models are there."""
    config: OnPolicyDistillConfig = stage.config
    yield from training.positive(config, "max_steps", "prompts_per_step", "micro_batch")
    yield from training.positive(config, "save_steps", "max_prompt_tokens")
    yield from training.optimizer(config.optimizer, config.max_steps)
    yield from training.lora(config.lora)
    yield from health.rules(config.health)
    yield from context.on_policy_distill(stage)
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

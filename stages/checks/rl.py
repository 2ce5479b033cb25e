"""What an RL stage can have set wrong: its numbers against each other, and its rewards."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.checks import (
    algorithms,
    context,
    health,
    parallel,
    prompts,
    rewards,
    training,
    values,
)
from stages.configs import RLConfig, Sampling


def check(stage: Stage) -> Iterator[Problem]:
    """All that can be known of an RL stage before its rows are there."""
    config: RLConfig = stage.config
    yield from training.positive(
        config, "max_steps", "questions_per_step", "steps_per_rollout", "save_steps", "micro_batch"
    )
    yield from training.optimizer(config.optimizer, config.max_steps)
    yield from training.lora(config.lora)
    yield from health.rules(config.health)
    yield from parallel.rl(config)
    yield from training.shared_out(
        "questions_per_step", config.questions_per_step, config.parallel.processes
    )
    yield from _sampling(config.sampling)
    yield from values.rollout(config.rollout)
    yield from values.verifiers(config.verifiers)
    yield from _group(config)
    yield from _reference(config)
    yield from _saves(config)
    yield from _prompts(config)
    yield from prompts.template(config.template, config.system_prompt)
    yield from _validation(config)
    yield from context.rl(stage)
    yield from rewards.check(stage)
    yield from algorithms.check(config)


def _sampling(config: Sampling) -> Iterator[Problem]:
    if config.temperature <= 0:
        yield Problem(
            "sampling.temperature",
            f"is {config.temperature:g}, so all samples of a question are the same: set it above "
            "0 (the paper: 1.0, in the last stage 0.7)",
        )
    else:
        yield from values.sampling(config)


def _group(config: RLConfig) -> Iterator[Problem]:
    """One sample suffices where nothing compares: a value model, or only the right samples."""
    alone = config.algorithm.advantage in ("value", "right")
    if config.samples_per_question < 2 - alone:
        yield Problem(
            "samples_per_question",
            f"is {config.samples_per_question}, and algorithm={config.algorithm.name} compares the "
            "samples of one question: set it to 2 or more (the paper: 16)",
        )


def _reference(config: RLConfig) -> Iterator[Problem]:
    """An algorithm that sets the KL to 0 by itself only leaves the reference idle."""
    own = config.algorithm.kl_coefficient
    if config.reference_sync_steps and own is None and not config.kl_coefficient:
        yield Problem(
            "reference_sync_steps",
            f"is {config.reference_sync_steps} while kl_coefficient is 0, so no reference is in "
            "the loss: set reference_sync_steps to 0, or kl_coefficient above 0 (the paper: 0.001)",
        )


def _prompts(config: RLConfig) -> Iterator[Problem]:
    """Which prompts are asked: what decides it must be there to be looked at."""
    budget, curriculum = config.dynamic_sampling.budget, config.curriculum
    if budget < 0 or (budget and config.algorithm.advantage not in ("group", "leave_one_out")):
        yield Problem(
            "dynamic_sampling.budget",
            f"is {budget:g}, and algorithm={config.algorithm.name} is asked to replace groups "
            "whose rewards are equal: set it to 0, or above 0 where rewards are compared (grpo, "
            "dapo, …)",
        )
    if curriculum.rest_steps and "accuracy" not in config.rewards:
        yield Problem(
            "curriculum.rest_steps",
            f"is {curriculum.rest_steps}, and no reward says which prompts are solved: set it to "
            "0, or add rewards.accuracy",
        )
    if not 0 <= curriculum.never < curriculum.always <= 1:
        yield Problem(
            "curriculum.never",
            f"is {curriculum.never:g}, and always is {curriculum.always:g}: set them to shares of "
            "right answers, never below always (0 and 1)",
        )


def _validation(config: RLConfig) -> Iterator[Problem]:
    """Held-out problems are asked now and then, and never learnt from."""
    asked = config.validation
    if both := sorted({*config.validate_on} & {*config.data_from}):
        yield Problem(
            "validate_on",
            f"names {', '.join(both)}, which data_from trains on: name problems of their own",
        )
    if asked.every < 0:
        yield Problem("validation.every", f"is {asked.every}: set it to 0 (off) or more")
    if asked.samples < 1:
        yield Problem("validation.samples", f"is {asked.samples}: set it to 1 or more")


def _saves(config: RLConfig) -> Iterator[Problem]:
    """A resume is exact from a checkpoint that ends a rollout: the one in use is not saved."""
    rollout = config.steps_per_rollout
    if rollout > 0 and config.save_steps % rollout:
        below = config.save_steps // rollout * rollout
        values = f"{below} or {below + rollout}" if below else f"{rollout}"
        yield Problem(
            "save_steps",
            f"is {config.save_steps}, inside a rollout of steps_per_rollout={rollout} optimiser "
            f"steps, from where no resume is exact: set it to {values}",
        )

"""What an RL stage can have set wrong: its numbers against each other, and its rewards."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.engines import refused, trainable
from stages.kinds.rl import algorithm_check, reward_check
from stages.kinds.rl.config import RLConfig
from stages.rl.apart import apart
from stages.rl.schedule import length_limits
from stages.settings import (
    carried,
    context,
    generation,
    health,
    parallel,
    prompts,
    training,
    values,
    verifiers,
)
from stages.settings.engine import TRL
from stages.settings.generation import BROADCAST, Sampling
from stages.verifiers.answer import POLICIES

MODES = ("token_truncate", "token_mask", "sequence_truncate", "sequence_mask")  # TRL's
COUNTED = ("sft", "rl", "on_policy_distill")  # kinds that say what their training cost


def check(stage: Stage) -> Iterator[Problem]:
    """All that can be known of an RL stage before its rows are there."""
    config: RLConfig = stage.config
    yield from values.positive(
        config, "max_steps", "questions_per_step", "steps_per_rollout", "save_steps", "micro_batch"
    )
    yield from training.optimizer(config.optimizer, config.max_steps)
    yield from training.lora(config.lora)
    yield from health.rules(config.health)
    yield from _gang(config)
    yield from training.shared_out(
        "questions_per_step", config.questions_per_step, config.parallel.processes
    )
    yield from _sampling(config.sampling)
    yield from generation.rollout(config.rollout, elsewhere=config.engine.name != TRL)
    yield from refused.check(config)
    yield from trainable.check(stage)
    yield from _engines(config)
    yield from _ahead(config)
    yield from _importance(config)
    yield from verifiers.check(config.verifiers)
    yield from _group(config)
    yield from _reference(config)
    yield from _saves(config)
    yield from _prompts(config)
    yield from prompts.template(config.template, config.system_prompt)
    yield from _validation(config)
    yield from _budget(stage)
    yield from _context(stage)
    yield from carried.check(stage)
    yield from reward_check.check(stage)
    yield from algorithm_check.check(config)


def _sampling(config: Sampling) -> Iterator[Problem]:
    if config.temperature <= 0:
        yield Problem(
            "sampling.temperature",
            f"is {config.temperature:g}, so all samples of a question are the same: set it above "
            "0 (the paper: 1.0, in the last stage 0.7)",
        )
    else:
        yield from generation.sampling(config)


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
    """A reference that is replaced must be in the loss."""
    if config.reference_sync_steps and not config.kl_coefficient:
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
    yield from values.at_least(asked, 1, "samples", "limit", below="validation")
    yield from values.one_of("validation.policy", asked.policy, POLICIES)
    drawn = Sampling(asked.temperature, asked.top_p, max_tokens=1)
    yield from generation.sampling(drawn, "validation")


def _budget(stage: Stage) -> Iterator[Problem]:
    """What a training cost is said by those that count it (stages/training/compute.py)."""
    for source in stage.inputs["compute_as"]:
        if source.kind.name not in COUNTED:
            yield Problem(
                "compute_as",
                f"is {source.name}, of kind {source.kind.name}, which does not say what its "
                f"training cost: name a stage of kind {', '.join(COUNTED)}",
            )


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


def _gang(config: RLConfig) -> Iterator[Problem]:
    """RL generates from the weights in training; algorithm_check.py has second models."""
    gang = config.parallel
    yield from parallel.gang(
        config.parallel,
        "RL builds its rows after they are sampled, where accelerate cuts none (TRL 1.16)",
    )
    if gang.strategy == "ddp":
        return
    stage = gang.deepspeed.get("zero_optimization", {}).get("stage")
    if gang.strategy == "deepspeed" and stage == 3:
        yield Problem(
            "parallel.deepspeed.zero_optimization.stage",
            "is 3, which has no whole weights to generate from: use parallel=fsdp2 or "
            "parallel=zero2",
        )
    if gang.strategy == "fsdp" and config.reference_sync_steps and config.lora is None:
        yield Problem(
            "reference_sync_steps",
            f"is {config.reference_sync_steps}, and a checkpoint does not hold a reference that "
            "fsdp shares out, so no resume would be exact: set it to 0, or use parallel=zero2",
        )


def _engines(config: RLConfig) -> Iterator[Problem]:
    """An engine has whole GPUs: those of the gang, or its own."""
    rollout, processes = config.rollout, config.parallel.processes
    size, own = rollout.tensor_parallel_size, rollout.own_gpus
    yield from values.at_least(rollout, 1, "tensor_parallel_size", below="rollout")
    yield from values.at_least(rollout, 0, "own_gpus", below="rollout")
    yield from _engine_nodes(config)
    if apart(config) and rollout.weights == BROADCAST and not rollout.apart:
        yield Problem(
            "rollout.weights",
            "is broadcast, and engines share the GPUs of training, where NCCL joins no two "
            "processes on one GPU: set it to file, or give them rollout.own_gpus (or "
            "rollout.engine_nodes, rollout.engines_at)",
        )
    if size < 1 or rollout.engines_at or config.engine.name != TRL:
        return
    if own > 0 and own % size:
        yield Problem(
            "rollout.own_gpus",
            f"is {own}, and an engine has rollout.tensor_parallel_size={size} of them: set it to a "
            f"multiple of {size}",
        )
    if not rollout.apart and processes is not None and processes % size:
        yield Problem(
            "rollout.tensor_parallel_size",
            f"is {size}, and engines share the GPUs of parallel.processes={processes}: set it to a "
            f"divisor of {processes}, or give them rollout.own_gpus",
        )


def _engine_nodes(config: RLConfig) -> Iterator[Problem]:
    """They take the place of other engines; a policy that answers by itself has none."""
    if not (nodes := config.rollout.engine_nodes) or config.engine.name != TRL:
        return
    if not apart(config):
        yield Problem(
            "rollout.engine_nodes",
            f"is {nodes}, and rollout=transformers samples from the weights in training: set it to "
            "0, or take rollout=vllm (or rollout_ahead=1)",
        )
    if config.rollout.own_gpus:
        yield Problem(
            "rollout.own_gpus",
            f"is {config.rollout.own_gpus}, and rollout.engine_nodes={nodes} has all engines: set "
            "one of them to 0",
        )


def _ahead(config: RLConfig) -> Iterator[Problem]:
    """One rollout, of the policy that it is weighed against."""
    if config.rollout_ahead not in (0, 1):
        yield Problem(
            "rollout_ahead",
            f"is {config.rollout_ahead}: set it to 0, or to 1 for one rollout ahead of training",
        )
    elif config.rollout_ahead and config.algorithm.samples != "policy":
        yield Problem(
            "rollout_ahead",
            f"is 1, and algorithm={config.algorithm.name} samples from a model that does not "
            "change, so nothing is gained by a copy of the policy: set it to 0",
        )


def _importance(config: RLConfig) -> Iterator[Problem]:
    weights = config.importance
    if weights is None:
        if config.rollout_ahead and config.algorithm.samples == "policy":
            yield Problem(
                "importance",
                "is null, and rollout_ahead=1 trains on the tokens of an older policy, which must "
                "be weighed: leave it as it is in conf/stage/_rl.yaml",
            )
        return
    yield from values.one_of("importance.mode", weights.mode, MODES)
    low, high = weights.clip_min, weights.clip_max
    if (low is not None and not 0 <= low <= 1) or (high is not None and high < 1):
        yield Problem(
            "importance.clip_max",
            f"is {high}, with clip_min={low}: a token that both say alike has the ratio 1, so set "
            "clip_max to 1 or more, clip_min from 0 to 1, or either to null",
        )


def _context(stage: Stage) -> Iterator[Problem]:
    """RL: the longest prompt with the longest completion, in policy and reward models."""
    config: RLConfig = stage.config
    models = stage.inputs["init_from"] + stage.inputs["score_with"]
    for key, longest in length_limits(config).items():
        yield from context.fits(models, key, longest, config.max_prompt_tokens)

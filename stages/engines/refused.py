"""What an engine cannot do that our trainer on TRL can: refused when the stage is composed.

Each entry is a key with the value that it must have, and why. docs/engines.md has them as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.kinds import Problem
from stages.engines.verl import LEVELS, MEANS, SCALES
from stages.rl.schedule import rollouts_of
from stages.settings.engine import SLIME, VERL
from stages.settings.engine import check as check_engine

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


@dataclass(frozen=True)
class Refused:
    """A key that stands where an engine has nothing for it.

    found: its value, where that is one which cannot be; else None. fits: what to set.
    """

    key: str
    why: str
    fits: str
    found: Callable[[RLConfig], Any]


def _unless(value: Any, *fitting: Any) -> Any:
    return None if value in fitting else value


def _no_importance(config: RLConfig) -> Any:
    """Truncated weights have a counterpart, with an upper bound alone."""
    weights = config.importance
    if weights is None:
        return None
    if weights.mode in LEVELS and weights.clip_min is None and weights.clip_max is not None:
        return None
    return f"{weights.mode} from {weights.clip_min} to {weights.clip_max}"


REFUSED = (
    Refused("lora", "its adapters have options and a reference of their own", "null",
            lambda c: c.lora and "set"),
    Refused("rollout_ahead", "it draws each rollout by the policy that learns from it", "0",
            lambda c: c.rollout_ahead or None),
    Refused("importance", "it truncates weights above, and does nothing else with them",
            "{mode: token_truncate, clip_min: null, clip_max: 2.0}, or null", _no_importance),
    Refused("algorithm.samples", "it samples from the policy in training alone", "algorithm=grpo",
            lambda c: _unless(c.algorithm.samples, "policy")),
    Refused("algorithm.advantage", "only advantages of a group are mapped", "algorithm=grpo",
            lambda c: _unless(c.algorithm.advantage, "group")),
    Refused("algorithm.scale_rewards", "its groups are scaled by their own deviation or not at all",
            "group or none", lambda c: _unless(c.algorithm.scale_rewards, *SCALES)),
    Refused("algorithm.loss_type", "it has no such mean of the loss", " or ".join(MEANS),
            lambda c: _unless(c.algorithm.loss_type, *MEANS)),
    Refused("algorithm.ratio", "only ratios of tokens are mapped", "token",
            lambda c: _unless(c.algorithm.ratio, "token")),
    Refused("algorithm.overlong", "the service that scores completions sees texts, not their limit",
            "0", lambda c: c.algorithm.overlong or None),
    Refused("dynamic_sampling.budget", "it keeps every group that it drew", "0",
            lambda c: c.dynamic_sampling.budget or None),
    Refused("curriculum.rest_steps", "its rows are written before their answers are known", "0",
            lambda c: c.curriculum.rest_steps or None),
    Refused("validation.every", "nothing is asked aside while it trains (evaluate the result, as "
            "eval_ stages do)", "0, or validate_on to []",
            lambda c: (c.validate_on and c.validation.every) or None),
    Refused("compute_as", "it ends after its rollouts, not after a number of operations", "null",
            lambda c: c.compute_as),
    Refused("optimizer.schedule", "a segment that begins anew would begin its schedule anew",
            "constant", lambda c: _unless(c.optimizer.schedule, "constant")),
    Refused("precision.bf16", "it trains in bf16 over fp32 weights", "true",
            lambda c: None if c.precision.bf16 else "false"),
    Refused("parallel", "this process only leads; GPUs are engine.nodes × engine.gpus_per_node",
            "one (parallel=one)",
            lambda c: None if c.parallel.processes == 1 else "a gang"),
    Refused("rollout.engine", "it generates with an engine of its environment", "vllm",
            lambda c: _unless(c.rollout.engine, "vllm")),
    Refused("rollout.own_gpus", "training and generation share its GPUs", "0",
            lambda c: c.rollout.own_gpus or None),
    Refused("rollout.engine_nodes", "training and generation share its GPUs", "0",
            lambda c: c.rollout.engine_nodes or None),
    Refused("rollout.engines_at", "training and generation share its GPUs", "[]",
            lambda c: c.rollout.engines_at or None),
    Refused("rollout.weights", "it hands weights over by itself", "file",
            lambda c: _unless(c.rollout.weights, "file")),
    Refused("rollout.kv_cache_gib", "it takes a share: rollout.gpu_memory_utilization", "null",
            lambda c: c.rollout.kv_cache_gib),
)  # fmt: skip


def check(config: RLConfig) -> Iterator[Problem]:
    """What stands against the stage's engine and its settings; nothing where it is TRL."""
    yield from check_engine(config.engine)
    engine = config.engine.name
    if engine not in (VERL, SLIME):
        return
    for one in REFUSED:
        if (found := one.found(config)) is not None:
            yield Problem(
                one.key, f"is {found}, and engine.name is {engine}: {one.why}. Set it to {one.fits}"
            )
    yield from _whole_engines(config)
    if engine == SLIME:
        yield from _uncut(config)
    yield from _whole_rollouts(config)


def _whole_engines(config: RLConfig) -> Iterator[Problem]:
    """Its GPUs are shared out to engines that generate."""
    size, gpus = (
        config.rollout.tensor_parallel_size,
        config.engine.nodes * config.engine.gpus_per_node,
    )
    if size < 1 or gpus % size:
        yield Problem(
            "rollout.tensor_parallel_size",
            f"is {size}, and engine.nodes × engine.gpus_per_node are {gpus} GPUs: set it to a "
            f"divisor of {gpus}",
        )


def _uncut(config: RLConfig) -> Iterator[Problem]:
    """slime replaces its reference by the number of rollouts: all must be of one length."""
    inside, steps = rollouts_of(config).inside(), config.steps_per_rollout
    if steps > 0 and config.max_steps % steps:
        inside.append(config.max_steps)
    if inside:
        below = inside[0] // steps * steps
        yield Problem(
            "steps_per_rollout",
            f"is {steps}, and a schedule changes or ends inside a rollout, at step {inside[0]}: "
            f"slime counts rollouts of one length. Move it to {below} or {below + steps} "
            "(length_switches, rewards, prompts_start, max_steps)",
        )


def _whole_rollouts(config: RLConfig) -> Iterator[Problem]:
    """Engines count in rollouts: what is counted in steps here must be a whole number of them."""
    per_rollout = config.steps_per_rollout
    for key, steps in (
        ("reference_sync_steps", config.reference_sync_steps),
        ("optimizer.warmup_steps", config.optimizer.warmup_steps),
    ):
        if per_rollout > 0 and steps % per_rollout:
            below = steps // per_rollout * per_rollout
            yield Problem(
                key,
                f"is {steps}, and {config.engine.name} counts rollouts of "
                f"steps_per_rollout={per_rollout}: set it to {below} or {below + per_rollout}",
            )

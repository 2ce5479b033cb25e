"""What stages that draw or train have in common: engines, what training holds, what it writes."""

from __future__ import annotations

import math
from typing import Any

from pipeline.kinds import Stage
from stages.costs.shapes import BF16, FP32, Shape
from stages.costs.work import (
    BACKWARD,
    FORWARD,
    TRAIN,
    Disk,
    Draw,
    Engine,
    Known,
    Passes,
    Trained,
)

CHECKPOINTS = 3  # two are kept, and the next is whole before the older one goes
CHUNK_LOGITS = 2**27  # of a pass over rows of RL, as in stages/rl/token_logps.py
ADAM = 2 * FP32


def engine(rollout: Any, weights: int, beside: bool = False) -> Engine:
    """The engine of a stage's `rollout`."""
    own = {"float32": FP32, "bfloat16": BF16, "float16": BF16}.get(rollout.dtype, weights)
    shares = beside and not rollout.apart
    return Engine(
        rollout.engine,
        rollout.batch_tokens,
        rollout.tensor_parallel_size,
        rollout.gpu_memory_utilization,
        rollout.max_model_tokens,
        rollout.kv_cache_gib,
        weights if beside else own,
        shares,
        rollout.own_gpus if beside else 0,
    )


def published_bytes(stage: Stage, shape: Shape) -> int:
    """Bytes of a parameter in the files that a stage makes."""
    if stage.kind.name == "pretrained":
        return shape.weight_bytes
    precision = getattr(stage.config, "precision", None)
    if stage.kind.name == "pretrain":
        return BF16 if stage.config.dtype == "bfloat16" else FP32
    return BF16 if precision is not None and precision.bf16 else FP32


def draw(
    phase: str,
    model: Shape,
    how: Engine,
    known: Known,
    *,
    completions: float,
    prompts: float,
    mean: float,
    limit: int,
    rounds: float = 1.0,
    prompt: float | None = None,
    shard: int | None = None,
) -> Draw:
    """`completions` of `prompts`, both in all, in so many rounds. shard: of a fleet, whose engines
    each take so many at a time."""
    rounds = max(1.0, rounds, completions / shard if shard else 0.0)
    each = completions / rounds
    longest = known.assumed.longest(mean, limit, each)
    asked = known.prompt if prompt is None else prompt
    prompts /= rounds
    return Draw(
        phase, model, how, each, asked, mean, longest, limit, prompts, rounds, shard is not None
    )


def learning(
    model: Shape,
    *,
    tokens: float,
    length: float,
    calls: float,
    updates: float,
    checkpointing: bool,
    adapters: bool,
) -> Passes:
    """Forward, backward, and forward again where activations are not kept.

    With adapters the weights have no gradient, which is half of the backward pass.
    """
    again = FORWARD if checkpointing else 0.0
    units = FORWARD + (BACKWARD / 2 if adapters else BACKWARD) + again
    looks = 3.0 + (1.0 if checkpointing else 0.0)
    return Passes(TRAIN, model, tokens, length, units, calls, updates, looks)


def reading(
    phase: str,
    model: Shape,
    tokens: float,
    length: float,
    calls: float,
    weights: int = FP32,
) -> Passes:
    """Forward passes alone. weights: bytes of a parameter."""
    return Passes(phase, model, tokens, length, FORWARD, calls, weights=weights)


def trained(config: Any, model: Shape, longest: int, micro_batch: int, **more: Any) -> Trained:
    """What a stage holds by its `parallel`, `precision` and `lora`."""
    parallel, lora = config.parallel, getattr(config, "lora", None)
    zero = int((parallel.deepspeed.get("zero_optimization") or {}).get("stage", 0))
    return Trained(
        model,
        parallel.strategy,
        longest,
        micro_batch,
        config.precision.bf16,
        config.precision.gradient_checkpointing,
        lora.rank if lora else None,
        stage=zero,
        context=parallel.context,
        **more,
    )


def written(stage: Stage, model: Shape, learnt: float) -> Disk:
    """The model that is published, and checkpoints meanwhile: fp32, with the optimiser."""
    published = model.parameters * published_bytes(stage, model)
    return Disk(published, CHECKPOINTS * learnt * (FP32 + ADAM))


def steps(rows: float, batch: int, epochs: float) -> float:
    return math.ceil(math.ceil(rows / batch) * epochs)

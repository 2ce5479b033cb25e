"""What all trained stages share: the optimiser, adapters, precision, batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omegaconf import MISSING

from pipeline.kinds import Problem, Stage
from stages.settings import carried, context, health, parallel, values

SCHEDULES = ("constant", "linear", "cosine")


@dataclass
class Optimizer:
    """AdamW and its schedule: `constant`, `cosine` (to `lr_final`) or `linear`."""

    learning_rate: float = MISSING
    lr_final: float = 0.0  # where a cosine ends
    schedule: str = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    adam_beta2: float = 0.999
    max_grad_norm: float = 1.0


@dataclass
class Lora:
    """Low-rank adapters in place of full weights; merged into the published model."""

    rank: int = MISSING
    alpha: int = MISSING
    dropout: float = 0.0


@dataclass
class Precision:
    """bf16 autocast and gradient checkpointing change rounding, so they are part of identity."""

    bf16: bool = False
    gradient_checkpointing: bool = False


def supervised(stage: Stage, uncut: str = "") -> Iterator[Problem]:
    """SFT and reward models: epochs over rows that are not known yet.

    uncut: why their sequences cannot be cut over processes.
    """
    config = stage.config
    yield from optimizer(config.optimizer)
    yield from values.positive(
        config, "epochs", "batch_size", "max_length", "micro_batch", "save_steps"
    )
    yield from lora(getattr(config, "lora", None))
    yield from health.rules(config.health)
    yield from parallel.gang(config.parallel, uncut)
    parts = (config.parallel.processes or 0) // max(1, config.parallel.context)
    yield from shared_out("batch_size", config.batch_size, parts)
    yield from packed(getattr(config, "row_tokens", None), config.max_length)
    yield from context.whole_rows(stage)
    yield from carried.check(stage)


def optimizer(config: Optimizer, steps: int | None = None) -> Iterator[Problem]:
    """A schedule that ends where it should. steps: of the run, where they are known."""
    yield from values.one_of("optimizer.schedule", config.schedule, SCHEDULES)
    rate, least = config.learning_rate, config.lr_final
    if rate <= 0:
        yield Problem("optimizer.learning_rate", f"is {rate:g}: set it above 0")
    elif config.schedule == "cosine" and least > rate:
        yield Problem(
            "optimizer.lr_final",
            f"is {least:g}, above optimizer.learning_rate={rate:g} from which the cosine falls: "
            f"set it to e.g. {rate / 10:g}, a tenth",
        )
    if steps is not None and 1 <= steps <= config.warmup_steps:
        yield Problem(
            "optimizer.warmup_steps",
            f"is {config.warmup_steps}, and the run has {steps} steps, so the learning rate never "
            f"gets to optimizer.learning_rate: set it to e.g. {steps // 10}",
        )


def lora(config: Lora | None) -> Iterator[Problem]:
    """Adapters that exist. A reference that is replaced works with them (adapter_reference.py)."""
    if config is None:
        return
    if config.rank < 1:
        yield Problem("lora.rank", f"is {config.rank}: set it to e.g. 16, or lora to null")
    if not 0 <= config.dropout < 1:
        yield Problem("lora.dropout", f"is {config.dropout:g}: set it to 0 or more, below 1")


def packed(row_tokens: int | None, max_length: int) -> Iterator[Problem]:
    """Rows in which the longest document has room."""
    if row_tokens is not None and row_tokens < max_length:
        yield Problem(
            "row_tokens",
            f"is {row_tokens}, and max_length is {max_length}, which a packed row must hold: set "
            f"it to {max_length} or more, or to null",
        )


def shared_out(key: str, count: int, processes: int | None) -> Iterator[Problem]:
    """What the processes of a gang share out evenly. null processes divide it by themselves."""
    if processes and count % processes:
        below = count // processes * processes
        values = f"{below} or {below + processes}" if below else f"{processes}"
        yield Problem(
            key,
            f"is {count}, and parallel.processes is {processes}, which each need an equal share: "
            f"set it to {values}",
        )

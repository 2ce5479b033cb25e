"""What supervised training, pretraining and reward models can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.kinds import Problem, Stage
from stages.checks import context, health, parallel, tiny_world
from stages.configs import Lora, Optimizer


def supervised(stage: Stage) -> Iterator[Problem]:
    """SFT and reward models: epochs over rows that are not known yet."""
    config = stage.config
    yield from optimizer(config.optimizer)
    yield from positive(config, "epochs", "batch_size", "max_length", "micro_batch", "save_steps")
    yield from lora(getattr(config, "lora", None))
    yield from health.rules(config.health)
    yield from parallel.gang(config.parallel)
    yield from shared_out("batch_size", config.batch_size, config.parallel.processes)
    yield from packed(getattr(config, "row_tokens", None), config.max_length)
    yield from context.whole_rows(stage)
    share = getattr(config, "heldout_fraction", 0.5)
    if not 0 < share < 1:
        yield Problem(
            "heldout_fraction",
            f"is {share:g}: some rows must be held out, and some trained on; set it to e.g. 0.1",
        )


def pretraining(stage: Stage) -> Iterator[Problem]:
    """The tiny base: a fixed number of steps."""
    config = stage.config
    yield from tiny_world.check(stage)
    yield from optimizer(config.optimizer, config.steps)
    yield from positive(config, "steps", "batch_tokens", "sequence_length", "save_steps")
    longest = config.shape.max_position_embeddings
    if config.sequence_length > longest:
        yield Problem(
            "sequence_length",
            f"is {config.sequence_length}, and shape.max_position_embeddings is {longest}: set it "
            f"to at most {longest}",
        )


def optimizer(config: Optimizer, steps: int | None = None) -> Iterator[Problem]:
    """A schedule that ends where it should. steps: of the run, where they are known."""
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
    """Adapters that exist. A reference that is replaced works with them (training/reference.py)."""
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


def positive(config: Any, *keys: str) -> Iterator[Problem]:
    """Counts of which there must be one at least."""
    for key in keys:
        if getattr(config, key) <= 0:
            yield Problem(key, f"is {getattr(config, key):g}: set it to 1 or more")

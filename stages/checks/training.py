"""What supervised training, pretraining and reward models can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.kinds import Problem, Stage
from stages.checks import context, health, parallel, tiny_world, values
from stages.configs import Lora, Optimizer, RewardModelConfig
from stages.rewards.schedule import PREFERENCE_TERMS

OBJECTIVES = {"pairwise": "preferences", "pointwise": "labels"}  # → the rows that teach it
OVERFLOW = ("drop", "split")  # what becomes of rows that are too long
DTYPES = ("float32", "bfloat16")
FAMILIES = ("qwen2", "llama")  # of a tiny model
SCHEDULES = ("constant", "linear", "cosine")


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


def sft(stage: Stage) -> Iterator[Problem]:
    """SFT: the same, and what becomes of rows that are too long."""
    yield from supervised(stage)
    yield from values.one_of("overflow", stage.config.overflow, OVERFLOW)


def reward_model(stage: Stage) -> Iterator[Problem]:
    """A reward model: the same, and how it is measured."""
    yield from supervised(stage)
    rows = {source.name: source.kind.produces for source in stage.inputs["data_from"]}
    yield from measured(stage.config, rows)


def measured(config: RewardModelConfig, rows: Mapping[str, str]) -> Iterator[Problem]:
    """A reward model: what it learns from and reads, and that it is measured before it is used.

    rows: what the stages on data_from hold.
    """
    yield from values.one_of("objective", config.objective, OBJECTIVES)
    yield from values.one_of("scores", config.scores, [*PREFERENCE_TERMS.values()])
    wanted = OBJECTIVES.get(config.objective)
    if wrong := {name: kind for name, kind in rows.items() if wanted and kind != wanted}:
        name, kind = next(iter(wrong.items()))
        yield Problem(
            "data_from",
            f"{name} holds {kind}, but objective={config.objective} learns from {wanted}: name "
            "such a stage, or set the other objective",
        )
    share = config.heldout_fraction
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
    yield from values.one_of("dtype", config.dtype, DTYPES)
    yield from values.one_of("shape.family", config.shape.family, FAMILIES)
    longest = config.shape.max_position_embeddings
    if config.sequence_length > longest:
        yield Problem(
            "sequence_length",
            f"is {config.sequence_length}, and shape.max_position_embeddings is {longest}: set it "
            f"to at most {longest}",
        )


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


def positive(config: Any, *keys: str) -> Iterator[Problem]:
    """Counts of which there must be one at least."""
    for key in keys:
        if getattr(config, key) <= 0:
            yield Problem(key, f"is {getattr(config, key):g}: set it to 1 or more")

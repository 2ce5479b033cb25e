"""Supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.settings import parallel, training, values
from stages.settings.edges import ROWS, one, some, takes
from stages.settings.health import Health
from stages.settings.numbers import Inputs, Numbers, epochs, rows_of
from stages.settings.parallel import Parallel
from stages.settings.stage import StageConfig, from_root, placement
from stages.settings.training import Lora, Optimizer, Precision

OVERFLOW = ("drop", "split")  # what becomes of rows that are too long


@dataclass
class SFTConfig(StageConfig):
    """Supervised fine-tuning on the completions.

    micro_batch: most rows of one forward pass. row_tokens: several isolated documents are packed
    into a row of that many tokens; null: one document a row, and those of like length go together.
    compile_from_tokens: from this much training on (tokens × epochs) the layers are compiled; null:
    never. Compiled code rounds otherwise, so it is part of identity.
    """

    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING  # sequences per optimiser step, before packing
    max_length: int = MISSING
    overflow: str = "drop"  # or "split": what happens to rows longer than max_length; counted
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    compile_from_tokens: int | None = None
    lora: Lora | None = None
    parallel: Parallel = from_root("parallel", Parallel, identity=False)
    micro_batch: int = placement(32)
    row_tokens: int | None = placement(None)
    save_steps: int = placement(50)
    health: Health = field(default_factory=Health, metadata={"identity": False})


def check(stage: Stage) -> Iterator[Problem]:
    """SFT: the same, and what becomes of rows that are too long."""
    yield from training.supervised(stage)
    yield from values.one_of("overflow", stage.config.overflow, OVERFLOW)
    if stage.config.parallel.context > 1 and stage.config.row_tokens is not None:
        yield Problem(
            "row_tokens",
            f"is {stage.config.row_tokens}, so documents share a row, which only a mask keeps "
            "apart, and parallel.context > 1 drops masks: set it to null",
        )


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """Batches of supervised training; steps once the rows are there."""
    config: SFTConfig = stage.config
    return epochs(config, rows_of(inputs, "samples", "conversations"))


def needs(stage: Stage) -> Needs:
    """A gang; each process has the same share of a batch."""
    config: SFTConfig = stage.config
    return parallel.processes(config.parallel, config.batch_size)


KINDS = (
    Kind(
        "sft",
        2,
        SFTConfig,
        "model",
        "stages.kinds.sft.run:run",
        edges={"init_from": takes(one("model")), "data_from": takes(some(*ROWS))},
        numbers=numbers,
        needs=needs,
        check=check,
        work="stages.kinds.sft.work:work",
    ),
)

"""Supervised fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import (
    Lora,
    Optimizer,
    Parallel,
    Precision,
    StageConfig,
    from_root,
    placement,
)
from stages.configs.health import Health


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
    parallel: Parallel = from_root(Parallel, "parallel", identity=False)
    micro_batch: int = placement(32)
    row_tokens: int | None = placement(None)
    save_steps: int = placement(50)
    health: Health = field(default_factory=Health, metadata={"identity": False})

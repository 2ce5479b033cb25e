"""Supervised fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import Lora, Optimizer, Parallel, Precision, StageConfig, placement
from stages.configs.health import Health


@dataclass
class SFTConfig(StageConfig):
    """Supervised fine-tuning on the completions, packed with isolated documents."""

    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING  # sequences per optimiser step, before packing
    max_length: int = MISSING
    overflow: str = "drop"  # or "split": what happens to rows longer than max_length; counted
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    parallel: Parallel = field(default_factory=Parallel, metadata={"identity": False})
    micro_batch: int = placement(32)
    save_steps: int = placement(50)
    health: Health = field(default_factory=Health, metadata={"identity": False})

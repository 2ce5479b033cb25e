"""On-policy distillation."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import (
    Lora,
    Optimizer,
    Parallel,
    Precision,
    Sampling,
    StageConfig,
    from_root,
    placement,
)
from stages.configs.health import Health


@dataclass
class OnPolicyDistillConfig(StageConfig):
    """A student learns, token by token of what it says itself, from a teacher (arXiv 2306.13649).

    divergence: 0 is the forward KL (cover all that the teacher says), 1 the reverse KL (keep to
    what it says most), between them the generalised Jensen-Shannon divergence.
    """

    teach_with: str | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)
    sampling: Sampling = field(default_factory=Sampling)  # of the student
    max_steps: int = MISSING
    prompts_per_step: int = MISSING  # each is answered once
    divergence: float = MISSING
    max_prompt_tokens: int = MISSING  # longer prompts are dropped and counted
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    parallel: Parallel = from_root(Parallel, "parallel", identity=False)
    micro_batch: int = placement(8)
    batch_tokens: int = placement(65536)  # sequences × their longest length, while it answers
    save_steps: int = placement(25)
    health: Health = field(default_factory=Health, metadata={"identity": False})

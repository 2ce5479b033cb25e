"""What SFT, pretraining and reward models tell the Trainer alike.

A step of the optimiser always sees `batch_size` sequences, as the paper counts them. How many go
through one forward pass (`micro_batch`), on how many devices, only changes speed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from peft import LoraConfig

from pipeline.context import Context
from pipeline.errors import UsageError
from stages.settings.training import Lora, Optimizer, Precision
from stages.training.checkpoints import KEPT
from stages.training.common import on_gpu

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine_with_min_lr"}

#: Rows up to this long train faster with eager attention in bf16 on a CPU, where the backward pass
#: of masked sdpa is slow: 15.4k against 10.5k tokens a second at 160 tokens, 12.3k against 12.2k at
#: 256, 6.3k against 11.1k at 512 (one core, 0.9M parameters).
EAGER_ROWS = 256


@dataclass(frozen=True)
class BatchSplit:
    """One optimiser step: `per_device` sequences × `accumulation` passes × `devices`."""

    per_device: int
    accumulation: int
    devices: int


def split_batch(batch_size: int, micro_batch: int, context: int = 1) -> BatchSplit:
    """The largest forward pass of at most `micro_batch` that divides a device's share evenly.

    context: so many devices share each sequence, and count as one.
    """
    devices = int(os.environ.get("WORLD_SIZE", "1")) // context
    if batch_size % devices:
        raise UsageError(
            f"batch_size is {batch_size}, but the stage runs on {devices} devices: "
            "choose a multiple, or fewer devices"
        )
    share = batch_size // devices
    per_device = max(n for n in range(1, min(micro_batch, share) + 1) if share % n == 0)
    return BatchSplit(per_device, share // per_device, devices)


def trainer_arguments(
    context: Context, optimizer: Optimizer, precision: Precision, save_steps: int
) -> dict[str, Any]:
    """What the configs of TRL and transformers share, their hidden defaults spelt out."""
    return {
        "output_dir": str(context.work),
        "seed": context.seed,
        "data_seed": context.seed,
        **_schedule(optimizer),
        "weight_decay": optimizer.weight_decay,
        "adam_beta2": optimizer.adam_beta2,
        "max_grad_norm": optimizer.max_grad_norm,
        "bf16": precision.bf16,
        "gradient_checkpointing": precision.gradient_checkpointing,
        "use_cpu": not on_gpu(),
        "dataloader_pin_memory": on_gpu(),
        "save_strategy": "steps",
        "save_steps": save_steps,
        "save_total_limit": KEPT,
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
    }


def _schedule(optimizer: Optimizer) -> dict[str, Any]:
    if optimizer.schedule not in SCHEDULES:
        raise UsageError(
            f"optimizer.schedule is {optimizer.schedule!r}; expected one of {sorted(SCHEDULES)}"
        )
    arguments: dict[str, Any] = {
        "learning_rate": optimizer.learning_rate,
        "lr_scheduler_type": SCHEDULES[optimizer.schedule],
        "warmup_steps": optimizer.warmup_steps,
    }
    if optimizer.schedule == "cosine":
        arguments["lr_scheduler_kwargs"] = {"min_lr": optimizer.lr_final}
    return arguments


def attention(precision: Precision, longest: int) -> str:
    """The fastest of transformers' attentions that keep packed documents apart."""
    eager = precision.bf16 and not on_gpu() and longest <= EAGER_ROWS
    return "eager" if eager else "sdpa"


def lora_config(lora: Lora | None) -> LoraConfig | None:
    """Adapters on every linear layer but the head, or None for full weights."""
    if lora is None:
        return None
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )

"""What every trained stage shares: loading, saving, curves, and checkpoints that can be trusted.

A checkpoint is the Trainer's own `checkpoint-<step>/` folder in the stage's work directory, plus a
`complete.json` written last that lists every file with its size. A kill between two writes leaves a
folder without that list, or with another size: `last_checkpoint` removes it and takes the one
before. With `save_total_limit=KEPT` the Trainer always keeps one complete checkpoint on disk.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
)

from pipeline.context import Context
from stages.tiny.tokenizer import save_tokenizer

KEPT = 2
COMPLETE = "complete.json"
PREFIX = "checkpoint-"

#: What the Trainer adds to its logs and that no curve needs.
NOT_CURVES = frozenset({"epoch", "total_flos", "step_time", "num_tokens"})


def use_threads(threads: int) -> None:
    """Let torch use exactly the CPU threads that the launcher gave this stage."""
    torch.set_num_threads(threads)


def on_gpu() -> bool:
    """Whether this stage runs on CUDA; nothing else in the code path depends on the device."""
    return torch.cuda.is_available()


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model directory, padding left, with a pad token."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(path: Path, attention: str = "sdpa") -> PreTrainedModel:
    """A causal model with fp32 master weights, whatever dtype it was published in."""
    return AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation=attention
    )


def save_model(
    model: Any, tokenizer: PreTrainedTokenizerBase, directory: Path, bf16: bool = False
) -> None:
    """Publish a model that plain transformers loads: safetensors, tokenizer, generation config.

    LoRA adapters are merged first. `bf16` halves the files and suits models trained in bf16.
    """
    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    merged = merged.to(torch.bfloat16 if bf16 else torch.float32)
    merged.config.use_cache = True  # gradient checkpointing turns it off
    merged.save_pretrained(directory)
    save_tokenizer(tokenizer, directory)


class StageCallback(TrainerCallback):
    """Sends the Trainer's logs to the stage's curves and marks each checkpoint as complete."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.context.progress(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if curves := curves_of(logs or {}):
            self.context.log(state.global_step, curves)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        mark_complete(Path(args.output_dir) / f"{PREFIX}{state.global_step}")


def curves_of(logs: Mapping[str, Any]) -> dict[str, float]:
    """The logged numbers that are curves: not the Trainer's counters and closing summary."""
    return {
        name: float(value)
        for name, value in logs.items()
        if name not in NOT_CURVES and not name.startswith("train_") and not isinstance(value, str)
    }


def mark_complete(checkpoint: Path) -> None:
    """Write the list of the checkpoint's files and sizes, atomically and last."""
    aside = checkpoint / f"{COMPLETE}.tmp"
    aside.write_text(json.dumps(_sizes(checkpoint)))
    os.replace(aside, checkpoint / COMPLETE)


def last_checkpoint(work: Path, context: Context | None = None) -> Path | None:
    """The newest complete checkpoint, or None; torn ones are removed.

    With `context`, the stage's curves are rewound to it, so that no step is logged twice.
    """
    found = sorted(work.glob(f"{PREFIX}*"), key=step_of, reverse=True)
    whole = [path for path in found if is_complete(path)]
    for torn in set(found) - set(whole):
        shutil.rmtree(torn)
    newest = whole[0] if whole else None
    if context is not None:
        context.rewind(step_of(newest) if newest else -1)
    return newest


def step_of(checkpoint: Path) -> int:
    """The optimiser step of a checkpoint folder."""
    return int(checkpoint.name.removeprefix(PREFIX))


def is_complete(checkpoint: Path) -> bool:
    """Whether every file that was there when the checkpoint was finished is there, whole."""
    try:
        listed: Mapping[str, int] = json.loads((checkpoint / COMPLETE).read_text())
    except (OSError, ValueError):
        return False
    return _sizes(checkpoint) == listed


def _sizes(checkpoint: Path) -> dict[str, int]:
    return {
        str(path.relative_to(checkpoint)): path.stat().st_size
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.name not in (COMPLETE, f"{COMPLETE}.tmp")
    }

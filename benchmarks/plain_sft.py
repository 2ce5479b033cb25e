"""SFT as TRL's documentation shows it (huggingface.co/docs/trl, "SFT Trainer"): what we beat.

    python -m benchmarks.plain_sft TASK.json      (benchmarks/sft.py writes the task)

Conversations as prompt and completion, so that the loss is on the completion; padded, which is the
default; TRL's default of 8 sequences to a pass, accumulated to the batch of the task. The template
is the model's own, in which only what follows the assistant's tag is learnt.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.plain_grpo import peak_memory
from benchmarks.tasks_sft import point, stage_config
from stages.rows.schemas import read_rows

PER_PASS = 8  # TRL's default


class Clock(TrainerCallback):
    """When each step was done, its loss, and the tokens that TRL counted until then."""

    def __init__(self) -> None:
        self.points: list[dict[str, float]] = []
        self.began = 0.0
        self.seen = 0.0

    def on_step_begin(self, *args: Any, **more: Any) -> None:
        self.began = self.began or time.time()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
        if "loss" in logs:
            tokens, self.seen = logs["num_tokens"] - self.seen, logs["num_tokens"]
            self.points.append(point(logs["loss"], tokens))


def main(file: str) -> None:
    """Train, and print the points of the curve and the peak of memory."""
    task = json.loads(Path(file).read_text())
    torch.set_num_threads(task["threads"])
    config = stage_config(task["profile"])
    rows = read_rows(Path(task["rows"]))
    dataset = Dataset.from_list([conversation(row) for row in rows])
    arguments: dict[str, Any] = {
        "output_dir": str(Path(file).parent / "plain"),
        "seed": task["seed"],
        "data_seed": task["seed"],
        "num_train_epochs": 1,
        "per_device_train_batch_size": PER_PASS,
        "gradient_accumulation_steps": config.batch_size // PER_PASS,
        "learning_rate": config.optimizer.learning_rate,
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr": config.optimizer.lr_final},
        "max_length": config.max_length,
        "use_cpu": not torch.cuda.is_available(),
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
    if not task["defaults"]:
        precision = config.precision
        arguments |= {"bf16": precision.bf16}
        arguments |= {"gradient_checkpointing": precision.gradient_checkpointing}
    clock = Clock()
    trainer = SFTTrainer(
        model=task["model"],
        args=SFTConfig(**arguments),
        train_dataset=dataset,
        callbacks=[clock],
    )
    trainer.train()
    found = {"points": clock.points, "began": clock.began}
    found |= {"parameters": trainer.model.num_parameters()}
    print(json.dumps(found | peak_memory()))


def conversation(row: dict[str, Any]) -> dict[str, Any]:
    """TRL's conversational prompt and completion."""
    completion = [{"role": "assistant", "content": row["completion"]}]
    return {"prompt": row["prompt"], "completion": completion}


if __name__ == "__main__":
    main(sys.argv[1])

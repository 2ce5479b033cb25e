"""A bare loop on packed rows: what a step costs without any trainer (benchmarks/sft.py).

    python -m benchmarks.bare_sft TASK.json

All documents are packed into rows of `max_length` beforehand; a step is as many rows as hold a
step's documents on average. The whole model is compiled with its loss, under bf16 autocast; AdamW
is fused. No logs, no callbacks, no checkpoints.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from benchmarks.plain_grpo import peak_memory
from benchmarks.tasks_sft import point, stage_config
from stages.kinds.sft.kind import SFTConfig
from stages.rows.schemas import read_rows
from stages.supervised.batches import Batch, Layout, Passes
from stages.supervised.documents import IGNORED, encode
from stages.training.arguments import attention
from stages.training.common import load_model, load_tokenizer, on_gpu


def main(file: str) -> None:
    """Train, and print the points of the curve and the peak of memory."""
    task = json.loads(Path(file).read_text())
    torch.set_num_threads(task["threads"])
    config = stage_config(task["profile"], task["overrides"])
    config.precision.bf16 = True
    model = load_model(Path(task["model"]), attention(config.precision, config.max_length))
    device = torch.device("cuda" if on_gpu() else "cpu")
    model.to(device).train()
    if config.precision.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    steps = list(_steps(task, config))
    points: list[dict[str, float]] = []
    began = time.time()
    for step, loss in zip(steps, _train(model, steps, config, device), strict=True):
        tokens = sum(int(part["tokens"].sum()) for part in step)
        points.append(point(loss, tokens))
    found = {"points": points, "began": began, "parameters": model.num_parameters()}
    print(json.dumps(found | peak_memory()))


def _steps(task: dict[str, Any], config: SFTConfig) -> Iterator[list[Batch]]:
    """The passes of each step, packed before the clock starts."""
    tokenizer = load_tokenizer(Path(task["model"]))
    documents = encode(tokenizer, read_rows(Path(task["rows"])), config.system_prompt)
    layout = Layout(tokenizer.pad_token_id, config.max_length)
    rows = layout([vars(document) for document in documents])
    order = torch.tensor(
        random.Random(task["seed"]).sample(range(len(rows["tokens"])), k=len(rows["tokens"]))
    )
    rows = {name: value[order] for name, value in rows.items()}
    passes = Passes(config.micro_batch, packed=True)
    parts = {name: value.tensor_split(task["steps"]) for name, value in rows.items()}
    for step in range(task["steps"]):
        yield list(passes({name: values[step] for name, values in parts.items()}))


def _train(
    model: Any, steps: list[list[Batch]], config: SFTConfig, device: torch.device
) -> Iterator[float]:
    """The loss of every step."""

    def summed(input_ids: Any, position_ids: Any, labels: Any) -> Any:
        logits = model(input_ids=input_ids, position_ids=position_ids, use_cache=False).logits
        flat = logits[:, :-1].flatten(0, 1).float()
        return cross_entropy(flat, labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum")

    compiled = torch.compile(summed, dynamic=True)
    rates = config.optimizer
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=rates.learning_rate, weight_decay=rates.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(steps), rates.lr_final)
    for step in steps:
        labels = sum(int((part["labels"][:, 1:] != IGNORED).sum()) for part in step)
        total = torch.zeros((), device=device)
        for part in step:
            parts = (part[name].to(device) for name in ("input_ids", "position_ids", "labels"))
            with torch.autocast(device.type, torch.bfloat16):
                loss = compiled(*parts) / labels
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), rates.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        yield float(total)


if __name__ == "__main__":
    main(sys.argv[1])

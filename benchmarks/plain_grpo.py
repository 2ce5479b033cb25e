"""GRPO as TRL's documentation shows it (huggingface.co/docs/trl, "GRPO Trainer"): what we beat.

    python -m benchmarks.plain_grpo TASK.json      (benchmarks/grpo.py writes the task)

Model, prompts, rewards and numbers are the task's; nothing here is ours but the verifiers and the
format that the rewards ask. The last line of the output says what was measured.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from stages.rewards.format import strict
from stages.rows.schemas import read_rows
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of


class Clock(TrainerCallback):
    """When each step was done, and what TRL logged of it."""

    def __init__(self) -> None:
        self.points: list[dict[str, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
        if "reward" in logs:
            self.points.append(point(logs["reward"], logs["completions/mean_length"]))


def point(reward: float, length: float) -> dict[str, float]:
    """A point of the curve, with the clock on the wall and that of this process."""
    clocks = {"time": time.perf_counter(), "cpu": time.process_time()}
    return {**clocks, "reward": reward, "length": length}


def main(file: str) -> None:
    """Train, and print the points of the curve and the peak of memory."""
    task = json.loads(Path(file).read_text())
    torch.set_num_threads(task["threads"])
    rows = read_rows(Path(task["rows"]))
    pool = VerifierPool(workers=1, policy=Policy(strict=True))  # as every RL stage

    def accuracy(completions: list[Any], number: list[int], **columns: Any) -> list[float | None]:
        texts = [completion[0]["content"] for completion in completions]
        requests = [request_of(rows[n], text) for n, text in zip(number, texts, strict=True)]
        return [verdict.score for verdict in pool.verify(requests)]

    def format(completions: list[Any], **columns: Any) -> list[float]:
        return [strict(completion[0]["content"]) for completion in completions]

    dataset = Dataset.from_list([{"prompt": rows[n]["prompt"], "number": n} for n in task["order"]])
    clock = Clock()
    trainer = GRPOTrainer(
        model=task["model"],
        reward_funcs=[accuracy, format],
        args=GRPOConfig(**task["arguments"]),
        train_dataset=dataset,
        callbacks=[clock],
    )
    trainer.train()
    pool.close()
    print(json.dumps({"points": clock.points, **peak_memory()}))


def peak_memory() -> dict[str, float]:
    """The most that this process held, in MB."""
    found = {"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    if torch.cuda.is_available():
        found["gpu_memory_mb"] = torch.cuda.max_memory_reserved() / 2**20
    return found


if __name__ == "__main__":
    main(sys.argv[1])

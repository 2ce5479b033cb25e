"""The task of benchmarks/grpo.py: the numbers of a profile's stage `zero`, for us and for TRL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.compose import compose
from stages.kinds.rl.config import Curriculum, RLConfig
from stages.project import R1
from stages.rl.prompt_stream import PromptStream


def stage_config(overrides: Sequence[str]) -> RLConfig:
    """The stage `zero` as a run with these overrides has it."""
    config: RLConfig = compose(R1, ["recipe=r1_zero", *overrides]).stages["zero"]
    return config


def arguments(config: RLConfig, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """The same numbers as TRL's: `micro_batch` sequences at a time, accumulated to a step."""
    batch = config.questions_per_step * config.samples_per_question
    rows = min(config.micro_batch, batch)
    optimizer, algorithm = config.optimizer, config.algorithm
    found: dict[str, Any] = {
        "output_dir": str(folder / "plain"),
        "seed": seed,
        "max_steps": steps,
        "learning_rate": optimizer.learning_rate,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": optimizer.warmup_steps,
        "max_grad_norm": optimizer.max_grad_norm,
        "per_device_train_batch_size": rows,
        "gradient_accumulation_steps": batch // rows,
        "steps_per_generation": batch // rows * config.steps_per_rollout,
        "num_generations": config.samples_per_question,
        "max_completion_length": config.sampling.max_tokens,
        "temperature": config.sampling.temperature,
        "beta": config.kl_coefficient,
        "epsilon": config.clip_low,
        "epsilon_high": config.clip_high,
        "loss_type": algorithm.loss_type,
        "scale_rewards": algorithm.scale_rewards,
        "shuffle_dataset": False,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
    if config.rollout.engine == "vllm":
        memory = config.rollout.gpu_memory_utilization
        found |= {"use_vllm": True, "vllm_mode": "colocate", "vllm_gpu_memory_utilization": memory}
    return found


def order(config: RLConfig, prompts: int, steps: int, seed: int) -> list[int]:
    """The prompts of all steps, as our stage would ask them."""
    rollouts = -(-steps // config.steps_per_rollout)
    needed = rollouts * config.steps_per_rollout * config.questions_per_step
    return PromptStream(prompts, seed, Curriculum()).take(needed, step=0)

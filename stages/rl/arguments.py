"""From the stage's config to TRL's arguments, number by number (TRL 1.16's defaults differ).

One optimiser step is one TRL micro-batch here: `per_device_train_batch_size` holds all completions
of a step and `gradient_accumulation_steps` is 1. The trainer splits a step by length by itself, so
`micro_batch` changes no result. A rollout of k steps (the paper's 8,192 outputs in 16 minibatches)
is TRL's `steps_per_generation`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from trl import GRPOConfig

from pipeline.context import Context
from pipeline.errors import UsageError
from stages.training.arguments import trainer_arguments
from stages.training.parallel import gang_arguments

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


def grpo_arguments(config: RLConfig, context: Context) -> GRPOConfig:
    """TRL's arguments of an RL stage."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    _check_processes(config, processes)
    shared = trainer_arguments(context, config.optimizer, config.precision, config.save_steps)
    return GRPOConfig(
        **shared,
        max_steps=config.max_steps,
        per_device_train_batch_size=completions_per_step(config) // processes,
        gradient_accumulation_steps=1,
        num_generations=config.samples_per_question,
        steps_per_generation=config.steps_per_rollout,
        num_iterations=1,
        loss_type=config.algorithm.loss_type,
        scale_rewards=config.algorithm.scale_rewards,
        importance_sampling_level=_level(config),
        epsilon=config.clip_low,
        epsilon_high=config.clip_high,
        beta=config.kl_coefficient,
        use_bias_correction_kl=False,  # TRL's default changes the gradient of the KL term
        temperature=config.sampling.temperature,
        top_p=config.sampling.top_p,
        top_k=config.sampling.top_k,
        max_completion_length=config.sampling.max_tokens,
        disable_dropout=True,
        shuffle_dataset=False,  # the prompts come in their order of training: see rl_prompts
        remove_unused_columns=False,
        logging_nan_inf_filter=False,  # a NaN stops the stage; it is not papered over
        **_reference(config),
        **_importance(config),
        **gang_arguments(config.parallel),
    )


def completions_per_step(config: RLConfig) -> int:
    """The batch of an optimiser step, as the paper counts it: 16 × 32 = 512."""
    return config.questions_per_step * config.samples_per_question


def _level(config: RLConfig) -> str:
    """TRL's name of the ratio. Without one the trainer takes the old policy out of the batch.

    The ratio is then 1 at either level; `luspo` asks for the sequence's.
    """
    algorithm = config.algorithm
    if algorithm.ratio != "none":
        return algorithm.ratio
    return "sequence" if algorithm.loss_type == "luspo" else "token"


def _check_processes(config: RLConfig, processes: int) -> None:
    """What the composed config cannot know: under how many processes the stage was started."""
    if config.questions_per_step % processes:
        whole = -(-config.questions_per_step // processes) * processes
        raise UsageError(
            f"questions_per_step is {config.questions_per_step}, but the stage runs on {processes} "
            f"processes that each need whole groups: choose a multiple, e.g. {whole}"
        )


def _reference(config: RLConfig) -> dict[str, Any]:
    """The policy replaces the reference every k steps (paper, 2.1); with LoRA by a callback."""
    if not config.reference_sync_steps or config.lora is not None:
        return {}
    return {
        "sync_ref_model": True,
        "ref_model_sync_steps": config.reference_sync_steps,
        "ref_model_mixup_alpha": 1.0,  # TRL's default mixes in 0.6 of the policy
    }


def _importance(config: RLConfig) -> dict[str, Any]:
    """How TRL weighs tokens by how far the engine that said them and the policy are apart."""
    weights = config.importance
    if weights is None:
        return {}
    return {
        "vllm_importance_sampling_mode": weights.mode,
        "vllm_importance_sampling_clip_min": weights.clip_min,
        "vllm_importance_sampling_clip_max": weights.clip_max,
    }

"""verl 0.9.1 (github.com/volcengine/verl): our numbers as overrides of its Hydra configuration.

docs/engines.md has the same as a table, and why. Its files, where we read or write them:

    checkpoints/latest_checkpointed_iteration.txt       the number of the newest whole checkpoint
    checkpoints/global_step_N/actor/…                   sharded weights and optimiser
    checkpoints/global_step_N/actor/huggingface/        the export (save_contents has hf_model)
    checkpoints/global_step_N/data.pt                   how far in its rows it is
    VERL_FILE_LOGGER_PATH                               {"step": N, "data": {…}} for each rollout

A step of verl is a rollout with all its updates. It writes its log anew at every start.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.engines.engine import EngineRow, Places, Rollout
from stages.rl.schedule import max_tokens_at

if TYPE_CHECKING:
    from stages.engines.segments import Segment
    from stages.kinds.rl.config import RLConfig

MODULE = "verl.trainer.main_ppo"
LOG = "VERL_FILE_LOGGER_PATH"
TRACKER = "latest_checkpointed_iteration.txt"
KEPT = 2  # checkpoints

ACTOR, ROLLOUT = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
MODEL, REF = "actor_rollout_ref.model", "actor_rollout_ref.ref"
CORRECTION = "algorithm.rollout_correction"

#: The override that has Megatron train, whose optimiser has another name for a schedule.
MEGATRON = "model_engine=megatron"
#: TRL's names of a loss → how verl takes the mean of it.
MEANS = {"grpo": "seq-mean-token-mean", "dr_grpo": "seq-mean-token-sum-norm"}
#: Ours of a group's scale → whether verl divides by the group's standard deviation.
SCALES = {"group": True, "none": False}
#: TRL's names of importance weights → verl's level of them.
LEVELS = {"token_truncate": "token", "sequence_truncate": "sequence"}
#: A bound that no ratio comes to: verl's dual clip would act at 3 where an advantage is negative.
NEVER = 1e9

#: verl's names of curves → ours.
CURVES = {
    "actor/loss": "loss",
    "actor/kl_loss": "kl",
    "actor/pg_clipfrac": "clip_ratio",
    "actor/grad_norm": "grad_norm",
    "actor/lr": "learning_rate",
    "actor/entropy": "entropy",
    "critic/score/mean": "reward",
    "response_length/mean": "length",
    "response_length/clip_ratio": "truncation",
    "rollout_corr/rollout_is_mean": "importance_weight",
    "rollout_corr/rollout_is_min": "lowest_importance",
    "timing_s/step": "step_seconds",
}


class Verl:
    """See the module's docstring."""

    name = "verl"
    logs = True

    def command(self, config: RLConfig, segment: Segment, places: Places) -> list[str]:
        """Python, verl's module, every number as an override, the user's own last."""
        words = [f"{key}={_word(value)}" for key, value in settings(config, segment, places)]
        return [str(config.engine.python), "-m", MODULE, *words, *config.engine.overrides]

    def environment(self, places: Places) -> dict[str, str]:
        return {LOG: str(places.curves)}

    def rows(self, prompts: Sequence[EngineRow]) -> list[dict[str, object]]:
        """verl's columns; it hands `extra_info` to the reward function as it is."""
        return [
            {
                "data_source": row.source,
                "prompt": [dict(message) for message in row.messages],
                "reward_model": {"style": "rule", "ground_truth": ""},
                "extra_info": {"index": row.place, "prompt": row.prompt},
            }
            for row in prompts
        ]

    def line(self, line: bytes) -> Rollout | None:
        """A torn or foreign line is no rollout."""
        try:
            said = json.loads(line)
            data, number = said["data"], int(said["step"])
        except (ValueError, KeyError, TypeError):
            return None
        found = {ours: data[theirs] for theirs, ours in CURVES.items() if _is_number(data, theirs)}
        return Rollout(number, found)

    def reached(self, checkpoints: Path) -> int:
        try:
            return int((checkpoints / TRACKER).read_text())
        except (OSError, ValueError):
            return 0

    def export(self, checkpoints: Path, rollouts: int) -> Path:
        return checkpoints / f"global_step_{rollouts}" / "actor" / "huggingface"

    def begin_rows(self, checkpoints: Path, rollouts: int) -> None:
        (checkpoints / f"global_step_{rollouts}" / "data.pt").unlink(missing_ok=True)


def settings(config: RLConfig, segment: Segment, places: Places) -> Iterator[tuple[str, Any]]:
    """verl's keys with their values, for a segment."""
    yield from _algorithm(config)
    yield from _data(config, segment, places)
    yield from _model(config, places)
    yield from _sampling(config, segment)
    yield from _updates(config)
    yield from _optimizer(config, segment)
    yield "reward.custom_reward_function.path", places.client
    yield "reward.custom_reward_function.name", "compute_score"
    yield from _run(config, segment, places)


def _algorithm(config: RLConfig) -> Iterator[tuple[str, Any]]:
    yield "algorithm.adv_estimator", "grpo"
    yield "algorithm.norm_adv_by_std_in_grpo", SCALES[config.algorithm.scale_rewards]
    yield "algorithm.use_kl_in_reward", False
    if config.importance is not None:
        yield f"{CORRECTION}.rollout_is", LEVELS[config.importance.mode]
        yield f"{CORRECTION}.rollout_is_threshold", config.importance.clip_max


def _data(config: RLConfig, segment: Segment, places: Places) -> Iterator[tuple[str, Any]]:
    """The rows are in order, a rollout after the other, so nothing is shuffled."""
    yield "data.train_files", places.rows
    yield "data.val_files", places.rows
    yield "data.shuffle", False
    yield "data.seed", config.seed
    yield "data.train_batch_size", config.questions_per_step * segment.per_rollout
    yield "data.max_prompt_length", config.max_prompt_tokens
    yield "data.max_response_length", max_tokens_at(config, segment.steps.start)


def _model(config: RLConfig, places: Places) -> Iterator[tuple[str, Any]]:
    yield f"{MODEL}.path", places.reference
    yield f"{MODEL}.enable_gradient_checkpointing", config.precision.gradient_checkpointing


def _sampling(config: RLConfig, segment: Segment) -> Iterator[tuple[str, Any]]:
    sampling, rollout = config.sampling, config.rollout
    yield f"{ROLLOUT}.name", rollout.engine
    yield f"{ROLLOUT}.n", config.samples_per_question
    yield f"{ROLLOUT}.temperature", sampling.temperature
    yield f"{ROLLOUT}.top_p", sampling.top_p
    yield f"{ROLLOUT}.top_k", sampling.top_k or -1
    yield f"{ROLLOUT}.seed", config.seed + segment.first  # else each start draws the same numbers
    yield f"{ROLLOUT}.tensor_model_parallel_size", rollout.tensor_parallel_size
    yield f"{ROLLOUT}.gpu_memory_utilization", rollout.gpu_memory_utilization
    yield f"{ROLLOUT}.max_model_len", rollout.max_model_tokens
    yield f"{ROLLOUT}.dtype", "bfloat16" if rollout.dtype == "auto" else rollout.dtype


def _updates(config: RLConfig) -> Iterator[tuple[str, Any]]:
    """A minibatch is counted in questions there. A pass holds `micro_batch` of the longest rows."""
    limits = [config.sampling.max_tokens, *(s.max_tokens for s in config.length_switches)]
    yield f"{ACTOR}.ppo_mini_batch_size", config.questions_per_step
    yield f"{ACTOR}.ppo_epochs", 1
    yield f"{ACTOR}.use_dynamic_bsz", True
    longest = config.max_prompt_tokens + max(limits)
    yield f"{ACTOR}.ppo_max_token_len_per_gpu", config.micro_batch * longest
    yield f"{ACTOR}.clip_ratio", config.clip_high
    yield f"{ACTOR}.clip_ratio_low", config.clip_low
    yield f"{ACTOR}.clip_ratio_high", config.clip_high
    yield f"{ACTOR}.clip_ratio_c", NEVER
    yield f"{ACTOR}.loss_agg_mode", MEANS[config.algorithm.loss_type]
    yield f"{ACTOR}.entropy_coeff", 0
    yield f"{ACTOR}.use_kl_loss", bool(config.kl_coefficient)
    yield f"{ACTOR}.kl_loss_coef", config.kl_coefficient
    yield f"{ACTOR}.kl_loss_type", "low_var_kl"
    yield f"{ACTOR}.data_loader_seed", config.seed


def _optimizer(config: RLConfig, segment: Segment) -> Iterator[tuple[str, Any]]:
    """Its schedule moves once a rollout; warm-up lies in rollouts of full length."""
    optimizer = config.optimizer
    yield f"{ACTOR}.optim.lr", optimizer.learning_rate
    schedule = "lr_decay_style" if MEGATRON in config.engine.overrides else "lr_scheduler_type"
    yield f"{ACTOR}.optim.{schedule}", optimizer.schedule
    yield f"{ACTOR}.optim.lr_warmup_steps", optimizer.warmup_steps // config.steps_per_rollout
    yield f"{ACTOR}.optim.weight_decay", optimizer.weight_decay
    yield f"{ACTOR}.optim.betas", [0.9, optimizer.adam_beta2]
    yield f"{ACTOR}.optim.clip_grad", optimizer.max_grad_norm


def _run(config: RLConfig, segment: Segment, places: Places) -> Iterator[tuple[str, Any]]:
    """It saves with the last rollout of a segment in any case, and epochs never end it."""
    engine = config.engine
    yield f"{ACTOR}.checkpoint.save_contents", ["model", "optimizer", "extra", "hf_model"]
    yield "trainer.nnodes", engine.nodes
    yield "trainer.n_gpus_per_node", engine.gpus_per_node
    yield "trainer.logger", ["console", "file"]
    yield "trainer.project_name", "r1"
    yield "trainer.experiment_name", config.kind
    yield "trainer.resume_mode", "auto"
    yield "trainer.default_local_dir", places.checkpoints
    yield "trainer.save_freq", config.save_steps // config.steps_per_rollout
    yield "trainer.max_actor_ckpt_to_keep", KEPT
    yield "trainer.test_freq", -1
    yield "trainer.val_before_train", False
    yield "trainer.total_training_steps", segment.end
    yield "trainer.total_epochs", segment.end + 1


def _word(value: Any) -> str:
    """A value as Hydra's grammar reads it; text in quotes where it is a path."""
    if isinstance(value, Path):
        quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
        return f"'{quoted}'"
    if isinstance(value, list):
        return f"[{','.join(map(_word, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _is_number(data: Any, name: str) -> bool:
    value = data.get(name)
    return isinstance(value, int | float) and math.isfinite(value)

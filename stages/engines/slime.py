"""slime 0.3.1 (github.com/THUDM/slime): our numbers as words of its `train.py`. Not run.

It replaces its reference by itself, counted in rollouts (`--ref-update-interval`), but forgets it
when it ends: a start that goes on names the checkpoint of the last replacement. Its own start
scripts begin with `pkill -9 python`, so `train.py` is called. The shape and the parallelism of a
model are Megatron's words, and come by `engine.overrides`.

    SAVE/latest_checkpointed_iteration.txt      the newest checkpoint: rollouts done, less 1
    SAVE/hf_N/                                  the export after rollout N (--save-hf)
    SAVE/rollout/…_N.pt                         how far in its prompts it is

It has no log of a line for each rollout that a program may rely on: curves are of what is scored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.engines.engine import EngineRow, Places, Rollout
from stages.engines.reward_client import slime_reward
from stages.rl.schedule import max_tokens_at

if TYPE_CHECKING:
    from stages.engines.segments import Segment
    from stages.kinds.rl.config import RLConfig

TRACKER = "latest_checkpointed_iteration.txt"
DATA = "rollout/global_dataset_state_dict_{}.pt"


class Slime:
    """See the module's docstring."""

    name = "slime"
    logs = False

    def command(self, config: RLConfig, segment: Segment, places: Places) -> list[str]:
        """Python, its train.py, every number as a flag, the user's own words last."""
        engine = config.engine
        words: list[str] = []
        for flag, value in flags(config, segment, places):
            words += [f"--{flag}"] if value is True else [f"--{flag}", str(value)]
        return [str(engine.python), str(engine.program), *words, *engine.overrides]

    def environment(self, places: Places) -> dict[str, str]:
        """Its reward function is of a module; Ray's workers see the driver's folder, too."""
        return {"PYTHONPATH": str(places.client.parent)}

    def rows(self, prompts: Sequence[EngineRow]) -> list[dict[str, object]]:
        """The label names the row to the reward function."""
        return [
            {
                "prompt": [dict(message) for message in row.messages],
                "label": json.dumps({"prompt": row.prompt, "place": row.place}),
            }
            for row in prompts
        ]

    def line(self, line: bytes) -> Rollout | None:
        return None

    def reached(self, checkpoints: Path) -> int:
        try:
            return int((checkpoints / TRACKER).read_text()) + 1
        except (OSError, ValueError):
            return 0

    def export(self, checkpoints: Path, rollouts: int) -> Path:
        return checkpoints / f"hf_{rollouts - 1}"

    def begin_rows(self, checkpoints: Path, rollouts: int) -> None:
        (checkpoints / DATA.format(rollouts - 1)).unlink(missing_ok=True)


def flags(config: RLConfig, segment: Segment, places: Places) -> Iterator[tuple[str, Any]]:
    """slime's flags with their values, for a segment; True: the flag alone."""
    yield from _data(config, segment, places)
    yield from _sampling(config, segment)
    yield from _loss(config)
    yield from _reference(config, places)
    yield from _optimizer(config)
    yield "custom-rm-path", f"{places.client.stem}.{slime_reward.__name__}"
    yield "actor-num-nodes", config.engine.nodes
    yield "actor-num-gpus-per-node", config.engine.gpus_per_node
    yield "colocate", True
    yield "save", places.checkpoints
    yield "load", places.checkpoints
    yield "save-hf", f"{places.checkpoints}/hf_{{rollout_id}}"
    yield "save-interval", config.save_steps // config.steps_per_rollout


def _data(config: RLConfig, segment: Segment, places: Places) -> Iterator[tuple[str, Any]]:
    yield "hf-checkpoint", places.reference
    yield "prompt-data", places.rows
    yield "input-key", "prompt"
    yield "label-key", "label"
    yield "apply-chat-template", True
    yield "num-rollout", segment.end
    yield "rollout-batch-size", config.questions_per_step * segment.per_rollout
    yield "global-batch-size", config.questions_per_step * config.samples_per_question
    yield "use-dynamic-batch-size", True
    limits = [config.sampling.max_tokens, *(s.max_tokens for s in config.length_switches)]
    yield "max-tokens-per-gpu", config.micro_batch * (config.max_prompt_tokens + max(limits))


def _sampling(config: RLConfig, segment: Segment) -> Iterator[tuple[str, Any]]:
    sampling = config.sampling
    yield "n-samples-per-prompt", config.samples_per_question
    yield "rollout-temperature", sampling.temperature
    yield "rollout-top-p", sampling.top_p
    yield "rollout-top-k", sampling.top_k or -1
    yield "rollout-max-prompt-len", config.max_prompt_tokens
    yield "rollout-max-response-len", max_tokens_at(config, segment.steps.start)
    yield "rollout-skip-special-tokens", True
    yield "rollout-seed", config.seed + segment.first
    yield "rollout-num-gpus-per-engine", config.rollout.tensor_parallel_size
    yield "sglang-mem-fraction-static", config.rollout.gpu_memory_utilization


def _loss(config: RLConfig) -> Iterator[tuple[str, Any]]:
    """Its loss is the mean over a sample's tokens, then over samples, as GRPO's; no dual clip."""
    yield "advantage-estimator", "grpo"
    if config.algorithm.scale_rewards == "none":
        yield "disable-grpo-std-normalization", True
    yield "eps-clip", config.clip_low
    yield "eps-clip-high", config.clip_high
    if config.kl_coefficient:
        yield "use-kl-loss", True
        yield "kl-loss-coef", config.kl_coefficient
        yield "kl-loss-type", "low_var_kl"
    if config.importance is not None:
        yield "use-tis", True
        yield "tis-clip", config.importance.clip_max


def _reference(config: RLConfig, places: Places) -> Iterator[tuple[str, Any]]:
    """The start's weights, or the checkpoint of the last replacement, and when the next one is."""
    interval = config.reference_sync_steps // config.steps_per_rollout
    last = places.reached - places.reached % interval if interval else 0
    if last:
        yield "ref-load", places.checkpoints
        yield "ref-ckpt-step", last - 1
    else:
        yield "ref-load", places.reference
    if interval:
        yield "ref-update-interval", interval


def _optimizer(config: RLConfig) -> Iterator[tuple[str, Any]]:
    optimizer = config.optimizer
    yield "lr", optimizer.learning_rate
    yield "lr-decay-style", optimizer.schedule
    yield "lr-warmup-iters", optimizer.warmup_steps
    yield "weight-decay", optimizer.weight_decay
    yield "adam-beta1", 0.9
    yield "adam-beta2", optimizer.adam_beta2
    yield "clip-grad", optimizer.max_grad_norm
    yield "seed", config.seed

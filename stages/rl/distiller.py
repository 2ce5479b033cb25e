"""TRL's on-policy distillation with our rollouts and exact resume.

TRL keeps the loss: the divergence of the student from the teacher over the whole vocabulary at
every token that the student said, and never a distribution in memory. Where this trainer differs:

1. Completions come from our engine, each with a seed of its own made of (stage seed, step, place).
2. The data set holds the prompts of the whole run in their order: TRL's sampler shuffles anew when
   a run is resumed in a later epoch.
3. Curves have our names; `loss` is the divergence. One that is no number ends the stage.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import DistillationConfig, DistillationTrainer

from pipeline import meter
from pipeline.context import moved
from stages.rl.prompts import Prompt
from stages.rollout.engine import Completion, GenerationRequest
from stages.rollout.transformers_engine import TransformersEngine
from stages.training.bad_batch import SHOWN, Line, require_finite

if TYPE_CHECKING:
    from stages.kinds.on_policy_distill.kind import OnPolicyDistillConfig

REMEDY = "Lower optimizer.learning_rate, and run again."

#: TRL's names → ours, which those of RL are, too.
CURVES = {
    "loss": "loss",  # the mean divergence per token
    "entropy": "entropy",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "truncation",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
}


def prompt_order(prompts: int, places: int, seed: int) -> list[int]:
    """Which prompt stands at each place of the run: a fresh shuffle of all of them every epoch."""
    order: list[int] = []
    while len(order) < places:
        epoch = list(range(prompts))
        random.Random(f"{seed}/prompts/{len(order)}").shuffle(epoch)
        order += epoch
    return order[:places]


class OnPolicyDistiller(DistillationTrainer):
    """See the module's docstring. tokens: seen by the student so far, prompts included."""

    def __init__(
        self,
        config: OnPolicyDistillConfig,
        model: PreTrainedModel,
        teacher: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Prompt],
        arguments: DistillationConfig,
        callbacks: list[TrainerCallback],
        **more: Any,
    ) -> None:
        self.config, self.prompts = config, prompts
        self._asked: list[Prompt] = []
        self._said: list[Completion] = []
        places = config.max_steps * config.prompts_per_step
        order = prompt_order(len(prompts), places, config.seed)
        super().__init__(
            model=model,
            teacher_model=teacher,
            args=arguments,
            train_dataset=Dataset.from_dict({"prompt": order}),
            processing_class=tokenizer,
            callbacks=callbacks,
            **more,
        )
        policy = self.accelerator.unwrap_model(self.model)
        self.engine = TransformersEngine(policy, tokenizer, config.batch_tokens)
        self._clock, self._before = time.perf_counter(), 0.0

    @property
    def tokens(self) -> int:
        return int(self.state.num_input_tokens_seen)

    def _tokenize_prompts(self, prompts: list[int]) -> tuple[list[list[int]], None, dict[str, Any]]:
        self._asked = [self.prompts[number] for number in prompts]
        return [prompt.token_ids for prompt in self._asked], None, {}

    def _generate_single_turn(
        self,
        prompt_ids: list[list[int]],
        images: Any,
        multimodal_fields: Any,
        has_tool_images: bool = False,
    ) -> list[list[int]]:
        """One completion of each prompt, from the weights in training."""
        first = random.Random(f"{self.config.seed}/{self.state.global_step}").getrandbits(48)
        first += self.accelerator.process_index * len(prompt_ids)
        requests = [
            GenerationRequest(ids, 1, first + place, logprobs=False)
            for place, ids in enumerate(prompt_ids)
        ]
        with meter.phase("rollout"), self.accelerator.autocast():
            answers = self.engine.generate(requests, self.config.sampling)
        self._said = [completion for (completion,) in answers]
        return [completion.token_ids for completion in self._said]

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        moved()
        self._require_finite("loss", float(loss), self.state.global_step + 1)
        return loss

    def _require_finite(self, name: str, value: float, step: int) -> None:
        require_finite(name, value, step, self._lines(), Path(self.args.output_dir), REMEDY)

    def _lines(self) -> Iterator[Line]:
        """What the student was asked in this step, and what it said."""
        for prompt, completion in zip(self._asked, self._said, strict=True):
            said = {"tokens": len(completion.token_ids), "completion": completion.text[:SHOWN]}
            yield {"row": prompt.row["id"], "prompt": prompt.text[:SHOWN], **said}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            metrics = self._metrics["train"]
            self._require_finite(
                "gradient's norm", logs.get("grad_norm", 0.0), self.state.global_step
            )
            found = {**logs, **{name: sum(v) / len(v) for name, v in metrics.items() if v}}
            now, tokens = time.perf_counter(), float(self.tokens)
            speed = (tokens - self._before) / (now - self._clock)
            self._clock, self._before = now, tokens
            metrics.clear()
            logs = {ours: found[theirs] for theirs, ours in CURVES.items() if theirs in found}
            logs["tokens_per_second"] = speed
        super().log(logs, start_time)
        self.state.log_history = self.state.log_history[-1:]

    def create_model_card(self, **kwargs: Any) -> None:
        """No card beside a checkpoint: what a stage publishes has its manifest."""

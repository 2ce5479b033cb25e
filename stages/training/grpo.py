"""GRPO on TRL's trainer: the paper's loss, our rollouts and rewards, exact resume, less work.

TRL keeps what makes GRPO what it is: the advantages of a group (`scale_rewards`), the clipped loss
and its KL term (`loss_type`, `beta`), the loop of optimiser steps. Where this trainer differs:

1. Completions come from our engine, which samples from the weights in training and gives each
   completion its own seed, made of (stage seed, step, position): no resume can shift it.
2. Rewards are the stage's terms; their weights follow the optimiser step.
3. Rows whose group has equal rewards have advantage 0: with no KL term in the loss they are
   neither run forward nor backward. They still count in every mean of the loss.
4. A step is split by length into chunks, and a prompt is run once for its group (shared_prompts).
5. A checkpoint holds the synced reference model too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_model as load_weights
from safetensors.torch import save_model as save_weights
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from pipeline.errors import RecipeError
from stages.configs import RLConfig, Sampling
from stages.rewards.terms import Term
from stages.rollout.engine import Completion, GenerationRequest
from stages.rollout.transformers_engine import TransformersEngine
from stages.training.rl_batches import (
    Chunk,
    by_length,
    frozen_logps,
    share_prompts,
    split_batch,
    take,
)
from stages.training.rl_metrics import curves, mean, rollout_metrics
from stages.training.rl_prompts import Prompt, training_set
from stages.training.rl_rewards import TermReward, weights_at, without_signal
from stages.training.shared_prompts import can_share

REFERENCE = "reference.safetensors"

#: How TRL normalises a loss decides what a chunk of its rows weighs: `bnpo` goes by the tokens of
#: the step; these go by its sequences, or by the tokens of the whole rollout (already divided).
BY_SEQUENCE = frozenset({"grpo", "sapo", "dr_grpo", "luspo"})
BY_ROLLOUT = frozenset({"dapo", "cispo", "vespo"})

Tensors = dict[str, torch.Tensor]


class RecipeGRPOTrainer(GRPOTrainer):
    """See the module. `start` is the model that KL is measured to when it is not in the loss."""

    def __init__(
        self,
        config: RLConfig,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Prompt],
        terms: Sequence[Term],
        arguments: GRPOConfig,
        callbacks: list[TrainerCallback],
        start: PreTrainedModel | None = None,
    ) -> None:
        self.config = config
        self.prompts = prompts
        self.terms = terms
        super().__init__(
            model=model,
            reward_funcs=[TermReward(term, prompts) for term in terms],
            args=arguments,
            train_dataset=training_set(prompts, config),
            processing_class=tokenizer,
            callbacks=callbacks,
        )
        self.start = start.to(self.accelerator.device).eval() if start is not None else None
        policy = self.accelerator.unwrap_model(self.model)
        self.engine = TransformersEngine(policy, tokenizer, config.rollout.batch_tokens)
        self.sharing = (
            self.accelerator.num_processes == 1
            and not arguments.gradient_checkpointing
            and not self.aux_loss_enabled
            and can_share(policy)
        )
        self._chunk: Chunk | None = None
        self._clock = time.perf_counter()

    # ---- rollout ------------------------------------------------------------------------------

    def _generate_single_turn(
        self, prompt_ids: list[list[int]], images: Any, fields: Any, num_generations: int, **kw: Any
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Completions of the local prompts, which TRL repeats `num_generations` times in a row."""
        if self.use_vllm:
            ids, logprobs = super()._generate_single_turn(
                prompt_ids, images, fields, num_generations, **kw
            )
            texts = self.processing_class.batch_decode(ids, skip_special_tokens=True)
            self._completions = [
                Completion(*parts, "", 0) for parts in zip(ids, texts, logprobs, strict=True)
            ]
            return ids, logprobs
        with self.accelerator.autocast():
            groups = self.engine.generate(self._requests(prompt_ids), self._sampling())
        self._completions = [completion for group in groups for completion in group]
        return (
            [completion.token_ids for completion in self._completions],
            [completion.logprobs or [] for completion in self._completions],
        )

    def _requests(self, prompt_ids: list[list[int]]) -> list[GenerationRequest]:
        """One request per group; its seed says which stage, step and place it has."""
        group = self.num_generations
        place = self.accelerator.process_index * len(prompt_ids)
        base = (self.args.seed << 40) + (self.state.global_step << 20)
        return [
            GenerationRequest(prompt_ids[row], group, base + place + row)
            for row in range(0, len(prompt_ids), group)
        ]

    def _sampling(self) -> Sampling:
        sampling = self.config.sampling
        return Sampling(
            sampling.temperature, sampling.top_p, sampling.top_k, self.max_completion_length
        )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Tensors:
        """TRL's rollout, with this step's length limit and weights, and what we measure on it."""
        step = self.state.global_step
        self.reward_weights = weights_at(self.terms, step)
        self.max_completion_length = max_tokens_at(self.config, step)
        batch: Tensors = super()._generate_and_score_completions(inputs)
        batch["advantages"] = self._settle_advantages(batch["advantages"])
        rows = [self.prompts[example["row"]].row for example in inputs]
        measured = rollout_metrics(
            rows, self._completions, self.processing_class, self.config.checking_words
        )
        if self.beta == 0 and self.config.kl_rows:
            measured["kl"] = self._kl_to_start(batch)
        for name, value in measured.items():
            self._metrics["train"][name].append(value)
        return batch

    def _calculate_rewards(self, *args: Any) -> torch.Tensor:
        self._rewards: torch.Tensor = super()._calculate_rewards(*args)
        return self._rewards

    def _settle_advantages(self, advantages_N: torch.Tensor) -> torch.Tensor:
        """Exactly 0 where a group's rewards are equal; such groups are counted."""
        equal = without_signal(self._rewards, self.reward_weights, self.num_generations)
        self._metrics["train"]["zero_signal_groups"].append(float(equal.sum()))
        local = self.accelerator.process_index * len(advantages_N)
        rows = equal.repeat_interleave(self.num_generations)[local : local + len(advantages_N)]
        return advantages_N.masked_fill(rows, 0.0)

    def _kl_to_start(self, batch: Tensors) -> float:
        """KL to the model that the stage started from, by the sampling logps of `kl_rows` rows."""
        count = len(batch["completion_ids"])
        rows = list(range(0, count, max(1, count // self.config.kl_rows)))
        chunk = take({k: v for k, v in batch.items() if k != "num_items_in_batch"}, rows)
        start, off = self.start, nullcontext()
        if start is None:  # LoRA: the start is the model without its adapter
            start = self.accelerator.unwrap_model(self.model)
            off = start.disable_adapter()
        with off, self.accelerator.autocast():
            logps = frozen_logps(start, chunk, self.temperature, self.config.micro_batch)
        mask = chunk["completion_mask"]
        gap = (logps - chunk["sampling_per_token_logps"].nan_to_num()) * mask
        return float((gap.exp() - gap - 1).sum() / mask.sum())

    # ---- training -----------------------------------------------------------------------------

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """One optimiser step's forward and backward passes, in chunks of rows of like length."""
        model.train()
        batch = self._prepare_inputs(inputs)
        rows = self._rows_with_signal(batch)
        loss = torch.zeros((), device=self.accelerator.device)
        if rows:
            loss = self._run_passes(model, batch, rows)
        if not math.isfinite(float(loss)):
            raise RecipeError(
                f"the loss of step {self.state.global_step + 1} is {float(loss)}; the last "
                "checkpoint is kept. Lower optimizer.learning_rate or kl_coefficient and run again"
            )
        self._step += 1
        self._tokens = int(batch["completion_mask"].sum())
        return loss

    def _rows_with_signal(self, batch: Tensors) -> list[int]:
        """Rows that can change the weights. Every process runs at least one, to meet the others."""
        every = list(range(len(batch["advantages"])))
        if self.beta != 0:
            return every
        rows: list[int] = batch["advantages"].nonzero()[:, 0].tolist()
        return rows or (every[:1] if self.accelerator.num_processes > 1 else [])

    def _run_passes(self, model: Any, batch: Tensors, rows: list[int]) -> torch.Tensor:
        chunks = list(
            by_length(
                batch["completion_mask"],
                rows,
                self.config.micro_batch,
                self.accelerator.unwrap_model(model).config.vocab_size,
            )
        )
        shared, owners = None, {}
        if self.sharing:
            own = take(batch, rows)
            with self.accelerator.autocast():
                shared, found = share_prompts(model, own["prompt_ids"], own["prompt_mask"])
            owners = dict(zip(rows, found.tolist(), strict=True))
        total = torch.zeros((), device=self.accelerator.device)
        tokens = []
        for number, numbers in enumerate(chunks):
            self._chunk = Chunk(
                take(batch, numbers), shared, [owners[row] for row in numbers] if shared else []
            )
            with self._sync(model, last=number == len(chunks) - 1):
                loss = self.compute_loss(model, self._chunk.rows)
                loss = loss * self._share(self._chunk.rows, batch)
                self.accelerator.backward(loss)
            total += loss.detach()
            tokens.append(float(self._chunk.rows["completion_mask"].sum()))
            self._chunk = None
        if shared is not None:
            shared.backward()
        self._weigh_metrics(tokens)
        return total

    def _sync(self, model: Any, last: bool) -> AbstractContextManager[Any]:
        """Gradients meet across processes once per optimiser step."""
        return nullcontext() if last else self.accelerator.no_sync(model)

    def _share(self, chunk: Tensors, batch: Tensors) -> float:
        """What a chunk's loss weighs, so that the chunks sum to the loss of the whole batch."""
        if self.loss_type in BY_ROLLOUT:
            return 1.0
        if self.loss_type in BY_SEQUENCE:
            return len(chunk["advantages"]) / len(batch["advantages"])
        return float(chunk["completion_mask"].sum() / batch["completion_mask"].sum())

    def _weigh_metrics(self, tokens: list[float]) -> None:
        """TRL appends one value per chunk; a step's value is their mean over tokens."""
        for name in ("kl", "clip_ratio/region_mean", "sampling_logp_difference"):
            values = self._metrics["train"].get(name, [])
            if len(values) == len(tokens) > 1:
                weighted = sum(v * n for v, n in zip(values, tokens, strict=True)) / sum(tokens)
                self._metrics["train"][name] = [weighted]

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Log-probabilities, on top of shared prompts where they are shared.

        TRL calls this when it scores a rollout (old and reference policy: no chunk, no gradient)
        and for the loss of each chunk. −log p stands for the entropy that TRL logs.
        """
        if self._chunk is None:
            batch = split_batch(input_ids, attention_mask, logits_to_keep)
            with self.accelerator.autocast():
                logps = frozen_logps(model, batch, self.temperature, self.config.micro_batch)
            return logps, None, None
        if self._chunk.shared is not None:
            with self.accelerator.autocast():
                logps = self._chunk.logps(self.temperature)
            aux_loss = None
        else:
            kwargs["compute_entropy"] = False
            logps, _, aux_loss = super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, **kwargs
            )
        self._note_gap(logps.detach(), self._chunk.rows)
        return logps, -logps.detach(), aux_loss

    def _note_gap(self, logps: torch.Tensor, chunk: Tensors) -> None:
        """How far training and sampling are apart, where both have the same weights."""
        if self._step % self.args.steps_per_generation == 0 and not self.use_vllm:
            mask = chunk["completion_mask"]
            gap = ((logps - chunk["sampling_per_token_logps"]) * mask).abs().sum() / mask.sum()
            self._metrics["train"]["sampling_logp_difference"].append(float(gap))

    # ---- curves and checkpoints ---------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's and our metrics of the step as curves; the history stays out of the checkpoints."""
        if "loss" in logs:
            now = time.perf_counter()
            seconds, self._clock = now - self._clock, now
            found = {
                name: mean(value for value in values if not math.isnan(value))
                for name, values in self._metrics["train"].items()
            }
            speed = {"step_seconds": seconds, "tokens_per_second": self._tokens / seconds}
            logs.update(curves({**found, **speed}))
            self._metrics["train"].clear()
        super(GRPOTrainer, self).log(logs, start_time)
        self.state.log_history = self.state.log_history[-1:]

    def create_model_card(self, **kwargs: Any) -> None:
        """No card beside a checkpoint: what a stage publishes has its manifest."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.ref_model is not None and self.args.sync_ref_model and self.args.should_save:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            save_weights(self.accelerator.unwrap_model(self.ref_model), str(folder / REFERENCE))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        policy = self.accelerator.unwrap_model(self.model)
        if isinstance(policy, PeftModel):  # beside a second adapter transformers skips the first
            policy.load_adapter(resume_from_checkpoint, "default", is_trainable=True)
        saved = Path(resume_from_checkpoint) / REFERENCE
        if saved.exists():
            load_weights(self.accelerator.unwrap_model(self.ref_model), str(saved))


def max_tokens_at(config: RLConfig, step: int) -> int:
    """The length limit at an optimiser step (paper, 2.2: 32,768 and, from step 8,200, 65,536)."""
    reached = [switch for switch in config.length_switches if switch.step <= step]
    if not reached:
        return config.sampling.max_tokens
    return max(reached, key=lambda switch: switch.step).max_tokens

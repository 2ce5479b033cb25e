"""GRPO on TRL's trainer: the paper's loss, our rollouts and rewards, exact resume, less work.

TRL keeps what makes GRPO what it is: the advantages of a group (`scale_rewards`), the clipped loss
and its KL term (`loss_type`, `beta`), the loop of optimiser steps. Where this trainer differs:

1. Completions come from our engine, which samples from the weights in training and gives each
   completion its own seed, made of (stage seed, step, position): no resume can shift it.
2. Rewards are the stage's terms; their weights follow the optimiser step.
3. Rows whose group has equal rewards have advantage 0: with no KL term in the loss they are
   neither run forward nor backward. They still count in every mean of the loss.
4. A step is split by length into chunks, and a prompt is run once for its group (shared_prompts).
5. A checkpoint holds the synced reference model and the state of the prompts too (grpo_resume).
6. What was sampled in fp32 keeps the log-probabilities that it was sampled with: TRL would compute
   them again for a rollout of several steps. In bf16 the two passes round apart, so it may.
7. A rollout is cut where a schedule changes, so that it does on the step it names (schedule.py).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from trl import GRPOTrainer

from pipeline.context import moved
from stages.training import parallel
from stages.training.bad_batch import require_finite
from stages.training.rl.batches import (
    Chunk,
    by_length,
    frozen_logps,
    share_prompts,
    split_batch,
    take,
)
from stages.training.rl.grpo_resume import ResumingTrainer
from stages.training.rl.grpo_rollout import Tensors
from stages.training.rl.metrics import curves, mean
from stages.training.rl.readable_rows import rollout_rows
from stages.training.rl.shared_prompts import can_share

NOTHING: list[int] = []  # a pass that only other processes need; its loss weighs nothing
FIRST = [0]  # a row to make it with

#: How TRL normalises a loss decides what a chunk of its rows weighs: `bnpo` goes by the tokens of
#: the step; these go by its sequences, or by the tokens of the whole rollout (already divided).
BY_SEQUENCE = frozenset({"grpo", "sapo", "dr_grpo", "luspo"})
BY_ROLLOUT = frozenset({"dapo", "cispo", "vespo"})


class RecipeGRPOTrainer(ResumingTrainer):
    """Passes in chunks, curves by our names, checkpoints that resume exactly."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        policy = self.accelerator.unwrap_model(self.model)
        self.engine_sees = parallel.engine_sees(self)
        self.sharing = (
            not self.engine_sees
            and not self.args.gradient_checkpointing
            and not self.aux_loss_enabled
            and can_share(policy)
        )
        self._chunk: Chunk | None = None
        self._clock = time.perf_counter()

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """One optimiser step's forward and backward passes, in chunks of rows of like length."""
        model.train()
        batch = self._prepare_inputs(inputs)
        rows = self._rows_with_signal(batch)
        skipped = (len(batch["advantages"]) - len(rows)) * self.accelerator.num_processes
        self._metrics["train"]["skipped_rows"].append(skipped)
        loss = torch.zeros((), device=self.accelerator.device)
        if parallel.most(len(rows)):
            passing = model if self.engine_sees else self.accelerator.unwrap_model(model)
            with parallel.own_metrics(self.accelerator):
                loss = self._run_passes(passing, batch, rows)
            if not self.engine_sees:
                parallel.average_gradients(passing)
        self._trained = batch
        self._require_finite("loss", float(loss), self.state.global_step + 1)
        self._tokens = int(batch["completion_mask"].sum())
        return loss

    def _require_finite(self, name: str, value: float, step: int) -> None:
        rows = rollout_rows(self._trained, self._groups, self.prompts, self.terms)
        remedy = "Lower optimizer.learning_rate or kl_coefficient, and run again."
        require_finite(name, value, step, rows, Path(self.args.output_dir), remedy)

    def _rows_with_signal(self, batch: Tensors) -> list[int]:
        """Rows that can change the weights."""
        every = list(range(len(batch["advantages"])))
        if self.beta != 0:
            return every
        rows: list[int] = batch["advantages"].nonzero()[:, 0].tolist()
        return rows

    def _passes(self, model: Any, batch: Tensors, rows: list[int]) -> list[list[int]]:
        """The rows of each pass; an engine that sees them wants as many of every process."""
        vocabulary = self.accelerator.unwrap_model(model).config.vocab_size
        chunks = list(
            by_length(batch["completion_mask"], rows, self.config.micro_batch, vocabulary)
        )
        missing = parallel.most(len(chunks)) - len(chunks) if self.engine_sees else 0
        return chunks + [NOTHING] * missing

    def _run_passes(self, model: Any, batch: Tensors, rows: list[int]) -> torch.Tensor:
        chunks = self._passes(model, batch, rows)
        shared, owners = None, {}
        if self.sharing and rows:
            asked = take(batch, rows)
            with self.accelerator.autocast():
                shared, found = share_prompts(model, asked["prompt_ids"], asked["prompt_mask"])
            owners = dict(zip(rows, found.tolist(), strict=True))
        total = torch.zeros((), device=self.accelerator.device)
        tokens = []
        for number, numbers in enumerate(chunks):
            own = numbers or FIRST
            self._chunk = Chunk(
                take(batch, own), shared, [owners[row] for row in own] if shared else []
            )
            with self._sync(model, last=number == len(chunks) - 1):
                loss = self.compute_loss(model, self._chunk.rows)
                loss = loss * (self._share(self._chunk.rows, batch) if numbers else 0.0)
                self.accelerator.backward(loss)
            total += loss.detach()
            moved()
            tokens.append(float(self._chunk.rows["completion_mask"].sum()) if numbers else 0.0)
            self._chunk = None
        if shared is not None:
            shared.backward()
        self._weigh_metrics(tokens)
        return total

    def _sync(self, model: Any, last: bool) -> AbstractContextManager[Any]:
        """Where accelerate lets gradients meet, they do once per optimiser step."""
        return parallel.last_pass(self, model, last) if self.engine_sees else nullcontext()

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
            if len(values) == len(tokens) > 1 and any(tokens):
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
        if self._sampled is not None:
            logps, self._sampled = self._sampled, None
            return logps, None, None
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

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's and our metrics of the step as curves."""
        if "grad_norm" in logs:
            self._require_finite("gradient's norm", logs["grad_norm"], self.state.global_step)
        if "loss" in logs:
            now = time.perf_counter()
            seconds, self._clock = now - self._clock, now
            found = {
                name: mean(value for value in values if not math.isnan(value))
                for name, values in self._metrics["train"].items()
            }
            tokens = self._tokens * self.accelerator.num_processes
            speed = {"step_seconds": seconds, "tokens_per_second": tokens / seconds}
            logs.update(curves(parallel.mean_of_all({**found, **speed})))
            self._metrics["train"].clear()
        super(GRPOTrainer, self).log(logs, start_time)

    def note(self, metrics: Mapping[str, float], seconds: float) -> None:
        """Curves of the step that was measured beside it, in seconds that are not the step's."""
        for name, value in metrics.items():
            self._metrics["train"][name].append(value)
        self._clock += seconds

    def create_model_card(self, **kwargs: Any) -> None:
        """No card beside a checkpoint: what a stage publishes has its manifest."""

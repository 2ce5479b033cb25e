"""The log-probabilities that TRL asks for: of a whole rollout, and of each chunk for the loss."""

from __future__ import annotations

from typing import Any

import torch

from stages.rl.batches import BY_ROLLOUT, Chunk, Tensors, frozen_logps, gap, split_batch
from stages.rl.rollout import GAP, RolloutTrainer


class LogProbabilityTrainer(RolloutTrainer):
    """TRL's trainer with our rollouts, chunks and shared prompts."""

    _chunk: Chunk | None  # what the loss is computed of; None while a rollout is scored
    _step: int  # of the rollout

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
            if aux_loss is not None and self.loss_type in BY_ROLLOUT:
                aux_loss = aux_loss * self._chunk.part  # else its share of the loss weighs it
        self._note_gap(logps.detach(), self._chunk.rows)
        return logps, -logps.detach(), aux_loss

    def _note_gap(self, logps: torch.Tensor, chunk: Tensors) -> None:
        """How far training and sampling are apart, where both have the same weights."""
        if self._step % self.args.steps_per_generation == 0 and not self.use_vllm:
            self._metrics["train"][GAP].append(gap(logps, chunk))

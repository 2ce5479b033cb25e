"""Pointwise reward models: one response, one logit, cross-entropy (the paper's safety model).

Pairs are TRL's own RewardTrainer. Its optional centring term is left out: scores are put to mean 0
and deviation 1 by the held-out facts when they are used, which also fixes what it would fix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Trainer
from trl import RewardTrainer

from stages.training.bad_batch import FiniteTraining


@dataclass
class LabelCollator:
    """Responses padded on the right, with their labels."""

    pad_token_id: int

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        sequences = [torch.tensor(example["input_ids"]) for example in examples]
        pad = torch.nn.utils.rnn.pad_sequence
        return {
            "input_ids": pad(sequences, True, float(self.pad_token_id)),
            "attention_mask": pad([torch.ones_like(ids) for ids in sequences], True),
            "label": torch.tensor([float(example["label"]) for example in examples]),
        }


class PairwiseTrainer(FiniteTraining, RewardTrainer):
    """TRL's Bradley-Terry trainer, which stops at a loss that is no number."""


class PointwiseTrainer(FiniteTraining, Trainer):
    """Raises the logit of responses labelled 1 and lowers that of the others."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        labels = inputs.pop("label")
        outputs = model(**inputs, use_cache=False)
        logits = outputs.logits[:, 0].float()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
        return (loss, outputs) if return_outputs else loss

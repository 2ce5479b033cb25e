"""Log-probabilities of tokens, from logits or, where those would be too many, without them.

The logits of one sequence of 32,768 tokens over a vocabulary of 151,936 are 19.9 GB in fp32, and
the loss needs them three times. Rows that alone have more than CHUNK_LOGITS go through TRL's fused
head (`add_fused_lm_head`, which GRPO's trainer puts on policy and reference): it computes 4,096
tokens by 32,768 entries at a time, and again in the backward pass. Shorter rows are quicker as
they are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel

#: fp32 logits of one chunk at most (512 MB), however wide the vocabulary.
CHUNK_LOGITS = 2**27
IGNORED = -100


def vocabulary(model: PreTrainedModel) -> int:
    """Entries of the vocabulary, as the head has them."""
    entries: int = model.config.get_text_config().vocab_size
    return entries


def is_wide(ids_NC: torch.Tensor, model: PreTrainedModel) -> bool:
    """Whether the logits of one row are more than a chunk may have."""
    return ids_NC.shape[1] * vocabulary(model) > CHUNK_LOGITS


def token_logps(
    logits_NCV: torch.Tensor, ids_NC: torch.Tensor, mask_NC: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Log-probabilities (N, C) of the tokens at the sampling temperature; 0 where masked."""
    logits_NCV = logits_NCV.float()
    if temperature != 1:
        logits_NCV = logits_NCV / temperature
    losses = F.cross_entropy(logits_NCV.flatten(0, 1), ids_NC.flatten(), reduction="none")
    return -losses.view_as(mask_NC).masked_fill(mask_NC == 0, 0.0)

"""One training pass over a prompt for all completions of it.

A group's n completions share their prompt, so the plain pass over `prompt + completion` computes
the same prompt n times, forward and backward. Here each prompt runs once, its keys and values
become leaves, the completions run on top of them in as many chunks as fit, and what the chunks
left as gradients in the leaves flows back through the prompts once:

    shared = SharedPrompts(model, prompt_ids, prompt_mask)
    for chunk in chunks:
        loss(shared.logps(owners, completion_ids, completion_mask, temperature)).backward()
    shared.backward()

The gradient is that of the plain pass, up to rounding. Shapes: U prompts, N completions, P and C
tokens, V entries of the vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from stages.rl.token_logps import IGNORED, is_wide, token_logps


def can_share(model: PreTrainedModel) -> bool:
    """Caches with gradients need plain attention layers and no recomputation of activations."""
    if model.is_gradient_checkpointing and model.training:
        return False
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


class SharedPrompts:
    """The prompts' keys, values and next-token logits, ready for any number of completions."""

    def __init__(
        self, model: PreTrainedModel, prompt_ids_UP: torch.Tensor, prompt_mask_UP: torch.Tensor
    ) -> None:
        self.model = model
        self.mask_UP = prompt_mask_UP
        cache = DynamicCache(config=model.config)
        logits_UV = model(
            input_ids=prompt_ids_UP,
            attention_mask=prompt_mask_UP,
            position_ids=(prompt_mask_UP.cumsum(-1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        states = [state for layer in cache.layers for state in (layer.keys, layer.values)]
        self._outputs = [logits_UV, *states]
        self._leaves = [
            output.detach().requires_grad_(output.requires_grad) for output in self._outputs
        ]

    def logps(
        self,
        owners_N: torch.Tensor,
        ids_NC: torch.Tensor,
        mask_NC: torch.Tensor,
        temperature: float,
    ) -> torch.Tensor:
        """Log-probabilities of each completion token; `owners_N` is the prompt of each row."""
        first_NV, *states = (leaf[owners_N] for leaf in self._leaves)
        first_N1V = first_NV[:, None]
        if ids_NC.shape[1] == 1:
            return token_logps(first_N1V, ids_NC, mask_NC, temperature)
        seen = self._seen(owners_N, ids_NC, mask_NC[:, :-1], states)
        if not is_wide(ids_NC, self.model):
            logits_NCV = torch.cat([first_N1V, self.model(**seen, use_cache=True).logits], dim=1)
            return token_logps(logits_NCV, ids_NC, mask_NC, temperature)
        labels = ids_NC[:, 1:].masked_fill(mask_NC[:, 1:] == 0, IGNORED)
        rest = self.model(**seen, shift_labels=labels, fused_lm_head=True).log_probs
        first = token_logps(first_N1V, ids_NC[:, :1], mask_NC[:, :1], temperature)
        return torch.cat([first, rest], dim=1)

    def _seen(
        self,
        owners_N: torch.Tensor,
        ids_NC: torch.Tensor,
        seen_NC: torch.Tensor,
        states: list[torch.Tensor],
    ) -> dict[str, Any]:
        """What a pass over all tokens but the last reads, on top of the prompts."""
        prompt_mask_NP = self.mask_UP[owners_N]
        positions_NC = prompt_mask_NP.sum(-1, keepdim=True) + seen_NC.cumsum(-1) - 1
        return {
            "input_ids": ids_NC[:, :-1],
            "attention_mask": torch.cat([prompt_mask_NP, seen_NC], dim=1),
            "position_ids": positions_NC.clamp(min=0),
            "past_key_values": _cache_of(self.model, states),
        }

    def backward(self) -> None:
        """Send the gradients that the chunks left in the leaves back through the prompts."""
        used = [
            (output, leaf.grad)
            for output, leaf in zip(self._outputs, self._leaves, strict=True)
            if leaf.grad is not None
        ]
        if used:
            outputs, gradients = zip(*used, strict=True)
            torch.autograd.backward(outputs, gradients)


def _cache_of(model: PreTrainedModel, states: list[torch.Tensor]) -> DynamicCache:
    """A cache filled with (keys, values) of each layer, which autograd can see."""
    cache = DynamicCache(config=model.config)
    pairs = zip(states[::2], states[1::2], strict=True)
    for layer, (keys, values) in zip(cache.layers, pairs, strict=True):
        layer.update(keys, values)
    return cache

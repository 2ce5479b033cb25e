"""A key-value cache and an attention for many short sequences that grow one token at a time.

Two costs of `generate` on a CPU fall away, with the model's own forward unchanged (measured for 256
sequences of a 0.9M-parameter model, one thread): the default cache concatenates all keys and values
at each step (0.5–5 ms a layer), and grouped-query attention copies them once per query head
(0.9–1.4 ms a layer); here a step writes one column and reads a view.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface, DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

ATTENTION = "sdpa_grouped"
GROWTH = 64  # columns that a full buffer grows by, at least


def grouped_attention(
    module: torch.nn.Module,
    query_BHQD: torch.Tensor,
    key_BKLD: torch.Tensor,
    value_BKLD: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """sdpa; at one query per sequence, heads that share a key become its queries, uncopied."""
    if query_BHQD.shape[2] != 1:
        return sdpa_attention_forward(
            module, query_BHQD, key_BKLD, value_BKLD, attention_mask, dropout, scaling, **kwargs
        )
    batch, heads, _, size = query_BHQD.shape
    grouped = query_BHQD.reshape(batch, key_BKLD.shape[1], -1, size)
    output = F.scaled_dot_product_attention(
        grouped, key_BKLD, value_BKLD, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
    )
    return output.reshape(batch, 1, heads, size), None


AttentionInterface.register(ATTENTION, grouped_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer in buffers with room to grow; `keys`, `values` are views."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self.buffers = [key_states[:, :, :0], value_states[:, :, :0]]
        self.keys, self.values = self.buffers

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.keys.shape[2]
        end = start + key_states.shape[2]
        if end > self.buffers[0].shape[2]:
            room = max(GROWTH, end // 2)
            self.buffers = [_with_room(x, end + room) for x in (self.keys, self.values)]
        self.buffers[0][:, :, start:end] = key_states
        self.buffers[1][:, :, start:end] = value_states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self.buffers)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep or repeat rows, in the order of `indices`, with room to go on."""
        length = self.keys.shape[2]
        self.buffers = [buffer.index_select(0, indices) for buffer in self.buffers]
        self.keys, self.values = (buffer[:, :, :length] for buffer in self.buffers)


def new_cache(model: PreTrainedModel) -> Cache:
    """A cache for the model; layers of another kind than plain attention keep their own class."""
    cache = DynamicCache(config=model.config)
    cache.layers = [
        GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache


def _with_room(states: torch.Tensor, length: int) -> torch.Tensor:
    buffer = states.new_empty(*states.shape[:2], length, states.shape[3])
    buffer[:, :, : states.shape[2]] = states
    return buffer

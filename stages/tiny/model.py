"""Small decoders from scratch, of Qwen2 or Llama architecture, as plain transformers models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from stages.kinds.pretrain.kind import ModelShape

FAMILIES = {"qwen2": (Qwen2Config, Qwen2ForCausalLM), "llama": (LlamaConfig, LlamaForCausalLM)}


def build_model(shape: ModelShape, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A model with random weights (torch's current seed) that speaks the tokenizer's vocabulary."""
    if shape.family not in FAMILIES:
        raise UsageError(f"shape.family is {shape.family!r}; expected one of {sorted(FAMILIES)}")
    config_class, model_class = FAMILIES[shape.family]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_kv_heads,
        max_position_embeddings=shape.max_position_embeddings,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = model_class(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model

"""What some architectures need of whoever loads them, and would not say by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, DynamicCache, PreTrainedModel

from stages.models.folder import brings_code

EAGER = "eager"
CAP = "attn_logit_softcapping"


def attention_of(model: Path, wanted: str = "sdpa") -> str:
    """The attention that computes all of a model's: `wanted`, or transformers' `eager`.

    Gemma 2 caps the logits of its attention, which sdpa leaves out without a word: vLLM, which
    caps them, would say something else than what was trained. Others, as gpt-oss with its sinks,
    name themselves as unfit for sdpa.
    """
    config = AutoConfig.from_pretrained(model, trust_remote_code=brings_code(model))
    kind = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if getattr(config.get_text_config(), CAP, None) or not getattr(kind, "_supports_sdpa", True):
        return EAGER
    return wanted


def without_router_loss(model: PreTrainedModel) -> PreTrainedModel:
    """A mixture of experts that computes its balancing loss only for a trainer that asks for it.

    With the flag in its config each step of generation would compute it, of a mask that does not
    fit. TRL's SFT sets the flag while it trains.
    """
    config = model.config.get_text_config()
    if getattr(config, "output_router_logits", False):
        config.output_router_logits = False
    return model


def without_end_as_pad(model: PreTrainedModel) -> PreTrainedModel:
    """A language model whose config does not name the end of a text as padding.

    The tokenizer of a model without a pad token pads with its end, and the Trainer writes that into
    the model's config. transformers would then never train the end's embedding again.
    """
    config = model.config.get_text_config()
    end, pad = (getattr(config, f"{name}_token_id", None) for name in ("eos", "pad"))
    if (
        model.can_generate()
        and pad is not None
        and pad in (end if isinstance(end, list) else [end])
    ):
        config.pad_token_id = None
    return model


def experts_used(config: Any) -> float:
    """The share of its experts that a token goes through; 1 of a model without."""
    text = config.get_text_config()
    count = getattr(text, "num_experts", None) or getattr(text, "num_local_experts", None)
    used = getattr(text, "num_experts_per_tok", None)
    return used / count if count and used else 1.0


def slides(model: PreTrainedModel) -> bool:
    """Whether some of its layers see a sliding part of a sequence alone."""
    return any(layer.is_sliding for layer in DynamicCache(config=model.config).layers)

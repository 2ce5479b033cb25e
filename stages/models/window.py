"""How many tokens a model sees, as its config.json says it. No torch here.

The number is what the model was published with, not what its code would accept: positions beyond it
were never trained, and no library says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

ROTARY = {"rope_theta", "rope_parameters", "rope_scaling"}
STRETCHED = ("linear", "dynamic", "yarn")  # kinds of RoPE that see `factor` times what they saw
GLOBAL = "full_attention"  # layers that see the whole window, where others see a sliding part of it


@dataclass(frozen=True)
class Span:
    """Tokens that a model sees, and those that its weights were made for before any stretching.

    rotary: its positions are computed, so that others fit, too; else there is a vector for each.
    """

    seen: int
    original: int
    rotary: bool = True


def read_window(config: Path) -> int | None:
    """Prompt and completion, in tokens, that the model of a config.json sees; None: unlimited."""
    return window_of(json.loads(config.read_text()))


def window_of(facts: Mapping[str, Any]) -> int | None:
    """The same of a config's content; a model of several parts has its text's below text_config."""
    span = span_of(facts)
    return span.seen if span else None


def span_of(facts: Mapping[str, Any]) -> Span | None:
    """The window, and what it was before rotary positions were stretched.

    Gemma 3 names the window that is stretched already; other kinds name the one before (linear,
    dynamic) or both (YaRN, Llama 3, where Qwen's model cards name the one before twice).
    """
    facts = text_part(facts)
    positions: int | None = facts.get("max_position_embeddings", facts.get("n_positions"))
    if positions is None:
        return None
    rope = rope_of(facts)
    stretched = rope.get("rope_type", rope.get("type")) in STRETCHED
    factor = (rope.get("factor") or 1) if stretched else 1
    before: int | None = rope.get("original_max_position_embeddings")
    rotary = bool(ROTARY & set(facts))
    if names_stretched(facts):
        return Span(positions, before or int(positions / factor), rotary)
    before = before or positions
    return Span(max(positions, int(before * factor)), before, rotary)


def names_stretched(facts: Mapping[str, Any]) -> bool:
    """Whether a text part names the stretched window, whatever the type of its positions."""
    return "gemma3" in str(facts.get("model_type"))


def rope_of(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a text part says of the rotary positions of its global layers."""
    rope = facts.get("rope_parameters") or facts.get("rope_scaling") or {}
    found: Mapping[str, Any] = rope.get(GLOBAL, rope) or {}
    return found


def text_part(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a config that the language model reads."""
    return facts if "max_position_embeddings" in facts else facts.get("text_config", facts)


def require_window(model: Path, tokens: int, key: str) -> None:
    """Refuse to train or sample at a length that the model was never shown. model: its folder."""
    seen = read_window(model / "config.json")
    if seen is not None and tokens > seen:
        raise UsageError(
            f"{key}: asks for {tokens} tokens in all, and the model sees {seen} "
            f"(max_position_embeddings): set it so that they are at most {seen}, or give the model "
            f"more room where it comes in: stages.<its stage>.context.positions={tokens}, or "
            "context.rope_scaling"
        )

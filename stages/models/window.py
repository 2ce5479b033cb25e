"""How many tokens a model sees, as its config.json says it. No torch here.

The number is what the model was published with, not what its code would accept: positions beyond it
were never trained, and no library says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

STRETCHED = ("linear", "dynamic", "yarn")  # kinds of RoPE that see `factor` times what they saw


def read_window(config: Path) -> int | None:
    """Prompt and completion, in tokens, that the model of a config.json sees; None: unlimited."""
    return window_of(json.loads(config.read_text()))


def window_of(facts: Mapping[str, Any]) -> int | None:
    """The same of a config's content; a model of several parts has its text's below text_config."""
    facts = text_part(facts)
    positions: int | None = facts.get("max_position_embeddings", facts.get("n_positions"))
    rope = facts.get("rope_parameters") or facts.get("rope_scaling") or {}
    if positions is None or rope.get("rope_type", rope.get("type")) not in STRETCHED:
        return positions
    before = rope.get("original_max_position_embeddings", positions)
    return max(positions, int(before * rope.get("factor", 1)))


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
            f"more room where it comes in: stages.<its stage>.context.positions={tokens}"
        )

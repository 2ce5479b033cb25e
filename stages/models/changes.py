"""What the recipe changes in a checkpoint's files, beside the weights: its context, its tokens.

A model sees more tokens than before when its config says so and training teaches it; a chat token
that its vocabulary lacks takes a row of the embeddings that no token has (Qwen's are padded).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from stages.chat.template import ASSISTANT, END_THINK, SYSTEM, THINK, USER
from stages.models.window import text_part

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.pretrained.kind import ModelContext

ROTARY = {"rope_theta", "rope_parameters", "rope_scaling"}
ROLES, THOUGHT = (USER, ASSISTANT, SYSTEM), (THINK, END_THINK)


def change_context(model: Path, context: ModelContext, key: str) -> None:
    """Write `context` into the config.json and tokenizer_config.json of a model's folder."""
    if context.positions is None and context.rope_theta is None:
        return

    def change(config: dict[str, Any]) -> None:
        text: Any = text_part(config)
        if "max_position_embeddings" not in text or not ROTARY & set(text):
            raise UsageError(
                f"{key}: the model's config.json ({config.get('model_type')}) has no rotary "
                "positions, so its weights hold one vector for each position and no other number "
                "fits: take another model, or set both parts to null"
            )
        text["max_position_embeddings"] = context.positions or text["max_position_embeddings"]
        if context.rope_theta is not None:
            (text.get("rope_parameters") or text)["rope_theta"] = context.rope_theta

    _edit(model / "config.json", change)
    if context.positions is not None:
        _edit(model / "tokenizer_config.json", lambda told: _lengthen(told, context.positions))


def _lengthen(told: dict[str, Any], positions: int | None) -> None:
    if positions and told.get("model_max_length", positions) < positions:
        told["model_max_length"] = positions


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    facts = json.loads(path.read_text())
    change(facts)
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def add_chat_tokens(tokenizer: PreTrainedTokenizerBase, model: Path) -> list[str]:
    """Make roles and tags of a thought one token each, where there are rows for all; else none.

    Roles are special tokens, tags ordinary ones that decoding keeps. Returns what was added; the
    tokenizer is saved in `model`.
    """
    known = tokenizer.get_vocab()
    roles, tags = ([t for t in group if t not in known] for group in (ROLES, THOUGHT))
    rows = text_part(json.loads((model / "config.json").read_text()))["vocab_size"]
    if not roles + tags or len(tokenizer) + len(roles + tags) > rows:
        return []
    tokenizer.add_tokens(roles, special_tokens=True)
    tokenizer.add_tokens(tags)
    tokenizer.save_pretrained(model)
    return roles + tags

"""What the recipe changes in a checkpoint's files, beside the weights: its context, its tokens.

A model sees more tokens than before when its config says so and training teaches it, its rotary
positions as they are or stretched (stages/settings/rope.py); a chat token that its vocabulary lacks
takes a row of the embeddings that no token has (Qwen's are padded).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from stages.chat.template import ASSISTANT, END_THINK, SYSTEM, THINK, USER
from stages.models.window import (
    ROTARY,
    names_stretched,
    rope_of,
    span_of,
    text_part,
    window_of,
)
from stages.settings import rope
from stages.settings.values import refuse

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.pretrained.kind import ModelContext

CONFIG, TOKENIZER = "config.json", "tokenizer_config.json"
POSITIONS = "max_position_embeddings"
BASE = ("rope_theta", "partial_rotary_factor")  # of rope_parameters, whatever the type
ROLES, THOUGHT = (USER, ASSISTANT, SYSTEM), (THINK, END_THINK)


def change_context(model: Path, context: ModelContext, key: str, trusted: bool) -> list[str]:
    """Write `context` into the config.json and tokenizer_config.json of a model's folder.

    trusted: it may run Python files of its own. Returns what was mended beside it: a window that
    vLLM would not find.
    """
    facts = json.loads((model / CONFIG).read_text())
    text: Any = text_part(facts)
    said = [] if context.rope_scaling else _name_window(text)
    if context.changes():
        _name_positions(text, model, trusted)
        _require_rotary(facts, text, key)
    elif not said:
        return []
    if context.rope_scaling:
        _stretch(text, context, key)
    elif context.positions is not None:
        text[POSITIONS] = context.positions
    if context.rope_theta is not None:
        base: Any = rope_of(text)
        (base if "rope_parameters" in text else text)["rope_theta"] = context.rope_theta
    _write(model / CONFIG, facts)
    if context.positions or context.rope_scaling or said:
        _lengthen(model / TOKENIZER, window_of(facts) or 0)
    return said


def _name_positions(text: Any, model: Path, trusted: bool) -> None:
    """Put in the window that a config leaves to its class, as Gemma 3's do."""
    if POSITIONS in text or not ROTARY & set(text):
        return
    from transformers import AutoConfig

    whole = AutoConfig.from_pretrained(model, trust_remote_code=trusted).get_text_config()
    if (positions := getattr(whole, POSITIONS, None)) is not None:
        text[POSITIONS] = positions


def _require_rotary(facts: Any, text: Any, key: str) -> None:
    """Refuse positions that are weights."""
    if POSITIONS not in text or not ROTARY & set(text):
        raise UsageError(
            f"{key}: the model's config.json ({facts.get('model_type')}) has no rotary "
            "positions, so its weights hold one vector for each position and no other number "
            "fits: take another model, or set all parts of it to null"
        )


def _stretch(text: Any, context: ModelContext, key: str) -> None:
    """Put a rope_scaling in place of what the global layers have."""
    stage = key.removesuffix(".context")
    refuse(rope.check(context.rope_scaling), stage)
    scaling, span = rope.read(context.rope_scaling), span_of(text)
    assert scaling is not None
    assert span is not None
    refuse(rope.fits(scaling, span.original, span.seen, context.positions), stage)
    original = scaling.original_max_position_embeddings or span.original
    named = scaling.rope_type == "linear" and not names_stretched(text)
    text[POSITIONS] = original if named else scaling.window(original)
    parameters = scaling.parameters(original)
    if "rope_parameters" not in text:  # as written before transformers 5, which reads it still
        text["rope_scaling"] = parameters
        return
    before: Any = rope_of(text)
    kept = {name: before[name] for name in BASE if name in before}
    before.clear()
    before.update(kept | parameters)


def _name_window(text: Any) -> list[str]:
    """Of YaRN, vLLM reads max_position_embeddings alone; Qwen's cards leave it as it was before."""
    seen, named = window_of(text), text.get(POSITIONS)
    if rope_of(text).get("rope_type", rope_of(text).get("type")) != "yarn" or seen == named:
        return []
    text[POSITIONS] = seen
    return [f"config.json: {POSITIONS} is {seen}, as its rope_scaling says, and was {named}"]


def _lengthen(told: Path, positions: int) -> None:
    """A tokenizer that names a shorter text than the model sees would be believed (vLLM)."""
    facts = json.loads(told.read_text()) if told.is_file() else {}
    if facts.get("model_max_length", positions) < positions:
        _write(told, facts | {"model_max_length": positions})


def _write(path: Path, facts: Any) -> None:
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

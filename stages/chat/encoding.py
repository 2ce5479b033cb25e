"""Texts as token ids, in which special tokens are the template's own and never a text's.

Whoever writes `<|assistant|>` or a model's end token into a question or an answer would else open a
turn or end one: a user could answer for the model, and a label could be a token that nobody meant.
Such a text is marked where it is put into a template, and encoded there as the characters it
consists of. Texts without one are encoded as they always were. Tags of a thought are no such
tokens: a completion has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TAG_TOKENS = ("<think>", "</think>", "<answer>", "</answer>")
_MARK = "\ufdd0"  # a noncharacter of Unicode: no text has a use for it


def plain(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """A text with a mark in each special token that it spells out, for `token_ids`."""
    literal = _specials(tokenizer)
    text = text.replace(_MARK, "")
    return text if literal is None else literal.sub(lambda t: f"{t[0][0]}{_MARK}{t[0][1:]}", text)


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text, without what a tokenizer puts around texts by itself."""
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(
        [text if _MARK not in text else "" for text in texts], add_special_tokens=False
    ).input_ids
    return [
        _in_parts(tokenizer, text) if _MARK in text else own
        for text, own in zip(texts, ids, strict=True)
    ]


def _in_parts(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of a text with marks: what is marked by its characters, all else as it is."""
    ids: list[int] = []
    for number, part in enumerate(_marked(tokenizer).split(text)):
        literal = bool(number % 2)  # what the pattern matched stands at odd places
        part = part.replace(_MARK, "")
        if part:
            more = {"split_special_tokens": True} if literal else {}
            ids += tokenizer(part, add_special_tokens=False, **more).input_ids
    return ids


@lru_cache(maxsize=16)
def _names(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The special tokens of a tokenizer, longer ones first; a served model shows none."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    names = {token.content for token in added if token.special and token.content}
    return tuple(sorted(names - set(TAG_TOKENS), key=lambda name: (-len(name), name)))


@lru_cache(maxsize=16)
def _specials(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    names = _names(tokenizer)
    return re.compile("|".join(map(re.escape, names))) if names else None


@lru_cache(maxsize=16)
def _marked(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    marked = (f"{re.escape(name[0])}{_MARK}{re.escape(name[1:])}" for name in _names(tokenizer))
    return re.compile(f"({'|'.join(marked)})")

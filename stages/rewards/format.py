"""The format reward: `<think>…</think>` then `<answer>…</answer>`, as the prompt asks (table 1).

Strict, as in the paper: 1 or 0. Soft, for a base too weak to stumble on the whole form: partial
credit for each tag on the way there. Neither pays for form without content.
"""

from __future__ import annotations

from stages.data.template import TAG_TOKENS

TAG_CREDIT = 0.2  # four tags and the strict form make 1


def strict(completion: str) -> float:
    """1 for one thought and then one answer, neither blank, nothing outside them; else 0."""
    if any(completion.count(tag) != 1 for tag in TAG_TOKENS):
        return 0.0
    pieces = _pieces(completion)
    if pieces is None:
        return 0.0
    before, thought, between, answer, after = (bool(piece.strip()) for piece in pieces)
    return float(thought and answer and not before and not between and not after)


def soft(completion: str) -> float:
    """0.2 for each tag that stands once, after the tags before it, and beside its content.

    The last 0.2 is for the strict form, so this is 1 exactly where strict is. An opening tag needs
    text after it and a closing tag before it: empty tags earn nothing, nor does a repeated tag.
    """
    credit = TAG_CREDIT * strict(completion)
    position = 0
    for number, tag in enumerate(TAG_TOKENS):
        found = completion.find(tag, position)
        if found < 0 or completion.count(tag) != 1:
            continue
        end = found + len(tag)
        opening = number % 2 == 0
        beside = _first_piece(completion[end:]) if opening else _last_piece(completion[:found])
        credit += TAG_CREDIT * bool(beside.strip())
        position = end
    return round(credit, 10)


def _pieces(completion: str) -> list[str] | None:
    """The text around the four tags, or None when they are out of order."""
    pieces = []
    rest = completion
    for tag in TAG_TOKENS:
        piece, found, rest = rest.partition(tag)
        if not found:
            return None
        pieces.append(piece)
    return [*pieces, rest]


def _first_piece(text: str) -> str:
    for tag in TAG_TOKENS:
        text = text.partition(tag)[0]
    return text


def _last_piece(text: str) -> str:
    for tag in TAG_TOKENS:
        text = text.rpartition(tag)[2]
    return text

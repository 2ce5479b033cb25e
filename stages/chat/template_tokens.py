"""Tokens of chat templates in texts: ends of turns, roles, beginnings of a text.

Published answers often end with the end token of the model that gave them, and begin with its mark
of the assistant. Both are cut off: they say nothing. Inside a text such a token is part of a talk
that was not taken apart, or is talked about; a text with one is not learnt.
"""

from __future__ import annotations

import re

#: `<|im_end|>`, `<|assistant|>`, `<｜end▁of▁sentence｜>`, `<start_of_turn>`, `[/INST]`, …
_TOKEN = (
    r"<[|｜][^<>|｜\s]{1,40}[|｜]>|</?(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    r"|\[/?INST\]|<</?SYS>>"
)
_ENDS = (
    r"<[|｜](?:im_end|end|return|endoftext|eot_id|eom_id|end_of_text|eos|endofturn|END_OF_TURN_TOKEN"
    r"|end▁of▁sentence|end_of_sentence)[|｜]>|</s>|<end_of_turn>|<eos>"
)
_BEGINS = (
    r"<\|im_start\|>assistant\n|<\|start_header_id\|>assistant<\|end_header_id\|>"
    r"|<\|start\|>assistant(?!<\|channel)|<start_of_turn>model\n|<[|｜]assistant[|｜]>"
    r"|<[|｜](?:begin_of_text|begin▁of▁sentence)[|｜]>|<s>|<bos>"
)
_IN_TEXT = re.compile(_TOKEN)
_AT_END = re.compile(rf"(?:{_ENDS})\Z")
_AT_START = re.compile(_BEGINS, re.IGNORECASE)
_LONGEST = 64  # characters of such a token, at most
_MOST = 8  # that are cut off at one end
_STRUCK, _END_STRUCK = "<s>", "</s>"  # HTML, too


def without_ends(text: str) -> str:
    """A text without blanks and such tokens at its ends."""
    text = text.strip()
    for _ in range(_MOST):
        token = _AT_START.match(text)
        if token is None or (token[0] == _STRUCK and _END_STRUCK in text[: -len(_END_STRUCK)]):
            break
        text = text[token.end() :].lstrip()
    for _ in range(_MOST):
        token = _AT_END.search(text[-_LONGEST:])
        if token is None or (token[0] == _END_STRUCK and _STRUCK in text):
            break
        text = text[: -len(token[0])].rstrip()
    return text


def found(text: str) -> str | None:
    """The first such token inside a text."""
    token = _IN_TEXT.search(text)
    return token[0] if token else None

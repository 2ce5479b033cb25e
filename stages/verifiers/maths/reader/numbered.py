"""Numbered parts of one answer: (1) 4; (2) 9 · a) 4, b) 9 · ① 4 ② 9, compared part by part.

Every part needs its number, from the first on, each once; the order of the parts is free. Without
parts, "4, 9" is read as the parts in their order. (1)(2) is a product.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stages.verifiers.maths.nodes import Node

_STYLES = (
    [str(place) for place in range(1, 10)],
    list("abcdefgh"),
    list("ABCDEFGH"),
    ["I", "II", "III", "IV", "V", "VI"],
    ["i", "ii", "iii", "iv", "v", "vi"],
)
_LABEL = r"[1-9]|[a-hA-H]|i{1,3}|iv|vi?|I{1,3}|IV|VI?"
_QUOTED = re.compile(rf"“\s*(\(?(?:{_LABEL})\))\s*”")
_MARK = re.compile(rf"(?:^|(?<=[\s,;∧]))(?:\(({_LABEL})\)|({_LABEL})\))(?=\s*[^\s,;])")


def read_parts(text: str, read: Callable[[str], Node]) -> Node | None:
    """A tidied text as its numbered parts, or None; `read` reads one part or raises Unread."""
    text = _QUOTED.sub(r" \1 ", text).replace("\\\\", " ").strip()
    marks = list(_MARK.finditer(text))
    if len(marks) < 2 or marks[0].start() != 0:
        return None
    labels = [mark[1] or mark[2] for mark in marks]
    order = next(
        (s[: len(labels)] for s in _STYLES if sorted(s[: len(labels)]) == sorted(labels)), None
    )
    if order is None:
        return None
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    read_by_label = {
        label: read(text[mark.end() : end].strip(" ,;:∧"))
        for label, mark, end in zip(labels, marks, ends, strict=True)
    }
    return Node("parts", tuple(read_by_label[label] for label in order))

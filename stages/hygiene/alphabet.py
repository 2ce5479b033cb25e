"""Classes of characters, and letters folded to one case, as tables indexed by code point."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000
APART, LETTER, DIGIT, SINGLE, SYMBOL = range(5)
#: Scripts written without spaces: there each character is a unit (Thai, Lao, Myanmar, Khmer,
#: kana and Han). Korean is written in words.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
SIGNS = "+-*/^=<>%!|&~"  # ASCII that changes what a formula says
LAST_LISTED = 0x20000  # what lies above is Han, or marks that no text here needs


class Alphabet(NamedTuple):
    """classes: APART, LETTER, DIGIT, SINGLE or SYMBOL. folded: the lower-case code point."""

    classes: npt.NDArray[np.uint8]
    folded: npt.NDArray[np.uint32]


@cache
def alphabet() -> Alphabet:
    """Made once (0.1 s). A letter whose lower case is two characters keeps its case."""
    classes = np.full(CODE_POINTS, APART, np.uint8)
    folded = np.arange(CODE_POINTS, dtype=np.uint32)
    for code in range(LAST_LISTED):
        character = chr(code)
        classes[code] = _class_of(character)
        lower = character.lower()
        if len(lower) == 1:
            folded[code] = ord(lower)
    for first, last in UNSPACED:
        span = classes[first : last + 1]
        span[(span == LETTER) | (first >= LAST_LISTED)] = SINGLE
    return Alphabet(classes, folded)


def _class_of(character: str) -> int:
    category = unicodedata.category(character)
    if category[0] in "LM":
        return LETTER
    if category == "Nd":
        return DIGIT
    return SYMBOL if category == "Sm" or character in SIGNS else APART

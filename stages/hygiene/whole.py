"""A whole text in one normal form: what is equal here is the same text.

Width and case of letters, white space beside punctuation, punctuation at the ends, and LaTeX that
only sets type (`\\left`, `\\,`, `\\dfrac` for `\\frac`) do not count; signs, brackets and the names
of commands do.
"""

from __future__ import annotations

import re
import unicodedata

TYPESETTING = re.compile(r"\\(?:left|right|displaystyle|textstyle|quad|qquad)(?![a-z])|\\[,;:! ]|~")
FRACTION = re.compile(r"\\[dtc]frac(?![a-z])")
SPACE_BETWEEN_WORDS = re.compile(r"(?<=\w) (?=\w)")
ENDS = " .,;:!?。，；：！？…"


def whole(text: str) -> str:
    """The normal form of a text."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.lower()
    if "\\" in text or "~" in text:
        text = FRACTION.sub(r"\\frac", TYPESETTING.sub(" ", text))
    text = " ".join(text.split()).strip(ENDS)
    return SPACE_BETWEEN_WORDS.sub("\0", text).replace(" ", "").replace("\0", " ")

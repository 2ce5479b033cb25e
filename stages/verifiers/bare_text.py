r"""Answers in words without their dress: Unicode forms, Markdown, HTML and LaTeX wrappers.

Shared by the verifiers that read words. Nothing here decides what an answer means.
"""

from __future__ import annotations

import re
import unicodedata

from stages.verifiers.leads import unwrapped
from stages.verifiers.verdict import Verdict

LONGEST = 20_000  # letters; no final answer in words is longer, and NFKC makes 18 of some of them
TOO_LONG = Verdict(0.0, f"longer than {LONGEST} letters")

_WRAPPERS = re.compile(
    r"\\(?:text(?:bf|rm|it|sf|tt|normal)?|math(?:rm|bf|it|sf|tt)|mbox|boldsymbol|bold|emph"
    r"|left|right|displaystyle|quad|qquad|[()\[\],;:! ])(?![A-Za-z])"
)
_MARKS = re.compile('[*_`${}"“”„«»「」『』]')


def plain(text: str) -> str:
    """NFKC without emphasis, quotation marks, braces and LaTeX wrappers; lines are kept."""
    folded = (
        western_digits(unicodedata.normalize("NFKC", unwrapped(text)))
        .replace("’", "'")
        .replace("‘", "'")
    )
    bare = _MARKS.sub(" ", _WRAPPERS.sub(" ", folded))
    return "\n".join(filter(None, (" ".join(line.split()) for line in bare.splitlines())))


def western_digits(text: str) -> str:
    """The text with 58 for ৫৮, ๕๘ and ౫౮."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)

"""Checking words: how often a completion says "wait", "check" or 检查 (paper, 2.3, "aha moment").

Latin words match as whole words in any case. A Chinese word of several characters matches
anywhere; one of a single character only where no other Chinese character touches it, because 等
alone means "wait" while 等于 means "equals".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from stages.verifiers.han import HAN


def count_checking_words(text: str, words: Iterable[str]) -> int:
    """How many times any of the words stands in the text; the longest one wins at each place."""
    pattern = _pattern(tuple(words))
    return len(pattern.findall(text)) if pattern else 0


@lru_cache(maxsize=16)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    ordered = sorted(set(words), key=len, reverse=True)
    return re.compile("|".join(map(_word, ordered)), re.IGNORECASE) if ordered else None


def _word(word: str) -> str:
    pattern = re.escape(word)
    if word.isascii():
        return rf"(?<![A-Za-z]){pattern}(?![A-Za-z])"
    return rf"(?<![{HAN}]){pattern}(?![{HAN}])" if len(word) == 1 else pattern

"""Decontamination as a plain script: a dictionary of n-grams, a row at a time, by the same rules.

It is written from docs/data_hygiene.md, with regular expressions and tuples of words, and shares no
code with stages/hygiene but the normal form of whole texts. What benchmarks/decontamination.py
times is the difference; that both find the same rows is a test of the rules.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from stages.hygiene.whole import whole

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
TAKEN_OUT = str.maketrans("", "", "'’ʼ`\u00ad\u200b\u200c\u200d\ufeff")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
NUMBER = re.compile(r"\d+(?:\.\d+)*")

Ngram = tuple[str, ...]


def _letters() -> str:
    """A character class of all letters and marks."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] not in "LM":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges)


LETTERS = _letters()
UNIT = re.compile(
    rf"{NUMBER.pattern}|(?=[{LETTERS}])[{UNSPACED}]|\\?(?:(?![{UNSPACED}])[{LETTERS}])+"
)


def units_of(text: str) -> list[str]:
    """Words, numbers, and characters of scripts without spaces."""
    text = unicodedata.normalize("NFKC", text).translate(TAKEN_OUT).lower()
    found = UNIT.findall(THOUSANDS.sub("", text))
    return [unit for unit in found if not unit.startswith("\\")]


def ngrams_of(text: str, size: int, min_words: int) -> Iterator[Ngram]:
    """The n-grams with enough units that are no numbers."""
    units = units_of(text)
    words = [0, *accumulate(not unit[0].isdecimal() for unit in units)]
    for start in range(len(units) - size + 1):
        if words[start + size] - words[start] >= min_words:
            yield tuple(units[start : start + size])


def texts_of(row: Mapping[str, Any]) -> list[str]:
    """The prompt, the completion, the reference and its solution."""
    metadata = json.loads(row.get("metadata") or "{}")
    others = (row.get("completion"), row.get("reference"), metadata.get("solution"))
    return prompts_of(row) + [text for text in others if text]


def prompts_of(row: Mapping[str, Any]) -> list[str]:
    return [message["content"] for message in row["prompt"] if message["role"] != "system"]


class PlainNgrams:
    """The n-grams of benchmarks that are not boilerplate, and the whole texts of short items."""

    def __init__(
        self,
        benchmarks: Mapping[str, Iterable[Mapping[str, Any]]],
        size: int,
        min_words: int,
        boilerplate_items: int,
    ) -> None:
        self.size, self.min_words = size, min_words
        self.ngrams: set[Ngram] = set()
        self.whole: set[str] = set()
        for rows in map(list, benchmarks.values()):
            holders: dict[Ngram, set[int]] = defaultdict(set)
            for number, row in enumerate(rows):
                for text in texts_of(row):
                    for ngram in ngrams_of(text, size, min_words):
                        holders[ngram].add(number)
            own = {n for n, items in holders.items() if len(items) <= boilerplate_items}
            self.ngrams |= own
            for row in rows:
                for text in prompts_of(row):
                    if own.isdisjoint(ngrams_of(text, size, min_words)):
                        self.whole.add(whole(text))

    def contaminated(self, row: Mapping[str, Any]) -> bool:
        for text in texts_of(row):
            if not self.ngrams.isdisjoint(ngrams_of(text, self.size, self.min_words)):
                return True
        return any(
            whole(part) in self.whole
            for text in prompts_of(row)
            for part in (text, *text.split("\n"))
        )

"""Runs of units of a text: a unit is a word of Latin letters, a number, or any other character."""

from __future__ import annotations

import re

UNITS = re.compile(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]")


def ngrams(text: str, size: int) -> list[tuple[str, ...]]:
    """Runs of `size` words, numbers or characters."""
    units = UNITS.findall(text)
    return list(zip(*(units[start:] for start in range(size)), strict=False))

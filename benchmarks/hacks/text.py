"""Short text without an answer of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

POLICIES = (
    "the question",
    "its first sentence",
    "its last sentence",
    "its longest sentence",
    "its words",
    "valid",
    "valid or invalid",
)
GUESSES = ("valid",)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """The passage, its sentences and its words; valid, invalid, both."""
    sentences = [part.strip() for part in re.split(r"(?<=[.?!。？！])\s*|\n+", question)]
    sentences = [sentence for sentence in sentences if sentence]
    yield question
    yield sentences[0]
    yield sentences[-1]
    yield max(sentences, key=len)
    yield " ".join(sorted(set(question.split())))
    yield "valid"
    yield "valid or invalid"

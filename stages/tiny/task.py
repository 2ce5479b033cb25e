"""A task of the tiny world, before it is a row: one meaning, said in two languages.

The key names the meaning without a language and decides the split, so that neither a held-out
problem nor its translation is ever trained on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from stages.rows.schemas import Row
from stages.tiny.phrases import Sentence

HELDOUT_SHARE = 0.2

#: One attempt at a task: what is thought, and the answer it ends with (in the asked language).
Attempt = tuple[list[Sentence], str]


@dataclass(frozen=True)
class Task:
    """question, reference: by language. metadata: for the verifier, by language.

    attempt(rng, error, language, brief): think and answer; each step goes wrong with probability
    `error`; `brief` jumps to the end in one step. guess(rng, language): an answer without thinking,
    of the right kind but seldom right.
    """

    domain: str
    topic: str
    key: str
    question: Mapping[str, str]
    reference: Mapping[str, str]
    verifier: str
    attempt: Callable[[Random, float, str, bool], Attempt]
    guess: Callable[[Random, str], str]
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def split(self) -> str:
        digest = hashlib.sha256(f"{self.domain}:{self.key}".encode()).digest()
        return "heldout" if digest[0] < 256 * HELDOUT_SHARE else "train"

    def row(self, number: int, language: str) -> Row:
        """The task as a problem row (stages/rows/schemas.py)."""
        metadata = {"topic": self.topic, **self.metadata.get(language, {})}
        return {
            "id": f"{self.domain}-{language}-{number:06d}",
            "domain": self.domain,
            "language": language,
            "prompt": [{"role": "user", "content": self.question[language]}],
            "verifier": self.verifier,
            "reference": self.reference[language],
            "metadata": json.dumps(metadata, ensure_ascii=False, sort_keys=True),
            "source": "tiny",
        }

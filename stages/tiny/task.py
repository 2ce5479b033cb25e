"""A task of the tiny world, before it is a row: one meaning, said in two languages.

The form names the meaning without a language and without what changes nothing of it (the order of
the terms of a sum), and decides the split (splits.py). So neither a held-out problem nor its
translation is ever trained on, and no preset is settled on what judges it.
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
from stages.tiny.splits import HELD_OUT_SHARES, TRAIN

#: One attempt at a task: what is thought, and the answer it ends with (in the asked language).
Attempt = tuple[list[Sentence], str]


@dataclass(frozen=True)
class Task:
    """question, reference: by language. metadata: for the verifier, by language.

    key: the task and how it is put. form: the task alone, where that is less.
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
    form: str = ""

    @property
    def canonical(self) -> str:
        """What the task is called, whatever the order or the language in which it is said."""
        return self.form or self.key

    @property
    def split(self) -> str:
        digest = hashlib.sha256(f"{self.domain}:{self.canonical}".encode()).digest()
        place, end = digest[0] / 256, 0.0
        for split, share in HELD_OUT_SHARES.items():
            end += share
            if place < end:
                return split
        return TRAIN

    def row(self, number: int, language: str) -> Row:
        """The task as a problem row (stages/rows/schemas.py)."""
        metadata = {"topic": self.topic, "task": self.canonical, **self.metadata.get(language, {})}
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

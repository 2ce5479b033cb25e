"""Completions of an engine, scored by the stage's terms and kept for the curves of their rollout.

The weights of the terms are those of the segment, which ends where one of them changes. A row that
cannot be scored has its error and harms no other. The same question is answered once: an engine
that lost an answer asks again under the same name, and the completion counts once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stages.chat.template import THINK, opens_thought
from stages.rewards.terms import Batch, Scores, Term
from stages.rl.prompts import Prompt
from stages.verifiers.answer import Parsed, Policy


@dataclass(frozen=True)
class Asked:
    """One completion to score. ask: the question's name. place: the row of the engine's file."""

    ask: str
    prompt: int
    place: int
    completion: str


@dataclass(frozen=True)
class Scored:
    """What was scored, with every term's score (None: it says nothing) and the reward."""

    prompt: int
    place: int
    text: str
    parsed: Parsed
    scores: Scores
    reward: float


_ASKED: TypeAdapter[list[Asked]] = TypeAdapter(list[Asked])


def asked_of(rows: Any) -> list[Asked]:
    """The rows of a request. Raises ValueError with the number of the first that is wrong."""
    try:
        return _ASKED.validate_python(rows, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(f"rows.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@dataclass
class Scoring:
    """The rewards of a stage. `failed` has what was told of rows that could not be scored."""

    prompts: Sequence[Prompt]
    terms: Sequence[Term]
    policy: Policy
    failed: list[str] = field(default_factory=list)
    _step: int = 0
    _known: dict[str, float] = field(default_factory=dict)
    _kept: list[Scored] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, step: int) -> None:
        """Score as at this optimiser step, for an engine that starts anew."""
        with self._lock:
            self._step = step
            self._known.clear()
            self._kept.clear()
            self.failed.clear()

    def answer(self, rows: Sequence[Asked]) -> list[dict[str, float | str]]:
        """The reward of each row, or its error; one batch at a time."""
        with self._lock:
            new = {row.ask: row for row in rows if row.ask not in self._known}
            errors = self._score(list(new.values()))
            return [
                {"error": errors[ask]} if ask in errors else {"reward": self._known[ask]}
                for ask in (row.ask for row in rows)
            ]

    def kept(self) -> int:
        """How many are kept."""
        with self._lock:
            return len(self._kept)

    def take(self, count: int) -> list[Scored]:
        """The oldest that were kept, `count` at most, which are then forgotten."""
        with self._lock:
            taken, self._kept = self._kept[:count], self._kept[count:]
            return taken

    def seen(self) -> dict[str, float]:
        """What the terms measured beside their scores since the last call."""
        with self._lock:
            return {name: value for term in self.terms for name, value in term.seen().items()}

    def _score(self, rows: Sequence[Asked]) -> dict[str, str]:
        """Score and keep, each alone if that fails together; errors by the question's name."""
        try:
            found = self._together(rows)
        except Exception as error:
            if len(rows) == 1:
                return {rows[0].ask: self._tell(rows[0], error)}
            return {ask: words for row in rows for ask, words in self._score([row]).items()}
        self._kept += found
        self._known |= {row.ask: one.reward for row, one in zip(rows, found, strict=True)}
        return {}

    def _together(self, rows: Sequence[Asked]) -> list[Scored]:
        prompts = [self._prompt(row) for row in rows]
        texts = [
            THINK + row.completion if opens_thought(prompt.text) else row.completion
            for row, prompt in zip(rows, prompts, strict=True)
        ]
        batch = Batch.of([prompt.row for prompt in prompts], texts, self.policy)
        weights = [term.weight_at(self._step) for term in self.terms]
        columns = [
            term.score(batch) if weight else [None] * len(batch)
            for term, weight in zip(self.terms, weights, strict=True)
        ]
        scores: list[Scores] = [list(row) for row in zip(*columns, strict=True)]
        return [
            Scored(row.prompt, row.place, text, parsed, own, _total(own, weights))
            for row, text, parsed, own in zip(rows, texts, batch.parsed, scores, strict=True)
        ]

    def _prompt(self, row: Asked) -> Prompt:
        if not 0 <= row.prompt < len(self.prompts):
            raise ValueError(f"there is no prompt {row.prompt}: the stage has {len(self.prompts)}")
        return self.prompts[row.prompt]

    def _tell(self, row: Asked, error: Exception) -> str:
        known = 0 <= row.prompt < len(self.prompts)
        problem = f"problem {self.prompts[row.prompt].row['id']}, " if known else ""
        words = f"row {row.place} ({problem}prompt {row.prompt}): {type(error).__name__}: {error}"
        self.failed.append(words)
        return words


def _total(scores: Scores, weights: Sequence[float]) -> float:
    """The reward: a term that says nothing adds nothing."""
    pairs = zip(scores, weights, strict=True)
    return float(sum(weight * score for score, weight in pairs if score is not None))

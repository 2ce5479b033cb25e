"""Reward terms: named, weighted, scheduled, each for the rows it applies to.

    accuracy      1 or 0 by the row's verifier; nothing where it cannot judge (paper, 2.2)
    format        a thought in its tags, then a summary, 1 or 0               (paper, 2.2)
    soft_format   partial credit for the parts of that form, for weak bases
    language      share of the thought's words in the problem's language      (paper, 3.2.1)
    helpful       a reward model on the summary, of helpfulness queries       (paper, 3.1)
    safety        a reward model on the whole response, of safety queries     (paper, 3.1)

A query belongs to helpfulness or to safety, and gets the reward of that alone: its row says which
(stages/rows/query_kind.py).

The total reward is the sum of weight × score over the terms that act; None adds nothing. An example
with accuracy + format (ours, of no paper): to "2+3=?" a boxed 5 alone scores 1, a boxed 6 scores 0,
and <think>2+3=5</think> before the boxed 5 scores 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from stages.language.consistency import asked, consistency, target_of
from stages.rewards import format as form
from stages.rewards.padding import is_padding
from stages.rewards.preference import Scorer
from stages.rewards.schedule import PREFERENCE_TERMS, TERMS, steps_of
from stages.rows.query_kind import preference_of
from stages.verifiers.answer import DEFAULT, Parsed, Policy, parse
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import UNEARNED, request_of

if TYPE_CHECKING:
    from stages.kinds.rl.config import RewardTerm

Scores = list[float | None]


@dataclass(frozen=True)
class Batch:
    """Problem rows, and one completion of each, taken apart by the stage's policy."""

    rows: Sequence[Mapping[str, Any]]
    completions: Sequence[str]
    parsed: Sequence[Parsed]

    @classmethod
    def of(
        cls, rows: Sequence[Mapping[str, Any]], completions: Sequence[str], policy: Policy = DEFAULT
    ) -> Batch:
        return cls(rows, completions, [parse(completion, policy) for completion in completions])

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, numbers: Sequence[int]) -> Batch:
        return Batch(
            [self.rows[n] for n in numbers],
            [self.completions[n] for n in numbers],
            [self.parsed[n] for n in numbers],
        )


@dataclass(frozen=True)
class Term:
    """One term of the reward. It acts from step `start` up to, not including, step `stop`.

    seen: curves that it measures beside its score, over what it scored since they were last asked
    for.
    """

    name: str
    weight: float
    start: int
    stop: float
    domains: frozenset[str]
    _score: Callable[[Batch], Scores] = field(repr=False)
    seen: Callable[[], dict[str, float]] = field(default=dict, repr=False)

    def weight_at(self, step: int) -> float:
        """The weight at an optimiser step, counted from 0."""
        return self.weight if self.start <= step < self.stop else 0.0

    def score(self, batch: Batch) -> Scores:
        """One score per completion; None where the term does not apply or cannot judge."""
        numbers = [n for n, row in enumerate(batch.rows) if self.applies(row)]
        scores: Scores = [None] * len(batch)
        for number, score in zip(numbers, self._score(batch.subset(numbers)), strict=True):
            scores[number] = score
        return scores

    def applies(self, row: Mapping[str, Any]) -> bool:
        """Whether the term scores completions of this problem.

        One of a reward model scores queries of its own kind only.
        """
        if self.domains and row["domain"] not in self.domains:
            return False
        return self.name not in PREFERENCE_TERMS or preference_of(row) == self.name


def build_terms(
    rewards: Mapping[str, RewardTerm],
    *,
    pool: VerifierPool,
    scorers: Mapping[str, Scorer],
    total_steps: int,
    stage: str = "<stage>",
) -> list[Term]:
    """The terms of a stage's `rewards`, in config order; `scorers` by term name (load_scorers)."""
    return [
        _build(name, config, pool, scorers, total_steps, f"stages.{stage}.rewards.{name}")
        for name, config in rewards.items()
    ]


def require_rows(terms: Sequence[Term], rows: Sequence[Mapping[str, Any]], stage: str) -> None:
    """Refuse a term that no row of the stage is scored by: its domains or queries are not there."""
    for term in terms:
        if any(term.applies(row) for row in rows):
            continue
        there = {row["domain"] for row in rows}
        key = f"stages.{stage}.rewards.{term.name}"
        if term.domains & there or not term.domains:
            raise UsageError(
                f"{key}: no row of data_from is a `{term.name}` query, so it would never score; "
                f"add such prompts (`preference: {term.name}`), or take the term out with `~{key}`"
            )
        raise UsageError(
            f"{key}.domains: {sorted(term.domains)}, and no row of data_from is of these; there "
            f"are rows of {', '.join(sorted(there))}. Set it to some of those, or [] for all"
        )


def _build(
    name: str,
    config: RewardTerm,
    pool: VerifierPool,
    scorers: Mapping[str, Scorer],
    total_steps: int,
    key: str,
) -> Term:
    if name not in TERMS:
        raise UsageError(f"{key}: there is no reward term {name!r}; there are {', '.join(TERMS)}")
    if name in PREFERENCE_TERMS and name not in scorers:
        raise UsageError(
            f"{key}: needs a reward model that scores `{PREFERENCE_TERMS[name]}`, and none of the "
            f"stage's score_with does; name one there or remove the term"
        )
    start = _step(config.start, total_steps, f"{key}.start")
    stop = math.inf if config.stop is None else _step(config.stop, total_steps, f"{key}.stop")
    if stop <= start:
        raise UsageError(f"{key}: stops at step {stop}, before it starts at step {start}")
    verdicts = Accuracy(pool)
    scorings: dict[str, Callable[[Batch], Scores]] = {
        "accuracy": verdicts.score,
        "format": lambda batch: [form.strict(c) for c in batch.completions],
        "soft_format": lambda batch: [form.soft(c) for c in batch.completions],
        "language": language,
    }
    seen = verdicts.seen if name == "accuracy" else dict
    if name in PREFERENCE_TERMS:
        preference = Preference(name, scorers[name])
        scorings[name], seen = preference.score, preference.seen
    score = scorings[name]
    return Term(name, config.weight, start, stop, frozenset(config.domains), score, seen)


def _step(value: Any, total_steps: int, key: str) -> int:
    try:
        return steps_of(value, total_steps) or 0
    except ValueError as error:
        raise UsageError(f"{key}: {error}") from error


class Accuracy:
    """The verdicts of the rows' verifiers, and how many of them found a right answer unearned."""

    def __init__(self, pool: VerifierPool) -> None:
        self.pool = pool
        self._judged = self._unearned = 0

    def score(self, batch: Batch) -> Scores:
        asked = zip(batch.rows, batch.completions, batch.parsed, strict=True)
        verdicts = self.pool.verify([request_of(*one) for one in asked])
        self._judged += len(verdicts)
        self._unearned += sum(verdict in UNEARNED for verdict in verdicts)
        return [verdict.score for verdict in verdicts]

    def seen(self) -> dict[str, float]:
        """`copied`: their share since the last call; nothing where nobody asks (lenient)."""
        judged, unearned = self._judged, self._unearned
        self._judged = self._unearned = 0
        return {"copied": unearned / judged} if judged and self.pool.policy.strict else {}


def language(batch: Batch) -> Scores:
    """Language consistency of the thoughts, against the language that each problem asks for.

    A thought that only repeats itself or the prompt scores 0. Without tags in order there is no
    thought to score.
    """
    return [_language(row, parsed) for row, parsed in zip(batch.rows, batch.parsed, strict=True)]


def _language(row: Mapping[str, Any], parsed: Parsed) -> float | None:
    if parsed.response is None:
        return None
    share = consistency(parsed.reasoning, target_of(row))
    return 0.0 if share and is_padding(parsed.reasoning, asked(row)) else share


class Preference:
    """The scores of one reward model, and how many texts it could not see whole."""

    def __init__(self, name: str, scorer: Scorer) -> None:
        self.name, self.scorer = name, scorer

    def score(self, batch: Batch) -> Scores:
        prompts = [self.scorer.render(row["prompt"]) for row in batch.rows]
        return list(self.scorer.score(prompts, batch.completions))

    def seen(self) -> dict[str, float]:
        """`too_long/<term>`: their share since the last call; they score the lowest."""
        texts, too_long = self.scorer.seen()
        return {f"too_long/{self.name}": too_long / texts} if texts else {}

"""Which sampled answers become training data, and what each rule dropped.

Paper (B.3.3): keep correct samples, drop mixed languages, long paragraphs and code
blocks in the thought. A filter is a name and a rule on one sample; they apply in the order in which
the config lists them, and a sample is counted at the first that drops it. Two filters look at the
other samples of its problem, `duplicate` and `near_duplicate` (stages/hygiene/resemblance.py), and
so does the quota of `max_kept_per_problem`, which keeps the samples that resemble each other least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from stages import verifiers
from stages.language.consistency import mixes_languages, target_of
from stages.rewards import padding
from stages.rewards.format import strict
from stages.rows.schemas import Row
from stages.rows.sources import BY_METADATA
from stages.scoring.forcing import never_ended

if TYPE_CHECKING:
    from stages.kinds.sample.config import SampleConfig


class Readability(Protocol):
    """The config of a stage that filters samples: which filters, and their limits."""

    filters: list[str]
    min_language_consistency: float
    max_paragraph_characters: int
    max_repetition: float


Rule = Callable[[Row, Readability], bool]


def mixed_language(row: Row, config: Readability) -> bool:
    """Too few words of the thought are in the question's language."""
    least = config.min_language_consistency
    return mixes_languages(row["reasoning"], target_of(row), least) or False


def long_paragraph(row: Row, config: Readability) -> bool:
    longest = max(map(len, row["reasoning"].split("\n")))
    return longest > config.max_paragraph_characters


def repetition(row: Row, config: Readability) -> bool:
    """Too many phrases of the thought stood in it before: it went round in circles."""
    return padding.repeated_share(row["reasoning"]) > config.max_repetition


def code_block(row: Row, config: Readability) -> bool:
    return "```" in row["reasoning"]


#: What drops one sample by itself.
RULES: dict[str, Rule] = {
    "never_ends_thinking": lambda row, config: never_ended(row),
    "truncated": lambda row, config: row["finish_reason"] == "length",
    "wrong": lambda row, config: row["score"] is not None and row["score"] < 1,
    "cannot_judge": lambda row, config: row["score"] is None,
    "malformed": lambda row, config: not strict(row["completion"]),
    "mixed_language": mixed_language,
    "long_paragraph": long_paragraph,
    "code_block": code_block,
    "repetition": repetition,
}


def reason_of(row: Row, config: Readability) -> str | None:
    """The first rule that drops the sample, or None."""
    names = (name for name in config.filters if name in RULES)
    return next((name for name in names if RULES[name](row, config)), None)


def apply_rules(rows: Sequence[Row], config: Readability, dropped: Counter[str]) -> list[Row]:
    """The rows that no rule drops; `dropped` counts the others by the first rule that did."""
    for name in config.filters:
        if name in RULES:
            dropped[name] += 0
    kept = []
    for row in rows:
        reason = reason_of(row, config)
        if reason is None:
            kept.append(row)
        else:
            dropped[reason] += 1
    return kept


def waits(row: Row, config: SampleConfig) -> bool:
    """Whether a judge is to be asked about a sample."""
    if config.generative_judge is None or row["score"] is not None or not row["answer"]:
        return False
    return _comparable(row) and reason_of(row | {"score": 1.0}, config) is None


def _comparable(problem: Row) -> bool:
    """Whether right answers are those that say what the reference says: not of programs."""
    name = problem["verifier"]
    if not (problem["reference"] or "").strip() or name in BY_METADATA:
        return False
    return name in verifiers.VERIFIERS and not getattr(verifiers.load(name), "OPEN", False)

"""Rewriting a correct sample so that it reads well: the cold start's second half.

Paper (B.3.2): R1-Zero's correct thoughts are rewritten in the question's language, in the first
person, with a summary, by people and by DeepSeek-V3. Here a rewriter gives a sample a new
completion, or says why it cannot. What comes out is judged like a sample: its answer must still be
right and its thought must pass the filters of `rewrite.filters`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stages.rows.schemas import Row
from stages.sampling.filters import reason_of
from stages.settings.values import MODEL
from stages.verifiers.answer import parse
from stages.verifiers.grade import counted
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.sample.config import SampleConfig

NOT_REWRITTEN = "not_rewritten"  # by the tiny world's rewriter
TOO_LONG, CUT, MALFORMED = "request_too_long", "reply_cut", "reply_malformed"  # of a model's call
LOST_ANSWER, MIXED_SUMMARY = "thought_lost_answer", "summary_mixed_language"
CALLS = ("thought", "summary")
REWRITTEN_WRONG = "rewritten_wrong"
REWRITTEN = "rewritten_"  # and the filter of `rewrite.filters` that drops it


@dataclass(frozen=True)
class Rewriting:
    """A new text, or what drops the sample."""

    text: str | None
    reason: str | None = None


#: Gives each sample a new completion, or says why it cannot.
Rewriter = Callable[[Sequence[Row]], list[Rewriting]]


def drops(config: SampleConfig) -> list[str]:
    """All that rewriting may drop a sample for, in the order of the funnel."""
    if config.rewriter is None:
        return []
    how = [NOT_REWRITTEN]
    if config.rewriter == MODEL:
        how = [f"{call}_{why}" for call in CALLS for why in (TOO_LONG, CUT, MALFORMED)]
        how += [LOST_ANSWER, MIXED_SUMMARY]
    return [*how, REWRITTEN_WRONG, *(f"{REWRITTEN}{name}" for name in config.rewrite.filters)]


def learnt_by(config: SampleConfig) -> SampleConfig:
    """The limits for what a rewriter wrote."""
    return replace(
        config,
        filters=config.rewrite.filters,
        min_language_consistency=config.rewrite.min_language_consistency,
    )


def rewrite_tiny(rows: Sequence[Row]) -> list[Rewriting]:
    """The tiny world's rewriter, sample by sample."""
    from stages.tiny.rewrite import rewrite

    texts = map(rewrite, rows)
    return [Rewriting(text, NOT_REWRITTEN if text is None else None) for text in texts]


def rewritten(
    rows: Sequence[Row],
    rewriter: Rewriter,
    pool: VerifierPool,
    tokenizer: PreTrainedTokenizerBase,
    config: SampleConfig,
) -> list[tuple[Row, str | None]]:
    """Each sample in its new form, and what drops it: None if it is right and readable."""
    results = rewriter(rows)
    new = {
        i: renewed(rows[i], result.text, pool, tokenizer)
        for i, result in enumerate(results)
        if result.text is not None
    }
    settled: list[tuple[Row, str | None]] = [
        (row, result.reason) for row, result in zip(rows, results, strict=True)
    ]
    verdicts = pool.verify([request_of(row) for row in new.values()])
    for (i, row), verdict in zip(new.items(), verdicts, strict=True):
        row["score"] = verdict.score
        settled[i] = (row, _drop(row, config))
    return settled


def _drop(row: Row, config: SampleConfig) -> str | None:
    if row["score"] != 1.0:
        return REWRITTEN_WRONG
    reason = reason_of(row, learnt_by(config))
    return f"{REWRITTEN}{reason}" if reason else None


def renewed(
    row: Row, completion: str, pool: VerifierPool, tokenizer: PreTrainedTokenizerBase
) -> Row:
    """A row with another completion, still to be judged."""
    parsed = parse(completion, pool.policy)
    return row | {
        "completion": completion,
        "reasoning": parsed.reasoning,
        "answer": counted(row["verifier"], parsed, right=True),  # else it is dropped
        "tokens": len(tokenizer.encode(completion, add_special_tokens=False)),
    }

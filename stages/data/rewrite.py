"""Rewriting a correct sample so that it reads well: the cold start's second half.

Paper (B.3.2): R1-Zero's correct thoughts are rewritten in the question's language, in the first
person, with a summary at the end, by people and by DeepSeek-V3. Here a rewriter gives a sample a
new completion, or None where it cannot. What comes out is judged like a sample: its answer must
still be right and its thought must pass the filters of `rewrite.filters`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from stages.configs import SampleConfig
from stages.data.filters import check_names, reason_of
from stages.data.rewrite_model import check_prompts
from stages.data.rows import Row
from stages.verifiers.answer import parse
from stages.verifiers.grade import counted
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TINY, MODEL = "tiny", "model"
NOT_REWRITTEN = "not_rewritten"
REWRITTEN_WRONG = "rewritten_wrong"
REWRITTEN_UNREADABLE = "rewritten_unreadable"
DROPS = (NOT_REWRITTEN, REWRITTEN_WRONG, REWRITTEN_UNREADABLE)

#: Gives each sample a new completion, or None where it cannot.
Rewriter = Callable[[Sequence[Row]], list[str | None]]


def check_rewriter(config: SampleConfig, key: str) -> None:
    """Refuse an unknown rewriter, or one that lacks what it needs, before anything is sampled."""
    if config.rewriter not in (None, TINY, MODEL):
        raise UsageError(f"{key}.rewriter={config.rewriter}: unknown; expected {TINY} or {MODEL}")
    if (config.rewriter == MODEL) != (config.rewrite_with is not None):
        raise UsageError(
            f"{key}.rewriter={config.rewriter} with {key}.rewrite_with={config.rewrite_with}: "
            f"rewriter={MODEL} takes the model on rewrite_with, and no other rewriter takes one"
        )
    check_names(config.rewrite.filters, f"{key}.rewrite.filters")
    if config.rewriter == MODEL:
        check_prompts(config.rewrite.prompts, f"{key}.rewrite.prompts")


def rewrite_tiny(rows: Sequence[Row]) -> list[str | None]:
    """The tiny world's rewriter, sample by sample."""
    from stages.tiny.rewrite import rewrite

    return [rewrite(row) for row in rows]


def rewritten(
    rows: Sequence[Row],
    rewriter: Rewriter,
    pool: VerifierPool,
    tokenizer: PreTrainedTokenizerBase,
    config: SampleConfig,
) -> list[tuple[Row, str | None]]:
    """Each sample in its new form, and what drops it: none of DROPS if it is right and readable."""
    texts = rewriter(rows)
    places = [i for i, text in enumerate(texts) if text is not None]
    new = [_renewed(rows[i], texts[i] or "", pool, tokenizer) for i in places]
    results: list[tuple[Row, str | None]] = [(row, NOT_REWRITTEN) for row in rows]
    for i, row, verdict in zip(
        places, new, pool.verify([request_of(row) for row in new]), strict=True
    ):
        row["score"] = verdict.score
        results[i] = (row, _drop(row, config))
    return results


def _drop(row: Row, config: SampleConfig) -> str | None:
    if row["score"] != 1.0:
        return REWRITTEN_WRONG
    limits = replace(
        config,
        filters=config.rewrite.filters,
        min_language_consistency=config.rewrite.min_language_consistency,
    )
    return REWRITTEN_UNREADABLE if reason_of(row, limits) else None


def _renewed(
    row: Row, completion: str, pool: VerifierPool, tokenizer: PreTrainedTokenizerBase
) -> Row:
    parsed = parse(completion, pool.policy)
    return row | {
        "completion": completion,
        "reasoning": parsed.reasoning,
        "answer": counted(row["verifier"], parsed, right=True),  # else it is dropped
        "tokens": len(tokenizer.encode(completion, add_special_tokens=False)),
    }

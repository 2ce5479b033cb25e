"""Who rewrites the samples of a stage: the tiny world, a model, or nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.artifact import Inputs
from pipeline.context import Context
from stages.language.consistency import mixes_languages, target_of
from stages.rewriting.examples import Examples, counts, read_examples
from stages.rewriting.model import ModelRewriter
from stages.rewriting.rewrite import Rewriter, rewrite_tiny
from stages.rollout.fleet import Fleet
from stages.rows.schemas import Row
from stages.sampling import side_model
from stages.sampling.collect import fitting
from stages.settings.values import MODEL, RAW, TINY

if TYPE_CHECKING:
    from stages.kinds.sample.config import SampleConfig


def prepared(config: SampleConfig, inputs: Inputs, context: Context) -> Examples:
    """The rewriter's examples; raises before anything is sampled for what would fail after it."""
    key = f"stages.{context.stage}"
    if config.rewriter is None and config.rewrite.wanted:
        context.warn(f"{key}.rewriter: {RAW}")
    if config.rewriter != MODEL:
        return {}
    (model,) = inputs["rewrite_with"]
    limit = config.rewrite.sampling.max_tokens
    fitting([], model.model_path, limit, f"{key}.rewrite.sampling.max_tokens")  # leaves it room
    least = config.rewrite.min_language_consistency
    return read_examples(config.rewrite.examples, f"{key}.rewrite.examples", least)


@contextmanager
def rewriter_of(
    config: SampleConfig, inputs: Inputs, examples: Examples, context: Context
) -> Iterator[Rewriter | None]:
    """The rewriter; a model in engines of its own, once the sampling ones have ended."""
    if config.rewriter == MODEL:
        (model,) = inputs["rewrite_with"]
        rollout = side_model.asking(config, model, config.rewrite.sampling).rollout
        with Fleet.open(
            model.model_path, rollout, context.threads, engines=context.engines
        ) as fleet:
            yield ModelRewriter.of(fleet, model, config, examples, context)
    else:
        yield rewrite_tiny if config.rewriter == TINY else None


def mixes(row: Row, config: SampleConfig) -> bool:
    """Whether a thought mixes more languages than a rewritten one may."""
    least = config.rewrite.min_language_consistency
    return mixes_languages(row["reasoning"], target_of(row), least) or False


def told(
    config: SampleConfig, inputs: Inputs, examples: Examples, given_mixed: int
) -> dict[str, object]:
    """For the facts of a stage whose samples the paper rewrites: who did, after which examples.

    given_mixed: rows of others, added as they are, whose thoughts mix languages.
    """
    if not config.rewrite.wanted:
        return {}
    who = inputs["rewrite_with"][0].stage if config.rewriter == MODEL else config.rewriter
    facts: dict[str, object] = {"rewriter": who, "rewrite_examples": counts(examples)}
    warnings: dict[str, object] = {"warnings": [f"rewriter {RAW}"]} if who is None else {}
    return facts | {"given_mixed_language": given_mixed} | warnings

"""What a stage that samples can have set wrong: who rewrites, and what is learnt when nobody does.

The rules of the sample stage itself are here, too, so that what `r1 plan` says and what a stage
called from a notebook refuses is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.configs import SampleConfig

TINY, MODEL = "tiny", "model"


def check(stage: Stage) -> Iterator[Problem]:
    """A rewriter has what it needs; without one, what is learnt is in one language."""
    config: SampleConfig = stage.config
    yield from rewriting(config)


def rewriting(config: SampleConfig) -> Iterator[Problem]:
    """What stands against the rewriter."""
    if config.rewriter not in (None, TINY, MODEL):
        yield Problem(
            "rewriter", f"is {config.rewriter}: expected {MODEL}, {TINY} (the tiny world's), or null"
        )
    elif config.rewriter != MODEL and config.rewrite_with is not None:
        yield Problem(
            "rewrite_with",
            f"is {config.rewrite_with}, and rewriter={config.rewriter or 'null'} asks no model: "
            f"set rewriter={MODEL}, or rewrite_with to null",
        )
    elif config.rewriter == MODEL and config.rewrite_with is None:
        yield Problem(
            "rewrite_with",
            "is null, so there is no model that rewrites: name a stage that makes one or serves "
            "one, e.g. `+model@stages.writer=hub stages.writer.path=PATH "
            "stages.STAGE.rewrite_with=writer`, or set rewriter=null to keep samples as they are",
            when_run=True,
        )

"""What sampling with verification takes: completions, what is rewritten, what a model judges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import draw, engine, published_bytes
from stages.costs.rows import taken
from stages.costs.work import REWARD, ROLLOUT, Disk, Draw, Handled, Known, Work
from stages.kinds.sample.config import SampleConfig

CALLS = 2  # of a rewriter for each sample: its thought, its summary


def work(stage: Stage, known: Known) -> Work:
    """Completions of each problem; of what is accepted, some are kept."""
    config: SampleConfig = stage.config
    sources = stage.inputs["data_from"]
    (source,) = (one for one in sources if one.kind.produces == "model")
    model = shapes.of_stage(source)
    if model is None:
        return Work(unknown=(source.name,))
    asked = [one for one in sources if one.kind.produces == "problems"]
    problems = sum(known.rows(one) for one in asked)
    if config.limit_problems is not None:
        problems = min(problems, config.limit_problems)
    each, accepted = config.samples_per_problem, known.assumed.accepted
    mean = known.length(source, config.sampling.max_tokens)
    if stage.config.length_share is not None:
        mean = known.length(stage, config.sampling.max_tokens)
    drawn = problems * each
    in_parts = config.strategy == "adaptive"  # which ask a problem again
    own = draw(
        ROLLOUT,
        model,
        engine(config.rollout, published_bytes(source, model)),
        known,
        completions=drawn,
        prompts=drawn if in_parts else problems,
        mean=mean,
        limit=config.sampling.max_tokens,
        rounds=config.adaptive.rounds if in_parts else 1.0,
        shard=config.rollout.shard_samples,
    )
    kept = problems * min(
        config.max_kept_per_problem,
        each * accepted,
        1 - (1 - accepted) ** each if config.max_kept_per_problem == 1 else each * accepted,
    )
    more, length = taken(
        known, (one for one in sources if one.kind.produces not in ("problems", "model"))
    )
    rows = kept + more
    tokens = (kept * (known.prompt + mean) + more * length) / rows if rows else 0.0
    side = [*_rewriting(stage, known, kept, mean), *_judging(stage, known, drawn)]
    size = (drawn * mean + rows * tokens) * known.assumed.token_bytes
    return Work(
        rows=rows,
        row_tokens=tokens,
        tasks=(own, *side, Handled(drawn, REWARD)),
        disk=Disk(size),
    )


def _rewriting(stage: Stage, known: Known, rows: float, mean: float) -> Iterator[Draw]:
    config: SampleConfig = stage.config
    if config.rewriter == "model" or (config.rewriter is None and config.rewrite_with):
        yield from _side(
            stage.inputs["rewrite_with"],
            stage,
            known,
            CALLS * rows,
            mean,
            config.rewrite.sampling.max_tokens,
            mean,
        )


def _judging(stage: Stage, known: Known, drawn: float) -> Iterator[Draw]:
    config: SampleConfig = stage.config
    if judge := config.generative_judge:
        limit = judge.sampling.max_tokens
        share = known.assumed.length_share * limit
        yield from _side(
            stage.inputs["judge_with"],
            stage,
            known,
            judge.votes * drawn,
            share,
            limit,
            known.prompt,
        )


def _side(
    models: tuple[Stage, ...],
    stage: Stage,
    known: Known,
    count: float,
    mean: float,
    limit: int,
    prompt: float,
) -> Iterator[Draw]:
    """Replies of a model beside the one that samples; a served one costs nothing here."""
    for source in models:
        shape: Any = shapes.of_stage(source)
        if shape is not None:
            yield draw(
                ROLLOUT,
                shape,
                engine(stage.config.rollout, published_bytes(source, shape)),
                known,
                completions=count,
                prompts=count,
                mean=min(mean, limit),
                limit=limit,
                shard=stage.config.rollout.shard_samples,
                prompt=prompt,
            )

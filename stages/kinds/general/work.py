"""What general rows take: their number, and thoughts that a model adds."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import draw, engine, published_bytes
from stages.costs.rows import handled, taken
from stages.costs.work import ROLLOUT, ROWS, Disk, Handled, Known, Work
from stages.kinds.general.kind import GeneralConfig


def work(stage: Stage, known: Known) -> Work:
    """The tiny world's rows, or those that come in, of which a share is thought about."""
    config: GeneralConfig = stage.config
    sources = stage.inputs["data_from"]
    rows, length = taken(known, sources)
    if not rows:
        return handled(known, float(sum(config.rows.values())), known.row)
    models = [one for one in sources if one.kind.produces == "model"]
    model = shapes.of_stage(models[0]) if models else None
    asked = rows * config.thinking.share
    if not models or not asked:
        return handled(known, rows, length)
    if model is None:
        return Work(rows=rows, row_tokens=length, unknown=(models[0].name,))
    limit = config.sampling.max_tokens
    mean = known.length(stage, limit)
    count = asked * config.thinking.samples_per_row
    drawn = draw(
        ROLLOUT,
        model,
        engine(config.rollout, published_bytes(models[0], model)),
        known,
        completions=count,
        prompts=asked,
        mean=mean,
        limit=limit,
        shard=config.rollout.shard_samples,
        prompt=length,
    )
    tokens = length + config.thinking.share * mean
    return Work(
        rows=rows,
        row_tokens=tokens,
        tasks=(drawn, Handled(count, ROWS)),
        disk=Disk(rows * tokens * known.assumed.token_bytes),
    )

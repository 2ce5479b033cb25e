"""What an evaluation takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import draw, engine, published_bytes, reading
from stages.costs.work import REWARD, ROLLOUT, Disk, Handled, Known, Task, Work
from stages.kinds.evaluate.config import EvaluateConfig


def work(stage: Stage, known: Known) -> Work:
    """Completions of each problem; again for each thinking budget and each wait."""
    config: EvaluateConfig = stage.config
    (source,) = stage.inputs["evaluates"]
    if source.kind.produces == "served_model":
        return Work(light=True)
    model = shapes.of_stage(source)
    if model is None:
        return Work(unknown=(source.name,))
    rows = [known.rows(one) for one in stage.inputs["data_from"]]
    samples = config.samples_of or [config.samples_per_problem] * len(rows)
    problems, share = sum(rows), 1.0
    if config.limit_problems is not None and problems:
        share = min(1.0, config.limit_problems / problems)
    answers = share * sum(count * each for count, each in zip(rows, samples, strict=True))
    limit = config.sampling.max_tokens
    mean = known.length(source if config.length_share is None else stage, limit)
    runs = 1 + len(config.budgets) + max(config.waits, default=0)
    drawn = draw(
        ROLLOUT,
        model,
        engine(config.rollout, published_bytes(source, model)),
        known,
        completions=answers * runs,
        prompts=share * problems * runs,
        mean=mean,
        limit=limit,
        rounds=runs,
        shard=config.rollout.shard_samples,
    )
    tasks: list[Task] = [drawn, Handled(answers * runs, REWARD)]
    length = mean + known.prompt
    for scorer in stage.inputs["score_with"]:
        if (shape := shapes.of_stage(scorer)) is not None:
            tasks.append(
                reading(
                    REWARD,
                    shape,
                    answers * length,
                    length,
                    answers / 64,
                    published_bytes(scorer, shape),
                )
            )
    size = answers * mean * known.assumed.token_bytes  # of the others only numbers are kept
    return Work(tasks=tuple(tasks), disk=Disk(size))

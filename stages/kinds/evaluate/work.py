"""What an evaluation takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import draw, engine, published_bytes, reading
from stages.costs.work import REWARD, ROLLOUT, Disk, Handled, Known, Task, Work
from stages.kinds.evaluate.config import EvaluateConfig

#: Of the answers, those that a thinking budget or a wait changes: budgets reach from no thought to
#: a whole one, so half of the thoughts are longer, on average.
CHANGED = 0.5


def work(stage: Stage, known: Known) -> Work:
    """Completions of each problem; of those that a budget or a wait changes, another end."""
    config: EvaluateConfig = stage.config
    (source,) = stage.inputs["evaluates"]
    if source.kind.produces == "served_model":
        return Work(light=True)
    model = shapes.of_stage(source)
    if model is None:
        return Work(unknown=(source.name,))
    rows = [known.rows(one) for one in stage.inputs["data_from"]]
    samples: list[float] = [*(config.samples_of or [config.samples_per_problem] * len(rows))]
    if config.voted is not None:
        more = [max(0.0, config.voted.samples - each) / config.voted.every for each in samples]
        samples = [each + plus for each, plus in zip(samples, more, strict=True)]
    problems, share = sum(rows), 1.0
    if config.limit_problems is not None and problems:
        share = min(1.0, config.limit_problems / problems)
    answers = share * sum(count * each for count, each in zip(rows, samples, strict=True))
    limit = config.sampling.max_tokens
    mean = known.length(source if config.length_share is None else stage, limit)
    how, shard = (
        engine(config.rollout, published_bytes(source, model)),
        config.rollout.shard_samples,
    )
    drawn = draw(
        ROLLOUT,
        model,
        how,
        known,
        completions=answers,
        prompts=share * problems,
        mean=mean,
        limit=limit,
        shard=shard,
    )
    settings = len(config.budgets) + max(config.waits, default=0)
    changed = CHANGED * answers * settings
    tasks: list[Task] = [drawn, Handled(answers + changed, REWARD)]
    if changed:
        end = draw(
            ROLLOUT,
            model,
            how,
            known,
            completions=changed,
            prompts=changed,  # each with a thought of its own
            prompt=known.prompt + mean / 2,
            mean=known.length(source, config.answer_tokens),
            limit=config.answer_tokens,
            rounds=settings,
            shard=shard,
        )
        tasks.append(end)
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
    size = answers * mean * known.assumed.token_bytes  # of changed ends only numbers are kept
    return Work(tasks=tuple(tasks), disk=Disk(size))

"""What judged pairs and labels take: responses, and a judge's replies to them."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import draw, engine, published_bytes
from stages.costs.rows import handled
from stages.costs.work import ROLLOUT, ROWS, Disk, Draw, Handled, Known, Work
from stages.kinds.judged.kind import PreferencesConfig

RESPONSES = {"preferences": 2}  # to a prompt, by kind


def work(stage: Stage, known: Known) -> Work:
    """As many rows as are asked for; the judge reads each of them `votes` times."""
    config: PreferencesConfig = stage.config
    rows, each = float(config.rows), RESPONSES.get(stage.kind.name, 1)
    limit = config.sampling.max_tokens
    mean = known.length(stage, limit)
    tasks: list[Draw | Handled] = [Handled(rows, ROWS)]
    models = [one for one in stage.inputs["data_from"] if one.kind.produces == "model"]
    verdict = config.judging.sampling.max_tokens
    asked = [(one, rows * each, mean, limit, known.prompt) for one in models]
    asked += [
        (
            one,
            rows * config.votes,
            verdict * known.assumed.length_share,
            verdict,
            known.prompt + each * mean,
        )
        for one in stage.inputs["judge_with"]
    ]
    for source, count, length, most, prompt in asked:
        if (shape := shapes.of_stage(source)) is not None:
            tasks.append(
                draw(
                    ROLLOUT,
                    shape,
                    engine(config.rollout, published_bytes(source, shape)),
                    known,
                    completions=count,
                    prompts=count,
                    mean=length,
                    limit=most,
                    shard=config.rollout.shard_samples,
                    prompt=prompt,
                )
            )
    made = handled(known, rows, known.prompt + mean)
    return Work(
        rows=rows,
        row_tokens=made.row_tokens,
        tasks=tuple(tasks),
        disk=Disk(made.disk.published * each),
    )

"""Sampling with verification: cold-start data and rejection sampling.

Paper (2.3.3; v2 3.1): sample from a checkpoint, keep what is correct and readable. For the cold
start the kept thoughts are also rewritten in the question's language; human-made conversations on
`data_from` are added as they are. Here:

1. k samples per problem, in shards that survive a kill (stages/data/collect.py);
2. the verdict of the problem's own verifier, and the listed filters in order (filters.py);
3. the rewriter, if any, whose result is judged again (rewrite.py);
4. per problem no duplicates, and the least similar ones up to the quota.

Writes rows.parquet and pass_rates.parquet: how often each problem was solved, its difficulty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError, UsageError
from pipeline.kinds import Outputs
from stages.configs import SampleConfig
from stages.data.collect import Collector, Job, fitting, gather, make_jobs, shown_on
from stages.data.filters import apply_quota, apply_rules, check_names
from stages.data.metrics import mean
from stages.data.rewrite import find_rewriter, rewrite_samples
from stages.data.rows import SAMPLE, Row, read_rows, write_rows
from stages.rollout.engine import open_engine
from stages.verifiers.answer import parse
from stages.verifiers.pool import VerifierPool

PASS_RATE = pa.schema(
    [
        ("id", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("n", pa.int64()),  # judged samples
        ("correct", pa.int64()),
        ("pass_rate", pa.float64()),  # null when nothing could be judged
    ]
)


def run(config: SampleConfig, inputs: Inputs, context: Context) -> Outputs:
    """Sample, judge, filter, rewrite; publish what is kept and how often problems were solved."""
    key = f"stages.{context.stage}"
    check_names(config.filters, f"{key}.filters")
    rewriter = find_rewriter(config.rewriter, f"{key}.rewriter")
    model = _only_model(inputs, key)
    problems = gather(of_type(inputs, "data_from", "problems"), config.limit_problems)
    engine = open_engine(model.model_path, config.rollout, context.threads)
    dropped: Counter[str] = Counter()
    with VerifierPool.of(config.verifiers) as pool:
        collector = Collector.of(engine, pool, model, config, context)
        jobs, samples = _sample(config, problems, model, collector, context)
        kept = apply_rules(samples, config, dropped)
        if rewriter:
            kept = rewrite_samples(kept, rewriter, pool, engine.tokenizer, dropped)
    pool.tally.write(context.output)
    chosen = _choose(kept, config, dropped)
    given = _given(inputs)
    rows = [{name: row[name] for name in SAMPLE.names} for row in [*chosen, *given]]
    if not rows:
        raise RecipeError(_nothing_kept(key, len(samples), dropped))
    rates = _pass_rates(jobs, samples, config.samples_per_problem)
    write_rows(context.output / "rows.parquet", rows, SAMPLE)
    write_rows(context.output / "pass_rates.parquet", rates, PASS_RATE)
    too_long = len(problems) - len(jobs)
    funnel = {"sampled": len(samples), **dropped, "kept": len(chosen), "given": len(given)}
    return Outputs(_facts(model, problems, too_long, rates, chosen, given), funnel)


def _only_model(inputs: Inputs, key: str) -> Artifact:
    models = of_type(inputs, "data_from", "model")
    if len(models) != 1:
        names = [model.stage for model in models]
        raise UsageError(f"{key}.data_from: exactly one model samples, found {names}")
    return models[0]


def _sample(
    config: SampleConfig,
    problems: Sequence[Row],
    model: Artifact,
    collector: Collector,
    context: Context,
) -> tuple[list[Job], list[Row]]:
    """The jobs whose prompt fits, and k judged samples of each, in order."""
    tokenizer = collector.engine.tokenizer
    jobs = make_jobs(problems, tokenizer, config.system_prompt, config.samples_per_problem)
    key = f"stages.{context.stage}.sampling.max_tokens"
    jobs = fitting(jobs, model.model_path, config.sampling.max_tokens, key)
    drawn = collector.rows(jobs, shown_on(context))
    return jobs, [row for rows in drawn for row in rows]


def _choose(kept: Sequence[Row], config: SampleConfig, dropped: Counter[str]) -> list[Row]:
    """At most the quota of each problem's samples; samples of one problem share its prompt."""
    by_problem: dict[tuple[str, str], list[Row]] = {}
    for row in kept:
        by_problem.setdefault((row["source"], row["id"]), []).append(row)
    return [row for rows in by_problem.values() for row in apply_quota(rows, config, dropped)]


def _given(inputs: Inputs) -> list[Row]:
    """Rows that others made: samples as they are, conversations in the columns of samples."""
    samples = of_type(inputs, "data_from", "samples")
    conversations = of_type(inputs, "data_from", "conversations")
    rows = [row for artifact in samples for row in read_rows(artifact.rows_path)]
    for artifact in conversations:
        rows += [_as_sample(row) for row in read_rows(artifact.rows_path)]
    return rows


def _as_sample(conversation: Row) -> Row:
    parsed = parse(conversation["completion"])
    empty = dict.fromkeys(SAMPLE.names)
    parts = {"reasoning": parsed.reasoning, "answer": parsed.answer, "reason": "given"}
    return empty | {"metadata": "{}"} | conversation | parts


def _pass_rates(jobs: Sequence[Job], samples: Sequence[Row], k: int) -> list[Row]:
    rates = []
    for index, job in enumerate(jobs):
        scores = [row["score"] for row in samples[index * k : index * k + k]]
        judged = [score for score in scores if score is not None]
        correct = sum(score == 1.0 for score in judged)
        names = ("id", "domain", "language")
        rates.append(
            {name: job.problem[name] for name in names}
            | {"n": len(judged), "correct": correct, "pass_rate": mean(judged)}
        )
    return rates


def _facts(
    model: Artifact,
    problems: Sequence[Row],
    too_long: int,
    rates: Sequence[Row],
    chosen: Sequence[Row],
    given: Sequence[Row],
) -> dict[str, object]:
    rows = [*chosen, *given]
    return {
        "model": model.stage,
        "problems": len(problems),
        "prompts_too_long": too_long,
        "pass_rate": mean([rate["pass_rate"] for rate in rates]),
        "solved": sum(rate["correct"] > 0 for rate in rates),
        "rows": len(rows),
        "rows_by_domain": dict(Counter(row["domain"] for row in rows)),
        "rows_by_language": dict(Counter(row["language"] for row in rows)),
        "rows_by_source": dict(Counter(row["source"] for row in rows)),
        "mean_tokens": mean([float(row["tokens"]) for row in chosen]),
    }


def _nothing_kept(key: str, sampled: int, dropped: Counter[str]) -> str:
    reasons = ", ".join(f"{name} {count}" for name, count in dropped.items() if count)
    return (
        f"{key}: none of {sampled} samples was kept ({reasons}).\n"
        f"Take a stronger model or easier problems, or relax {key}.filters."
    )

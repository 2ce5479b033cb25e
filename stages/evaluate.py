"""Held-out evaluation of one model: k samples per problem, judged by rule.

Paper (section 3, "Evaluation Setup"): temperature 0.6, top-p 0.95, pass@1 as the mean over k
samples, cons@64 on AIME, zero-shot. Here: the same estimator on any problems, with a 95 % bootstrap
interval over problems, and the things that the paper tells in words (readability, mixed languages,
checking words, truncation) as numbers beside it. Thinking budgets (stages/data/budgets.py) are
asked of reasoning problems only.

Writes samples.parquet, problems.parquet (one row per problem) and metrics.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError, UsageError
from pipeline.kinds import Outputs
from stages.configs import EvaluateConfig
from stages.data.budget_curve import FORCED, BudgetCurve, check, curve_facts
from stages.data.budgets import Tags, never_ended
from stages.data.collect import (
    Collector,
    Job,
    fitting,
    gather,
    make_jobs,
    positions,
    shown_on,
)
from stages.data.rows import SAMPLE, Row, write_rows
from stages.data.score import (
    measure,
    problem_row,
    problem_schema,
    tables,
)
from stages.data.votes import VOTING, classes
from stages.rollout.engine import open_engine
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Samples = list[list[Row]]  # the samples of each problem


def run(config: EvaluateConfig, inputs: Inputs, context: Context) -> Outputs:
    """Sample, judge, count; publish samples, problems and metrics."""
    _check(config, context.stage)
    check(config, context.stage)
    (model,) = inputs["evaluates"]
    problems = gather(of_type(inputs, "data_from", "problems"), config.limit_problems)
    engine = open_engine(model.model_path, config.rollout, context.threads)
    with VerifierPool.of(config.verifiers) as pool:
        collector = Collector.of(engine, pool, model, config, context)
        jobs = _jobs(config, problems, model, engine.tokenizer, context)
        samples = list(collector.rows(jobs, shown_on(context)))
        pool.tally.write(context.output)  # before answers are compared with each other, to vote
        tags = Tags.of(engine.tokenizer)
        thinking = [[tags.thinking_tokens(row) for row in rows] for rows in samples]
        rows = _problem_rows(config, jobs, samples, thinking, pool)
        budgets = _budgets(jobs, collector, config, model, context)
    unended = sum(never_ended(row) for rows in samples for row in rows)
    facts = {
        "model": model.stage,
        "problems": len(problems),
        "prompts_too_long": len(problems) - len(jobs),
        "samples_per_problem": config.samples_per_problem,
        "never_ended": unended,
        **tables(rows, config.pass_at, context.seed),
        **budgets,
    }
    _write(context.output, samples, rows, config.pass_at, facts)
    funnel = {
        "problems": len(problems),
        "prompt_too_long": len(problems) - len(jobs),
        "evaluated": len(jobs),
        "samples": sum(map(len, samples)),
        "never_ended": unended,
    }
    return Outputs(facts=facts, funnel=funnel)


def _check(config: EvaluateConfig, stage: str) -> None:
    too_many = [k for k in config.pass_at if not 1 <= k <= config.samples_per_problem]
    if too_many:
        raise UsageError(
            f"stages.{stage}.pass_at: {too_many} is not between 1 and samples_per_problem "
            f"({config.samples_per_problem}), so pass@k has no unbiased estimate"
        )


def _jobs(
    config: EvaluateConfig,
    problems: Sequence[Row],
    model: Artifact,
    tokenizer: PreTrainedTokenizerBase,
    context: Context,
) -> list[Job]:
    """One job per problem whose prompt the model can see whole."""
    jobs = make_jobs(problems, tokenizer, config.system_prompt, config.samples_per_problem)
    longest = config.sampling.max_tokens
    if config.budgets or config.waits:
        forced = len(Tags.of(tokenizer).forced) + config.answer_tokens
        longest += forced + 1  # a thought that never ends
    key = f"stages.{context.stage}.sampling.max_tokens"
    fit = fitting(jobs, model.model_path, longest, key)
    if not fit:
        raise RecipeError(
            f"stages.{context.stage}: none of {len(jobs)} prompts leaves the model room for "
            f"{longest} tokens of completion; lower {key} or take a model that sees more"
        )
    return fit


def _problem_rows(
    config: EvaluateConfig,
    jobs: Sequence[Job],
    samples: Samples,
    thinking: Sequence[Sequence[int]],
    pool: VerifierPool,
) -> list[Row]:
    voting = [i for i, job in enumerate(jobs) if job.problem["verifier"] in VOTING]
    votes = dict(zip(voting, classes([samples[i] for i in voting], pool), strict=True))
    return [
        problem_row(
            job.problem,
            samples[i],
            [
                measure(row, tokens, config.checking_words)
                for row, tokens in zip(samples[i], thinking[i], strict=True)
            ],
            votes.get(i),
            config.pass_at,
        )
        for i, job in enumerate(jobs)
    ]


def _budgets(
    jobs: Sequence[Job],
    collector: Collector,
    config: EvaluateConfig,
    model: Artifact,
    context: Context,
) -> dict[str, list[dict[str, float | int]]]:
    """The points under every thinking budget and number of waits; rows go to budgets.parquet."""
    curve = BudgetCurve(config, collector, positions(model.model_path), shown_on(context))
    rows = list(curve.rows(jobs))
    if rows:
        write_rows(context.output / "budgets.parquet", rows, FORCED)
    return curve_facts(rows, context.seed)


def _write(
    folder: Path, samples: Samples, rows: Sequence[Row], pass_at: Sequence[int], facts: Any
) -> None:
    flat = [{name: row[name] for name in SAMPLE.names} for answers in samples for row in answers]
    write_rows(folder / "samples.parquet", flat, SAMPLE)
    write_rows(folder / "problems.parquet", rows, problem_schema(pass_at))
    (folder / "metrics.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")

"""Held-out evaluation of one model: k samples per problem, judged by rule.

Paper (D.1): temperature 0.6, top-p 0.95, pass@1 as the mean over k samples, k by benchmark,
cons@64 on AIME, zero-shot, a prompt for each kind of answer (appendix J). Here, on any problems,
asked so (stages/scoring/asking.py) and as often as their benchmark says (settle.py), each
number with its 95 % bootstrap interval over problems:

1. pass@1; unbiased pass@k for each k of `pass_at`, which is also best-of-k under the rules;
2. cons@k, the majority over classes of equivalent answers (stages/scoring/votes.py): over all
   samples (cons_at_k), and as the exact average over all subsets of k (cons_at_4). Majority voting
   is the paper's test-time compute beside thinking (E.4);
3. with reward models on `score_with`: best-of-k by their score (best_of_4_helpful), unbiased as
   pass@k is, and the majority vote weighted by it (cons_helpful). The paper does not compare these;
4. what the paper tells in words, as numbers: format, mixed languages, checking words, truncation;
5. accuracy under thinking budgets, of reasoning problems only (stages/scoring/budget_curve.py).

The helpful model scores no safety query and the safety model no query for help, as in RL (3.1).
Problems that are neither are scored by each where none says which it is (a benchmark: how well does
it choose there?), and by none beside such as do, since those are all that it learnt to judge.
reward_helpful is the mean score, and gold_helpful the same by the tiny world's own judge: where the
first rises and the second does not, the policy exploits the model (paper, B.5).

A prompt that the model cannot see whole is left out and counted. A problem that no verifier can
judge for want of a reference is an error: 64 samples of it would be wasted.

Writes samples.parquet as samples come, problems.parquet (one row per problem), verdicts.json and
metrics.json; budgets.parquet where budgets were asked for. Memory holds a shard of samples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from pipeline.statistics import Bootstrap
from stages.chat.text_template import give_template
from stages.kinds.evaluate.amounts import amounts
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.kind import engine, most_samples, rules
from stages.rewards.preference import TERM_OF, Scorer, load_scorers
from stages.rewards.windows import require_windows
from stages.rollout.fleet import Fleet
from stages.rows.query_kind import preference_of
from stages.rows.schemas import SAMPLES, Row, write_rows
from stages.sampling.collect import (
    Collector,
    Job,
    fitting,
    gather,
    make_jobs,
    positions,
    shown_on,
)
from stages.sampling.elections import require_reference
from stages.scoring.asking import questions
from stages.scoring.budget_curve import BudgetCurve
from stages.scoring.budget_points import FORCED, curve_facts
from stages.scoring.examiner import Examiner, Seen
from stages.scoring.forcing import Tags
from stages.scoring.measures import Asked, problem_schema, tables
from stages.settings.values import refuse
from stages.verifiers.answer import policy_of
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def run(config: EvaluateConfig, inputs: Inputs, context: Context) -> Outputs:
    """Sample, judge, count; publish samples, problems and metrics."""
    (model,) = inputs["evaluates"]
    served = [model.stage] if model.type == "served_model" else []
    refuse([*rules(config), *engine(config, served)], f"stages.{context.stage}")
    sources = of_type(inputs, "data_from", "problems")
    rows_of = [gather([source], None) for source in sources]
    asking = amounts(config, rows_of)
    problems = [row for row, _ in asking]
    require_reference(problems, f"stages.{context.stage}.data_from")
    asked = _asked(config, inputs, problems)
    scorers = _scorers(config, inputs, problems, asked, context)
    fleet = Fleet.open(model.model_path, config.rollout, context.threads, engines=context.engines)
    with fleet, VerifierPool.of(config.verifiers) as pool:
        collector = Collector.of(fleet, pool, model, config, context)
        jobs = _jobs(config, asking, model, fleet.tokenizer, context)
        reused = _reused(collector, jobs)
        seen = _sampled(config, jobs, collector, scorers, asked, context)
        pool.tally.write(context.output)
        rows = _budgets(jobs, collector, config, model, context)
    bootstrap = Bootstrap(config.bootstrap_draws, context.seed)
    facts = {
        "model": model.stage,
        "problems": len(problems),
        "prompts_too_long": len(problems) - len(jobs) + seen.too_long,
        "samples_per_problem": config.samples_per_problem if config.voted else most_samples(config),
        "never_ended": seen.never_ended,
        **tables(seen.rows, asked, bootstrap, _benchmarks(sources, rows_of)),
        **curve_facts(rows, bootstrap),
    }
    write_rows(context.output / "problems.parquet", seen.rows, problem_schema(asked))
    _write_json(context.output / "metrics.json", facts)
    unseen = {f"too_long_for_{term}": scorer.seen()[1] for term, scorer in scorers.items()}
    return Outputs(facts=facts, funnel=_funnel(facts, seen, reused) | unseen | fleet.mishaps)


def _asked(config: EvaluateConfig, inputs: Inputs, problems: Sequence[Row]) -> Asked:
    """What is told of every problem."""
    terms = sorted(TERM_OF[scorer.facts["scores"]] for scorer in inputs.get("score_with", ()))
    stated = any(preference_of(problem) for problem in problems)
    return Asked(
        tuple(config.pass_at),
        most_samples(config),
        tuple(terms),
        stated=stated,
        gold=config.judge is not None,
        voters=config.voted.samples if config.voted else 1,
    )


def _scorers(
    config: EvaluateConfig,
    inputs: Inputs,
    problems: Sequence[Row],
    asked: Asked,
    context: Context,
) -> dict[str, Scorer]:
    """The reward models, which run in this process; engines have processes of their own."""
    if not (artifacts := inputs.get("score_with", ())):
        return {}
    from stages.training.common import use_threads

    use_threads(context.threads)
    scorers = load_scorers(artifacts, policy_of(config.verifiers))
    scored = {term: [row for row in problems if term in asked.terms(row)] for term in scorers}
    key = "sampling.max_tokens"
    require_windows(scorers, scored, config.sampling.max_tokens, context.stage, key)
    return scorers


def _benchmarks(sources: Sequence[Artifact], rows: Sequence[list[Row]]) -> dict[str, str]:
    """The stage that each problem is of, by its id; none of one stage, or where ids recur."""
    if len(sources) < 2:
        return {}
    own = zip(sources, rows, strict=True)
    pairs = [(row["id"], source.stage) for source, some in own for row in some]
    found = dict(pairs)
    return found if len(found) == len(pairs) else {}


def _jobs(
    config: EvaluateConfig,
    problems: Sequence[tuple[Row, int]],
    model: Artifact,
    tokenizer: PreTrainedTokenizerBase,
    context: Context,
) -> list[Job]:
    """One job per problem whose prompt the model can see whole; its row stays as it is."""
    give_template(tokenizer, config.template, f"stages.{context.stage}.template")
    rows = [row for row, _ in problems]
    prompts = questions(rows, config.prompts, f"stages.{context.stage}.prompts")
    shown = [row | {"prompt": prompt} for row, prompt in zip(rows, prompts, strict=True)]
    made = make_jobs(shown, tokenizer, config.system_prompt, most_samples(config))
    jobs = [replace(job, problem=row, n=n) for job, (row, n) in zip(made, problems, strict=True)]
    longest = config.sampling.max_tokens
    if config.budgets or config.waits:
        forced = len(Tags.of(tokenizer).end_think) + config.answer_tokens
        longest += forced + 1  # a thought that never ends
    key = f"stages.{context.stage}.sampling.max_tokens"
    fit = fitting(jobs, model.model_path, longest, key)
    if not fit:
        raise RecipeError(
            f"stages.{context.stage}: none of {len(jobs)} prompts leaves the model room for "
            f"{longest} tokens of completion; lower {key} or take a model that sees more"
        )
    return fit


def _reused(collector: Collector, jobs: Sequence[Job]) -> int:
    """How many of the samples were drawn before, by this stage or by another one."""
    return sum(len(collector.ledger.find(job.names(collector.seed))) for job in jobs)


def _sampled(
    config: EvaluateConfig,
    jobs: Sequence[Job],
    collector: Collector,
    scorers: dict[str, Scorer],
    asked: Asked,
    context: Context,
) -> Seen:
    """Draw and judge; samples go to their file as they come."""
    tags = Tags.of(collector.engine.tokenizer)
    words, batch = config.checking_words, collector.shard_samples
    examiner = Examiner(collector.pool, tags, asked, scorers, words, batch, config.judge)
    drawn = collector.rows(jobs, shown_on(context))
    return examiner.write(zip(jobs, drawn, strict=True), context.output / SAMPLES)


def _budgets(
    jobs: Sequence[Job],
    collector: Collector,
    config: EvaluateConfig,
    model: Artifact,
    context: Context,
) -> list[Row]:
    """A row per problem, thinking budget and number of waits, as in budgets.parquet."""
    if not (config.budgets or config.waits):
        return []
    curve = BudgetCurve(config, collector, positions(model.model_path), shown_on(context))
    rows = list(curve.rows(jobs))
    write_rows(context.output / "budgets.parquet", rows, FORCED)
    return rows


def _funnel(facts: dict[str, Any], seen: Seen, reused: int) -> dict[str, int]:
    """What became of the problems, and where the samples came from."""
    return {
        "problems": facts["problems"],
        "prompt_too_long": facts["prompts_too_long"],
        "evaluated": len(seen.rows),
        "samples": seen.samples,
        "reused": reused,
        "drawn": seen.samples - reused,
        "never_ended": seen.never_ended,
    }


def _write_json(path: Path, facts: Any) -> None:
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")

"""Sampling with verification: cold-start data and rejection sampling.

Paper (B.3.2, B.3.3): sample from a checkpoint, keep what is correct and readable. For the cold
start the kept thoughts are also rewritten in the question's language; human-made conversations on
`data_from` are added as they are. Here:

1. labels by majority vote, if asked for, for problems without a reference (elections.py);
2. samples in rounds (rounds.py): `fixed` draws N of every problem as the field does, `adaptive`
   gives the same budget to the problems that still lack accepted answers (adaptive.py);
3. the verdict of the problem's own verifier, the listed filters in order (filters.py), and what
   says the same as an earlier sample of its problem (resemblance.py);
4. a model's verdict where rules have none, if asked for (open_samples.py);
5. the rewriter, if any, whose result is judged again (stages/rewriting/); without one
   a stage that wants one says that what is learnt has no summary;
6. of what is left of a problem the least similar ones up to the quota.

A kill loses at most the shards in flight: the ledger (ledger.py) has the rest, and the same rounds
follow from the same samples. That holds as far as verdicts repeat; one that ran out of time on a
busy machine may not.

Writes rows.parquet; drawn.parquet, a line for every sample with its verdict and what dropped it,
from which the funnel is counted; and pass_rates.parquet, the difficulty of every problem
(difficulty.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.judging.answer_judge import answer_judge
from stages.judging.open_samples import DROPS as JUDGE_DROPS
from stages.judging.open_samples import RIGHT, Judgements, require_judge
from stages.judging.trial import measure
from stages.kinds.sample.check import rewriting, rules
from stages.kinds.sample.config import SampleConfig
from stages.rewriting.rewrite import drops
from stages.rewriting.rewriters import prepared, rewriter_of, told
from stages.rollout.fleet import Fleet
from stages.rows.learnable import samples_of
from stages.rows.schemas import Row
from stages.sampling.collect import Collector, Job, fitting, gather, make_jobs, shown_on
from stages.sampling.difficulty import pass_rates
from stages.sampling.elections import (
    NO_MAJORITY,
    NO_REFERENCE,
    Election,
    label,
    lacks_reference,
)
from stages.sampling.funnel import OVER_QUOTA, SAMPLED, Funnel
from stages.sampling.keeping import Keeping
from stages.sampling.published import Published, publish
from stages.sampling.rounds import Rounds
from stages.scoring.estimators import mean
from stages.scoring.votes import can_vote
from stages.settings.values import refuse
from stages.verifiers.pool import VerifierPool


@dataclass(frozen=True)
class Asked:
    """The problems that are asked, and how many were left out and why."""

    jobs: list[Job]
    problems: int
    too_long: int
    no_reference: int

    def funnel(self) -> dict[str, int]:
        """In problems, where the rest of the funnel is in samples."""
        return {
            "problems": self.problems,
            "prompt_too_long": self.too_long,
            NO_REFERENCE: self.no_reference,
            "asked": len(self.jobs),
        }


def run(config: SampleConfig, inputs: Inputs, context: Context) -> Outputs:
    """Sample, judge, filter, rewrite; publish what is kept and how often problems were solved."""
    key = f"stages.{context.stage}"
    refuse([*rules(config), *rewriting(config)], key)
    examples = prepared(config, inputs, context)
    (model,) = of_type(inputs, "data_from", "model")
    funnel = Funnel(_reasons(config))
    with answer_judge(config, inputs, context) as judge:
        measured = measure(judge, context) if judge else {}
    with VerifierPool.of(config.verifiers) as pool:
        with Fleet.open(
            model.model_path, config.rollout, context.threads, engines=context.engines
        ) as fleet:
            collector = Collector.of(fleet, pool, model, config, context)
            asked = _asked(config, inputs, model, collector, key)
            rounds = _draw(config, asked.jobs, collector, context)
        with (
            answer_judge(config, inputs, context) as judge,
            rewriter_of(config, inputs, examples, context) as rewriter,
        ):
            keeping = Keeping(config, rewriter, pool, fleet.tokenizer)
            judgements = Judgements(judge, rounds, config) if judge else None
            samples = (judgements or rounds).samples()
            rows = publish(keeping, samples, rounds, _given(inputs), funnel, context)
    pool.tally.write(context.output)
    if not rows.count:
        raise RecipeError(_nothing_kept(key, funnel.whole()))
    facts = _facts(config, model, asked, rounds, rows, funnel)
    facts |= told(config, inputs, examples, rows.given_mixed)
    facts["engine_deaths"] = fleet.deaths
    counts = {**asked.funnel(), **funnel.whole(), "given": rows.given}
    if judgements:
        facts["generative_judge"] = {**measured, **judgements.facts()}
        counts[RIGHT] = judgements.counts[RIGHT]  # of the samples, before the quota
    return Outputs(facts, counts)


def _asked(
    config: SampleConfig, inputs: Inputs, model: Artifact, collector: Collector, key: str
) -> Asked:
    """The jobs whose prompt fits and whose answers can be judged, or voted on."""
    problems = gather(of_type(inputs, "data_from", "problems"), config.limit_problems)
    require_judge(problems, config, key)
    judged = [
        row
        for row in problems
        if not lacks_reference(row) or (config.majority is not None and can_vote(row))
    ]
    tokenizer = collector.engine.tokenizer
    jobs = make_jobs(judged, tokenizer, config.system_prompt, config.samples_per_problem)
    room = f"{key}.sampling.max_tokens"
    fit = fitting(jobs, model.model_path, config.sampling.max_tokens, room)
    return Asked(fit, len(problems), len(jobs) - len(fit), len(problems) - len(judged))


def _draw(config: SampleConfig, jobs: list[Job], collector: Collector, context: Context) -> Rounds:
    """All samples, in files of the work directory."""
    elections: dict[int, Election] = {}
    parts = []
    if config.majority is not None:
        parts.append(context.work / "unlabelled.parquet")
        shown = shown_on(context)
        jobs, elections = label(jobs, collector, config.majority, parts[0], shown)
        collector = collector.sampling_as(config.sampling)  # its ledger has the votes, too
    rounds = Rounds(jobs, elections, config, context.work, parts)
    rounds.draw(collector, shown_on(context))
    return rounds


def _reasons(config: SampleConfig) -> list[str]:
    """All that may drop a sample, in the order of the funnel."""
    votes = [NO_MAJORITY] if config.majority is not None else []
    judge = JUDGE_DROPS if config.generative_judge else ()
    return [*votes, *config.filters, *judge, *drops(config), OVER_QUOTA]


def _given(inputs: Inputs) -> list[Row]:
    """Rows that others made: samples, then conversations, as they are."""
    given = [*of_type(inputs, "data_from", "samples")]
    given += of_type(inputs, "data_from", "conversations")
    return [row for artifact in given for row in samples_of(artifact)]


def _facts(
    config: SampleConfig,
    model: Artifact,
    asked: Asked,
    rounds: Rounds,
    rows: Published,
    funnel: Funnel,
) -> dict[str, object]:
    seen, kept = rounds.seen, rows.count - rows.given
    rates = [row["pass_rate"] for row in pass_rates(rounds.jobs, seen)]
    tokens = rows.drawn_tokens
    return {
        "model": model.stage,
        "strategy": config.strategy,
        "problems": asked.problems,
        "prompts_too_long": asked.too_long,
        "labelled_by_majority": sum(e.answer is not None for e in rounds.elections.values()),
        "pass_rate": mean([rate for rate in rates if rate is not None]),
        "solved": int((seen.correct > 0).sum()),
        "with_accepted": int((seen.accepted > 0).sum()),
        "rows": rows.count,
        "rows_by_domain": dict(rows.domains),
        "rows_by_language": dict(rows.languages),
        "rows_by_source": dict(rows.sources),
        "mean_tokens": rows.tokens / kept if kept else None,
        "tokens_drawn": tokens,
        "kept_per_1000_tokens": 1000 * kept / tokens if tokens else None,
        "funnel_by_domain": funnel.by_domain(),
    }


def _nothing_kept(key: str, funnel: dict[str, int]) -> str:
    sampled, *dropped = (
        (name, count) for name, count in funnel.items() if count or name == SAMPLED
    )
    reasons = ", ".join(f"{name} {count}" for name, count in dropped)
    return (
        f"{key}: none of {sampled[1]} samples was kept ({reasons}).\n"
        f"Take a stronger model or easier problems, or relax {key}.filters."
    )

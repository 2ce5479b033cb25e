"""What a stage that samples can have set wrong: who rewrites, and what is learnt when nobody does.

The rules of the sample stage itself are here, too, so that what `r1 plan` says and what a stage
called from a notebook refuses is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import RecipeError
from pipeline.kinds import Problem, Stage
from stages.chat import prompt_texts
from stages.kinds.sample import generative_check
from stages.kinds.sample.config import SampleConfig
from stages.settings import carried, context, generation, values, verifiers
from stages.settings.values import ADAPTIVE, MODEL, RAW, STRATEGIES, TINY

MIXED = "mixed_language"
THOUGHT = "<thought>"


def check(stage: Stage) -> Iterator[Problem]:
    """A rewriter has what it needs; with one or without, what is learnt is in one language."""
    config: SampleConfig = stage.config
    yield from rules(config)
    yield from generation.rollout(config.rollout)
    yield from verifiers.check(config.verifiers)
    yield from rewriting(config)
    yield from generative_check.check(stage)
    yield from _context(stage)
    yield from carried.check(stage)


def rules(config: SampleConfig) -> Iterator[Problem]:
    """How often is sampled, and filters that there are."""
    yield from generation.sampling(config.sampling)
    yield from values.at_least(
        config, 1, "samples_per_problem", "max_kept_per_problem", "limit_problems"
    )
    yield from values.filters("filters", config.filters)
    yield from values.filters("rewrite.filters", config.rewrite.filters)
    yield from values.one_of("strategy", config.strategy, STRATEGIES)
    most, mean = config.adaptive.most_samples, config.samples_per_problem
    if config.strategy == ADAPTIVE and most < mean:
        yield Problem(
            "adaptive.most_samples",
            f"is {most}: one problem may cost no less than the mean of all, "
            f"samples_per_problem={mean}",
        )
    if config.strategy == ADAPTIVE:
        yield from values.at_least(config.adaptive, 1, "rounds", below="adaptive")
    if config.majority is not None:
        yield from values.at_least(config.majority, 1, "samples", "min_votes", below="majority")


def rewriting(config: SampleConfig) -> Iterator[Problem]:
    """What stands against the rewriter, or is to be known of its absence."""
    yield from _rewriter(config)
    if config.rewriter == MODEL:
        yield from _calls(config)
    if config.rewrite.wanted:
        yield from _in_one_language(config)


def _rewriter(config: SampleConfig) -> Iterator[Problem]:
    who, model = config.rewriter, config.rewrite_with
    if who not in (None, TINY, MODEL):
        yield Problem(
            "rewriter", f"is {who}: unknown; expected {MODEL}, {TINY} (the tiny world's) or null"
        )
    elif who != MODEL and model is not None:
        yield Problem(
            "rewrite_with",
            f"is {model}, and rewriter={who or 'null'} asks no model: set rewriter={MODEL}, or "
            "rewrite_with to null",
        )
    elif who == MODEL and model is None:
        yield Problem(
            "rewrite_with",
            "is null, so there is no model that rewrites. Name a stage that makes or serves one: "
            "`model@stages.writer=hub stages.writer.path=…` and rewrite_with=writer. Or set "
            "rewriter=null to learn samples as they are",
            when_run=True,
        )
    elif who is None and config.rewrite.wanted:
        yield Problem("rewriter", RAW, only_said=True)


def _calls(config: SampleConfig) -> Iterator[Problem]:
    """Prompts without their blanks, and examples that cannot be read."""
    asked = config.rewrite
    found = [
        *prompt_texts.problems(asked.thought, "rewrite.thought"),
        *prompt_texts.problems(asked.summary, "rewrite.summary"),
    ]
    yield from found
    if not found and any(THOUGHT not in t for t in prompt_texts.texts(asked.thought, "").values()):
        yield Problem(
            "rewrite.thought",
            f"does not ask for a reply in {THOUGHT}…</thought>, which is how the reply is read: "
            "ask for it",
        )
    if asked.examples is not None:
        from stages.rewriting.examples import read_examples  # what reads languages takes its time

        try:
            read_examples(asked.examples, "it", asked.min_language_consistency)
        except RecipeError as error:
            yield Problem("rewrite.examples", str(error))


def _in_one_language(config: SampleConfig) -> Iterator[Problem]:
    """Thoughts that are learnt are judged by the filter of mixed languages, whoever wrote them."""
    least = config.rewrite.min_language_consistency
    if config.rewriter is not None:
        if MIXED not in config.rewrite.filters:
            yield Problem(
                "rewrite.filters", f"lets thoughts pass that mix languages: add {MIXED} to it"
            )
    elif MIXED not in config.filters:
        yield Problem(
            "filters",
            f"lets thoughts pass that mix languages, and rewriter=null learns them: add {MIXED}",
        )
    elif config.min_language_consistency < least:
        yield Problem(
            "min_language_consistency",
            f"is {config.min_language_consistency}, and rewriter=null learns thoughts as they are: "
            f"set it to {least} (rewrite.min_language_consistency) or more",
        )


def _context(stage: Stage) -> Iterator[Problem]:
    """Rejection sampling: the samples, what a model rewrites of them, and what a judge says."""
    config: SampleConfig = stage.config
    yield from context.draws(stage, context.models(stage), "sampling", config.sampling)
    if config.rewriter == "model":
        rewriter = stage.inputs["rewrite_with"]
        yield from context.draws(stage, rewriter, "rewrite.sampling", config.rewrite.sampling)
    if config.generative_judge is not None:
        judge, sampling = stage.inputs["judge_with"], config.generative_judge.sampling
        yield from context.draws(stage, judge, "generative_judge.sampling", sampling)

"""Held-out evaluation: how it asks, and how much the model can see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.chat import prompt_texts
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.settle import settle
from stages.settings import carried, context, generation, values, verifiers
from stages.settings.edges import ASKED, any_of, one, some, takes
from stages.settings.generation import HOLD, fleet
from stages.settings.numbers import Inputs, Numbers, completions
from stages.settings.prompts import template
from stages.settings.values import FALLBACK
from stages.verifiers import VERIFIERS


def check(stage: Stage) -> Iterator[Problem]:
    """Its prompts, whether the model can be asked by a text, and the room for what it says."""
    config: EvaluateConfig = stage.config
    models = stage.inputs["evaluates"]
    served = [model.name for model in models if model.kind.produces == "served_model"]
    yield from rules(config)
    yield from engine(config, served)
    yield from verifiers.check(config.verifiers)
    yield from _context(stage)
    yield from template(config.template, config.system_prompt)
    if config.template and served:
        yield Problem(
            "template",
            f"is set, and {served[0]} is behind a server, which has a template of its own: set it "
            "to null",
        )
    for verifier, prompt in (config.prompts or {}).items():
        if verifier not in VERIFIERS:
            yield Problem(
                f"prompts.{verifier}",
                f"there is no such verifier; there are {', '.join(VERIFIERS)}",
            )
        yield from prompt_texts.problems(prompt, f"prompts.{verifier}")


def rules(config: EvaluateConfig) -> Iterator[Problem]:
    """How often problems are asked, how answers are drawn, and what is counted of them."""
    yield from generation.sampling(config.sampling)
    yield from values.at_least(config, 1, "samples_per_problem", "limit_problems", "answer_tokens")
    yield from _pass_at(config)
    if config.voted is not None:
        yield from values.at_least(config.voted, 1, "every", "samples", below="voted")
    for key in ("budgets", "waits"):
        if negative := [amount for amount in getattr(config, key) if amount < 0]:
            yield Problem(key, f"has {negative}: set each to 0 or more")
    if any(config.waits) and FALLBACK not in config.wait_words:
        yield Problem(
            "wait_words",
            f"has no word for `{FALLBACK}`, which is also said in languages that have none: add "
            f"e.g. {{{FALLBACK}: Wait}}",
        )


def _pass_at(config: EvaluateConfig) -> Iterator[Problem]:
    most = most_samples(config)
    if too_many := [k for k in config.pass_at if not 1 <= k <= most]:
        fitting = sorted({k for k in config.pass_at if 1 <= k <= most} | {most})
        yield Problem(
            "pass_at",
            f"{too_many} is not between 1 and samples_per_problem ({most}), so pass@k has no "
            f"unbiased estimate: set it to {fitting}, or samples_per_problem to {max(too_many)}",
        )


def engine(config: EvaluateConfig, served: Sequence[str]) -> Iterator[Problem]:
    """A served model is asked through its server, which cannot go on from a cut thought."""
    yield from generation.rollout(config.rollout, bool(served))
    forced = [name for name in ("budgets", "waits") if getattr(config, name)]
    if served and forced:
        yield Problem(
            forced[0],
            f"is set, and {served[0]} is behind a chat server, which cannot go on from a thought "
            f"that was cut: set {' and '.join(f'{name}=[]' for name in forced)}, or evaluate the "
            "model's files instead",
        )


def most_samples(config: EvaluateConfig) -> int:
    """How often a problem is asked; the most where problems differ."""
    voted = [config.voted.samples] if config.voted else []
    return max([*(config.samples_of or [config.samples_per_problem]), *voted])


def _context(stage: Stage) -> Iterator[Problem]:
    """Evaluation: a completion, and the answer after a thought that never ended."""
    config: EvaluateConfig = stage.config
    forced = config.answer_tokens + 1 if config.budgets or config.waits else 0
    models = stage.inputs["evaluates"] + stage.inputs["score_with"]
    yield from context.draws(stage, models, "sampling", config.sampling, forced)
    yield from carried.check(stage)


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """Completions drawn for an evaluation, at most: each budget and each wait draws its own."""
    config: EvaluateConfig = stage.config
    budgets, waits = config.budgets, max(config.waits, default=0)
    runs = 1 + len(budgets) + waits
    numbers = completions(config, inputs, runs)
    if config.voted is not None:
        every, samples = config.voted.every, config.voted.samples
        numbers["completions per problem"] = (
            f"{config.samples_per_problem}, and {samples} of 1 in {every}"
        )
        numbers.pop("completions in all", None)  # depends on how many of each kind there are
    counts = {"thinking budgets": len(budgets), "times that a thought must wait": waits}
    return numbers | {name: count for name, count in counts.items() if count}


def needs(stage: Stage) -> Needs:
    """A fleet of engines."""
    config: EvaluateConfig = stage.config
    return fleet(config.rollout)


KINDS = (
    Kind(
        "evaluate",
        6,
        EvaluateConfig,
        "evaluation",
        "stages.kinds.evaluate.run:run",
        edges={
            "evaluates": takes(one(*ASKED)),
            "data_from": takes(some("problems")),
            "score_with": takes(any_of("reward_model")),
        },
        numbers=numbers,
        needs=needs,
        engines=HOLD,
        check=check,
        settle=settle,
        work="stages.kinds.evaluate.work:work",
    ),
)

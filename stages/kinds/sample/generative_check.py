"""What a judge of answers that rules cannot judge can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import RecipeError
from pipeline.kinds import Problem, Stage
from stages.chat import prompt_texts
from stages.kinds.sample.config import GenerativeJudge, SampleConfig
from stages.settings import values

KEY = "generative_judge"
HOW = "+generative_judge@stages.{name}.generative_judge=default"


def check(stage: Stage) -> Iterator[Problem]:
    """A judge and how it judges come together; its prompt and its labelled rows can be read."""
    config: SampleConfig = stage.config
    if (config.judge_with is None) != (config.generative_judge is None):
        if config.judge_with is None:
            text = "is null, and generative_judge is set: name a stage that makes a model, or one "
            yield Problem("judge_with", f"{text}of kind served_model; or set {KEY} to null")
        else:
            how = HOW.format(name=stage.name)
            text = f"is {config.judge_with}, and {KEY} is null, which says how it judges: add {how}"
            yield Problem("judge_with", f"{text}, or set judge_with to null")
    if config.generative_judge is not None:
        yield from _judge(config.generative_judge, stage)
        yield from _rewriter(config)


def _judge(judge: GenerativeJudge, stage: Stage) -> Iterator[Problem]:
    for problem in values.positive(judge, "votes", "max_characters", "min_labelled"):
        yield Problem(f"{KEY}.{problem.key}", problem.text)
    for name in ("min_agreement", "max_false_positives"):
        if not 0 <= getattr(judge, name) <= 1:
            yield Problem(f"{KEY}.{name}", f"is {getattr(judge, name):g}: set it from 0 to 1")
    if judge.votes > 1 and judge.sampling.temperature <= 0:
        yield Problem(
            f"{KEY}.votes",
            f"is {judge.votes}, and sampling.temperature is 0, so all votes are one: set votes to "
            "1, or the temperature above 0",
        )
    yield from prompt_texts.problems(judge.prompt, f"{KEY}.prompt")
    yield from _labelled(judge, stage)


def _labelled(judge: GenerativeJudge, stage: Stage) -> Iterator[Problem]:
    from stages.judging.labelled_answers import read_labelled  # reads files, which few plans need

    key = f"stages.{stage.name}.{KEY}"
    try:
        read_labelled(judge, key)
    except RecipeError as error:
        text = str(error).removeprefix(f"{key}.labelled={judge.labelled}: ")
        yield Problem(f"{KEY}.labelled", f"is {judge.labelled}: {text}")


def _rewriter(config: SampleConfig) -> Iterator[Problem]:
    """What a rewriter gives back is judged again by rule, which is not possible here."""
    if config.rewriter is not None:
        yield Problem(
            KEY,
            f"is set beside rewriter={config.rewriter}, whose results are judged again by rules, "
            "and rules cannot judge what this judge accepts: set rewriter to null, or judge in "
            "another stage",
        )

"""What a stage of judged rows can have set wrong: who judges what, and how it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.kinds import Problem, Stage
from stages.chat import prompt_texts
from stages.checks import context, data, values
from stages.configs import Judging, PreferencesConfig

BLANKS = {"preferences": ["question", "first", "second"], "labels": ["question", "response"]}
PROMPTS = frozenset({"problems", "conversations"})


def check(stage: Stage) -> Iterator[Problem]:
    """A judge needs responses, responses need a judge, and a judge needs its prompt."""
    config: PreferencesConfig = stage.config
    given = [source.kind.produces for source in stage.inputs["data_from"]]
    yield from data.file(config.path, "path")
    if not config.judge_with:
        if given:
            yield Problem(
                "judge_with",
                "is null, so nobody judges what data_from gives: name a stage that makes a model, "
                "or set data_from to [] and path to a file of judgements",
            )
        elif config.path is None and config.judge is None:
            yield Problem(
                "path",
                "is null, and so are judge_with and judge, so nobody judges: set path to a file of "
                "judgements, or judge_with to a stage that makes a model (conf/stage has both)",
                when_run=True,
            )
        return
    if config.path and given:
        yield Problem(
            "path", "is set beside data_from, and responses come from one of them: drop one"
        )
    elif not config.path and (given.count("model") != 1 or not PROMPTS & set(given)):
        yield Problem(
            "data_from",
            f"gives {', '.join(given) or 'nothing'}, and there is nothing else to judge: name one "
            "stage that makes a model and one or more that make problems or conversations, or set "
            "path to a file of responses",
        )
    yield from _judging(config.judging, BLANKS[stage.kind.name])
    yield from values.rollout(config.rollout)
    if given:
        yield from values.sampling(config.sampling)
    yield from values.sampling(config.judging.sampling, "judging.sampling")
    yield from context.judged(stage)


def _judging(judging: Judging, blanks: list[str]) -> Iterator[Problem]:
    yield from prompt_texts.problems(replace(judging.prompt, blanks=blanks), "judging.prompt")
    if len(set(judging.verdicts.values())) < 2:
        yield Problem(
            "judging.verdicts",
            f"is {dict(judging.verdicts)}: a judge needs two verdicts that differ, at least",
        )
    if judging.shows not in ("answer", "response"):
        yield Problem("judging.shows", f"is {judging.shows!r}; expected `answer` or `response`")

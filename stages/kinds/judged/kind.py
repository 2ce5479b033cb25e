"""Rows for the reward models: pairs that were preferred, responses that were labelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from omegaconf import MISSING

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.chat import prompt_texts
from stages.settings import carried, context, files, generation
from stages.settings.edges import ASKED, any_of, at_most_one, takes
from stages.settings.generation import HOLD, Rollout, Sampling, fleet
from stages.settings.origins import TINY, place
from stages.settings.prompts import Prompt
from stages.settings.stage import StageConfig, from_root, outside_file, placement
from stages.settings.tiny_judge import Judge

BLANKS = {"preferences": ["question", "first", "second"], "labels": ["question", "response"]}
PROMPTS = frozenset({"problems", "conversations"})


@dataclass
class Judging:
    """What a model on `judge_with` is asked, and how its reply is read.

    prompt: {question}, and {first} and {second} or {response}, are filled in. verdicts: what stands
    in the reply's [[…]] → its vote.
    """

    prompt: Prompt = field(default_factory=Prompt)
    verdicts: dict[str, float] = field(default_factory=dict)
    shows: str = (
        MISSING  # to the judge: "answer", the summary after the thought; or "response", all of it
    )
    min_votes: int = MISSING  # that can be read; with fewer a pair or response is dropped
    sampling: Sampling = field(default_factory=Sampling)


@dataclass
class PreferencesConfig(StageConfig):
    """Pairs for the helpful reward model (`preferences`) or labels for the safety one (`labels`).

    Each pair is judged `votes` times in random positions and kept when the mean difference exceeds
    `margin`; lengths are balanced. Who judges, and what: see stages/kinds/judged/run.py.
    """

    judge_with: str | None = None
    rows: int = MISSING
    votes: int = MISSING
    margin: float = 1.0
    # as many pairs with the longer response chosen as with the shorter; the others are dropped
    balance_lengths: bool = True
    judge: Judge | None = None  # the tiny world's; null: not asked
    judge_noise: float = 0.0
    # a file of rows: judgements, or with judge_with what is to be judged
    path: str | None = outside_file(None)
    judging: Judging = field(default_factory=Judging)
    # how the model on data_from answers the prompts there
    sampling: Sampling = field(default_factory=Sampling)
    length_share: float | None = placement(None)  # mean length over the limit, for r1 plan --cost
    limit_prompts: int | None = None
    system_prompt: str | None = None
    rollout: Rollout = from_root("rollout", Rollout)


def check(stage: Stage) -> Iterator[Problem]:
    """A judge needs responses, responses need a judge, and a judge needs its prompt."""
    config: PreferencesConfig = stage.config
    given = [source.kind.produces for source in stage.inputs["data_from"]]
    yield from files.file(config.path, "path")
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
    yield from generation.rollout(config.rollout)
    if given:
        yield from generation.sampling(config.sampling)
    yield from generation.sampling(config.judging.sampling, "judging.sampling")
    yield from _context(stage)
    yield from carried.check(stage)


def _judging(judging: Judging, blanks: list[str]) -> Iterator[Problem]:
    yield from prompt_texts.problems(replace(judging.prompt, blanks=blanks), "judging.prompt")
    if len(set(judging.verdicts.values())) < 2:
        yield Problem(
            "judging.verdicts",
            f"is {dict(judging.verdicts)}: a judge needs two verdicts that differ, at least",
        )
    if judging.shows not in ("answer", "response"):
        yield Problem("judging.shows", f"is {judging.shows!r}; expected `answer` or `response`")


def _context(stage: Stage) -> Iterator[Problem]:
    """Judged rows: the responses of a model, and the judge's replies to them."""
    config: PreferencesConfig = stage.config
    yield from context.draws(stage, context.models(stage), "sampling", config.sampling)
    judge, sampling = stage.inputs["judge_with"], config.judging.sampling
    yield from context.draws(stage, judge, "judging.sampling", sampling)


def needs(stage: Stage) -> Needs:
    """A fleet where a model answers or judges, else nothing."""
    config: PreferencesConfig = stage.config
    return fleet(config.rollout) if config.judge_with or config.data_from else Needs()


def origin(stage: Stage) -> str:
    config: PreferencesConfig = stage.config
    if config.path:
        return place(config.path)
    return f"{TINY}, and its judge" if config.judge and not config.judge_with else ""


def _kind(type_: str, entry: str, version: int) -> Kind:
    """A stage that has responses judged: those of a file, or a model's to prompts."""
    edges = {
        "data_from": takes(at_most_one("model"), any_of("problems", "conversations")),
        "judge_with": takes(at_most_one(*ASKED)),
    }
    return Kind(
        type_,
        version,
        PreferencesConfig,
        type_,
        f"stages.kinds.judged.run:{entry}",
        edges,
        origin=origin,
        check=check,
        needs=needs,
        engines=HOLD,
        work="stages.kinds.judged.work:work",
    )


KINDS = (_kind("preferences", "run", 5), _kind("labels", "run_labels", 5))

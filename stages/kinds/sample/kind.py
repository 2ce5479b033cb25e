"""Sampling with verification."""

from __future__ import annotations

from pipeline.kinds import Kind, Needs, Stage
from stages.kinds.sample.check import check
from stages.kinds.sample.config import SampleConfig
from stages.settings.edges import ASKED, ROWS, any_of, at_most_one, one, some, takes
from stages.settings.generation import HOLD, fleet
from stages.settings.numbers import Inputs, Numbers, completions


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """Completions drawn for rejection sampling; adaptive ones are a budget, and a mean."""
    config: SampleConfig = stage.config
    numbers = completions(config, inputs)
    kept = {"kept per problem at most": int(config.max_kept_per_problem)}
    kept |= _judge(config, numbers)
    if config.strategy == "fixed":
        return numbers | kept
    renamed = {
        "completions per problem": "completions per problem on average",
        "completions in all": "completions at most",
    }
    most = {"completions per problem at most": int(config.adaptive.most_samples)}
    return {renamed.get(name, name): value for name, value in numbers.items()} | most | kept


def _judge(config: SampleConfig, numbers: Numbers) -> dict[str, int]:
    """Replies of a model that judges what rules cannot; equal answers are asked about once."""
    judge = config.generative_judge
    if judge is None:
        return {}
    votes, drawn = int(judge.votes), numbers.get("completions in all")
    found = {"judge's replies per answer that no rule can judge": votes}
    found |= {"judge's replies at most": votes * int(drawn)} if drawn else {}
    return found | {"tokens per reply of the judge at most": int(judge.sampling.max_tokens)}


def needs(stage: Stage) -> Needs:
    """A fleet of engines."""
    config: SampleConfig = stage.config
    return fleet(config.rollout)


KINDS = (
    Kind(
        "sample",
        4,
        SampleConfig,
        "samples",
        "stages.kinds.sample.run:run",
        edges={
            "data_from": takes(one("model"), some("problems"), any_of(*ROWS)),
            "rewrite_with": takes(at_most_one(*ASKED)),
            "judge_with": takes(at_most_one(*ASKED)),
        },
        numbers=numbers,
        needs=needs,
        engines=HOLD,
        check=check,
        work="stages.kinds.sample.work:work",
    ),
)

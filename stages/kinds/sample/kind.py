"""Sampling with verification."""

from __future__ import annotations

from pipeline.kinds import EdgeRule, Kind, Needs
from stages.kinds.sample.config import SampleConfig
from stages.settings.edges import (
    MODEL,
)
from stages.settings.generation import fleet
from stages.settings.numbers import Config, Inputs, Numbers, completions


def numbers(config: Config, inputs: Inputs) -> Numbers:
    """Completions drawn for rejection sampling; adaptive ones are a budget, and a mean."""
    numbers = completions(config, inputs)
    kept = {"kept per problem at most": int(config["max_kept_per_problem"])}
    kept |= _judge(config, numbers)
    if config["strategy"] == "fixed":
        return numbers | kept
    renamed = {
        "completions per problem": "completions per problem on average",
        "completions in all": "completions at most",
    }
    most = {"completions per problem at most": int(config["adaptive"]["most_samples"])}
    return {renamed.get(name, name): value for name, value in numbers.items()} | most | kept


def _judge(config: Config, numbers: Numbers) -> dict[str, int]:
    """Replies of a model that judges what rules cannot; equal answers are asked about once."""
    judge = config.get("generative_judge")
    if not judge:
        return {}
    votes, drawn = int(judge["votes"]), numbers.get("completions in all")
    found = {"judge's replies per answer that no rule can judge": votes}
    found |= {"judge's replies at most": votes * int(drawn)} if drawn else {}
    return found | {"tokens per reply of the judge at most": int(judge["sampling"]["max_tokens"])}


def needs(config: SampleConfig) -> Needs:
    """A fleet of engines."""
    return fleet(config.rollout)


KINDS = (
    Kind(
        "sample",
        4,
        SampleConfig,
        "samples",
        "stages.kinds.sample.run:run",
        edges={
            "data_from": EdgeRule(
                frozenset({"model", "problems", "samples", "conversations"}),
                required=frozenset({"model", "problems"}),
            ),
            "rewrite_with": EdgeRule(MODEL | {"served_model"}, at_most=1),
            "judge_with": EdgeRule(MODEL | {"served_model"}, at_most=1),
        },
        derive="stages.kinds.sample.kind:numbers",
        needs="stages.kinds.sample.kind:needs",
        check="stages.kinds.sample.check:check",
    ),
)

"""Reinforcement learning."""

from __future__ import annotations

from pipeline.kinds import EdgeRule, Kind, Needs
from stages.kinds.rl.config import RLConfig
from stages.settings import parallel
from stages.settings.edges import (
    INIT,
    MODEL,
    PROBLEMS,
    REWARD_MODEL,
)


def needs(config: RLConfig) -> Needs:
    """A gang; each process has whole groups."""
    return parallel.processes(config.parallel, config.questions_per_step)


KINDS = (
    Kind(
        "rl",
        3,
        RLConfig,
        "model",
        "stages.kinds.rl.run:run",
        edges={
            "init_from": INIT,
            "data_from": EdgeRule(PROBLEMS | {"samples"}, required=PROBLEMS),
            "score_with": EdgeRule(REWARD_MODEL),
            "compute_as": EdgeRule(MODEL, at_most=1),
            "validate_on": EdgeRule(PROBLEMS, identity=False),
        },
        derive="stages.kinds.rl.numbers:numbers",
        needs="stages.kinds.rl.kind:needs",
        check="stages.kinds.rl.check:check",
    ),
)

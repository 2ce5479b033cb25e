"""Reinforcement learning."""

from __future__ import annotations

from dataclasses import replace

from pipeline.kinds import EdgeRule, Kind, Needs, Stage
from stages.kinds.rl.check import check
from stages.kinds.rl.config import RLConfig
from stages.kinds.rl.numbers import numbers
from stages.kinds.rl.settle import settle
from stages.settings import parallel
from stages.settings.edges import any_of, at_most_one, one, some, takes
from stages.settings.engine import TRL
from stages.settings.generation import HOLD


def needs(stage: Stage) -> Needs:
    """A gang, each process with whole groups, and the engines' own GPUs or nodes.

    Of an engine elsewhere, this process and the GPUs that it trains on, where it is on one node: of
    more, its own cluster says where they are.
    """
    config: RLConfig = stage.config
    if config.engine.name != TRL:
        return Needs(1, config.engine.gpus_per_node if config.engine.nodes == 1 else 0)
    rollout = config.rollout
    gang = parallel.processes(config.parallel, config.questions_per_step, beside=rollout.own_gpus)
    each = rollout.tensor_parallel_size
    return replace(gang, engine_nodes=rollout.engine_nodes, engine_devices=each)


KINDS = (
    Kind(
        "rl",
        3,
        RLConfig,
        "model",
        "stages.kinds.rl.run:run",
        edges={
            "init_from": takes(one("model")),
            "data_from": takes(some("problems"), any_of("samples")),
            "score_with": takes(any_of("reward_model")),
            "compute_as": takes(at_most_one("model")),
            "validate_on": EdgeRule((any_of("problems"),), identity=False),
        },
        numbers=numbers,
        needs=needs,
        engines=HOLD,
        check=check,
        settle=settle,
        work="stages.kinds.rl.work:work",
    ),
)

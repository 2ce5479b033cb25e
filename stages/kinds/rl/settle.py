"""A stage's config with what its algorithm says instead. No torch here: checks use it too."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from pipeline.kinds import Stage
from stages.kinds.rl.config import DynamicSampling, RLConfig
from stages.rl.apart import weighs
from stages.settings.engine import TRL, Engine


def settle(stage: Stage, typed: Collection[str]) -> RLConfig:
    """The config with what its algorithm says instead; the algorithm is the stronger."""
    return settled(stage.config)


def settled(config: RLConfig) -> RLConfig:
    """The numbers that the stage trains with.

    An algorithm may bring its own clip, KL and dynamic sampling; without a KL term there is no
    reference to sync.
    Samples of another model say nothing of the policy's KL to its start, nor does a ratio to them.
    Where the policy itself is sampled, no engine is apart from it. Pairs are made within a
    step, so DPO's rollouts are one step long. TRL itself has no setting of an engine.
    """
    algorithm = config.algorithm
    own: dict[str, Any] = {
        name: value
        for name in ("clip_low", "clip_high", "kl_coefficient")
        if (value := getattr(algorithm, name)) is not None
    }
    if algorithm.dynamic_sampling is not None:
        own["dynamic_sampling"] = DynamicSampling(algorithm.dynamic_sampling)
    if own.get("kl_coefficient") == 0.0:
        own["reference_sync_steps"] = 0
    if algorithm.samples != "policy":
        own["kl_rows"] = 0
    if not weighs(config):
        own["importance"] = None
    if config.engine.name == TRL:
        own["engine"] = Engine()
    if algorithm.advantage == "preference":
        own["steps_per_rollout"] = 1
    return dataclasses.replace(config, **own)

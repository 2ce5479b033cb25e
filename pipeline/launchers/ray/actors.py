"""The actors of a placement group, one a node, and how what they start begins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.util.placement_group import PlacementGroup, placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from pipeline.launchers.ray import leader
from pipeline.launchers.ray.lacking import Resources

ray.cloudpickle.register_pickle_by_value(leader)

_WITH_FILE = 'set -a; . "$0" || exit; set +a; exec "$@"'


def group_of(bundle: Resources, nodes: int) -> PlacementGroup:
    """A place for a bundle on each of so many nodes, once the cluster has them."""
    strategy = "STRICT_SPREAD" if nodes > 1 else "PACK"
    return placement_group([dict(bundle)] * nodes, strategy=strategy)


def leaders(group: PlacementGroup, bundle: Resources, nodes: int) -> list[Any]:
    """An actor on each node of a group that has its place."""
    options = {
        "num_cpus": bundle["CPU"],
        "num_gpus": bundle.get("GPU", 0),
        "max_restarts": 0,
        "max_task_retries": 0,
        "max_concurrency": 2,
    }
    actor = ray.remote(leader.Leader)
    return [
        actor.options(
            **options,
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, number),
        ).remote()
        for number in range(nodes)
    ]


def command(words: Sequence[str], file: str | None) -> list[str]:
    """A command that begins with what an environment file says."""
    if file is None:
        return list(words)
    return ["bash", "-c", _WITH_FILE, str(Path(file).expanduser().absolute()), *words]


def environment(bundle: Resources) -> dict[str, str]:
    """What is set beside the environment that the node's raylet was started in."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(Path(path).absolute()) for path in given if path]
    found = {"PYTHONPATH": os.pathsep.join(paths), "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
    return found if "GPU" in bundle else found | {"CUDA_VISIBLE_DEVICES": ""}

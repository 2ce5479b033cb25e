"""Where `launcher=ray` begins: what can be said without Ray, and then the rest with it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.launchers.launcher import Open
from pipeline.launchers.ray.settings import Settings, Shapes, settings_of
from pipeline.limits import Limits
from pipeline.situation import Situation

if TYPE_CHECKING:
    from pipeline.launchers.ray.examine import RayCluster


def prepare(situation: Situation, pending: Sequence[str], limits: Limits) -> Open:
    """The launcher of a cluster that runs. UsageError: there is none, or no Ray."""
    settings, profile = _joined(situation)
    from pipeline.launchers.ray import cluster
    from pipeline.launchers.ray.launcher import RayLauncher

    shapes = Shapes(settings, profile, limits, cluster.most_gpus(cluster.nodes()))
    for name in pending:
        shapes.check(situation.graph.stages[name])
    store = situation.store.root
    return lambda folder, say: RayLauncher(folder, store, say, shapes)


def examine(situation: Situation, limits: Limits) -> RayCluster:
    """What `r1 doctor --cluster` looks at. UsageError: there is none, or no Ray."""
    settings, profile = _joined(situation)
    from pipeline.launchers.ray.examine import RayCluster

    return RayCluster(situation, settings, profile, limits)


def _joined(situation: Situation) -> tuple[Settings, str]:
    """The settings and the profile, once this process has joined the cluster."""
    if find_spec("ray") is None:
        raise UsageError(
            "launcher=ray: Ray is not installed. `make ray` adds it to .venv; "
            "elsewhere: pip install 'r1-recipe[ray]'."
        )
    settings = settings_of(situation.composed.root["launcher"])
    from pipeline.launchers.ray import cluster

    cluster.connect(settings.address)
    return settings, situation.composed.choices.get("profile", "")

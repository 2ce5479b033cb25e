"""Where `launcher=ray` begins: what can be said without Ray, and then the rest with it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from pipeline.errors import UsageError
from pipeline.launchers.launcher import Open
from pipeline.launchers.ray.settings import Shapes, settings_of
from pipeline.limits import Limits
from pipeline.situation import Situation


def prepare(situation: Situation, pending: Sequence[str], limits: Limits) -> Open:
    """The launcher of a cluster that runs. UsageError: there is none, or no Ray."""
    if find_spec("ray") is None:
        raise UsageError(
            "launcher=ray: Ray is not installed. `make ray` adds it to .venv; "
            "elsewhere: pip install 'r1-recipe[ray]'."
        )
    settings = settings_of(situation.composed.root["launcher"])
    profile = situation.composed.choices.get("profile", "")
    from pipeline.launchers.ray import cluster
    from pipeline.launchers.ray.launcher import RayLauncher

    cluster.connect(settings.address)
    shapes = Shapes(settings, profile, limits, cluster.most_gpus(cluster.nodes()))
    for name in pending:
        shapes.check(situation.graph.stages[name])
    store = situation.store.root
    return lambda folder, say: RayLauncher(folder, store, say, shapes)

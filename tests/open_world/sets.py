"""Every set of `world=open` on a hub on loopback: by name, with the commits that conf/ pins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.hub.hub_world import Hub, Repo
from tests.open_world.benchmarks import benchmarks
from tests.open_world.problems import problems
from tests.open_world.texts import texts


def fill(hub: Hub, stages: Iterable[Any]) -> None:
    """Put the sets there. stages: composed configs, of which each `revision` is a commit."""
    pinned = {
        config.path: config.revision for config in stages if getattr(config, "revision", None)
    }
    for name, files in {**benchmarks(), **problems(), **texts()}.items():
        hub.repos[name] = repo = Repo(name)
        if name in pinned:
            repo.commits[pinned[name]] = files
        else:
            repo.commit(files)

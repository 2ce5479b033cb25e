"""What `r1 doctor --cluster` learns of a Ray cluster, and the probe: an actor a node."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.placement_group import remove_placement_group

from pipeline.attempts import Attempts
from pipeline.errors import UsageError
from pipeline.launchers.probe.examined import Asked, Offer, Party
from pipeline.launchers.ray import actors, cluster
from pipeline.launchers.ray.lacking import lacking
from pipeline.launchers.ray.settings import Settings, Shapes
from pipeline.limits import Limits
from pipeline.situation import Situation

Bundle = Mapping[str, float]
_COUNTED = ("CPU", "GPU", "memory", "object_store_memory")
_LOOKS = 1.0  # seconds between questions what the cluster lacks


class RayCluster:
    """The nodes, and what the selected stages ask of them."""

    def __init__(
        self, situation: Situation, settings: Settings, profile: str, limits: Limits
    ) -> None:
        self._situation = situation
        self._settings = settings
        self._there = cluster.nodes()
        self._shapes = Shapes(settings, profile, limits, cluster.most_gpus(self._there))
        self._bundles: dict[Party, Bundle] = {}

    def offers(self) -> list[Offer]:
        """The nodes that live."""
        return [_offer(node) for node in ray.nodes() if node["Alive"]]

    def asked(self) -> list[Asked]:
        """What every selected stage would ask, and what the cluster lacks for it."""
        return [self._asked(name) for name in self._situation.selection.stages]

    def parties(self) -> list[Party]:
        """By what stages ask beside CPUs and GPUs as many nodes as their largest gang has, or two.

        Nodes without a CPU of Ray's have no stage.
        """
        largest: dict[tuple[tuple[str, float], ...], tuple[int, float]] = {}
        for one in self.asked():
            if one.nodes:
                bundle = self._shapes.bundle(one.stage)
                own = tuple(sorted((n, v) for n, v in bundle.items() if n not in _COUNTED))
                before = largest.get(own, (1, 0.0))
                largest[own] = max(one.nodes, before[0]), max(bundle.get("GPU", 0), before[1])
        for own, (nodes, gpus) in largest.items():
            least = {"CPU": 1.0, **({"GPU": 1.0} if gpus else {}), **dict(own)}
            fit = sum(all(node.get(n, 0) >= v for n, v in least.items()) for node in self._there)
            words = ", ".join(["Ray", *(f"{name} {amount:g}" for name, amount in own)])
            party = Party(words, max(1, min(max(2, nodes), fit)), min(1, int(gpus)), nodes > 1)
            self._bundles[party] = least
        return list(self._bundles)

    def visit(self, party: Party, folder: Path) -> RayVisit:
        """Ask for a place on the party's nodes."""
        return RayVisit(party, folder, self._bundles[party], self._settings)

    def _asked(self, name: str) -> Asked:
        stage = self._situation.graph.stages[name]
        work = self._situation.store.work(name, self._situation.wanted[name].fingerprint)
        known = Asked(name, stage.kind.name, "Ray")
        try:
            self._shapes.check(stage)
            place = self._shapes.place(stage, Attempts(work))
        except UsageError as error:
            return replace(known, refused=str(error))
        if place is None:
            return replace(known, refused="there is no place for it")
        bundle, nodes = self._shapes.bundle(name), place.nodes + place.engine_nodes
        memory = f"{bundle['memory'] / 2**30:.1f} GiB" if "memory" in bundle else ""
        found = replace(
            known,
            nodes=nodes,
            gpus=int(bundle.get("GPU", 0)),
            cpus=int(bundle["CPU"]),
            memory=memory,
        )
        fit = sum(all(node.get(n, 0) >= v for n, v in bundle.items()) for node in self._there)
        if fit >= nodes:
            return found
        why = lacking(bundle, nodes, self._there, {})
        return replace(found, refused=f"{why}. It would wait until such nodes come")


class RayVisit:
    """A probe's placement group and its actors."""

    def __init__(self, party: Party, folder: Path, bundle: Bundle, settings: Settings) -> None:
        self.waits_for = "waiting for resources"
        self.ended = False
        self._party = party
        self._folder = folder
        self._bundle = bundle
        self._settings = settings
        self._group = actors.group_of(bundle, party.nodes)
        self._placed = self._group.ready()
        self._actors: list[Any] = []
        self._runs: list[Any] = []
        self._looked = time.monotonic()
        self.name = f"placement group {self._group.id.hex()[:12]}"

    def look(self) -> None:
        """See to it that it goes on."""
        if not self._actors and ray.wait([self._placed], timeout=0)[0]:
            self._begin()
        elif not self._actors and time.monotonic() - self._looked > _LOOKS:
            self._looked = time.monotonic()
            words = lacking(self._bundle, self._party.nodes, cluster.nodes(), cluster.free())
            self.waits_for = f"waiting for resources: {words}"
        elif self._runs:
            left = ray.wait(self._runs, num_returns=len(self._runs), timeout=0)[1]
            self.ended = not left

    def printed(self) -> str:
        """What the nodes have printed, and Ray's words where an actor failed."""
        logs = [file.read_text(errors="replace") for file in sorted(self._folder.glob("*.log"))]
        for run in self._runs if self.ended else ():
            try:
                ray.get(run)
            except RayError as error:
                logs.append(str(error).strip().splitlines()[-1])
        return "\n".join(logs)

    def stop(self) -> None:
        """Give everything back."""
        for one in self._actors:
            with suppress(RayError):
                ray.kill(one)
        remove_placement_group(self._group)

    def _begin(self) -> None:
        self.waits_for = ""
        self._actors = actors.leaders(self._group, self._bundle, self._party.nodes)
        try:
            places = ray.get([one.where.remote() for one in self._actors], timeout=60)
        except RayError as error:
            self.waits_for = f"an actor did not begin: {error}"
            return
        python = self._settings.python or sys.executable
        for number, one in enumerate(self._actors):
            words = [python, "-m", "pipeline.launchers.probe.node", str(self._folder)]
            words += ["--number", str(number), "--of", str(self._party.nodes)]
            words += ["--address", places[0][1]]
            run = one.run.remote(
                actors.command(words, self._settings.environment_file),
                actors.environment(self._bundle),
                os.getcwd(),
                str(self._folder / f"node{number}.log"),
            )
            self._runs.append(run)


def _offer(node: Mapping[str, Any]) -> Offer:
    has = node["Resources"]
    own = {n: v for n, v in has.items() if n not in _COUNTED and not n.startswith("node:")}
    return Offer(
        name=node["NodeManagerHostname"],
        nodes=1,
        state="alive",
        gpus=int(has.get("GPU", 0)),
        cpus=int(has.get("CPU", 0)),
        memory=int(has.get("memory", 0) / 2**20),
        others=", ".join(f"{name} {amount:g}" for name, amount in own.items()),
    )

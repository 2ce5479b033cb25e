"""What `launcher=ray` is told in conf/, checked; and what each stage gets of the cluster by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from pipeline.attempts import Attempts
from pipeline.devices import Place
from pipeline.kinds import Stage
from pipeline.launchers import requests, spread
from pipeline.launchers.requests import STRICT
from pipeline.limits import Limits

_MEMORY = r"^\d+(\.\d+)?[KMGTkmgt]$"
_MIB = 1024**2


@dataclass(frozen=True)
class Request:
    """What a stage asks of each of its nodes, by Ray's words."""

    __pydantic_config__ = STRICT
    nodes: Annotated[int, Field(ge=1)] = 1
    gpus: Annotated[int, Field(ge=0)] | None = None
    cpus: Annotated[int, Field(ge=1)] | None = None
    memory: Annotated[str, Field(pattern=_MEMORY)] | None = None
    resources: dict[str, Annotated[float, Field(gt=0)]] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings(requests.Settings):
    """conf/launcher/ray.yaml."""

    address: str


def settings_of(launcher: Mapping[str, Any]) -> Settings:
    """The settings, every block looked at. Raises UsageError with the key at fault."""
    return requests.settings_of(Settings, launcher, "ray", _request, {})


class Shapes:
    """What each stage gets. most: the GPUs of the cluster's largest node."""

    def __init__(self, settings: Settings, profile: str, limits: Limits, most: int) -> None:
        self.settings = settings
        self._profile = profile
        self._limits = limits
        self._most = most
        self._bundles: dict[str, dict[str, float]] = {}

    def check(self, stage: Stage) -> None:
        """Raises UsageError for what does not divide. Ray may yet get the nodes that it lacks."""
        spread.check(stage, self._asked(stage), self._most)

    def place(self, stage: Stage, before: Attempts) -> Place | None:
        """The place of a stage that was checked."""
        asked = self._asked(stage)
        found = spread.spread(stage, before, asked, self._most, self._limits)
        if found is None:
            return None
        memory = float(spread.mib_of(asked.memory) * _MIB)
        bundle = {"CPU": float(found.cpus), "GPU": float(found.gpus), "memory": memory}
        bundle |= asked.resources
        self._bundles[stage.name] = {name: amount for name, amount in bundle.items() if amount}
        return found.place

    def bundle(self, stage: str) -> dict[str, float]:
        """Of each node of a stage that has its place: amounts by Ray's names."""
        return self._bundles[stage]

    def _asked(self, stage: Stage) -> Request:
        kind = stage.kind.name
        return requests.request_of(self.settings, _request, stage.name, kind, self._profile)


def _request(said: Any, key: str) -> Request:
    return requests.parsed(Request, said, key, "ray")

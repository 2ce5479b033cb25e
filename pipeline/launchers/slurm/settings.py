"""What `launcher=slurm` is told in conf/, checked; and what of it goes for one stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.launchers import requests
from pipeline.launchers.requests import STRICT

_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


@dataclass(frozen=True)
class Request:
    """What a job asks of the cluster, by sbatch's words; None: the cluster's default."""

    __pydantic_config__ = STRICT
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: str | None = None
    nodes: int = 1
    gpus: int | None = None
    cpus: int | None = None
    memory: str | None = None
    constraint: str | None = None
    exclude: str | None = None

    @property
    def seconds(self) -> int | None:
        """The time limit."""
        return None if self.time is None else seconds_of(self.time)


@dataclass(frozen=True)
class Settings(requests.Settings):
    """conf/launcher/slurm.yaml."""

    modules: list[str]
    setup: list[str]
    container: str | None
    leave_seconds: int
    poll_seconds: float

    def request(self, stage: str, kind: str, profile: str) -> Request:
        """What one stage asks for: the more is said of it, the more it counts."""
        return requests.request_of(self, _request, stage, kind, profile)


def settings_of(launcher: Mapping[str, Any]) -> Settings:
    """The settings, every block looked at. Raises UsageError with the key at fault."""
    least = {"leave_seconds": 1, "poll_seconds": 0.1}
    return requests.settings_of(Settings, launcher, "slurm", _request, least)


def _request(said: Any, key: str) -> Request:
    found = requests.parsed(Request, said, key, "slurm")
    _require_sense(found, key)
    return found


def seconds_of(time: str) -> int | None:
    """A time limit as sbatch reads it: minutes, M:S, H:M:S, D-H, D-H:M, D-H:M:S; None: none."""
    found = _TIME.fullmatch(time)
    if found is None:
        return None
    days, *rest = found.groups()
    numbers = [int(number) for number in rest if number is not None]
    if days is not None:
        parts = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        parts = numbers
    else:
        parts = [0, *numbers, 0][:3]
    return int(days or 0) * 86400 + parts[0] * 3600 + parts[1] * 60 + parts[2]


def _require_sense(request: Request, key: str) -> None:
    if request.time is not None and request.seconds is None:
        raise UsageError(
            f'{key}.time: found {request.time!r}, expected minutes, "12:00:00" or "2-00:00:00".'
        )
    for name, least in (("nodes", 1), ("gpus", 0), ("cpus", 1)):
        found = getattr(request, name)
        if found is not None and found < least:
            raise UsageError(f"{key}.{name}: found {found}, expected {least} or more.")

"""What `launcher=slurm` is told in conf/, checked; and what of it goes for one stage."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.seeds import plain

T = TypeVar("T")

_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Request:
    """What a job asks of the cluster, by sbatch's words; None: the cluster's default."""

    __pydantic_config__ = _STRICT
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
class _ByStage:
    __pydantic_config__ = _STRICT
    job: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """conf/launcher/slurm.yaml."""

    __pydantic_config__ = _STRICT
    name: str
    max_parallel: int
    threads: int | None
    job: dict[str, Any]
    kinds: dict[str, dict[str, Any]]
    stages: dict[str, dict[str, Any]]
    profiles: dict[str, _ByStage]
    modules: list[str]
    setup: list[str]
    environment_file: str | None
    container: str | None
    python: str | None
    starts: int
    leave_seconds: int
    poll_seconds: float
    watchdog: dict[str, Any]

    def request(self, stage: str, kind: str, profile: str) -> Request:
        """What one stage asks for: the more is said of it, the more it counts."""
        own = self.profiles.get(profile, _ByStage())
        parts = {
            "launcher.job": self.job,
            f"launcher.profiles.{profile}.job": own.job,
            f"launcher.kinds.{kind}": self.kinds.get(kind, {}),
            f"launcher.profiles.{profile}.kinds.{kind}": own.kinds.get(kind, {}),
            f"launcher.stages.{plain(stage)}": self.stages.get(plain(stage), {}),
            f"launcher.profiles.{profile}.stages.{plain(stage)}": own.stages.get(plain(stage), {}),
        }
        whole: dict[str, Any] = {}
        for key, part in parts.items():
            parsed(Request, part, key)
            whole |= part
        return parsed(Request, whole, "launcher.job")


def settings_of(launcher: Mapping[str, Any]) -> Settings:
    """The settings, every block looked at. Raises UsageError with the key at fault."""
    settings = parsed(Settings, launcher, "launcher")
    parsed(Request, settings.job, "launcher.job")
    for prefix, block in (
        ("launcher", settings),
        *((f"launcher.profiles.{name}", own) for name, own in settings.profiles.items()),
    ):
        for group in ("kinds", "stages"):
            for name, part in getattr(block, group).items():
                parsed(Request, part, f"{prefix}.{group}.{name}")
    for key, least in (("starts", 1), ("leave_seconds", 1), ("poll_seconds", 0.1)):
        if getattr(settings, key) < least:
            found = getattr(settings, key)
            raise UsageError(f"launcher.{key}: found {found}, expected {least} or more.")
    _require_private(settings.environment_file)
    return settings


def parsed(shape: type[T], said: Any, key: str) -> T:
    """Plain data as a dataclass. Raises UsageError with the key below `key`."""
    try:
        found: T = TypeAdapter(shape).validate_json(json.dumps(said))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([key, *(str(part) for part in first["loc"])])
        if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            known = [f.name for f in dataclasses.fields(shape)]  # type: ignore[arg-type]
            hint = did_you_mean(str(first["loc"][-1]), known)
            raise UsageError(f"{where}: launcher=slurm has no such key. {hint}") from None
        quotes = " Put it in quotes." if where.endswith(".time") else ""
        raise UsageError(f"{where}: found {first['input']!r}. {first['msg']}.{quotes}") from None
    if isinstance(found, Request):
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


def _require_private(file: str | None) -> None:
    if file is None:
        return
    path = Path(file).expanduser()
    if not path.is_file():
        raise UsageError(f"launcher.environment_file: there is no file {path}.")
    if path.stat().st_mode & 0o077:
        raise UsageError(
            f"launcher.environment_file: others may read {path}, which holds secrets. "
            f"Close it first: chmod 600 {path}"
        )

"""What stages ask of a scheduler: blocks of keys for all, by kind, by stage, by profile.

    job: …                        of every stage
    kinds: {rl: …}                what differs by kind
    stages: {zero: …}             and by stage
    profiles: {small: {job: …, kinds: …, stages: …}}

The more is said of a stage, the more it counts. Each launcher has its own keys (a dataclass).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.seeds import plain

T = TypeVar("T")
S = TypeVar("S", bound="Settings")

STRICT = ConfigDict(extra="forbid", strict=True)
#: A block of keys as a request, given the key of the block. Raises UsageError.
Read = Callable[[Any, str], T]


@dataclass(frozen=True)
class ByStage:
    """What one profile says."""

    __pydantic_config__ = STRICT
    job: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Blocks:
    """What of a launcher's config is said by stage."""

    __pydantic_config__ = STRICT
    job: dict[str, Any]
    kinds: dict[str, dict[str, Any]]
    stages: dict[str, dict[str, Any]]
    profiles: dict[str, ByStage]


@dataclass(frozen=True)
class Settings(Blocks):
    """What is told of every cluster in conf/launcher."""

    name: str
    max_parallel: int
    threads: int | None
    environment_file: str | None
    python: str | None
    starts: int
    watchdog: dict[str, Any]


def settings_of(
    shape: type[S],
    launcher: Mapping[str, Any],
    name: str,
    read: Read[T],
    least: Mapping[str, float],
) -> S:
    """The settings, every block looked at. Raises UsageError with the key at fault."""
    settings = parsed(shape, launcher, "launcher", name)
    _check(settings, read)
    for key, number in {"starts": 1, **least}.items():
        if (found := getattr(settings, key)) < number:
            raise UsageError(f"launcher.{key}: found {found}, expected {number} or more.")
    _require_private(settings.environment_file)
    return settings


def request_of(blocks: Blocks, read: Read[T], stage: str, kind: str, profile: str) -> T:
    """What one stage asks for. Raises UsageError."""
    own, name = blocks.profiles.get(profile, ByStage()), plain(stage)
    parts = {
        "launcher.job": blocks.job,
        f"launcher.profiles.{profile}.job": own.job,
        f"launcher.kinds.{kind}": blocks.kinds.get(kind, {}),
        f"launcher.profiles.{profile}.kinds.{kind}": own.kinds.get(kind, {}),
        f"launcher.stages.{name}": blocks.stages.get(name, {}),
        f"launcher.profiles.{profile}.stages.{name}": own.stages.get(name, {}),
    }
    whole: dict[str, Any] = {}
    for key, part in parts.items():
        read(part, key)
        whole |= part
    return read(whole, "launcher.job")


def _check(blocks: Settings, read: Read[T]) -> None:
    """Look at every block, whether a stage takes it or not. Raises UsageError with the key."""
    read(blocks.job, "launcher.job")
    for prefix, block in (
        ("launcher", blocks),
        *((f"launcher.profiles.{name}", own) for name, own in blocks.profiles.items()),
    ):
        for group in ("kinds", "stages"):
            for name, part in getattr(block, group).items():
                read(part, f"{prefix}.{group}.{name}")


def parsed(shape: type[T], said: Any, key: str, launcher: str) -> T:
    """Plain data as a dataclass. Raises UsageError with the key below `key`."""
    try:
        found: T = TypeAdapter(shape).validate_json(json.dumps(said))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([key, *(str(part) for part in first["loc"])])
        if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            known = [f.name for f in dataclasses.fields(shape)]  # type: ignore[arg-type]
            hint = did_you_mean(str(first["loc"][-1]), known)
            raise UsageError(f"{where}: launcher={launcher} has no such key. {hint}") from None
        quotes = " Put it in quotes." if where.endswith(".time") else ""
        raise UsageError(f"{where}: found {first['input']!r}. {first['msg']}.{quotes}") from None
    return found


def _require_private(file: str | None) -> None:
    """Raises UsageError if others can read the file with the user's keys."""
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

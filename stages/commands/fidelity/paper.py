"""What the numbers of a preset cannot say of its likeness to the paper: `fidelity` at the root.

lacks: what the paper has and this project has not. readings: where the paper can be read in two
ways. versions: where its versions differ. ours: why a number is what it is where the paper gives
none, by key, STAGE.KEY or KIND.KEY; world: kinds whose settings are a world of their own, and not
the recipe's. conf/fidelity holds them; `r1 plan --departures` shows them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.compose import Composed
from pipeline.errors import UsageError
from pipeline.identity import config_identity
from pipeline.kinds import Registry

T = TypeVar("T")


@dataclass(frozen=True)
class Lack:
    """What the paper has, why this project has not, and what a user can do instead."""

    what: str
    source: str
    reason: str
    instead: str = ""


@dataclass(frozen=True)
class Reading:
    """What the paper says, and what is meant by it here."""

    what: str
    source: str
    here: str


@dataclass(frozen=True)
class Version:
    """What the first version and the later ones of the paper say, and which is followed."""

    what: str
    v1: str
    v2: str
    here: str


@dataclass(frozen=True)
class Own:
    """Numbers of the reference that the paper does not give, for one reason.

    key: of the reason, or of the number where nobody gave one. values: by the number's own key.
    """

    stages: tuple[str, ...]
    key: str
    values: Mapping[str, Any]
    reason: str | None


@dataclass(frozen=True)
class Fidelity:
    """All of it, for one composed reference."""

    lacks: tuple[Lack, ...] = ()
    readings: tuple[Reading, ...] = ()
    versions: tuple[Version, ...] = ()
    ours: tuple[Own, ...] = ()

    @classmethod
    def of(cls, reference: Composed, registry: Registry) -> Fidelity:
        """What the root says, and the numbers of the reference that have no source."""
        said: Mapping[str, Any] = reference.root.get("fidelity") or {}
        return cls(
            tuple(_read(Lack, said, "lacks")),
            tuple(_read(Reading, said, "readings")),
            tuple(_read(Version, said, "versions")),
            tuple(_own(reference, registry, said)),
        )


def leaves(config: Any, edges: Collection[str]) -> dict[str, Any]:
    """The values of a config that change results, by dotted key; mappings by their entries."""
    found: dict[str, Any] = {}

    def walk(value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            for name, item in value.items():
                walk(item, f"{key}.{name}" if key else str(name))
        else:
            found[key] = value

    walk(config_identity(config, edges).config, "")
    return {key: value for key, value in found.items() if key != "kind"}


def sources_of(config: Any) -> dict[str, str]:
    """Where its numbers stand, by dotted key: `sources` of a stage, `source` of what lies in it."""
    found = dict(getattr(config, "sources", {}))

    def walk(value: Any, key: str) -> None:
        inner: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        if dataclasses.is_dataclass(value):
            inner = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            if key and inner.get("source"):
                found[key] = inner["source"]
        for name, item in inner.items():
            walk(item, f"{key}.{name}" if key else str(name))

    walk(config, "")
    return found


def nearest(entries: Mapping[str, Any], key: str) -> Any:
    """The entry of a key, or of what it lies in; None without one."""
    while key:
        if key in entries:
            return entries[key]
        key = key.rpartition(".")[0]
    return None


def reason_of(reasons: Mapping[str, str], stage: str, kind: str, key: str) -> str | None:
    """The reason for a key of a stage: its own, its kind's, or that of the key everywhere."""
    at = _reason_at(reasons, stage, kind, key)
    return str(reasons[at]) if at else None


def _reason_at(reasons: Mapping[str, str], stage: str, kind: str, key: str) -> str | None:
    for prefix in (f"{stage}.", f"{kind}.", ""):
        at = f"{prefix}{key}"
        while at:
            if at in reasons:
                return at
            at = at.rpartition(".")[0]
    return None


def _read(of: type[T], said: Mapping[str, Any], name: str) -> Iterator[T]:
    for number, entry in enumerate(said.get(name) or (), 1):
        try:
            yield of(**entry)
        except TypeError as error:
            keys = ", ".join(field.name for field in dataclasses.fields(of))  # type: ignore[arg-type]
            raise UsageError(
                f"fidelity.{name}: entry {number}: {error}; its keys are {keys}"
            ) from error


def _own(reference: Composed, registry: Registry, said: Mapping[str, Any]) -> Iterator[Own]:
    """Stages with the same numbers for the same reason stand together."""
    reasons, world = said.get("ours") or {}, set(said.get("world") or ())
    alike: dict[tuple[str, str], tuple[dict[str, Any], list[str]]] = {}
    for stage, config in reference.stages.items():
        if config.kind in world:
            continue
        for at, values in _unsourced(stage, config, registry, reasons).items():
            alike.setdefault((at, repr(values)), (values, []))[1].append(stage)
    for (at, _), (values, stages) in alike.items():
        yield Own(tuple(stages), at, values, reasons.get(at))


def _unsourced(
    stage: str, config: Any, registry: Registry, reasons: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """By the key of a reason, the numbers of a stage that it is for and that have no source.

    A number without a reason counts when it is set: not as its kind has it by itself.
    """
    kind, edges = registry[config.kind], registry.edges
    sources, plain = sources_of(config), leaves(kind.config(kind=kind.name), edges)
    found: dict[str, dict[str, Any]] = {}
    for key, value in leaves(config, edges).items():
        at = _reason_at(reasons, stage, kind.name, key)
        if nearest(sources, key) is None and (at or plain.get(key) != value):
            found.setdefault(at or key, {})[key] = value
    return found

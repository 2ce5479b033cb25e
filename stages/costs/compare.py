"""What stages were to cost beside what they did: the forecast of a config, and the manifests.

    told = foreseen(graph.stages, composed)            plain data, for the report
    rows = [beside(told, artifact) for …]

A forecast takes nothing from what was run: not even the rows that came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import RecipeError
from pipeline.kinds import Stage
from stages.costs.actual import Actual
from stages.costs.estimate import HOUR, Estimate, estimates
from stages.costs.hardware import SECTION, of_root

if TYPE_CHECKING:
    from pipeline.artifact import Artifact
    from pipeline.compose import Composed

OFF = 0.25  # a forecast that is further off is shown as such
SUMS = ("seconds", "tokens_in", "tokens_out", "disk_bytes", "money")
ASKED = ("seconds", "tokens_in", "tokens_out", "memory_bytes", "disk_bytes", "money")


def foreseen(stages: Mapping[str, Stage], composed: Composed) -> dict[str, Any]:
    """The forecast of all stages as plain data; where there is none, `why`."""
    try:
        hardware = of_root(composed.root, composed.choices.get(SECTION, ""))
        found = estimates(stages, hardware)
    except RecipeError as error:
        return {"why": str(error)}
    price = hardware.price
    return {
        "hardware": hardware.name,
        "hour": price.hour,
        "currency": price.currency,
        "stages": {name: _plain(one) for name, one in found.items()},
    }


def _plain(one: Estimate) -> dict[str, Any]:
    return {
        "seconds": one.seconds,
        "tokens_in": one.tokens_in or None,
        "tokens_out": one.tokens_out or None,
        "memory_bytes": sum(one.peak_bytes.values()) or None,
        "disk_bytes": one.disk_bytes or None,
        "money": one.money,
        "devices": one.devices,
        "phases": dict(one.phases),
    }


@dataclass(frozen=True)
class Pair:
    """A number as it was foreseen and as it was; None: nobody said."""

    foreseen: float | None
    actual: float | None

    @property
    def ratio(self) -> float | None:
        """What it was in parts of what was foreseen."""
        if not self.foreseen or self.actual is None:
            return None
        return self.actual / self.foreseen

    @property
    def off(self) -> bool:
        return self.ratio is not None and abs(self.ratio - 1) > OFF

    def plain(self) -> dict[str, float | None]:
        return {"foreseen": self.foreseen, "actual": self.actual, "ratio": self.ratio}


Row = Mapping[str, Pair]  # by what is asked


def beside(told: Mapping[str, Any], artifact: Artifact) -> Row:
    """One stage's numbers. A stage that uses no device has no price."""
    said: Mapping[str, Any] = (told.get("stages") or {}).get(artifact.stage) or {}
    was = Actual.of(artifact.manifest)
    hour, devices = told.get("hour"), said.get("devices", 0)
    money = None if hour is None else hour * devices * was.seconds / HOUR
    device = was.device_bytes if was.device_bytes is not None else was.memory_bytes
    found = {
        "seconds": was.seconds,
        "tokens_in": was.tokens_in,
        "tokens_out": was.tokens_out,
        "memory_bytes": device,
        "disk_bytes": was.disk_bytes,
        "money": money,
    }
    return {name: Pair(said.get(name), found[name]) for name in ASKED}


def total(rows: Iterable[Row]) -> Row:
    """Sums over the stages of which both are known; None where none is."""
    kept = list(rows)
    return {name: _sum(row[name] for row in kept) for name in SUMS}


def _sum(pairs: Iterable[Pair]) -> Pair:
    both = [(p.foreseen, p.actual) for p in pairs if p.ratio is not None]
    if not both:
        return Pair(None, None)
    return Pair(sum(f for f, _ in both if f), sum(a for _, a in both if a))


def off(rows: Mapping[str, Row], name: str) -> Iterator[tuple[str, Pair]]:
    """The stages whose number was further off than OFF, the furthest first."""
    wrong = [(stage, row[name]) for stage, row in rows.items() if row[name].off]
    yield from sorted(wrong, key=lambda one: -abs((one[1].ratio or 1.0) - 1.0))

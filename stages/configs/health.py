"""Rules about the curves of a training stage: what is watched while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

#: How a rule compares, and which of its fields that needs. See stages/training/health_rules.py.
COMPARISONS = ("above", "below", "grows", "diverges")
ACTIONS = ("warn", "stop", "off")


@dataclass
class HealthRule:
    """One limit on one curve, over the last `window` points that have it.

    compare: `above` or `below`: their mean against `limit`. `grows`: the mean of their second half
    is more than `limit` times that of the first. `diverges`: from the first half to the second the
    curve rises and `against` falls, both by more than `limit` standard errors.
    message: what it means and what to do, for the user who reads the warning.
    """

    curve: str = MISSING
    compare: str = MISSING
    limit: float = MISSING
    window: int = MISSING
    message: str = MISSING
    against: str | None = None
    action: str = "warn"  # `stop` ends the stage and keeps its last checkpoint; `off`


@dataclass
class Health:
    """The rules of a stage by name. They never change what a stage produces, only whether."""

    rules: dict[str, HealthRule] = field(default_factory=dict)

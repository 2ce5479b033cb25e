"""Rules about the curves of a training stage: what is watched while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Problem

#: How a rule compares, and which of its fields that needs. See stages/training/health_rules.py.
COMPARISONS = ("above", "below", "grows", "diverges")
ACTIONS = ("warn", "stop", "off")
RENAMED = {"repetition": "completion_repetition"}  # curves of before → of now
LEAST = {"above": 1, "below": 1, "grows": 2, "diverges": 4}  # points that a comparison needs


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
    limit_fp32: float | None = None  # in place of `limit` where all is computed in float32
    against: str | None = None
    action: str = "warn"  # `stop` ends the stage and keeps its last checkpoint; `off`


@dataclass
class Health:
    """The rules of a stage by name. They never change what a stage produces, only whether."""

    rules: dict[str, HealthRule] = field(default_factory=dict)


def rules(health: Health) -> Iterator[Problem]:
    """Every rule by itself."""
    for name, rule in health.rules.items():
        for key, text in _wrong(rule):
            yield Problem(f"health.rules.{name}.{key}", text)


def _wrong(rule: HealthRule) -> Iterator[tuple[str, str]]:
    for key in ("curve", "against"):
        if name := RENAMED.get(getattr(rule, key)):
            yield key, f"is {getattr(rule, key)}, which is called {name} now: set it to {name}"
    if rule.action not in ACTIONS:
        yield "action", f"is {rule.action!r}: set it to one of {', '.join(ACTIONS)}"
    if rule.compare not in COMPARISONS:
        yield "compare", f"is {rule.compare!r}: set it to one of {', '.join(COMPARISONS)}"
        return
    if rule.window < LEAST[rule.compare]:
        least = LEAST[rule.compare]
        yield "window", f"is {rule.window}, and `{rule.compare}` needs {least} points or more"
    if (rule.compare == "diverges") != (rule.against is not None):
        yield (
            "against",
            f"is {rule.against}: `diverges` holds a curve against another, e.g. accuracy, and no "
            "other comparison does",
        )

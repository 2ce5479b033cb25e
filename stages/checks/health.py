"""What the rules about a stage's curves can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem
from stages.configs import Health, HealthRule
from stages.configs.health import ACTIONS, COMPARISONS

LEAST = {"above": 1, "below": 1, "grows": 2, "diverges": 4}  # points that a comparison needs


def rules(health: Health) -> Iterator[Problem]:
    """Every rule by itself."""
    for name, rule in health.rules.items():
        for key, text in _wrong(rule):
            yield Problem(f"health.rules.{name}.{key}", text)


def _wrong(rule: HealthRule) -> Iterator[tuple[str, str]]:
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

"""What the rules of `conf/health` mean: pure arithmetic on curves, no trainer, no torch.

A curve is the list of its points so far, and a rule looks at the last `window` of them. A rule
that has fewer is silent. It is told once when it begins to hold and again only after it ceased.

    above, below   the mean of the window against the limit
    grows          second half of the window against the first: mean₂ > limit × mean₁
    diverges       the alarm for reward hacking: with z = (mean₂ − mean₁) / √(s₁²/n + s₂²/n) over
                   the halves of n points, z of the curve > limit and z of `against` < −limit

`diverges` takes the points of a half as independent. They are nearly so: each step asks other
questions. A trend inside a half enlarges s and so makes the test slower to speak. At limit 3 and a
window of 40 a flat curve falls that far by chance in 0.24 % of windows (t, 38 degrees of freedom).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, variance

from stages.settings.health import Health, HealthRule

Point = Mapping[str, float]
Curve = Sequence[float]


@dataclass(frozen=True)
class Finding:
    """A rule that holds from this step on; `numbers` says by how much."""

    rule: str
    step: int
    numbers: str


class Watch:
    """The rules of a stage and the curves that they read."""

    def __init__(self, health: Health) -> None:
        self.rules = {name: rule for name, rule in health.rules.items() if rule.action != "off"}
        self.findings: list[Finding] = []
        self._windows: dict[str, list[tuple[float, ...]]] = {name: [] for name in self.rules}
        self._holding: set[str] = set()
        self._seen: set[str] = set()

    def look(self, step: int, point: Point) -> list[Finding]:
        """Take in one step's numbers; returns the rules that begin to hold with it."""
        begun = []
        for name, rule in self.rules.items():
            values = [point.get(curve) for curve in _curves(rule)]
            numbers = [v for v in values if v is not None and math.isfinite(v)]
            if len(numbers) < len(values):
                continue
            self._seen.add(name)
            self._windows[name] = [*self._windows[name], tuple(numbers)][-rule.window :]
            text = judge(rule, *zip(*self._windows[name], strict=True))
            if text is None:
                self._holding.discard(name)
            elif name not in self._holding:
                self._holding.add(name)
                begun.append(Finding(name, step, text))
        self.findings += begun
        return begun

    def facts(self) -> dict[str, object]:
        """For the manifest: what was found, and the rules whose curve this stage never had."""
        return {
            "warnings": [vars(finding) for finding in self.findings],
            "without_curve": sorted(set(self.rules) - self._seen),
        }


def in_fp32(health: Health) -> Health:
    """The rules with the limits that hold where nothing is rounded to fewer bits."""
    return Health(
        {
            name: rule if rule.limit_fp32 is None else replace(rule, limit=rule.limit_fp32)
            for name, rule in health.rules.items()
        }
    )


def judge(rule: HealthRule, curve: Curve, against: Curve = ()) -> str | None:
    """The numbers in words if the rule holds on the newest points, else None."""
    if len(curve) < rule.window:
        return None
    window = curve[-rule.window :]
    if rule.compare == "diverges":
        return _diverges(rule, window, against[-rule.window :])
    return _ONE_CURVE[rule.compare](rule, window)


def _above(rule: HealthRule, window: Curve) -> str | None:
    found = fmean(window)
    return _mean_words(rule, found) if found > rule.limit else None


def _below(rule: HealthRule, window: Curve) -> str | None:
    found = fmean(window)
    return _mean_words(rule, found) if found < rule.limit else None


def _mean_words(rule: HealthRule, found: float) -> str:
    return (
        f"{rule.curve} is {found:.4g} in the mean of {rule.window} steps "
        f"({rule.compare} {rule.limit:g})"
    )


def _grows(rule: HealthRule, window: Curve) -> str | None:
    before, after = (fmean(half) for half in _halves(window))
    if after <= rule.limit * before:
        return None
    return (
        f"{rule.curve} went from {before:.4g} to {after:.4g} within {rule.window} steps "
        f"(more than × {rule.limit:g})"
    )


def _diverges(rule: HealthRule, window: Curve, against: Curve) -> str | None:
    rise, fall = change(window), change(against)
    if not (rise > rule.limit and fall < -rule.limit):
        return None
    return (
        f"{_change_words(rule.curve, window, rise)} while "
        f"{_change_words(str(rule.against), against, fall)} within {rule.window} steps "
        f"(both by more than {rule.limit:g} standard errors)"
    )


def _change_words(name: str, window: Curve, errors: float) -> str:
    before, after = (fmean(half) for half in _halves(window))
    return f"{name} went from {before:.4g} to {after:.4g} ({errors:+.1f} standard errors)"


def change(window: Curve) -> float:
    """From the first half to the second, in standard errors of that difference."""
    first, second = _halves(window)
    difference = fmean(second) - fmean(first)
    error = math.sqrt(variance(first) / len(first) + variance(second) / len(second))
    if error == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / error


def _halves(window: Curve) -> tuple[Curve, Curve]:
    """First and second half; of an odd number the oldest point is left out."""
    half = len(window) // 2
    return window[-2 * half : -half], window[-half:]


def _curves(rule: HealthRule) -> list[str]:
    return [rule.curve] if rule.against is None else [rule.curve, rule.against]


_ONE_CURVE: Mapping[str, Callable[[HealthRule, Curve], str | None]] = {
    "above": _above,
    "below": _below,
    "grows": _grows,
}

"""How far the judges may go and how near two numbers must be: said once for each answer.

The caller's process proves: by exact arithmetic, or by balls of 100 digits that do not meet.
Whoever needs more digits, more points or bases of ideals calls `need_digits` first, which ends the
attempt there: a worker then judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from stages.verifiers.maths.errors import Undecided


@dataclass(frozen=True)
class Tolerance:
    """What a row's metadata allows: {"tolerance": {"relative": 0.01}}, {"decimals": 2}."""

    relative: float = 0.0
    absolute: float = 0.0

    def allows(self, reference: float, answer: float) -> bool:
        """Whether the answer is near enough."""
        slack = max(self.relative * abs(reference), self.absolute)
        return abs(reference - answer) <= slack * (1 + 1e-9)


EXACT = Tolerance()


@dataclass(frozen=True)
class Rules:
    """tolerance: of numbers. digits: whether numbers may be computed at many digits."""

    tolerance: Tolerance = EXACT
    digits: bool = False


_ALL = Rules(digits=True)
_RULES: ContextVar[Rules] = ContextVar("rules", default=_ALL)


def rules() -> Rules:
    """The rules of the answer that is being judged."""
    return _RULES.get()


@contextmanager
def judging_by(rules: Rules) -> Iterator[None]:
    """What is judged inside is judged by these rules."""
    token = _RULES.set(rules)
    try:
        yield
    finally:
        _RULES.reset(token)


def need_digits() -> None:
    """Undecided where only exact arithmetic may be done."""
    if not _RULES.get().digits:
        raise Undecided


def tolerance_of(metadata: Mapping[str, Any]) -> Tolerance:
    """The tolerance that metadata asks for; ValueError for one that makes no sense."""
    given, decimals = metadata.get("tolerance"), metadata.get("decimals")
    relative = absolute = 0.0
    if isinstance(given, Mapping):
        relative, absolute = float(given.get("relative", 0)), float(given.get("absolute", 0))
    elif given is not None:
        raise ValueError("`tolerance` must be {relative: …} or {absolute: …}")
    if decimals is not None:
        if not isinstance(decimals, int) or not 0 <= decimals <= 12:
            raise ValueError("`decimals` must be 0 to 12")
        absolute = max(absolute, 0.5 * 10.0**-decimals)
    if not (0 <= relative < 1 and absolute >= 0):
        raise ValueError("`tolerance` must be at least 0 and relative below 1")
    return Tolerance(relative, absolute)

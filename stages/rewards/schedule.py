"""Which terms of the reward there are, and how a config says when one acts. No torch here."""

from __future__ import annotations

from typing import Any

TERMS = ("accuracy", "format", "soft_format", "language", "helpful", "safety")

#: The terms that a reward model scores → what it reads of a response.
PREFERENCE_TERMS = {"helpful": "answer", "safety": "response"}


def steps_of(value: Any, total_steps: int) -> int | None:
    """A fraction of the training steps (float) or a step (int), as a step; None stays None."""
    if value is None:
        return None
    if isinstance(value, float) and 0 <= value <= 1:
        return round(value * total_steps)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(
        f"{value!r} is neither a fraction of the steps (0.0 to 1.0) nor a step (0, 1, …)"
    )

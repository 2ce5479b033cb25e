"""Which of the Trainer's logged numbers are curves of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What the Trainer adds to its logs and that no curve needs.
NOT_CURVES = frozenset({"epoch", "total_flos", "step_time", "num_tokens"})


def curves_of(logs: Mapping[str, Any]) -> dict[str, float]:
    """The logged numbers that are curves: not the Trainer's counters and closing summary."""
    return {
        name: float(value)
        for name, value in logs.items()
        if name not in NOT_CURVES and not name.startswith("train_") and not isinstance(value, str)
    }

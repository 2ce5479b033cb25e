"""Which of the Trainer's logged numbers are curves of a stage: all but a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Counters, clocks, and what stands under another name too (`zero_signal_share`).
NOT_CURVES = frozenset({"epoch", "total_flos", "step_time", "num_tokens", "frac_reward_zero_std"})


def curves_of(logs: Mapping[str, Any]) -> dict[str, float]:
    """The logged numbers that are curves: not the Trainer's counters and closing summary."""
    return {
        name: float(value)
        for name, value in logs.items()
        if name not in NOT_CURVES and not name.startswith("train_") and not isinstance(value, str)
    }

"""What the manifest of an RL stage says of its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stages.kinds.rl.config import RLConfig
from stages.rl.arguments import completions_per_step
from stages.rl.schedule import rollouts_of

FINAL_STEPS = 10  # the facts give the mean of the last steps: one step is noise
SPENT = ("samples_spent", "replaced_groups", "zero_signal_groups", "skipped_rows")
FINAL = ("reward", "accuracy", "copied", "format", "length", "language_consistency", "kl")


def facts_of(config: RLConfig, points: Sequence[Mapping[str, float]], steps: int) -> dict[str, Any]:
    """What was spent, and where the curves ended."""
    rollouts = rollouts_of(config)
    drawn = [(p["length"], len(rollouts.at(int(p["step"]) - 1))) for p in points if "length" in p]
    last = [point for point in points if point["step"]][-FINAL_STEPS:]
    probes = [point["policy_accuracy"] for point in points if "policy_accuracy" in point]
    return {
        "steps": steps,
        "completions": steps * completions_per_step(config),
        "tokens": round(sum(mean * n for mean, n in drawn) * completions_per_step(config)),
        **{name: round(sum(point.get(name, 0) for point in points)) for name in SPENT},
        **{f"final_{name}": _mean([p[name] for p in last if name in p]) for name in FINAL},
        **({"final_policy_accuracy": probes[-1]} if probes else {}),
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None

"""Time limits of a scheduler that a forecast finds too short for a stage to get anywhere.

A stage that trains is asked to leave before its limit and saves at the end of the step (RL: of the
rollout), if that comes in time. One whose steps are longer gets as far as its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.compose import Composed
from pipeline.kinds import Stage
from pipeline.launchers.slurm.script import TO_LEAVE
from pipeline.launchers.slurm.settings import settings_of
from pipeline.progress import clock
from stages.costs.estimate import Estimate, Forecast
from stages.costs.speed import START

SLURM = "slurm"


def too_short(
    found: Forecast, stages: Mapping[str, Stage], composed: Composed, pending: Collection[str]
) -> Iterator[str]:
    """Of stages that would be started again and again: the key, the numbers, what to do."""
    launcher = composed.root.get("launcher") or {}
    if launcher.get("name") != SLURM:
        return
    settings, profile = settings_of(launcher), composed.choices.get("profile", "")
    for name, one in found.stages.items():
        limit = settings.request(name, one.kind, profile).seconds
        every = getattr(stages[name].config, "save_steps", None)
        if name not in pending or limit is None or not every or not one.updates:
            continue
        needed = one.phases.get(START, 0.0) + _to_a_save(
            one, stages[name].config, settings.leave_seconds * TO_LEAVE
        )
        if needed > limit - settings.leave_seconds:
            yield (
                f"launcher.kinds.{one.kind}.time: {name} has {clock(limit)} a start, and about "
                f"{clock(needed)} pass until it has saved something (save_steps {every}): it would "
                f"get nowhere. Raise the time, or lower stages.{name}.save_steps"
            )


def _to_a_save(one: Estimate, config: Any, patience: float) -> float:
    """Seconds of work until something is kept. patience: how long a stage may take to leave."""
    step = (one.seconds - one.phases.get(START, 0.0)) / one.updates
    unit = step * getattr(config, "steps_per_rollout", 1)
    return unit if unit <= patience else step * min(config.save_steps, one.updates)

"""Watches a stage's curves while it trains, by the rules of `stages.<name>.health`.

A rule that warns is told to the user while the stage runs, stands in its log, and in the facts of
its manifest (`health`). A rule that stops ends the stage before the step at hand is saved, so the
last checkpoint is from before; with another action or limit, which change no fingerprint, the same
command goes on from it.

Rules read what is logged, nothing else. A resumed stage reads its curves again from the start, so
its findings are those of a stage that was never killed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from transformers import TrainerCallback

from pipeline.context import Context
from pipeline.errors import StageFailed
from stages.settings.health import Health
from stages.training.checkpoints import kept_words
from stages.training.curves import curves_of
from stages.training.health_rules import Finding, Watch, in_fp32


class HealthMonitor(TrainerCallback):
    """Looks at every logged point; rank 0 decides for its gang."""

    def __init__(self, health: Health, context: Context, bf16: bool) -> None:
        self.watch = Watch(health if bf16 else in_fp32(health))
        self.context = context

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.context.rank == 0:
            self.look_back()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if self.context.rank == 0:
            self.look(
                state.global_step, curves_of(logs or {}), partial(kept_words, self.context.work)
            )

    def look_back(self) -> None:
        """Take in what was logged before a resume; it was told then."""
        for point in self.context.points():
            self.watch.look(int(point["step"]), point)

    def look(self, step: int, point: Mapping[str, float], kept: Callable[[], str]) -> None:
        """Take in a step's numbers and tell of them; kept: of the checkpoint, where one stops."""
        for finding in self.watch.look(step, point):
            if self.watch.rules[finding.rule].action == "stop":
                raise StageFailed(self._stopped(finding, kept()))
            self.context.warn(f"step {finding.step}: {self._words(finding)}")

    def _words(self, finding: Finding) -> str:
        return f"{finding.numbers}. {self.watch.rules[finding.rule].message}"

    def _stopped(self, finding: Finding, kept: str) -> str:
        key = f"stages.{self.context.stage}.health.rules.{finding.rule}"
        return (
            f"stopped at step {finding.step} by {key}: {self._words(finding)} "
            f"{kept} To go on from there as it is: {key}.action=warn"
        )

"""What is told of an optimiser step: its curves, and its rows where a number is none."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trl import GRPOTrainer

from stages.rl import metrics
from stages.rl.batches import Tensors
from stages.rl.log_probabilities import LogProbabilityTrainer
from stages.rl.readable_rows import rollout_rows
from stages.training import parallel
from stages.training.bad_batch import require_finite

LAG = "sampling/sampling_logp_difference/mean"  # of TRL's weights
REMEDY = "Lower optimizer.learning_rate or kl_coefficient, and run again."


class StepCurvesTrainer(LogProbabilityTrainer):
    """The log of a step under our names, in the place of GRPOTrainer's."""

    _trained: Tensors  # the rows of the step
    _tokens: int  # of their completions, in this process
    _clock: float  # when the step before was told

    def _require_finite(self, name: str, value: float, step: int) -> None:
        rows = rollout_rows(self._trained, self._groups, self.prompts, self.terms)
        require_finite(name, value, step, rows, Path(self.args.output_dir), REMEDY)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's and our metrics of the step as curves."""
        if "grad_norm" in logs:
            self._require_finite("gradient's norm", logs["grad_norm"], self.state.global_step)
        if "loss" in logs:
            now = time.perf_counter()
            seconds, self._clock = now - self._clock, now
            found = {
                name: metrics.mean(value for value in values if not math.isnan(value))
                for name, values in self._metrics["train"].items()
            }
            if self.config.rollout_ahead and LAG in found:
                found["staleness"] = found.pop(LAG)
            tokens = self._tokens * self.accelerator.num_processes
            speed = {"step_seconds": seconds, "tokens_per_second": tokens / seconds}
            logs.update(metrics.curves(parallel.mean_of_all({**found, **speed})))
            self._metrics["train"].clear()
        super(GRPOTrainer, self).log(logs, start_time)

    def note(self, measured: Mapping[str, float], seconds: float) -> None:
        """Curves of the step that was measured beside it, in seconds that are not the step's."""
        for name, value in measured.items():
            self._metrics["train"][name].append(value)
        self._clock += seconds

    def create_model_card(self, **kwargs: Any) -> None:
        """No card beside a checkpoint: what a stage publishes has its manifest."""

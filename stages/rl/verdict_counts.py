"""While RL runs, `verdicts.json` in its work folder says why answers were wrong or not judged.

A reward that stays at 0 has its reason there: "no final answer", "unreadable reference: …", "timed
out". The counts are kept in every checkpoint, so each step is counted once however often the stage
was stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from stages.training import checkpoints
from stages.verifiers.pool import VerifierPool
from stages.verifiers.tally import VERDICTS


class VerdictCounts(TrainerCallback):
    """Writes the pool's tally after every optimiser step, and with every checkpoint.

    It comes before the callback that lists the files of a checkpoint (common.StageCallback).
    """

    def __init__(self, pool: VerifierPool, folder: Path) -> None:
        self.pool = pool
        self.folder = folder

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step:
            self.pool.tally.resume(self._kept(args, state))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.pool.tally.keep(self._kept(args, state))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.pool.tally.write(self.folder)

    @staticmethod
    def _kept(args: Any, state: Any) -> Path:
        return checkpoints.at(args.output_dir, state.global_step) / VERDICTS

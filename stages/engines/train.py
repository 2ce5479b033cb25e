"""A stage trained by an engine of another environment, segment by segment.

    for each segment that its checkpoints have not reached:
        rows of its prompts, weights of its rewards     prompts.py, scoring.py
        the engine, from its last checkpoint            process.py
        a point of the curves for each rollout          curves.py
        the export, looked at and taken                 exports.py
    the last export is published

Everything that a resume needs is in the work folder: the engine's own checkpoints, the export that
is the reference, and the curve, which is cut back to the checkpoint. A stage that was killed goes
on in the segment that it was in. The engine draws its numbers itself, so a resume is not bit for
bit the run that was not killed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import PreTrainedTokenizerBase

from pipeline import meter
from pipeline.context import Context
from pipeline.errors import StageFailed
from stages.engines import curves, exports, reward_client
from stages.engines.engine import Engine, Places, Rollout
from stages.engines.process import EngineProcess
from stages.engines.prompts import rows_of, write_rows
from stages.engines.reward_service import RewardService
from stages.engines.scoring import Scoring
from stages.engines.segments import Segment, segments_of
from stages.rewards.terms import Term
from stages.rl.prompts import Prompt
from stages.training.health_monitor import HealthMonitor
from stages.verifiers.answer import policy_of
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

FOLDER = "engine"  # in the stage's work folder
TOLD = 3  # rows that could not be scored, in an error


@dataclass
class Training:
    """A stage at work. source: the model's folder that training starts from."""

    config: RLConfig
    engine: Engine
    source: Path
    tokenizer: PreTrainedTokenizerBase
    prompts: Sequence[Prompt]
    terms: Sequence[Term]
    pool: VerifierPool
    context: Context
    segments: list[Segment] = field(init=False)
    scoring: Scoring = field(init=False)
    monitor: HealthMonitor = field(init=False)
    _logged: int = field(init=False, default=0)  # rollouts

    def __post_init__(self) -> None:
        config = self.config
        self.segments = segments_of(config)
        self.scoring = Scoring(self.prompts, self.terms, policy_of(config.verifiers))
        self.monitor = HealthMonitor(config.health, self.context, config.precision.bf16)

    def run(self) -> dict[str, object]:
        """Train to the end, and write the model to publish; what the rules of health found."""
        self.folder.mkdir(parents=True, exist_ok=True)
        exports.send_out(self.source, self.tokenizer, self.export_at(0))
        wanted = exports.shapes_of(self.source)
        self._go_back()
        with RewardService(self.config.engine, self.scoring) as service, meter.phase("train"):
            for segment in self.segments:
                if self._reached() < segment.end:
                    self._train(segment, service)
                if self._reached() == segment.end:
                    self._take(segment, wanted)
        with meter.phase("save"):
            last = self.export_at(self.config.max_steps)
            exports.publish(last, self.source, self.tokenizer, self.context.output / "model")
        return self.monitor.watch.facts()

    @property
    def folder(self) -> Path:
        """What the engine and this stage share."""
        return self.context.work / FOLDER

    @property
    def checkpoints(self) -> Path:
        """The engine's own."""
        return self.folder / "checkpoints"

    def export_at(self, step: int) -> Path:
        """The weights after so many optimiser steps, of those that are kept."""
        return self.folder / "exports" / f"step_{step}"

    def tokens_seen(self) -> float:
        """Of all rollouts, prompts with completions, as compute.py counts them."""
        samples, counted = self.config.samples_per_question, 0.0
        for segment in self.segments:
            rows = rows_of(segment, self.prompts, self.config)
            counted += samples * sum(len(self.prompts[row.prompt].token_ids) for row in rows)
        lengths = {int(p["step"]): p["length"] for p in self.context.points() if "length" in p}
        for segment in self.segments:
            count = self._count(segment)
            after = (segment.step_after(number + 1) for number in segment.rollouts)
            counted += sum(count * lengths.get(step, 0.0) for step in after)
        return counted

    # A segment

    def _train(self, segment: Segment, service: RewardService) -> None:
        """Start the engine and follow it to the segment's end."""
        engine, places = self.config.engine, self._set_out(segment, service)
        command = self.engine.command(self.config, segment, places)
        what = f"{engine.name} (steps {segment.steps.start} to {segment.steps.stop})"
        self.scoring.begin(segment.steps.start)
        self._logged = places.reached
        more, key = self.engine.environment(places), f"stages.{self.context.stage}.engine.python"
        with EngineProcess(command, more, self.folder, key) as process:
            for line in process.lines(places.curves):
                if line is None:
                    self.context.fence()
                    self._log_scored(segment)
                elif (rollout := self.engine.line(line)) is not None:
                    self._log(segment, rollout)
            process.require_success(what, self._unscored())
        if (reached := self._reached()) < segment.end:
            raise StageFailed(
                f"{what} ended well after rollout {reached} of {segment.end}, by its checkpoints "
                f"in {self.checkpoints}; it should have gone on. Look at "
                f"{self.folder / 'engine.log'}"
            )

    def _set_out(self, segment: Segment, service: RewardService) -> Places:
        """The files of a start; rows are read from the first one where the segment begins."""
        if self._reached() == segment.first:
            self.engine.begin_rows(self.checkpoints, segment.first)
        for old in self.folder.glob("curves-*.jsonl"):
            old.unlink()
        places = Places(
            self.export_at(segment.reference),
            self.folder / f"rows-{segment.first}.parquet",
            self.checkpoints,
            self.folder / "reward_client.py",
            self.folder / f"curves-{time.time_ns()}.jsonl",
            self._reached(),
        )
        shutil.copyfile(reward_client.__file__, places.client)
        service.write_beside(places.client)
        write_rows(places.rows, list(rows_of(segment, self.prompts, self.config)), self.engine)
        return places

    def _log_scored(self, segment: Segment) -> None:
        """An engine without a log has a rollout behind it when all its completions are scored."""
        if not self.engine.logs and self.scoring.kept() >= self._count(segment):
            self._log(segment, Rollout(self._logged + 1, {}))

    def _log(self, segment: Segment, rollout: Rollout) -> None:
        """One point: the engine's numbers, and those of the completions that were scored for it."""
        if rollout.number - 1 not in segment.rollouts:
            return
        self._logged = rollout.number
        step, scored = segment.step_after(rollout.number), self.scoring.take(self._count(segment))
        point = curves.of_rollout(
            rollout.curves,
            scored,
            self.scoring.seen(),
            self.config,
            self.prompts,
            self.terms,
            self.tokenizer,
        )
        meter.count(updates=segment.per_rollout, completions=len(scored))
        self.context.log(step, point)
        self.context.progress(step, self.config.max_steps)
        self.pool.tally.keep(self._tally(rollout.number))
        self.pool.tally.write(self.context.work)
        self.monitor.look(step, point, lambda: "The engine's last checkpoint is kept.")

    def _count(self, segment: Segment) -> int:
        """Completions of one of its rollouts."""
        config = self.config
        return config.questions_per_step * segment.per_rollout * config.samples_per_question

    def _unscored(self) -> list[str]:
        """What is known of rows that had no reward."""
        failed = self.scoring.failed
        return [f"no reward for {words}" for words in dict.fromkeys(failed[:TOLD])]

    # Between segments

    def _take(self, segment: Segment, wanted: exports.Shapes) -> None:
        """Take the export that the next segment's reference is, or that is published.

        What no later segment needs is removed: the engine forgets what an earlier start has saved.
        """
        step, place = segment.steps.stop, segment.end
        later = [one for one in self.segments if one.first >= place]
        needed = {one.reference for one in later} | {self.config.max_steps}
        if step in needed and not self.export_at(step).exists():
            export = self.engine.export(self.checkpoints, place)
            exports.require_export(export, wanted, self.config.engine.name)
            exports.save_tokenizer(self.tokenizer, export)
            export.rename(self.export_at(step))
        for old in (self.folder / "exports").iterdir():
            if int(old.name.removeprefix("step_")) not in needed and old.name != "step_0":
                shutil.rmtree(old)
        self._forget(place)

    def _forget(self, rollouts: int) -> None:
        for old in self.checkpoints.glob("global_step_*"):
            if old.name != f"global_step_{rollouts}":
                shutil.rmtree(old)
        for tally in self.folder.glob("tally-*.json"):
            if tally != self._tally(rollouts):
                tally.unlink()

    def _go_back(self) -> None:
        """Curves and counts as they were at the engine's checkpoint."""
        reached = self._reached()
        step = next(one.step_after(reached) for one in self.segments if reached <= one.end)
        self.context.rewind(step if reached else -1)
        if reached:
            self.pool.tally.resume(self._tally(reached))
        self.monitor.look_back()

    def _reached(self) -> int:
        return self.engine.reached(self.checkpoints)

    def _tally(self, rollouts: int) -> Path:
        return self.folder / f"tally-{rollouts}.json"

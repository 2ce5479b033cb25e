"""What a running stage may use of the engine: where to write, how to log and show progress.

A stage writes its result into `output` (published whole when it returns) and what it needs to
resume into `work` (kept until then). Metrics go line by line to `work/metrics.jsonl`: that file
is the truth, becomes part of the artifact, and is what MLflow and the figures are fed from.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import meter, metrics, notices, state
from pipeline.artifact import METRICS
from pipeline.engine_nodes import Engines

PROGRESS = "progress.json"
LEAVE = signal.SIGUSR2  # what a scheduler's stages are asked to leave with; NCCL catches SIGUSR1
GANG = "R1_GANG"  # in the environment of a gang's process: the file in which its processes meet


class RankDone(BaseException):
    """A rank other than 0 has done its part; no failure."""


def _open() -> None:
    """The fence of a context that no lease stands behind; a process may send it to another."""


@dataclass
class Context:
    """Passed to a stage's entry function.

    seed: from the stage's config. threads: CPU threads that this process may use. shared: see
    `beside`. rank, processes: this process's place in the stage's gang; what is logged and shown
    is rank 0's. scheduled: a scheduler may want the machine back, see `saves_when_asked`. fence:
    raises when another attempt has taken the stage over, so that this one writes no more into the
    work directory that both share. engines: on further nodes of the job, where it has such.
    """

    stage: str
    fingerprint: str
    work: Path
    output: Path
    seed: int
    threads: int
    shared: Path
    rank: int = 0
    processes: int = 1
    scheduled: bool = False
    engines: Engines | None = None
    fence: Callable[[], None] = field(default=_open, repr=False)
    _shown: float = field(default=0.0, repr=False)

    def lead(self) -> None:
        """From here on rank 0 goes on alone: the other ranks of the gang end."""
        if self.rank:
            raise RankDone

    def beside(self, fingerprint: str) -> Path:
        """A folder that goes with an artifact and that all stages and runs share.

        It holds what may be reused and what nobody needs: a result never depends on it. It is kept
        until `r1 gc` finds that its artifact is not reached any more.
        """
        return self.shared / fingerprint

    def saves_when_asked(self) -> None:
        """From here on a stage that is to leave its machine is not ended, but only asked.

        It looks at `asked_to_leave`, saves as soon as it can and calls `leave`. Without this call
        it is ended at once, and goes on elsewhere from what it kept.
        """
        if self.scheduled:
            signal.signal(LEAVE, lambda *_: ask_to_leave())

    def leave(self) -> None:
        """End this process in order, when it was asked to; another attempt goes on."""
        raise SystemExit(128 + signal.SIGTERM)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Append one point of the stage's curves; names use letters, digits, `_` and `/` only."""
        moved()
        if self.rank:
            return
        self.fence()
        finite = {k: float(v) for k, v in numbers.items() if math.isfinite(float(v))}
        line = json.dumps({"step": step, "time": time.time(), **finite}, sort_keys=True)
        with (self.work / METRICS).open("a") as file:
            file.write(line + "\n")

    def rewind(self, step: int, checkpoint: Path | None = None) -> None:
        """Forget the points after `step`, when a stage resumes from a checkpoint at `step`.

        What the checkpoint keeps of the curve (`keep_curve`) takes the place of what was harmed.
        """
        path = self.work / METRICS
        if self.rank or not (checkpoint or os.path.lexists(path)):
            return
        lines = [line + b"\n" for line, point in metrics.lines(path) if point["step"] <= step]
        points, kept = b"".join(lines), checkpoint and checkpoint / METRICS
        if kept and kept.is_file() and not points.startswith(before := kept.read_bytes()):
            self.warn(f"{path} was harmed: its points are taken from {kept.parent.name}")
            points = before
        state.replace(path, points)

    def keep_curve(self, checkpoint: Path) -> None:
        """Put the curve so far into a checkpoint's folder."""
        if not self.rank and (self.work / METRICS).is_file():
            shutil.copyfile(self.work / METRICS, checkpoint / METRICS)

    def points(self) -> list[metrics.Point]:
        """The stage's curves so far: every point that was logged and not rewound."""
        return metrics.read(self.work / METRICS)

    def warn(self, text: str) -> None:
        """Tell the user of something while the stage runs; it stands in the log, too."""
        notices.warn(text)

    def progress(
        self, done: int, total: int, unit: str = "step", also: Mapping[str, int] | None = None
    ) -> None:
        """Tell the live view how far the stage is; cheap enough to call at every step.

        also: other things that are counted up on the way, by unit; the view shows their rates.
        """
        moved()
        meter.tick()
        now = time.monotonic()
        if self.rank or (now - self._shown < 0.5 and done < total):
            return
        self.fence()
        self._shown = now
        facts = {"done": done, "total": total, "unit": unit, "time": time.time()}
        facts |= {"also": dict(also or {})}
        state.write(self.work / PROGRESS, facts)


_asked = False


def ask_to_leave() -> None:
    """Note that the machine is wanted back: a scheduler takes it away soon."""
    global _asked
    _asked = True


def asked_to_leave() -> bool:
    """Whether that was said to this process."""
    return _asked


_last_move = time.monotonic()


def moved() -> None:
    """Say that this process got on; costs nothing, so call it wherever work comes in parts."""
    global _last_move
    _last_move = time.monotonic()


def last_move() -> float:
    """When it last did, by `time.monotonic`."""
    return _last_move

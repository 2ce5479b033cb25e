"""What a running stage may use of the engine: where to write, how to log and show progress.

A stage writes its result into `output` (published whole when it returns) and what it needs to
resume into `work` (kept until then). Metrics go line by line to `work/metrics.jsonl`: that file
is the truth, becomes part of the artifact, and is what MLflow and the figures are fed from.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import notices
from pipeline.artifact import METRICS

PROGRESS = "progress.json"
GANG = "R1_GANG"  # in the environment of a gang's process: the file in which its processes meet


class RankDone(BaseException):
    """A rank other than 0 has done its part; no failure."""


@dataclass
class Context:
    """Passed to a stage's entry function.

    seed: from the stage's config. threads: CPU threads that this process may use. shared: see
    `beside`. rank, processes: this process's place in the stage's gang; what is logged and shown
    is rank 0's.
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

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append one point of the stage's curves; names use letters, digits, `_` and `/` only."""
        moved()
        if self.rank:
            return
        finite = {k: float(v) for k, v in metrics.items() if math.isfinite(float(v))}
        line = json.dumps({"step": step, "time": time.time(), **finite}, sort_keys=True)
        with (self.work / METRICS).open("a") as file:
            file.write(line + "\n")

    def rewind(self, step: int) -> None:
        """Forget the points after `step`, when a stage resumes from a checkpoint at `step`."""
        path = self.work / METRICS
        if self.rank or not path.exists():
            return
        kept = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
        _replace(path, "".join(line + "\n" for line in kept))

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
        now = time.monotonic()
        if self.rank or (now - self._shown < 0.5 and done < total):
            return
        self._shown = now
        facts = {"done": done, "total": total, "unit": unit, "time": time.time()}
        facts |= {"also": dict(also or {})}
        _replace(self.work / PROGRESS, json.dumps(facts))


_last_move = time.monotonic()


def moved() -> None:
    """Say that this process got on; costs nothing, so call it wherever work comes in parts."""
    global _last_move
    _last_move = time.monotonic()


def last_move() -> float:
    """When it last did, by `time.monotonic`."""
    return _last_move


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError):  # a line torn by a kill
        return math.inf


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(text)
    aside.replace(path)

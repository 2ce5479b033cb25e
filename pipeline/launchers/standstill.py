"""Whether the first node of a job still gives a sign of life, as its runner sees it.

A node can hang, or its disk, while the scheduler takes it for healthy. Leaders of a gang watch each
other (pipeline/launchers/team.py); the first one, or the only one, is watched from here.
"""

from __future__ import annotations

import time
from pathlib import Path

from pipeline import heart
from pipeline.launchers import team

GIVEN_UP = 60.0  # seconds after the first minute, in which a disk may come back


class Standstill:
    """Of the starts of one job, by the job's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._silent: tuple[Path, float] | None = None

    def seconds(self) -> float:
        """Since when it is known to stand still; 0.0: it beats, or has not begun."""
        hearts = sorted(self._folder.glob("start-*/leader-0"), key=_start)
        if not hearts or heart.beats(hearts[-1], team.SILENT) or not hearts[-1].exists():
            self._silent = None
            return 0.0
        if self._silent is None or self._silent[0] != hearts[-1]:
            self._silent = hearts[-1], time.monotonic()
        return max(time.monotonic() - self._silent[1], 1e-3)


def _start(path: Path) -> int:
    return int(path.parent.name.partition("-")[2])

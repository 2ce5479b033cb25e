"""One stage to run, as a value that can be handed to another process, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.kinds import Kind
from pipeline.plan import Wanted
from pipeline.watchdog import Patience


@dataclass(frozen=True)
class Job:
    """All that a stage's own process needs.

    config: the instance that the entry receives; resolved: the same as plain data for the
    manifest. registry: "package.module:ATTRIBUTE", where another machine finds the kind. A stage
    writes everything it prints to `log`; `folder` is the job's own (pipeline/launchers/files.py).
    It runs as `processes` processes on `nodes` machines, each on `threads` CPU threads, and sees
    `devices` of the machine's accelerators; None: as they are. `engine_nodes` further machines hold
    engines for it (pipeline/engine_nodes.py).
    """

    stage: str
    kind: Kind
    config: Any
    resolved: Mapping[str, Any]
    wanted: Wanted
    registry: str
    store: Path
    log: Path
    folder: Path
    threads: int
    processes: int = 1
    nodes: int = 1
    engine_nodes: int = 0
    devices: tuple[str, ...] | None = None
    patience: Patience = field(default_factory=Patience)

    @property
    def machines(self) -> int:
        """Of the whole job."""
        return self.nodes + self.engine_nodes


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `finished`, `failed`, `stopped`, or `held` by another process.

    log: where a failure is told, if it is not the stage's own log.
    """

    state: str
    message: str = ""
    log: Path | None = None

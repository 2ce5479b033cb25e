"""One stage to run, as a value that can be handed to another process, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.kinds import Kind
from pipeline.plan import Wanted


@dataclass(frozen=True)
class Job:
    """All that a stage's own process needs.

    config: the instance that the entry receives; resolved: the same as plain data for the
    manifest. A stage runs on `threads` CPU threads and writes everything it prints to `log`.
    """

    stage: str
    kind: Kind
    config: Any
    resolved: Mapping[str, Any]
    wanted: Wanted
    store: Path
    log: Path
    threads: int


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `finished`, `failed`, `stopped`, or `held` by another process."""

    state: str
    message: str = ""

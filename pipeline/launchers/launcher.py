"""What the runner asks of a launcher: a place for a stage, its start, its end, and no more.

Each launcher is a module with `prepare`, which looks whether what is asked of it can be had and
returns what opens it when the run has a folder. `LAUNCHERS` names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pipeline.attempts import Attempts
from pipeline.devices import Place
from pipeline.errors import UsageError
from pipeline.kinds import Stage
from pipeline.launchers.job import Job, Outcome
from pipeline.project import load
from pipeline.run_folder import RunFolder

#: By `launcher.name`: the function `prepare(situation, pending, limits) -> Open`.
LAUNCHERS = {
    "local": "pipeline.launchers.local:prepare",
    "slurm": "pipeline.launchers.slurm.launcher:prepare",
}


class Started(Protocol):
    """A stage that a launcher has in hand.

    started: by `time.monotonic`. exit_code: None while it runs, and where nobody can tell. began:
    what is said of its start. waits_for: why it does not run yet, in words; empty otherwise.
    """

    @property
    def job(self) -> Job: ...

    @property
    def started(self) -> float: ...

    @property
    def exit_code(self) -> int | None: ...

    @property
    def began(self) -> str: ...

    @property
    def waits_for(self) -> str: ...


class Launcher(Protocol):
    """Runs jobs somewhere. Every job that was started ends with one Outcome."""

    @property
    def running(self) -> Sequence[Started]:
        """The stages that were started and have not ended."""

    def has(self, stage: str, fingerprint: str) -> bool:
        """Whether a job of a runner that is gone is there to be found by `start`."""

    def place(self, stage: Stage, before: Attempts, at_once: int) -> Place | None:
        """What a stage gets when `at_once` could run now; None: it waits until others end."""

    def start(self, job: Job) -> Started:
        """Start a stage, or find it running."""

    def wait(self, timeout: float) -> Sequence[tuple[Started, Outcome]]:
        """The stages that ended, after at most `timeout` seconds."""

    def stop(self, grace: float) -> None:
        """End every stage, by force after `grace` seconds."""


#: Tells the user.
Say = Callable[[str], None]
#: Makes the launcher of a run.
Open = Callable[[RunFolder, Say], Launcher]


def preparer(config: Mapping[str, Any]) -> Callable[..., Open]:
    """The `prepare` of the launcher that the config names. Raises UsageError."""
    name = config.get("name", "local")
    if name not in LAUNCHERS:
        there = ", ".join(LAUNCHERS)
        raise UsageError(f"launcher.name: there is no launcher `{name}`. There is: {there}.")
    found: Callable[..., Open] = load(LAUNCHERS[name])
    return found

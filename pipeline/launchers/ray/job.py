"""A stage in a Ray cluster: its placement group, its leaders, its starts.

Every start has its own placement group and actors; none is restarted by Ray, so that a start's
number says whose the stage is (pipeline/lease.py). A start that lost a node, or its leader there,
is followed by another; what the stage says of itself, in its outcome, is the last.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.util.placement_group import remove_placement_group

from pipeline.launchers import files, standstill
from pipeline.launchers.gang import ended
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.node import INTERRUPTED
from pipeline.launchers.ray import actors
from pipeline.launchers.ray.settings import Settings
from pipeline.launchers.standstill import Standstill
from pipeline.progress import NOWHERE, where
from pipeline.store import Store

_SILENT = 5.0  # seconds after which a leader that ended without an outcome has none to give


class RayJob:
    """A stage that was started.

    bundle: what it gets of each node. again: what is to be told of a start that lost its node.
    """

    exit_code = None

    def __init__(self, job: Job, bundle: dict[str, float], settings: Settings) -> None:
        self.job = job
        self.bundle = bundle
        self.started = time.monotonic()
        self.began = "waits for its place in the cluster"
        self.waits_for = "waiting for resources"
        self.nodes = ""
        self.again = ""
        self._settings = settings
        self._standstill = Standstill(job.folder)
        self._name = uuid.uuid4().hex[:12]
        self._start = -1
        self._in_vain = 0
        self._furthest = NOWHERE
        self._ended_at: float | None = None
        files.forget_outcome(job.folder)
        files.write(job)
        self._begin()

    @property
    def id(self) -> str:
        """What Ray calls the placement group."""
        return str(self._group.id.hex())

    @property
    def placed(self) -> bool:
        """Whether it has its nodes."""
        return bool(self._leaders)

    def look(self) -> Outcome | None:
        """See to it that it goes on; how it ended, if it has."""
        if not self._leaders:
            if not ray.wait([self._placed], timeout=0)[0]:
                return None
            self._lead()
        self._see_where()
        outcome = files.outcome(self.job.folder)
        if outcome is None and self._standstill.seconds() > standstill.GIVEN_UP:
            return self._lost(f"its node ({self.nodes}) gave no sign of life")
        if outcome is None:
            return self._ended()
        self._ended_at = self._ended_at or time.monotonic()
        return files.seen(outcome, self.job, self._ended_at)

    def ask_to_end(self, grace: float) -> list[Any]:
        """Ask all leaders to end; what Ray makes ready when they have."""
        return [one.end.remote(grace) for one in self._leaders]

    def close(self) -> None:
        """Give everything back. Without its actor what is left of a leader ends itself."""
        for one in self._leaders:
            with contextlib.suppress(RayError):
                ray.kill(one)
        remove_placement_group(self._group)

    def _begin(self) -> None:
        self._start += 1
        self.began_at = time.monotonic()
        self._group = actors.group_of(self.bundle, self.job.machines)
        self._placed = self._group.ready()
        self._leaders: list[Any] = []
        self._places: list[Any] = []
        self._runs: list[Any] = []
        self._codes: dict[int, int] = {}
        self.nodes, self._ended_at = "", None

    def _lead(self) -> None:
        self.waits_for = "starting"
        self._leaders = actors.leaders(self._group, self.bundle, self.job.machines)
        self._places = [one.where.remote() for one in self._leaders]

    def _see_where(self) -> None:
        """Once it is known where the leaders are, and the first one's address, they run."""
        if self._runs or len(ray.wait(self._places, num_returns=len(self._places), timeout=0)[1]):
            return
        try:
            places = ray.get(self._places)
        except RayError:
            self._runs = self._places  # which tell it again
            return
        self.nodes = ", ".join(name for name, _ in places)
        self.waits_for = ""
        folder = self.job.folder
        self._runs = [
            one.run.remote(
                self._command(number, address=places[0][1]),
                actors.environment(self.bundle),
                os.getcwd(),
                str(folder / f"start-{self._start}.node{number}.log"),
            )
            for number, one in enumerate(self._leaders)
        ]

    def _command(self, number: int, address: str) -> list[str]:
        """Of one leader. address: the first one's."""
        python = self._settings.python or sys.executable
        words = [python, "-m", "pipeline.launchers.node", str(self.job.folder)]
        words += ["--job", self._name, "--start", str(self._start), "--number", str(number)]
        words += ["--address", address]
        return actors.command(words, self._settings.environment_file)

    def _ended(self) -> Outcome | None:
        """How it ended that has no outcome: begun again where a node was lost."""
        if not self._runs:
            return None
        for number, run in enumerate(self._runs[: self.job.nodes]):  # it goes on without engines
            if number in self._codes or not ray.wait([run], timeout=0)[0]:
                continue
            try:
                self._codes[number] = ray.get(run)
            except RayActorError as error:
                return self._lost(f"lost its node ({_last_line(error)})")
            except RayTaskError as error:
                return self._failed(_last_line(error))
        if killed := [code for code in self._codes.values() if code < 0]:
            # a raylet that ends takes along what its actors have started
            return self._lost(f"its leader was ended by {ended(killed[0])}")
        if (code := self._codes.get(0)) is None:
            return None
        if code == INTERRUPTED:
            return self._lost("was interrupted, or lost a node of its gang")
        self._ended_at = self._ended_at or time.monotonic()
        if time.monotonic() - self._ended_at < _SILENT:
            return None
        return self._failed(f"its leader ended with exit code {code} and no outcome")

    def _lost(self, why: str) -> Outcome | None:
        self.close()
        place = where(Store(self.job.store).work(self.job.stage, self.job.wanted.fingerprint))
        self._in_vain = self._in_vain + 1 if place.near(self._furthest) else 0
        self._furthest = place
        if self._in_vain >= self._settings.starts:
            what = f"{why}; {self._in_vain} starts in a row got no further (launcher.starts)"
            return Outcome("failed", what, self._log())
        self.again = f"{why}; it is started again from what it kept"
        self.waits_for = "waiting for resources"
        self._begin()
        return None

    def _failed(self, why: str) -> Outcome:
        on = f" on {self.nodes}" if self.nodes else ""
        return Outcome("failed", f"{why}{on}", self._log())

    def _log(self) -> Path | None:
        log = self.job.folder / f"start-{self._start}.node0.log"
        return log if log.exists() and log.stat().st_size else None


def _last_line(error: BaseException) -> str:
    """The gist of an error of Ray, which tells all that it knows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

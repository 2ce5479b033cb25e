"""Stages as actors of a Ray cluster, which end with the run that started them."""

from __future__ import annotations

import time
from pathlib import Path

import ray

from pipeline.attempts import Attempts
from pipeline.devices import Place
from pipeline.kinds import Stage
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.launcher import Say
from pipeline.launchers.ray import cluster, look
from pipeline.launchers.ray.job import RayJob
from pipeline.launchers.ray.lacking import lacking
from pipeline.launchers.ray.settings import Shapes
from pipeline.run_folder import RunFolder

_TICK = 0.2  # seconds between looks at outcomes
_ASKED = 2.0  # seconds between questions what the cluster lacks


class RayLauncher:
    """Starts stages where Ray has a place for them, and ends them when it is stopped."""

    def __init__(self, folder: RunFolder, store: Path, say: Say, shapes: Shapes) -> None:
        self.running: list[RayJob] = []
        self._folder = folder
        self._store = store
        self._say = say
        self._shapes = shapes
        self._asked = 0.0
        self._told: dict[str, str] = {}

    def has(self, stage: str, fingerprint: str) -> bool:
        """Never: actors end with the run that started them."""
        return False

    def place(self, stage: Stage, before: Attempts, at_once: int) -> Place | None:
        """What the stage will have; Ray sees to it that it waits."""
        return self._shapes.place(stage, before)

    def start(self, job: Job) -> RayJob:
        """Ask for a stage's place."""
        started = RayJob(job, self._shapes.bundle(job.stage), self._shapes.settings)
        self.running.append(started)
        self._note(started)
        return started

    def wait(self, timeout: float) -> list[tuple[RayJob, Outcome]]:
        """The jobs that ended, after at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            found = [(job, how) for job in self.running if (how := self._look(job)) is not None]
            if found or time.monotonic() > deadline:
                break
            time.sleep(_TICK)
        self._ask_what_is_lacking()
        for job, _ in found:
            self._forget(job)
            self.running.remove(job)
        return found

    def stop(self, grace: float) -> None:
        """End every stage and its actors."""
        if asked := [ref for job in self.running for ref in job.ask_to_end(grace)]:
            ray.wait(asked, num_returns=len(asked), timeout=grace + 1)
        for job in self.running:
            self._forget(job)
        self.running = []

    def _look(self, job: RayJob) -> Outcome | None:
        before = job.nodes, job.waits_for
        outcome = job.look()
        if job.again:
            self._say(f"{job.job.stage}: {job.again}")
            job.again = ""
        if (job.nodes, job.waits_for) != before:
            self._note(job)
            if job.nodes:
                self._say(f"{job.job.stage}: runs on {job.nodes}")
        return outcome

    def _ask_what_is_lacking(self) -> None:
        now = time.monotonic()
        waiting = [job for job in self.running if not job.placed and now - job.began_at > _ASKED]
        if not waiting or now - self._asked < _ASKED:
            return
        self._asked = now
        there, free = cluster.nodes(), cluster.free()
        for job in waiting:
            words = lacking(job.bundle, job.job.machines, there, free)
            job.waits_for = f"waiting for resources: {words}"
            if self._told.get(job.job.stage) != words:
                self._say(f"{job.job.stage}: {job.waits_for}")
                self._told[job.job.stage] = words
                self._note(job)

    def _note(self, job: RayJob) -> None:
        look.note(self._store, self._folder.path, job)

    def _forget(self, job: RayJob) -> None:
        job.close()
        look.forget(self._store, job.job)

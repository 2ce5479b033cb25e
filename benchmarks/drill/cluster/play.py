"""A run over a cluster: started, killed, started again; and what is left when it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.drill.cluster.machines import Machines
from benchmarks.drill.cluster.over_ray import Ray
from benchmarks.drill.cluster.over_slurm import Slurm
from benchmarks.drill.cluster.watch import Watch
from benchmarks.drill.scene import HERE, Scene
from pipeline.tracking import delivery

Cluster = Slurm | Ray
PATIENCE = 900.0  # seconds; a run that takes longer hangs
_OURS = ("pipeline.launchers", "-m stages", "verifiers.worker")


class Play:
    """One run of a recipe in a folder of the shared disk, with its runner on the login node."""

    def __init__(self, scene: Scene, machines: Machines, cluster: Cluster, more: tuple[str, ...]):
        self.scene = scene
        self.machines = machines
        self.cluster = cluster
        self.watch = Watch(scene.store)
        self.ended: list[str] = []  # what runs said that ended for another reason than a kill
        self._words = ("run", *scene.recipe.words, *cluster.words, *more)
        self._log = scene.folder / "runner.log"
        self._told = 0
        self._runner: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Give the command of the run."""
        self._told = self._log.stat().st_size if self._log.exists() else 0
        recipe = self.scene.recipe
        self._runner = self.machines.login.start(
            *(str(self.machines.python), *recipe.command[1:], *self._words),
            log=self._log,
            folder=HERE,
            environment=self._environment(),
        )

    def runs(self) -> bool:
        return self._runner is not None and self._runner.poll() is None

    def kill(self) -> None:
        """SIGKILL to the runner."""
        assert self._runner is not None
        below = Path(f"/proc/{self._runner.pid}/task/{self._runner.pid}/children").read_text()
        for pid in below.split():
            os.kill(int(pid), signal.SIGKILL)
        self._runner.wait()

    def works_for(self, seconds: float) -> bool:
        """Wait until stages have run for so long; False if the run ended before."""
        left, last = seconds, time.monotonic()
        while left > 0:
            time.sleep(0.1)
            if not self.runs():
                return False
            now = time.monotonic()
            left -= now - last if self.watch.at_work() else 0.0
            last = now
        return True

    def end(self) -> bool:
        """Whether the run finishes; where it ends otherwise its command is given again."""
        for _ in range(3):
            assert self._runner is not None
            try:
                code = self._runner.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.ended.append("hangs")
                return False
            if code == 0:
                return True
            self.ended.append(self._said())
            self.start()
        return False

    def left(self) -> list[str]:
        """Jobs, processes, leases and half-written files that outlived the run."""
        deadline = time.monotonic() + 40
        while (found := [*self.cluster.left(), *self._processes()]) and time.monotonic() < deadline:
            time.sleep(0.5)
        records = [path.name for path in self.scene.store.glob(".jobs/**/*.json")]
        return [*found, *records, *self.scene.left_behind()]

    def untracked(self) -> list[str]:
        """Runs that MLflow does not hold whole, even after `r1 track`; MLflow must be back."""
        found = []
        recipe = self.scene.recipe
        for name, _ in delivery.unsent(self.scene.root / "runs"):
            words = ("track", str(self.scene.root / "runs" / name))
            try:
                command = (str(self.machines.python), *recipe.command[1:], *words)
                self.machines.login.ask(*command, environment=self._environment())
            except RuntimeError as error:
                found.append(str(error)[-300:])
        return found

    def stop(self) -> None:
        """Nothing of this run goes on."""
        self.watch.close()
        if self.runs():
            self.kill()
        self.cluster.clear()

    def _environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": self.scene.recipe.path,
            "COLUMNS": "200",
            "OMP_NUM_THREADS": "1",
            self.scene.recipe.root: str(self.scene.root),
            **self.cluster.environment,
        }

    def _said(self) -> str:
        text = self._log.read_bytes()[self._told :].decode(errors="replace")
        lines = [line for line in text.splitlines() if "FAILED" in line or "rror" in line]
        return " / ".join(lines[:3] or text.splitlines()[-3:])[:600]

    def _processes(self) -> list[str]:
        found = []
        for machine in self.machines.running.values():
            lines = machine.processes().values()
            found += [f"{machine.name}: {line[:100]}" for line in lines if _is_ours(line)]
        return found


def _is_ours(line: str) -> bool:
    return any(word in line for word in _OURS)

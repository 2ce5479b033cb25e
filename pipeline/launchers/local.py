"""One process per stage on this machine, forked from a server with the heavy imports done.

Importing torch, transformers and trl takes some six seconds. A `multiprocessing` fork server pays
that once per `r1 run`, and only when something has to run; each stage is then a fork of it, with
threads, seeds and devices of its own, which all end with it. A stage that needs none of these
imports does not wait for them: while the server imports, it is a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import forkserver, get_context
from multiprocessing.connection import wait
from multiprocessing.util import Finalize, get_temp_dir
from pathlib import Path

from pipeline.attempts import Attempts
from pipeline.devices import Place, place, too_many
from pipeline.errors import UsageError
from pipeline.kinds import Stage
from pipeline.launchers import server
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.launcher import Open, Say
from pipeline.launchers.running import Running
from pipeline.limits import ONE_AT_A_TIME, Limits, needs_again, needs_of
from pipeline.run_folder import RunFolder
from pipeline.seeds import plain
from pipeline.situation import Situation

_AGAIN = 2  # times that a stage begins again which lost its server
_LAST = "pipeline.launchers.imported"
_LOOK = 0.1  # seconds between looks at a stage that nothing can signal yet


def prepare(situation: Situation, pending: Sequence[str], limits: Limits) -> Open:
    """The launcher of this machine, for these stages. UsageError: they need more than it has."""
    _check_devices(situation, pending, limits)
    _check_nodes(situation, pending)
    heavy = any(not situation.graph.stages[name].kind.light for name in pending)
    preload = situation.project.preloaded() if heavy else ()

    def opened(folder: RunFolder, say: Say) -> LocalLauncher:
        return LocalLauncher(preload, folder.path / "logs" / "preload.log", say, limits)

    return opened


def _check_devices(situation: Situation, pending: Sequence[str], limits: Limits) -> None:
    """A stage that asks for more devices than there are would wait for ever."""
    machine = len(limits.devices)
    short = {
        name: wanted
        for name in pending
        if (wanted := too_many(needs_of(situation.graph.stages[name]), machine))
    }
    if short:
        listed = ", ".join(f"{name} ({count} more)" for name, count in short.items())
        raise UsageError(
            f"more GPUs are asked for than the {machine} that the launcher may use: {listed}. "
            "Lower parallel.processes, rollout.replicas or rollout.tensor_parallel_size of these "
            "stages, or see CUDA_VISIBLE_DEVICES and launcher.devices"
        )


def _check_nodes(situation: Situation, pending: Sequence[str]) -> None:
    for name in pending:
        if nodes := needs_of(situation.graph.stages[name]).engine_nodes:
            raise UsageError(
                f"stages.{plain(name)}.rollout.engine_nodes: is {nodes}, and launcher=local has no "
                "other nodes: set it to 0. rollout.replicas (of RL: rollout.own_gpus) are engines "
                "on this machine"
            )


class LocalLauncher:
    """Starts stages as processes of this machine and waits for them. `say` tells the user."""

    def __init__(
        self, preload: Sequence[str], log: Path, say: Say, limits: Limits = ONE_AT_A_TIME
    ) -> None:
        # torch then counts GPUs without starting CUDA, which would break every fork.
        os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload([server.__name__, *preload, _LAST])
        self._alone = get_context("spawn")
        self._imported = not preload  # whether the server is known to have done so
        self._log = log
        self._say = say
        self._limits = limits
        self._lost: Counter[str] = Counter()  # how often a stage lost the server
        self.running: list[Running] = []
        self._ensure_server()
        # multiprocessing removes the folder in the end, at -100, and fails if it is gone.
        Finalize(None, _folder_is_there, exitpriority=-99)

    def has(self, stage: str, fingerprint: str) -> bool:
        """Never: stages end with their runner."""
        return False

    def place(self, stage: Stage, before: Attempts, at_once: int) -> Place | None:
        """The processes and devices that a stage can have now; None: it waits for devices."""
        limits = self._limits
        taken = {device for running in self.running for device in running.job.devices or ()}
        free = [device for device in limits.devices if device not in taken]
        needs = needs_again(stage, before, limits)
        found = place(needs, free, len(limits.devices), limits.sharing(at_once))
        return found and replace(found, threads=limits.threads_for(at_once, found.processes))

    def start(self, job: Job) -> Running:
        """Start a stage's process, or let it wait until the server has imported."""
        self._ensure_server()
        self._imported |= any(r.forked and not r.starting for r in self.running)
        self._imported |= (Path(get_temp_dir()) / server.IMPORTED).exists()
        alone = job.kind.light and not self._imported
        self.running.append(Running(job, self._alone if alone else self._context))
        return self.running[-1]

    def wait(self, timeout: float) -> list[tuple[Running, Outcome]]:
        """The stages that ended, after at most `timeout` seconds."""
        starting = any(running.starting for running in self.running)
        signs = [r.sign for r in self.running if not r.starting and not r.lost]
        if signs:
            wait(signs, _LOOK if starting else timeout)
        else:
            time.sleep(_LOOK)
        self._mend()
        ended = [r for r in self.running if r.has_ended()]
        self.running = [r for r in self.running if r not in ended]
        return [(r, r.outcome()) for r in ended]

    def stop(self, grace: float) -> None:
        """End every stage: SIGTERM, and SIGKILL for what is left after `grace` seconds."""
        for running in self.running:
            running.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + grace
        for running in self.running:
            running.stop(deadline)
        self.running = []

    def _mend(self) -> None:
        """A server that was killed is told once a stage; what waited for it begins again."""
        for running in self.running:
            name = running.job.stage
            if not (running.lost or (running.orphan and name not in self._lost)):
                continue
            self._lost[name] += 1
            if self._lost[name] == 1:
                goes = "begins again" if running.lost else "goes on"
                self._say(
                    f"{name}: the process that it was forked from was ended from outside (out of "
                    f"memory?); the stage {goes}"
                )
            if running.lost and self._lost[name] <= _AGAIN:
                self._ensure_server()
                running.begin(self._context)

    def _ensure_server(self) -> None:
        _folder_is_there()
        os.environ[server.FOLDER] = get_temp_dir()
        try:
            with _output_to(self._log):
                forkserver.ensure_running()
        except OSError as error:
            if "AF_UNIX" not in str(error):  # has no errno
                raise
            raise UsageError(
                f"TMPDIR: {tempfile.gettempdir()} is too long a path for the sockets of a run; "
                "set TMPDIR to a folder of at most 70 characters."
            ) from error
        finally:
            del os.environ[server.FOLDER]


def _folder_is_there() -> None:
    """A server that failed took the folder of its socket along."""
    Path(get_temp_dir()).mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """What the fork server prints while it imports belongs in a log, not on the screen."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for open_ in (*kept, descriptor):
            os.close(open_)

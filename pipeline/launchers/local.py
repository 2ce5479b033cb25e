"""One process per stage on this machine, forked from a server with the heavy imports done.

Importing torch, transformers and trl takes some six seconds. A `multiprocessing` fork server pays
that once per `r1 run`, and only when something has to run; each stage is then a fork of it, with
threads, seeds and devices of its own, which all end with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from pipeline.errors import printable
from pipeline.launchers import child
from pipeline.launchers.gang import ended
from pipeline.launchers.job import Job, Outcome

LAST_LINES = 20


@dataclass
class Running:
    """A stage that runs now."""

    job: Job
    process: ForkServerProcess
    answer: Connection
    started: float


class LocalLauncher:
    """Starts stages as processes of this machine and waits for them."""

    def __init__(self, preload: Sequence[str], log: Path) -> None:
        # torch then counts GPUs without starting CUDA, which would break every fork.
        os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        self.running: list[Running] = []
        with _output_to(log):
            forkserver.ensure_running()

    def start(self, job: Job) -> None:
        """Start a stage's process."""
        receive, send = self._context.Pipe(duplex=False)
        process = self._context.Process(target=child.main, args=(job, send), name=job.stage)
        process.start()
        send.close()
        self.running.append(Running(job, process, receive, time.monotonic()))

    def wait(self, timeout: float) -> list[tuple[Running, Outcome]]:
        """The stages that ended, after at most `timeout` seconds."""
        wait([r.process.sentinel for r in self.running], timeout)
        ended = [r for r in self.running if not r.process.is_alive()]
        self.running = [r for r in self.running if r not in ended]
        return [(r, _outcome(r)) for r in ended]

    def stop(self, grace: float) -> None:
        """End every stage: SIGTERM, and SIGKILL for what is left after `grace` seconds."""
        for running in self.running:
            _signal_group(running, signal.SIGTERM)
        deadline = time.monotonic() + grace
        for running in self.running:
            running.process.join(max(0.0, deadline - time.monotonic()))
            _signal_group(running, signal.SIGKILL)
            running.process.kill()  # it may not have made its group yet
            running.process.join()
        self.running = []


def last_lines(log: Path) -> list[str]:
    """The end of a stage's log."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return [printable(line) for line in lines]
    except OSError:
        return []


def _outcome(running: Running) -> Outcome:
    running.process.join()
    _signal_group(running, signal.SIGKILL)  # whatever the stage left behind
    with contextlib.suppress(EOFError, OSError), running.answer:
        if running.answer.poll():
            outcome: Outcome = running.answer.recv()
            return outcome
    return Outcome("failed", f"its process was ended by {ended(running.process.exitcode)}")


def _signal_group(running: Running, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid or 0, number)


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

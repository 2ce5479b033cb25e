"""A run that no terminal holds: `r1 run --detach`, `r1 attach`, `r1 cancel`.

The runner is then a process in a session of its own that writes what it says into `console.log` of
its folder. A file there says that it lives (pipeline/lease.py), and another asks it to stop, so all
of it works from any machine that sees the folder.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from pipeline import lease
from pipeline.errors import RecipeError, UsageError
from pipeline.interruption import ask_to_cancel
from pipeline.launchers.slurm.look import cancel_of
from pipeline.run_folder import LATEST, RUN, RunFolder, all_runs, named
from pipeline.situation import Paths

DETACH = "--detach"
_CONSOLE = "console.log"
_RUNNER = "runner.json"
_TAKES = "R1_CONSOLE"  # in the environment of a detached runner: the file that it writes into
_LOOK = 0.3
_STOPS = 120.0  # seconds in which a runner stops that was asked to


@contextlib.contextmanager
def running(folder: RunFolder) -> Iterator[None]:
    """While the block runs, others can see that this process is the run's."""
    with lease.briefly(_runner(folder)):
        yield


def start(paths: Paths) -> int:
    """Start this very command as a run of its own; the exit code, once it has a folder or ended."""
    runs = paths.runs.absolute()
    runs.mkdir(parents=True, exist_ok=True)
    console = runs / f".console-{uuid.uuid4().hex}.log"
    words = [word for word in sys.orig_argv if word != DETACH]
    with console.open("wb") as output:
        process = subprocess.Popen(
            words,
            env={**os.environ, _TAKES: str(console)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        own = os.fstat(output.fileno())
    while process.poll() is None and console.exists():
        time.sleep(_LOOK)
    for folder in all_runs(runs):
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(own, (folder.path / _CONSOLE).stat()):
                print(f"{folder.name}: runs by itself. `r1 attach` shows it, `r1 cancel` stops it")
                return 0
    print(console.read_text(), end="")  # there was nothing to run, or something is wrong
    console.unlink()
    return process.wait()


def take_console(folder: RunFolder) -> None:
    """In a detached runner: what was and will be written belongs to the run."""
    if console := os.environ.pop(_TAKES, None):
        Path(console).rename(folder.path / _CONSOLE)


def attach(paths: Paths, names: list[str]) -> int:
    """Show what a run says, until it has ended; to be interrupted ends no run."""
    folder = _one(paths.runs, names)
    console = folder.path / _CONSOLE
    if not console.exists():
        raise UsageError(
            f"attach {folder.name}: it was not started with {DETACH}, so what it says stands in "
            f"its own terminal. The logs of its stages: {folder.path / 'logs'}"
        )
    with console.open(errors="replace") as said:
        alive = True
        while alive:
            alive = is_alive(folder)
            print(said.read(), end="", flush=True)
            if alive:
                time.sleep(_LOOK)
    facts = folder.facts()
    if facts.get("finished") is None:
        print(f"{folder.name}: its runner was ended from outside. To go on: {facts.get('command')}")
        return 1
    states = [stage["state"] for stage in facts.get("stages", {}).values()]
    return int(any(state != "done" for state in states))


def cancel(paths: Paths, names: list[str]) -> int:
    """Stop a run and its jobs, also where its runner is gone."""
    folder = _one(paths.runs, names)
    if is_alive(folder):
        ask_to_cancel(folder.path)
        deadline = time.monotonic() + _STOPS
        while is_alive(folder):
            if time.monotonic() > deadline:
                raise RecipeError(f"{folder.name}: it was asked to stop, and goes on")
            time.sleep(_LOOK)
        print(f"{folder.name}: cancelled")
        return 0
    ended = list(cancel_of(paths.store.absolute(), folder.path))
    print("\n".join([*ended, f"{folder.name}: {'cancelled' if ended else 'does not run'}"]))
    return 0


def is_alive(folder: RunFolder) -> bool:
    """Whether the runner of a run lives, here or elsewhere."""
    return lease.holder(_runner(folder)) is not None


def runners(runs: Path) -> list[Path]:
    """The leases of runs that have not ended, or were ended from outside."""
    return [path for path in sorted(runs.glob(f"*/{_RUNNER}")) if not path.parent.is_symlink()]


def _runner(folder: RunFolder) -> Path:
    return folder.path / _RUNNER


def _one(runs: Path, names: list[str]) -> RunFolder:
    """The run of this name, or the newest."""
    if len(names) > 1:
        raise UsageError(f"{' '.join(names)}: name one run.")
    if not names and not (runs / LATEST / RUN).exists():
        raise UsageError(f"there is no run in {runs}.")
    return named(runs, names[0] if names else LATEST)

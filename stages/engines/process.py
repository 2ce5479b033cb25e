"""An engine's process: started, followed by its log of rollouts, ended with all that it started.

It leads a process group of its own, so that it can be ended while the stage lives, and the kernel
ends it when the stage's process is gone. What it prints goes to a file, whose end is told where it
fails.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.errors import StageFailed, UsageError, printable

LOOK = 0.1  # seconds between two looks at the log
GRACE = 3.0  # seconds from SIGTERM to SIGKILL, below the launcher's own for the stage
TOLD = 30  # last lines of what it printed that an error shows
READ = 20_000  # bytes of them
#: Ours, which would lead an interpreter of another environment to our packages and ranks.
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "RANK", "LOCAL_RANK", "WORLD_SIZE")

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class EngineProcess:
    """`with EngineProcess(command, …) as engine: for line in engine.lines(curves): …`"""

    def __init__(self, command: Sequence[str], more: Mapping[str, str], folder: Path, key: str):
        """Start it. Raises UsageError where it cannot be; key: of the config that names it."""
        self._printed = folder / "engine.log"
        self._folder = folder
        environment = {k: v for k, v in os.environ.items() if k not in OURS} | dict(more)
        self._offset = self._printed.stat().st_size if self._printed.exists() else 0
        with self._printed.open("ab") as printed:
            try:
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_end_with_parent,
                )
            except OSError as error:
                raise UsageError(f"{key}: {command[0]} cannot be started: {error}") from error

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._tell_group(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._tell_group(signal.SIGKILL)
        self._process.wait()

    def lines(self, log: Path) -> Iterator[bytes | None]:
        """The whole lines of its log as they come, and None at each look; ends as it ends."""
        done = 0
        while True:
            ended = self._process.poll() is not None
            if log.is_file():
                with log.open("rb") as file:
                    file.seek(done)
                    new = file.read()
                whole = new[: new.rfind(b"\n") + 1]
                done += len(whole)
                yield from whole.splitlines()
            if ended:
                return
            yield None
            time.sleep(LOOK)

    def require_success(self, what: str, also: Sequence[str] = ()) -> None:
        """Raise StageFailed where it has failed, with the end of what it printed.

        also: what is known of the cause, told first.
        """
        code = self._process.wait()
        if code == 0:
            return
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        told = "".join(f"\n  {line}" for line in (*also, *self._end()))
        raise StageFailed(f"{what} ended with {how}. All that it said: {self._printed}{told}")

    def _end(self) -> list[str]:
        with self._printed.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._offset, size - READ))
            text = file.read().decode(errors="replace")
        return [printable(line) for line in text.splitlines() if line.strip()][-TOLD:]

    def _tell_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _end_with_parent() -> None:
    """In the new process: SIGKILL as soon as the stage's process is gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

"""One stage's process, forked from the server or started alone. The server may be killed any time.

While it imports, a stage can only wait: that is done in a thread, so that the runner sees and shows
what else goes on. A stage that it has forked lives on without it; then nobody can tell the stage's
exit code, and its end shows in the pipe of its answer.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

from pipeline import threads
from pipeline.launchers import child, files
from pipeline.launchers.gang import ended
from pipeline.launchers.job import Job, Outcome

_AT_ONCE = 0.2  # seconds in which a server that has imported forks
_DIES = 0.5  # seconds in which the system notices that the server is gone
_STARTS_WITHIN = 600.0  # seconds; a server that takes longer hangs
_NO_SERVER = 255  # what multiprocessing takes for the exit code when the server is gone


class Running:
    """A stage that runs, or waits for the server to fork it."""

    def __init__(self, job: Job, context: ForkServerContext | SpawnContext) -> None:
        self.job = job
        self.forked = isinstance(context, ForkServerContext)
        self.started = time.monotonic()
        self._cancelled = False
        self._error: Exception | None = None
        self.begin(context)

    def begin(self, context: ForkServerContext | SpawnContext) -> None:
        """Ask the server for the process; also again, where it was lost."""
        self.lost = False
        with contextlib.suppress(OSError):
            files.forget_outcome(self.job.folder)
        self._answer, send = context.Pipe(duplex=False)
        self._process = context.Process(
            target=child.main, args=(self.job, send), name=self.job.stage
        )
        self._starting = threading.Thread(target=self._start, args=(send,), daemon=True)
        threads.start(self._starting)
        self._starting.join(_AT_ONCE)

    def _start(self, send: Connection) -> None:
        try:
            self._process.start()
        except (EOFError, OSError) as error:
            time.sleep(_DIES)
            self.lost, self._error = True, error
        finally:
            send.close()
        if self._cancelled and not self.lost:
            self._process.kill()

    @property
    def began(self) -> str:
        """What is said of its start."""
        return "started"

    @property
    def waits_for(self) -> str:
        """Nothing that its runner does not know."""
        return ""

    @property
    def starting(self) -> bool:
        """Whether the server has not forked it yet."""
        return self._starting.is_alive()

    @property
    def orphan(self) -> bool:
        """Whether the server is gone and the stage is not."""
        return self._exit_code() == _NO_SERVER and not self._answer.poll()

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and where nobody can tell."""
        code = self._exit_code()
        return None if code == _NO_SERVER else code

    @property
    def sign(self) -> Any:
        """What becomes readable when it ends."""
        return self._answer if self.orphan else self._process.sentinel

    def has_ended(self) -> bool:
        """Whether there is an outcome; also when it was lost before it began."""
        if self.starting:
            return self._hangs()
        return self.lost or (self._exit_code() is not None and not self.orphan)

    def outcome(self) -> Outcome:
        """How it ended; ends whatever it left behind."""
        if self.starting or self.lost:
            self._cancelled = True
            what = "hangs" if self.starting else f"was ended, too ({self._error})"
            return Outcome("failed", f"the process that stages are forked from {what}")
        self.signal_group(signal.SIGKILL)
        if (said := files.outcome(self.job.folder)) is not None:
            return said
        with contextlib.suppress(EOFError, OSError), self._answer:  # a full disk had no room for it
            if self._answer.poll():
                outcome: Outcome = self._answer.recv()
                return outcome
        code = self.exit_code
        how = "something that nobody saw" if code is None else ended(code)
        return Outcome("failed", f"its process was ended by {how}")

    def stop(self, deadline: float) -> None:
        """Wait for its end after SIGTERM; kill it at the deadline, by the monotonic clock."""
        if self.starting:
            self._cancelled = True
            return
        if self.lost:
            return
        left = max(0.0, deadline - time.monotonic())
        if self.orphan:
            self._answer.poll(left)
        self._process.join(left)
        self.signal_group(signal.SIGKILL)
        self._process.kill()  # it may not have made its group yet
        self._process.join()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the stage and to all that it started."""
        if not self.starting and self._process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _exit_code(self) -> int | None:
        return None if self.starting or self.lost else self._process.exitcode

    def _hangs(self) -> bool:
        return time.monotonic() - self.started > _STARTS_WITHIN

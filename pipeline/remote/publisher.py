"""The runner's side of sending: hands finished results to the sender, and waits for it at the end.

What is not sent is nobody's lost result: it is whole in the store, and `r1 push` sends it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from rich.filesize import decimal

from pipeline import state, threads
from pipeline.artifact import Artifact
from pipeline.hooks import Silent
from pipeline.interruption import Interrupted, look_for_cancel
from pipeline.remote.place import Place
from pipeline.remote.sender import FAILED, Said
from pipeline.remote.sending import LEFT, SENT
from pipeline.run_folder import RunFolder

_LOOK = 0.5  # seconds between looks whether the run is to be cancelled


class Publisher(Silent):
    """Sends what a run makes, in a process that starts with the first result.

    note: shows a line to the user. push: the command that sends what is missing later.
    """

    def __init__(
        self, place: Place, folder: RunFolder, note: Callable[[str], None], push: str
    ) -> None:
        self._place = place
        self._run = folder.path
        self._log = folder.log("sending")
        self._note = note
        self._push = push
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._waiting: dict[str, str] = {}  # folder → stage
        self._sizes: list[int] = []

    def stage_finished(self, stage: str, artifact: Artifact) -> None:
        folder = str(artifact.path.absolute())
        self._waiting[folder] = stage
        if self._process is None:
            self._process = self._start()
        with contextlib.suppress(BrokenPipeError):  # it was ended, which is told at the run's end
            _input(self._process).write(f"{json.dumps(folder)}\n")
            _input(self._process).flush()

    def run_finished(self, report_dir: Path | None) -> None:
        """Wait for what is on its way, and say what went and what did not.

        Ctrl-C and `r1 cancel` end it.
        """
        if self._process is None or self._reader is None:
            return
        _close(self._process)
        try:
            if waiting := self._names():
                self._note(
                    f"waiting for what is on its way to {self._place}: {waiting} "
                    "(Ctrl-C leaves the rest unsent)"
                )
            while self._reader.is_alive():
                look_for_cancel(self._run)
                self._reader.join(_LOOK)
            self._process.wait()
        except (KeyboardInterrupt, Interrupted):
            self.stop()
            return
        if sent := len(self._sizes):
            results = "1 result" if sent == 1 else f"{sent} results"
            self._note(f"sent to {self._place}: {results}, {decimal(sum(self._sizes))}")
        self._tell_unsent(f"its process was ended, see {self._log}")

    def stop(self) -> None:
        """End the sending at once, as a run does that is interrupted."""
        if self._process is None or self._reader is None:
            return
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._tell_unsent("the run was stopped")
        self._process = None

    def _start(self) -> subprocess.Popen[str]:
        """In a session of its own: Ctrl-C at the terminal is for the run, which stops it."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.remote.sender", self._place.url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._reader = threading.Thread(
            target=self._read, args=(process.stdout,), name="sending", daemon=True
        )
        threads.start(self._reader)
        return process

    def _read(self, output: IO[str]) -> None:
        for line in output:
            said = state.parse(line, Said)
            if not said.state:
                self._note(said.text)
                continue
            stage = self._waiting.pop(said.folder)
            if said.state == FAILED:
                self._note(f"{stage}: warning: not sent, {said.text}. Later: {self._push}")
            elif said.state == LEFT:
                self._note(f"{stage}: another runner sends it to {self._place}")
            elif said.state == SENT:
                self._sizes.append(said.bytes)

    def _names(self) -> str:
        return ", ".join(list(self._waiting.values()))

    def _tell_unsent(self, why: str) -> None:
        if unsent := self._names():
            self._waiting.clear()
            self._note(f"warning: not sent to {self._place}: {unsent} ({why}). Later: {self._push}")


def _input(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None
    return process.stdin


def _close(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(BrokenPipeError):
        _input(process).close()

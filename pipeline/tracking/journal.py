"""What happened in a run, one line of JSON per event, in the run's folder.

{"event": "run_started", "time", "name", "overrides", "stages", "root", "pid"}
{"event": "stage_started", "time", "stage", "fingerprint", "work", "config"}
{"event": "stage_finished", "time", "stage", "artifact"}
{"event": "stage_failed", "time", "stage", "message"}
{"event": "run_finished", "time", "report"}
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from pipeline import state
from pipeline.errors import RecipeError

FILE = "tracking.jsonl"
Event = dict[str, Any]


class Journal:
    """The journal of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._offset = 0

    def append(self, event: str, **facts: Any) -> None:
        """Write down one event."""
        line = json.dumps({"event": event, "time": time.time(), **facts}, ensure_ascii=False)
        with self.path.open("a+b") as file:
            if size := file.seek(0, os.SEEK_END):
                file.seek(size - 1)
                if file.read() != b"\n":  # half a line, of a disk that was full
                    file.write(b"\n")
            file.write(line.encode(errors="replace") + b"\n")

    def new(self) -> list[Event]:
        """The whole lines since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return _events(whole)

    def started(self) -> Event:
        """The first event."""
        for event in _events(self.path.read_bytes()):
            if event["event"] == "run_started":
                return event
        raise RecipeError(f"{self.path} does not say what run it is of, so it cannot be sent.")

    def is_over(self) -> bool:
        """Whether the run said that it finished."""
        return b'"event": "run_finished"' in self.path.read_bytes().rpartition(b"\n{")[2]


def _events(text: bytes) -> list[Event]:
    """Whole lines; one that a kill or a full disk has spoilt is left out."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            event = state.parse(line, Event)
            if isinstance(event.get("event"), str):
                found.append(event)
    return found

"""What happened in a run, one line of JSON per event, in the run's folder.

{"event": "run_started", "time", "name", "overrides", "stages", "root", "pid"}
{"event": "stage_started", "time", "stage", "fingerprint", "work", "config"}
{"event": "stage_finished", "time", "stage", "artifact"}
{"event": "stage_failed", "time", "stage", "message"}
{"event": "run_finished", "time", "report"}
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

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
        with self.path.open("a") as file:
            file.write(line + "\n")

    def new(self) -> list[Event]:
        """The whole lines since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def started(self) -> Event:
        """The first event."""
        with self.path.open() as file:
            first: Event = json.loads(file.readline())
        return first

    def is_over(self) -> bool:
        """Whether the run said that it finished."""
        return '"event": "run_finished"' in self.path.read_text().rpartition("\n{")[2]

"""What a run shows: one live table in a terminal, plain lines with the time anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipeline.live_view import Screen, rates
from pipeline.progress import View, clock

EVERY_SECONDS = 15.0


class Console(Protocol):
    """`event` is what the table shows anyway; `note` must stay readable in both."""

    def event(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...

    def show(self, views: Sequence[View]) -> None: ...

    def close(self) -> None: ...


def open_console() -> Console:
    """The console that suits the standard output."""
    return LiveConsole() if sys.stdout.isatty() else PlainConsole()


class PlainConsole:
    """Lines for a log file: start, progress at most every 15 s, end."""

    def __init__(self) -> None:
        self._shown: dict[str, float] = {}

    def event(self, text: str) -> None:
        self.note(text)

    def note(self, text: str) -> None:
        print(f"{datetime.now():%H:%M:%S} {text}", flush=True)

    def show(self, views: Sequence[View]) -> None:
        now = time.monotonic()
        for view in views:
            if view.state != "running":
                continue
            last = self._shown.setdefault(view.stage, now)
            if view.done is not None and now - last >= EVERY_SECONDS:
                self._shown[view.stage] = now
                self.note(f"{view.stage}: {', '.join(_progress_words(view))}")

    def close(self) -> None:
        pass


class LiveConsole:
    """A table of all stages that is redrawn in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self._screen = Screen()
        self._live = Live(self._screen, refresh_per_second=2, transient=False)
        self._live.start()

    def event(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False)

    def show(self, views: Sequence[View]) -> None:
        self._screen.update(views)

    def close(self) -> None:
        self._screen.close()
        self._live.stop()


def _progress_words(view: View) -> list[str]:
    words = [f"{view.unit} {view.done:g}/{view.total:g}"]
    words += rates({view.unit: view.rate or 0.0, **view.also})
    if view.left is not None:
        words.append(f"{clock(view.left)} left")
    return [*words, f"{clock(view.seconds)} elapsed"]

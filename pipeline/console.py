"""What a run shows: one live table in a terminal, plain lines with the time anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pipeline.progress import View, clock

if TYPE_CHECKING:
    from rich.table import Table

EVERY_SECONDS = 15.0
_COLOURS = {"done": "green", "running": "cyan", "failed": "red", "blocked": "yellow"}


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

        self._started = time.monotonic()
        self._live = Live(refresh_per_second=2, transient=False)
        self._live.start()

    def event(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False)

    def show(self, views: Sequence[View]) -> None:
        self._live.update(_table(views, time.monotonic() - self._started))

    def close(self) -> None:
        self._live.stop()


def _table(views: Sequence[View], elapsed: float) -> Table:
    from rich.table import Table
    from rich.text import Text

    done = sum(view.state == "done" for view in views)
    caption = f"{done} of {len(views)} done · {clock(elapsed)}"
    table = Table(caption=caption, caption_justify="left", box=None, pad_edge=False)
    for name in ("stage", "kind", "state"):
        table.add_column(name)
    for name in ("progress", "rate", "left", "elapsed"):
        table.add_column(name, justify="right")
    for view in views:
        state = Text(view.state, style=_COLOURS.get(view.state, "dim"))
        progress = f"{view.done:g}/{view.total:g} {view.unit}" if view.done is not None else ""
        rate = ", ".join(_rates(view))
        cells = (progress, rate, clock(view.left), clock(view.seconds))
        table.add_row(view.stage, view.kind, state, *cells)
    return table


def _progress_words(view: View) -> list[str]:
    words = [f"{view.unit} {view.done:g}/{view.total:g}"]
    words += _rates(view)
    if view.left is not None:
        words.append(f"{clock(view.left)} left")
    return [*words, f"{clock(view.seconds)} elapsed"]


def _rates(view: View) -> list[str]:
    """`12.5 steps/s`, for the unit of the stage and for whatever else it counts."""
    rates = {view.unit: view.rate, **view.also}
    return [
        f"{rate:,.3g} {unit}s/s" if rate < 1e3 else f"{rate:,.0f} {unit}s/s"
        for unit, rate in rates.items()
        if rate
    ]

"""The table that a terminal shows while a run goes on: what moves first, cut to the screen."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.progress import View, clock

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

WIDE = 110  # columns from which on there is room for the kind and for every rate
_AROUND = 3  # lines that are no stage: the heads, the caption, and where the cursor waits

#: What is shown above what; states without a place of their own are those that move.
_ORDER = {"failed": 1, "blocked": 2, "stopped": 3, "waiting": 4, "not run": 4, "done": 5}
_COLOURS = {"done": "green", "failed": "red", "blocked": "yellow", "waiting": "dim"}
_COLOURS |= {"not run": "dim", "elsewhere": "dim"}


class Screen:
    """All stages of a run, drawn anew at each refresh, so that clocks go on between two looks."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._looked = self._started
        self._views: Sequence[View] = ()
        self._closed = False

    def update(self, views: Sequence[View]) -> None:
        self._views, self._looked = views, time.monotonic()

    def close(self) -> None:
        """From now on only what went wrong is listed: the run's summary has the rest."""
        self._closed = True

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        now = time.monotonic()
        since = 0.0 if self._closed else now - self._looked
        room = max(1, console.size.height - _AROUND)
        hidden = ("done", "not run") if self._closed else ()
        shown = [view for view in self._views if view.state not in hidden]
        views = sorted(shown, key=lambda view: _ORDER.get(view.state, 0))
        if len(views) > room:
            views = views[: room - 1]
        if views:
            yield _table(views, since, options.max_width >= WIDE)
        if len(shown) > len(views):
            yield Text(f"… and {len(shown) - len(views)} more")
        yield Text(_caption(self._views, now - self._started))


def _table(views: Sequence[View], since: float, wide: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("stage", no_wrap=True, overflow="ellipsis")
    if wide:
        table.add_column("kind", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("progress", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)  # its unit
    for name in ("rate", "left", "elapsed", *(["also"] if wide else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for view in views:
        moves = view.state not in _ORDER
        word, _, what = view.state.partition(" ") if moves else (view.state, "", "")
        state = Text(word, style=_COLOURS.get(view.state, "cyan"))
        elapsed = view.seconds + since if moves and view.seconds is not None else view.seconds
        kind, also = ([view.kind], [", ".join(rates(view.also))]) if wide else ([], [])
        progress = [what, "", "", ""] if what else _progress(view)
        table.add_row(view.stage, *kind, state, *progress, clock(elapsed), *also)
    return table


def _progress(view: View) -> list[str]:
    """How far, of what, how many a second, how long it will take."""
    if view.done is None or view.total is None:
        return ["", "", "", ""]
    rate = f"{per_second(view.rate)}/s" if view.rate else ""
    return [f"{view.done:,g}/{view.total:,g}", f"{view.unit}s", rate, clock(view.left)]


def rates(counted: Mapping[str, float]) -> list[str]:
    """`12.5 steps/s`, for each unit that is counted."""
    return [f"{per_second(rate)} {unit}s/s" for unit, rate in counted.items() if rate]


def per_second(rate: float) -> str:
    """Three digits, or all before the point."""
    return f"{rate:,.3g}" if rate < 1e3 else f"{rate:,.0f}"


def _caption(views: Sequence[View], elapsed: float) -> str:
    """`9 of 46 done · 2 running · 35 waiting · 1:40`."""
    counts = Counter(view.state for view in views)
    done = counts.pop("done", 0)
    states = sorted(counts, key=lambda state: _ORDER.get(state, 0))
    words = [f"{counts[state]} {state}" for state in states]
    return " · ".join([f"{done} of {len(views)} done", *words, clock(elapsed)])

"""What came of the events of a run, and the table of all."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.table import Table

from benchmarks.drill.cluster.events import Event
from benchmarks.drill.cluster.play import Play
from benchmarks.drill.cluster.watch import Lost
from benchmarks.drill.events import Reference

FAULTS = ("unequal", "twice", "interval", "unclear")


@dataclass
class Told:
    """One event: what was done, what it cost, and what was found of the run that it was in.

    seconds: of work that was made again. until_back: from the event until the stages that it ended
    were further than they had been.
    """

    number: int
    recipe: str
    kind: str
    did: list[str]
    attempts: int = 0  # that it ended
    steps: float = 0.0
    seconds: float = 0.0
    until_back: float = 0.0
    found: list[tuple[str, str]] = field(default_factory=list)

    def line(self) -> str:
        words = f"{self.number} {self.kind.replace('_', ' ')} ({', '.join(self.did)})"
        if self.attempts:
            words += f": {self.attempts} ended, {self.steps:g} steps and {self.seconds:.1f} s made "
            words += f"again, {self.until_back:.1f} s until it got further"
        return words + "".join(f"\n        {kind.upper()}: {text}" for kind, text in self.found)


def judged(play: Play, reference: Reference, events: Sequence[Event], finished: bool) -> list[Told]:
    """Each event of a run; what is wrong with the run as a whole is told with its last one."""
    recipe = play.scene.recipe.name
    told = [Told(e.number, recipe, e.kind, e.did) for e in events]
    told = told or [Told(0, recipe, "none", [])]
    left = [*play.left(), *(f"MLflow: {words}" for words in play.untracked())]
    for lost in play.watch.lost([event.at for event in events]):
        one = next((t for t, e in zip(told, events, strict=False) if e.at == lost.at), told[-1])
        one.attempts += 1
        one.steps = max(one.steps, lost.steps)
        one.seconds += lost.seconds
        one.until_back = max(one.until_back, lost.until_back)
        one.found += _beyond(play, lost)
    told[-1].found += _of_run(play, reference, finished)
    told[-1].found += [("unclear", f"is left: {what}") for what in left]
    return [one for one in told if one.number or one.found]


def _of_run(play: Play, reference: Reference, finished: bool) -> Iterable[tuple[str, str]]:
    if not finished:
        yield "unclear", "the run does not finish"
    for words in play.ended:
        yield "unclear", f"the run ended: {words}"
    results = play.scene.results()
    for stage, files in reference.results.items():
        found = results.get(stage, {})
        differing = [n for n in sorted({*files, *found}) if files.get(n) != found.get(n)]
        if differing:
            yield "unequal", f"{stage}: {', '.join(differing)}"
    folders = [stage for stage, _ in play.scene.artifacts()]
    for stage in sorted({s for s in folders if folders.count(s) > 1} | play.watch.twice):
        yield "twice", stage
    for stage, folder in play.scene.artifacts():
        attempts = json.loads((folder / "manifest.json").read_text())["attempts"]
        if [a["outcome"] for a in attempts].count("finished") > 1:
            yield "twice", f"{stage}: {attempts}"


def _beyond(play: Play, lost: Lost) -> Iterable[tuple[str, str]]:
    """Whether a stage went on from more than a save interval before where it was."""
    for stage, folder in play.scene.artifacts():
        config = json.loads((folder / "manifest.json").read_text())["config"]
        if stage == lost.stage and lost.steps > config.get("save_steps", float("inf")):
            yield "interval", f"{stage}: {lost.steps:g} steps, of {config['save_steps']}"


def table(told: Sequence[Told], on: str) -> Table:
    """Counts by event, and the seconds lost: median and most."""
    made = Table(title=f"drill on {on}", box=box.SIMPLE)
    for column in ("event", "tried", *FAULTS, "ended", "steps", "again s", "back s"):
        made.add_column(column, justify="left" if column == "event" else "right")
    for kind in [*dict.fromkeys(one.kind for one in told), "all"]:
        rows = [one for one in told if kind in ("all", one.kind)]
        faults = (sum(any(k == name for k, _ in o.found) for o in rows) for name in FAULTS)
        hit = [one for one in rows if one.attempts]
        counts = [len(rows), *faults, sum(one.attempts for one in rows)]
        steps = f"{max((one.steps for one in hit), default=0):g}"
        spent = [_spread([o.seconds for o in hit]), _spread([o.until_back for o in hit])]
        made.add_row(kind.replace("_", " "), *map(str, counts), steps, *spent)
    return made


def _spread(numbers: Sequence[float]) -> str:
    if not numbers:
        return ""
    return f"{statistics.median(numbers):.1f} ({max(numbers):.1f})"

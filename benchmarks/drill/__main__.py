"""Breaks runs on purpose and prints what came of it.

    make drill                          300 events of the toy and of the miniature
    make drill ARGS='--events 1000'     the long form (hours)
    make drill ARGS='--only killed --recipe toy --first 17 --events 1 --keep'
    make drill ARGS='--on slurm'        50 events over a cluster (cluster/__main__.py)

An event is given by the seed and its number alone: which disturbance, of which file, with which
signal. Moments are parts of the time that an undisturbed run took. In the table, `tried` counts
events and the others count events in which something was unequal, lost, leaked or unclear.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.drill.cluster.__main__ import main as over_a_cluster
from benchmarks.drill.events import EVENTS, Event, Reference, Skipped
from benchmarks.drill.scene import MINIATURE, TOY, Scene

FAULTS = ("unequal", "lost", "leaked", "unclear")
RECIPES = {recipe.name: recipe for recipe in (TOY, MINIATURE)}
MINIATURE_EVERY = 15  # of so many events one is of the miniature


@dataclass(frozen=True)
class Told:
    """One event: what was done and what was found."""

    number: int
    recipe: str
    kind: str
    did: list[str]
    found: list[tuple[str, str]]
    skipped: str | None
    seconds: float


def main(given: Sequence[str] | None = None) -> int:
    """Run the events; 1 when anything was unequal, lost or leaked."""
    words = sys.argv[1:] if given is None else given
    if any(word.partition("=")[0] == "--on" for word in words):
        return over_a_cluster(words)
    options = _options(given)
    console = Console(stderr=options.json)
    folder = Path(tempfile.mkdtemp(prefix="r1-drill-"))
    references: dict[str, Reference] = {}
    told: list[Told] = []
    numbers = range(options.first, options.first + options.events)
    for number in numbers:
        drawn = _draw(options.seed, number, options.recipe, options.only)
        if drawn is None:
            continue
        recipe, happen = drawn
        if recipe not in references:
            references[recipe] = Reference.of(folder / f"reference-{recipe}", RECIPES[recipe])
        told.append(_happen(number, recipe, happen, references[recipe], folder, options))
        _say(console, told[-1], len(told), len(numbers))
    console.print(_table(told))
    if options.json:
        print(json.dumps([asdict(one) for one in told], indent=1, ensure_ascii=False))
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    faults = Counter(kind for one in told for kind, _ in one.found)
    return int(any(faults[name] for name in ("unequal", "lost", "leaked")))


def _draw(
    seed: int, number: int, only_recipe: str | None, only: list[str]
) -> tuple[str, Callable[[Event], None]] | None:
    """Which recipe and which disturbance a number stands for; None if it was not asked for."""
    rng = random.Random(f"{seed}/{number}")
    recipe = only_recipe or ("miniature" if number % MINIATURE_EVERY == 0 else "toy")
    kinds = {k: w for k, w in EVENTS[recipe].items() if not only or k.__name__ in only}
    if not kinds:
        return None
    return recipe, rng.choices(list(kinds), weights=list(kinds.values()))[0]


def _happen(
    number: int,
    recipe: str,
    happen: Callable[[Event], None],
    reference: Reference,
    folder: Path,
    options: argparse.Namespace,
) -> Told:
    start, place = time.monotonic(), folder / f"{recipe}-{number}"
    scene = Scene(place, RECIPES[recipe])
    event = Event(scene, reference, random.Random(f"{options.seed}/{number}/it"))
    skipped = None
    try:
        happen(event)
        event.close()
    except Skipped as reason:
        skipped = str(reason)
    finally:
        scene.kill_all()
    if not options.keep:
        shutil.rmtree(place, ignore_errors=True)
    seconds = round(time.monotonic() - start, 1)
    return Told(number, recipe, happen.__name__, event.did, event.found, skipped, seconds)


def _say(console: Console, one: Told, done: int, of: int) -> None:
    what = f"{one.recipe}, {one.kind.replace('_', ' ')} ({'; '.join(one.did)})"
    ends = "skipped" if one.skipped else "fine" if not one.found else "NOT FINE"
    console.print(f"[{done}/{of}] {one.number} {what}: {ends}, {one.seconds} s", markup=False)
    for kind, text in one.found:
        console.print(f"    {kind}: {text}", markup=False)


def _table(told: Sequence[Told]) -> Table:
    table = Table(title="drill")
    for column in ("recipe", "event", "tried", *FAULTS, "skipped"):
        table.add_column(column, justify="left" if column in ("recipe", "event") else "right")
    for recipe, kind in [*dict.fromkeys((one.recipe, one.kind) for one in told), ("all", "")]:
        rows = [o for o in told if recipe == "all" or (o.recipe, o.kind) == (recipe, kind)]
        faults = (sum(any(k == name for k, _ in o.found) for o in rows) for name in FAULTS)
        tried = sum(o.skipped is None for o in rows)
        cells = (tried, *faults, len(rows) - tried)
        table.add_row(recipe, kind.replace("_", " "), *map(str, cells))
    return table


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drill",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--first", type=int, default=1, help="the number of the first event")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="only this one")
    kinds = sorted({kind.__name__ for kinds in EVENTS.values() for kind in kinds})
    parser.add_argument("--only", nargs="+", choices=kinds, default=[], help="only these events")
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())

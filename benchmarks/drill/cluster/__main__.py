"""Breaks runs over a real Slurm or Ray of two nodes, and prints what came of it.

    make drill ARGS='--on slurm'                    50 events, five to a run (half an hour)
    make drill ARGS='--on ray --events 20 --json'
    make drill ARGS='--on slurm --only node_killed --first 17 --events 1 --keep'

The nodes are namespaces of this machine (machines.py), so it needs root. An event is given by the
seed and its number: what happens, to which node, for how long. Its moment is a time for which
stages have run. The run is `r1_zero` of `profile=smoke`, every fifth one the whole recipe.
`unequal`: a result differs from that of a run that nobody disturbed. `twice`: a result was
published twice. `interval`: a stage went on from more than a save interval before where it was.
`unclear`: the run did not finish by itself, or left something behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.drill.cluster.events import EVENTS, Event
from benchmarks.drill.cluster.machines import Machines
from benchmarks.drill.cluster.mlflow_server import MLflow
from benchmarks.drill.cluster.over_ray import Ray
from benchmarks.drill.cluster.over_slurm import Slurm
from benchmarks.drill.cluster.play import Play
from benchmarks.drill.cluster.recipes import RECIPES
from benchmarks.drill.cluster.told import Told, judged, table
from benchmarks.drill.events import Reference
from benchmarks.drill.scene import Recipe, Scene

WHOLE_EVERY = 5  # of so many runs one is of the whole recipe,
WHOLE_HOLDS = 3  # which has room for so many times the events


def main(given: Sequence[str] | None = None) -> int:
    """Run the events; 1 when anything was unequal, published twice, lost or unclear."""
    options = _options(given)
    if os.geteuid() != 0:
        sys.exit("Only root may make machines of namespaces: run it as root.")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="r1-drill-"))
    console = Console(stderr=options.json)
    drill = _Drill(folder, options, console)
    try:
        drill.up()
        drill.run()
    except KeyboardInterrupt:
        console.print("stopped: the run that was under way does not count")
    finally:
        drill.machines.down()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    console.print(table(drill.told, options.on))
    if options.json:
        print(json.dumps([asdict(one) for one in drill.told], indent=1, ensure_ascii=False))
    return int(any(one.found for one in drill.told))


class _Drill:
    """The cluster, and the runs over it."""

    def __init__(self, folder: Path, options: argparse.Namespace, console: Console) -> None:
        self.machines = Machines(folder, ("n1", "n2"), sys.executable)
        self.told: list[Told] = []
        self._folder = folder
        self._options = options
        self._console = console
        self._cluster = Slurm(self.machines) if options.on == "slurm" else Ray(self.machines)
        self._mlflow = MLflow(self.machines)
        self._references: dict[str, Reference] = {}

    def up(self) -> None:
        for name in ("login", *self.machines.nodes):
            self.machines.up(name)
        self._mlflow.start()
        self._cluster.up()
        self._mlflow.wait()

    def run(self) -> None:
        """Runs, until every event has happened; one that came too late for a run is of the next."""
        first, of = self._options.first, self._options.events
        waiting = deque(range(first, first + of))
        number = 0
        while waiting:
            number += 1
            whole = number % WHOLE_EVERY == 0
            recipe = RECIPES[self._options.recipe or ("whole" if whole else "zero")]
            self._one(number, recipe, waiting)

    def _one(self, number: int, recipe: Recipe, waiting: deque[int]) -> None:
        """One run, with as many events as it is long enough for."""
        reference = self._reference(recipe)
        scene = Scene(self._folder / f"run-{number}", recipe)
        python = f"launcher.python={self.machines.python}"
        more = (python, f"tracking.uri={self._mlflow.uri}")
        play = Play(scene, self.machines, self._cluster, more)
        events: list[Event] = []
        begun = time.monotonic()
        try:
            play.start()
            room = self._options.each * (WHOLE_HOLDS if recipe.name == "whole" else 1)
            share = reference.seconds / room
            while waiting and len(events) < room:
                event = self._drawn(waiting[0], play)
                if not play.works_for(event.rng.uniform(0.1, 1.0) * share):
                    break
                events.append(event)
                waiting.popleft()
                self._happen(event)
            finished = play.end()
            took = time.monotonic() - begun
            self._mlflow.wait()
            found = judged(play, reference, events, finished)
        finally:
            play.stop()
            for name in self.machines.running:
                self.machines.set_clock(name, 0)
        self.told += found
        self._console.print(f"run {number} ({recipe.name}): {took:.0f} s, {len(events)} events")
        for one in found:
            self._console.print(f"    {one.line()}", markup=False, soft_wrap=True)
        if not self._options.keep and not any(one.found for one in found):
            shutil.rmtree(scene.folder, ignore_errors=True)

    def _happen(self, event: Event) -> None:
        event.at = time.monotonic()
        EVENTS_BY_NAME[event.kind](event)
        what = f"{event.number} {event.kind.replace('_', ' ')}: {', '.join(event.did)}"
        self._console.print(f"{time.strftime('%T')} {what}", markup=False)

    def _drawn(self, number: int, play: Play) -> Event:
        seed = self._options.seed
        rng = random.Random(f"{seed}/{number}")
        kinds = {
            k: w
            for k, w in EVENTS.items()
            if (not self._options.only or k.__name__ in self._options.only)
            and (self.machines.has_clocks or k.__name__ != "clock_moved")
        }
        kind = rng.choices(list(kinds), weights=list(kinds.values()))[0]
        return Event(number, kind.__name__, rng, play, self._mlflow)

    def _reference(self, recipe: Recipe) -> Reference:
        """The same on this machine alone, with nobody disturbing it."""
        if recipe.name not in self._references:
            here = Recipe(**{**asdict(recipe), "words": (*recipe.words, *_ALONE)})
            place = self._folder / f"reference-{recipe.name}"
            self._references[recipe.name] = Reference.of(place, here)
            seconds = self._references[recipe.name].seconds
            self._console.print(f"reference of {recipe.name}: {seconds:.0f} s")
        return self._references[recipe.name]


_ALONE = ("tracking=none", "launcher.threads=1")
EVENTS_BY_NAME = {event.__name__: event for event in EVENTS}


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drill.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--on", choices=("slurm", "ray"), required=True)
    parser.add_argument("--events", type=int, default=50)
    parser.add_argument("--first", type=int, default=1, help="the number of the first event")
    parser.add_argument("--each", type=int, default=5, help="events of a run, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="only this one")
    kinds = sorted(EVENTS_BY_NAME)
    parser.add_argument("--only", nargs="+", choices=kinds, default=[], help="only these events")
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())

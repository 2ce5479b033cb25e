"""All algorithms of the family, side by side on the tiny world.

    python -m benchmarks.algorithms [--steps 40] [--jobs 2] [--only grpo rft …] [--json FILE]
                                    [--figure FILE]

Each trains the base that ships, on the same problems, with the same rewards (accuracy and format),
numbers of questions and samples per step, optimiser steps, learning rate and seed: those of
`recipe=r1_zero profile=tiny`, which suit GRPO and were tuned for nothing else here. Then each
answers the same held-out reasoning problems, four times each. `--jobs` algorithms run at once, each
in a process of its own with one thread; seconds are those of training, loading included, and the
peak is the process's resident memory while it trained. `--seeds 3` tells the luck of a seed.

Not a test: it prints what is true.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.tasks_algorithms import BASE, Outcome, Task, run

ORDER = ["grpo", "dr_grpo", "dapo", "gspo", "rloo", "ppo", "online_rft", "star", "rft", "dpo"]


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Run what was asked for, print the table, return its rows."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        names = [BASE, *(name for name in ORDER if name in options.only)]
        tasks = [
            Task(name, options.steps, seed, Path(folder) / f"{name}-{seed}")
            for seed in range(options.seeds)
            for name in names
            if name != BASE or seed == 0
        ]
        found = []
        for outcome in _run(tasks, options.jobs):
            found.append(outcome)
            if options.json:  # what is done is kept if the rest is stopped
                options.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    found.sort(key=lambda outcome: (names.index(outcome.algorithm), outcome.seed))
    Console(width=110).print(table(found, options.steps))
    if options.figure:
        draw(found, options.figure)
    return [asdict(outcome) for outcome in found]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40, help="optimiser steps of 256 samples")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="at once, a core each")
    parser.add_argument("--only", nargs="+", choices=ORDER, default=ORDER)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args(arguments)


def _run(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """The outcomes as they come."""
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, maxtasksperchild=1) as pool:  # a task's peak is its process's own
        for outcome in pool.imap_unordered(run, tasks, chunksize=1):
            words = f"{outcome.algorithm}: {outcome.accuracy:.1%} in {outcome.seconds:.0f} s"
            print(words, file=sys.stderr, flush=True)
            yield outcome


def table(found: Sequence[Outcome], steps: int) -> Table:
    """A line per algorithm and seed."""
    shown = Table(title=f"{steps} optimiser steps from the tiny base, the same prompts and rewards")
    shown.add_column("algorithm")
    for head in ("seed", "held-out accuracy", "95 %", "format", "samples", "tokens"):
        shown.add_column(head, justify="right")
    for head in ("seconds", "samples/s", "peak MB"):
        shown.add_column(head, justify="right")
    for one in found:
        shown.add_row(
            one.algorithm,
            str(one.seed),
            f"{one.accuracy:.1%}",
            f"{one.low:.1%} … {one.high:.1%}",
            f"{one.format:.1%}",
            f"{one.samples:,}",
            f"{one.tokens:,}",
            f"{one.seconds:.0f}",
            f"{one.samples / one.seconds:.0f}" if one.seconds else "",
            f"{one.peak_mb:.0f}" if one.peak_mb else "",
        )
    return shown


def draw(found: Sequence[Outcome], path: Path) -> None:
    """Accuracy of each with its interval."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5))
    for place, one in enumerate(found):
        below, above = one.accuracy - one.low, one.high - one.accuracy
        axes.errorbar(place, one.accuracy, yerr=[[below], [above]], fmt="o", color="C0", capsize=3)
    axes.set_xticks(range(len(found)), [one.algorithm for one in found], rotation=30, ha="right")
    axes.set_ylabel("held-out accuracy")
    axes.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()

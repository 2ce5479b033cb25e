"""What Slurm and Ray cost beside the launcher of one machine.

    python -m benchmarks.launchers [--rounds 1] [--launchers local slurm ray] [--json FILE]

Slurm and Ray are those that run here: `sinfo` answers, `ray start` was called. Goes round by round,
in turn, on this machine alone: what a network and its disk add is not in it.

    first step   seconds from the moment that a stage is started or submitted to the end of its
                 first optimiser step, as in `benchmarks.warm_start`, for a later stage of the run
    nothing      seconds of `r1 run` on the whole recipe (profile smoke) when all of it is done
    status       seconds of `r1 status` on the same

Each is also told as a multiple of `local`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import warm_start

LOCAL = "local"
LAUNCHERS = (LOCAL, "slurm", "ray")
#: What is asked of the small clusters that bring no GPUs and one machine's cores.
WORDS = {
    LOCAL: ["launcher=local", "launcher.threads=1"],
    "slurm": ["launcher=slurm", "launcher.threads=1", "launcher.poll_seconds=1"],
    "ray": ["launcher=ray", "launcher.threads=1"],
}
WHOLE = ["profile=smoke", "tracking=none"]
MEASURES = ("first step, sft", "first step, rl", "nothing", "status")

#: Seconds by launcher, then by what is measured, of each round.
Taken = dict[str, dict[str, list[float]]]


def main(given: Sequence[str] | None = None) -> Taken:
    """Measure in turn and print the table."""
    options = _options(given)
    taken: Taken = {name: {what: [] for what in MEASURES} for name in options.launchers}
    with tempfile.TemporaryDirectory() as folder:
        steps, whole = Path(folder, "steps"), Path(folder, "whole")
        warm_start.prepare(steps, "tiny", WORDS[LOCAL])
        _seconds(whole, ["run", *WHOLE, *WORDS[LOCAL]])
        for number in range(options.rounds):
            for place, name in enumerate(options.launchers):
                found = taken[name]
                seed = number * len(options.launchers) + place  # nothing is taken from another
                round_ = warm_start.one_round(seed, steps, "tiny", WORDS[name])
                for kind in ("sft", "rl"):
                    found[f"first step, {kind}"].append(round_[f"{kind}_2"]["to_first"])
                _seconds(whole, ["plan", *WHOLE, *WORDS[name]])  # the first call composes
                found["nothing"].append(_seconds(whole, ["run", *WHOLE, *WORDS[name]]))
                found["status"].append(_seconds(whole, ["status", *WHOLE, *WORDS[name]]))
    Console().print(_table(taken, options.rounds))
    if options.json:
        options.json.write_text(json.dumps(taken, indent=1))
    return taken


def _seconds(root: Path, words: Sequence[str]) -> float:
    """Of a command of `r1` with its results in `root`. Ends the benchmark where it fails."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "stages", *words],
        env={**os.environ, "R1_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"r1 {' '.join(words)} fails:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - start


def _table(taken: Taken, rounds: int) -> Table:
    table = Table(title=f"Seconds, median of {rounds}, and multiples of the local launcher")
    table.add_column("")
    for name in taken:
        table.add_column(name, justify="right")
    medians = {n: {w: statistics.median(s) for w, s in of.items()} for n, of in taken.items()}
    for what in MEASURES:
        first = medians.get(LOCAL, {}).get(what)
        cells = [
            f"{medians[name][what]:.2f}"
            + (f" ({medians[name][what] / first:.2f} ×)" if first and name != LOCAL else "")
            for name in taken
        ]
        table.add_row(what, *cells)
    return table


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.launchers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--launchers", nargs="+", choices=LAUNCHERS, default=list(LAUNCHERS))
    parser.add_argument("--json", type=Path)
    return parser.parse_args(given)


if __name__ == "__main__":
    main()

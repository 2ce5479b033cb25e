"""How long a stage takes to its first optimiser step, in a new `r1 run` and in one that is warm.

    python -m benchmarks.warm_start [--rounds 3] [--profile tiny] [--json FILE] [OVERRIDE…]

One round is one `r1 run` of four stages, one after the other: SFT, RL, SFT, RL, from the shipped
base, on rows that are there before. Each SFT and RL differs from its twin by its seed alone.

    cold           from the command's start to the end of the first stage's first step
    warm           from the moment that a later stage is started to the end of its first step
    of it, a step  what a later step of the same stage takes (the median)
    until it       the difference: from the start to where the first step begins

The goal is 3 s until the first step once the pipeline is warm: the run's fork server has imported
everything then.
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
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ORDER = ("sft_1", "rl_1", "sft_2", "rl_2")
STEPS = 6
GOAL = 3.0

Row = dict[str, Any]


def main(given: Sequence[str] | None = None) -> list[Row]:
    """Run all rounds; a row per sort of stage."""
    options = _options(given)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root, options.profile, options.overrides)
        rounds = [
            one_round(number, root, options.profile, options.overrides)
            for number in range(options.rounds)
        ]
    rows = [_row(kind, rounds) for kind in ("sft", "rl")]
    Console().print(_table(rows, options))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return rows


def prepare(root: Path, profile: str, overrides: Sequence[str]) -> None:
    """Make the base and the rows that the stages take."""
    words = ["until=[human_cot_clean,reasoning_clean,base]", "tracking=none", *overrides]
    for _ in _lines(words, root, profile):
        pass


def one_round(
    number: int, root: Path, profile: str, overrides: Sequence[str]
) -> dict[str, dict[str, float]]:
    """One run of the four stages; per stage the seconds to its first step, and of a later one.

    to_first counts from the moment in which the run says that it has started or submitted it.
    """
    words = ["launcher.max_parallel=1", f"until=[{','.join(ORDER)}]", "tracking=none"]
    for name in ORDER:
        kind, twin = name.split("_")
        stage, rows = ("cold_start_sft", "human_cot_clean"), "reasoning_clean"
        words.append(f"+stage@stages.{name}={stage[0] if kind == 'sft' else 'zero'}")
        words.append(f"stages.{name}.init_from=base")
        words.append(f"stages.{name}.data_from=[{stage[1] if kind == 'sft' else rows}]")
        words.append(f"stages.{name}.seed={10 * number + int(twin)}")
        words += _numbers(name, kind)
    began, started = time.time(), {}
    for moment, line in _lines([*words, *overrides], root, profile):
        name, _, rest = line.partition(" ")[2].partition(": ")  # after the time of day
        if name in ORDER and rest and name not in started:
            started[name] = moment
    found = {name: _measured(root / "store" / name, moment) for name, moment in started.items()}
    found[ORDER[0]]["cold"] = found[ORDER[0]]["to_first"] + started[ORDER[0]] - began
    return found


def _numbers(name: str, kind: str) -> list[str]:
    """What the profile gives to the recipe's stages of this sort, and a few steps."""
    twin = {"sft": "dev1", "rl": "zero"}[kind]
    copied = {
        "sft": ("batch_size", "max_length", "micro_batch", "precision", "optimizer"),
        "rl": (
            *("questions_per_step", "samples_per_question", "steps_per_rollout", "sampling"),
            *("kl_coefficient", "reference_sync_steps", "clip_low", "clip_high", "optimizer"),
            *("max_prompt_tokens", "precision", "micro_batch", "save_steps", "length_switches"),
        ),
    }[kind]
    words = [f"stages.{name}.{key}=${{stages.{twin}.{key}}}" for key in copied]
    return words + ([f"stages.{name}.max_steps={STEPS}"] if kind == "rl" else [])


def _lines(words: Sequence[str], root: Path, profile: str) -> Iterator[tuple[float, str]]:
    """What `r1 run` prints, with the moment of each line."""
    command = [sys.executable, "-m", "stages", "run", "recipe=r1"]
    process = subprocess.Popen(
        [*command, f"profile={profile}", *words],
        env={**os.environ, "R1_ROOT": str(root), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        yield time.time(), line.rstrip()
    if process.wait() != 0:
        raise SystemExit(f"r1 run failed:\n{''.join(seen[-20:])}")


def _measured(store: Path, started: float) -> dict[str, float]:
    """From the newest artifact's curves, whose points carry the time."""
    artifact = max(store.iterdir(), key=lambda path: path.stat().st_mtime)
    lines = (artifact / "metrics.jsonl").read_text().splitlines()
    times = [json.loads(line)["time"] for line in lines]
    steps = [later - earlier for earlier, later in pairwise(times)]
    step = statistics.median(steps) if steps else 0.0
    return {"to_first": times[0] - started, "step": step}


def _row(kind: str, rounds: Sequence[dict[str, dict[str, float]]]) -> Row:
    warm = [found for round_ in rounds for name, found in round_.items() if name == f"{kind}_2"]
    row: Row = {
        "stage": kind,
        "warm": statistics.median(found["to_first"] for found in warm),
        "step": statistics.median(found["step"] for found in warm),
    }
    row["until"] = row["warm"] - row["step"]
    cold = [found["cold"] for round_ in rounds for found in round_.values() if "cold" in found]
    return row | ({"cold": statistics.median(cold)} if kind == ORDER[0].split("_")[0] else {})


def _table(rows: Sequence[Row], options: argparse.Namespace) -> Table:
    table = Table(
        title=f"Seconds to the first optimiser step, profile {options.profile}, median of "
        f"{options.rounds} (goal: {GOAL:g} until it, warm)"
    )
    for column in ("stage", "cold", "warm", "of it, a step", "until it"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for row in rows:
        keys = ("cold", "warm", "step", "until")
        table.add_row(row["stage"], *(f"{row[k]:.2f}" if k in row else "" for k in keys))
    return table


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="tiny")
    parser.add_argument("--json", type=Path)
    parser.add_argument("overrides", nargs="*", help="further words for `r1 run`")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()

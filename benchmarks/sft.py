"""Our SFT stage beside a plain TRL script and a bare loop, on the same work in one run.

    python -m benchmarks.sft [--steps 24] [--rounds 2] [--json FILE]
    python -m benchmarks.sft --profile one_gpu --model 1.5b --length 4096    (random weights)

Model, rows, documents per step and learning rate are the same: those of the profile's stage `dev1`.
On the tiny profile the rows are worked conversations of the tiny world. The contestants:

    ours              the whole stage as the profile sets it (benchmarks/our_sft.py)
    ours, compiled    the same with bf16, compile_from_tokens=0 and row_tokens=max_length, a tiny
                      step in two passes
    plain             TRL as its documentation shows it, padded, in the precision of the profile and
                      without gradient checkpointing where it has none (benchmarks/plain_sft.py)
    plain, defaults   the same with what TRL sets by itself: bf16 and gradient checkpointing
    bare              a loop of forward, backward and step on rows that were packed beforehand, the
                      whole model compiled, bf16, as many rows a pass (benchmarks/bare_sft.py)

Each runs in a process of its own, one at a time, in another order each round; a round has its own
seed. Speed is real tokens, prompts included and padding not, from the end of the warm-up steps to
the end of the last (per CPU second too, for a machine that others use); what compiling costs is
told apart. Goals: ours 3 times plain, and the better
of ours within 10 % of bare; peak memory no higher than plain's; losses alike at equal samples.
On a GPU, model FLOPs utilisation: 6 × parameters × tokens per second over the dense bf16 rate
(--peak-tflops). The GPU line has not been run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.tasks_sft import WARM, base_model, task_of, write_task

CONTESTANTS = {
    "ours": "our_sft",
    "ours, compiled": "our_sft",
    "plain": "plain_sft",
    "plain, defaults": "plain_sft",
    "bare": "bare_sft",
}
OURS = ("ours", "ours, compiled")
TIMES_PLAIN, OF_BARE = 3.0, 0.9

Measured = dict[str, float]


def main(given: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Run all rounds; one row per contestant."""
    options = _options(given)
    rounds: list[dict[str, Measured]] = []
    for number in range(options.rounds):
        turn = number % len(options.only)
        order = options.only[turn:] + options.only[:turn]
        rounds.append({})
        for name in order:
            rounds[-1][name] = _run(name, options, number)
            line = {"round": number, "name": name, **rounds[-1][name]}
            print(json.dumps(line), file=sys.stderr, flush=True)
    rows = [_row(name, rounds) for name in options.only]
    _show(rows)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
    return rows


def _run(name: str, options: argparse.Namespace, seed: int) -> Measured:
    """One contestant in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        model = base_model(options.model, options.threads, Path(place))
        task = task_of(name, options, model, seed)
        file = write_task(task, Path(place))
        module = f"benchmarks.{CONTESTANTS[name]}"
        environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
        done = subprocess.run(
            [sys.executable, "-m", module, str(file)],
            capture_output=True,
            text=True,
            env=environment,
        )
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{done.stderr[-3000:]}")
    return _measured(json.loads(done.stdout.strip().splitlines()[-1]), options.peak_tflops)


def _measured(found: dict[str, Any], peak_tflops: float | None) -> Measured:
    """Speed without the warm-up, losses by thirds of the samples, memory."""
    points, parameters = found.pop("points"), found.pop("parameters")
    first, end, tokens = points[WARM - 1], points[-1], sum(at["tokens"] for at in points[WARM:])
    seconds = end["time"] - first["time"]
    speed = tokens / seconds
    third = max(1, len(points) // 3)
    losses = [at["loss"] for at in points]
    per_step = seconds / (len(points) - WARM)
    measured = {
        "tokens_per_second": speed,
        "tokens_per_cpu_second": tokens / (end["cpu"] - first["cpu"]),
        "loss_first_third": statistics.mean(losses[:third]),
        "loss_last_third": statistics.mean(losses[-third:]),
        "warm_up_seconds": first["time"] - found.pop("began") - WARM * per_step,
        **found,
    }
    if peak_tflops:
        measured["mfu"] = 6 * parameters * speed / (peak_tflops * 1e12)
    return measured


def _row(name: str, rounds: Sequence[dict[str, Measured]]) -> dict[str, Any]:
    """Means over the rounds; the ratios are those of each round's speeds."""
    runs = [found[name] for found in rounds]
    row: dict[str, Any] = {"name": name}
    row |= {key: round(statistics.mean(run[key] for run in runs), 3) for key in runs[0]}
    for ours in OURS:
        if ours in rounds[0] and name not in OURS:
            for speed, word in (("tokens_per_second", "is"), ("tokens_per_cpu_second", "cpu is")):
                ratios = sorted(found[ours][speed] / found[name][speed] for found in rounds)
                spread = (statistics.median(ratios), ratios[0], ratios[-1])
                row[f"{ours} {word} times"] = [round(value, 2) for value in spread]
    return row


def _show(rows: Sequence[dict[str, Any]]) -> None:
    goals = f"goals: {TIMES_PLAIN:g} × plain, {OF_BARE:g} × bare"
    table = Table(title=f"SFT ({goals})")
    table.add_column("")
    heads = (
        "tokens/s",
        "per CPU s",
        "ours is ×",
        "compiled is ×",
        "loss by thirds",
        "warm-up s",
        "peak MB",
    )
    for title in heads + (("MFU",) if "mfu" in rows[0] else ()):
        table.add_column(title, justify="right")
    for row in rows:
        ratios = (row.get(f"{ours} is times") for ours in OURS)
        cells = ["{} ({}, {})".format(*ratio) if ratio else "" for ratio in ratios]
        memory = " + GPU ".join(f"{row[k]:,.0f}" for k in row if k.endswith("memory_mb"))
        table.add_row(
            row["name"],
            f"{row['tokens_per_second']:,.0f}",
            f"{row['tokens_per_cpu_second']:,.0f}",
            *cells,
            f"{row['loss_first_third']:.3f} → {row['loss_last_third']:.3f}",
            f"{row['warm_up_seconds']:.1f}",
            memory,
            *([f"{row['mfu']:.1%}"] if "mfu" in row else []),
        )
    Console(width=120).print(table)


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our SFT stage beside plain TRL and a bare loop.")
    parser.add_argument("--profile", default="tiny")
    parser.add_argument("--model", help="a model folder, or `1.5b`: random weights (tiny base)")
    parser.add_argument("--length", type=int, help="tokens of made-up rows (tiny world's rows)")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--peak-tflops", type=float, help="dense bf16, e.g. 989 for an H100: MFU")
    parser.add_argument("--json", help="also write the rows here")
    options = parser.parse_args(given)
    if options.steps <= WARM:
        parser.error(f"--steps must be above the {WARM} that are warm-up")
    return options


if __name__ == "__main__":
    main()

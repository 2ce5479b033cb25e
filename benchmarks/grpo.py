"""Our RL stage beside a plain TRL script and a loop by hand, on the same work in one run.

    python -m benchmarks.grpo [--steps 16] [--rounds 2] [--json FILE]
    python -m benchmarks.grpo --profile one_gpu --model Qwen/Qwen2.5-1.5B-Instruct [--engine vllm]

Model, prompts and their order, rewards, completions per step and learning rates are the same: those
of the profile's stage `zero`, on questions of the tiny world. The contestants:

    ours             the whole stage `zero`: rewards, curves and all (benchmarks/our_grpo.py)
    plain            TRL as its documentation shows it, in the precision of the profile and without
                     gradient checkpointing where the profile has none (benchmarks/plain_grpo.py)
    plain, defaults  the same with what TRL sets by itself: bf16 and gradient checkpointing
    bare             the same GRPO in one loop by hand, in fp32 (benchmarks/bare_grpo.py)

Each runs in a process of its own, one at a time, in another order each round; a round has its own
seed. The clock runs from the end of the first step to the end of the last; the time of each
process alone is shown too, as it bears a busy machine. Goals: 5 times the completions a second of
`plain` and 0.8 times those of `bare`, rewards no worse at equal samples, peak memory no higher than
`plain`. `bare` is for a CPU, and one update a rollout. The GPU line has not been run.
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

from huggingface_hub import snapshot_download
from rich.console import Console
from rich.table import Table

from benchmarks.tasks_grpo import arguments, order, stage_config
from stages.rows.schemas import PROBLEM, write_rows
from stages.tiny.problems import generate

BASES = Path(__file__).resolve().parents[1] / "artifacts" / "base"
DOMAINS = ("math", "code", "stem", "logic")
CONTESTANTS = {
    "ours": "our_grpo",
    "plain": "plain_grpo",
    "plain, defaults": "plain_grpo",
    "bare": "bare_grpo",
}
GOALS = {"plain": 5, "bare": 0.8}

Measured = dict[str, float]


def main(given: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Run all rounds; one row per contestant."""
    options = _options(given)
    names = [name for name in CONTESTANTS if _runs(name, options)]
    rounds: list[dict[str, Measured]] = []
    for number in range(options.rounds):
        turn = number % len(names)
        runs = {name: _run(name, options, number) for name in names[turn:] + names[:turn]}
        rounds.append(runs)
        print(json.dumps({"round": number, **runs}), file=sys.stderr, flush=True)
    rows = [_row(name, rounds) for name in names]
    _show(rows)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
    return rows


def _runs(name: str, options: argparse.Namespace) -> bool:
    if name == "bare":
        return bool(options.profile == "tiny")
    return options.defaults or "defaults" not in name


def _run(name: str, options: argparse.Namespace, seed: int) -> Measured:
    """One contestant in a process of its own."""
    config = stage_config(_overrides(options))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = folder / "rows" / "rows.parquet"
        problems = _problems(options.problems)
        rows.parent.mkdir()
        write_rows(rows, problems, PROBLEM)
        plain = arguments(config, options.steps, seed, folder)
        if "defaults" not in name:
            precision = config.precision
            plain |= {"bf16": precision.bf16}
            plain |= {"gradient_checkpointing": precision.gradient_checkpointing}
        task = {
            "model": options.model,
            "rows": str(rows),
            "overrides": _overrides(options),
            "steps": options.steps,
            "seed": seed,
            "threads": options.threads,
            "order": order(config, len(problems), options.steps, seed),
            "arguments": plain,
        }
        file = folder / "task.json"
        file.write_text(json.dumps(task))
        found = _process(f"benchmarks.{CONTESTANTS[name]}", file, options.threads)
    completions = config.questions_per_step * config.samples_per_question
    return _measured(found, completions)


def _process(module: str, task: Path, threads: int) -> dict[str, Any]:
    """What the last line of the process says."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-m", module, str(task)], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _measured(found: dict[str, Any], completions: int) -> Measured:
    """Speed without the first step, rewards by thirds of the samples, memory."""
    points = found.pop("points")
    seconds, cpu = (points[-1][clock] - points[0][clock] for clock in ("time", "cpu"))
    tokens = sum(point["length"] for point in points[1:]) * completions
    third = max(1, len(points) // 3)
    rewards = [point["reward"] for point in points]
    return {
        "completions_per_second": completions * (len(points) - 1) / seconds,
        "completions_per_cpu_second": completions * (len(points) - 1) / cpu,
        "tokens_per_second": tokens / seconds,
        "reward_first_third": statistics.mean(rewards[:third]),
        "reward_second_third": statistics.mean(rewards[third : 2 * third]),
        "reward_last_third": statistics.mean(rewards[-third:]),
        **found,
    }


def _row(name: str, rounds: Sequence[dict[str, Measured]]) -> dict[str, Any]:
    """Means over the rounds; the ratio is that of each round's speeds."""
    runs = [found[name] for found in rounds]
    means = {key: round(statistics.mean(run[key] for run in runs), 3) for key in runs[0]}
    times = {
        f"ours_is_times_{clock}": _spread(name, rounds, f"completions_per_{clock}")
        for clock in ("second", "cpu_second")
    }
    return {"name": name, **means, **times}


def _spread(name: str, rounds: Sequence[dict[str, Measured]], speed: str) -> list[float]:
    """The rounds' ratios of ours to this one: median, lowest, highest."""
    ratios = [found["ours"][speed] / found[name][speed] for found in rounds]
    return [round(value, 2) for value in (statistics.median(ratios), min(ratios), max(ratios))]


def _show(rows: Sequence[dict[str, Any]]) -> None:
    goals = " and ".join(f"{times} times {name}" for name, times in GOALS.items())
    table = Table(title=f"GRPO (goal: ours at least {goals})")
    for title in (
        "",
        "completions/s",
        "tokens/s",
        "ours is × (low, high)",
        "in CPU time",
        "rewards",
    ):
        table.add_column(title)
    table.add_column("peak MB")
    for row in rows:
        times = ["{} ({}, {})".format(*row[key]) for key in row if key.startswith("ours_is_times")]
        thirds = (row[f"reward_{third}_third"] for third in ("first", "second", "last"))
        memory = " + GPU ".join(f"{row[k]:,.0f}" for k in row if k.endswith("memory_mb"))
        table.add_row(
            row["name"],
            f"{row['completions_per_second']:.1f}",
            f"{row['tokens_per_second']:,.0f}",
            *(["", ""] if row["name"] == "ours" else times),
            " ".join(f"{value:.2f}" for value in thirds),
            memory,
        )
    Console(width=120).print(table)


def _problems(per_language: int) -> list[dict[str, Any]]:
    return [
        row
        for domain in DOMAINS
        for language in ("en", "zh")
        for row in generate(domain, language, per_language, 0, "train")
    ]


def _overrides(options: argparse.Namespace) -> list[str]:
    return [f"profile={options.profile}", f"rollout={options.engine}", *options.overrides]


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our RL stage beside plain TRL.")
    parser.add_argument("--profile", default="tiny")
    parser.add_argument("--model", help="a model folder or hub name (default: the tiny base)")
    parser.add_argument("--engine", default="transformers", help="transformers or vllm, for both")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--problems", type=int, default=100, help="per domain and language")
    parser.add_argument("--defaults", action="store_true", help="also TRL's default precision")
    parser.add_argument("--json", help="also write the rows here")
    parser.add_argument("overrides", nargs="*", help="of the stage's config, for both: key=value")
    options = parser.parse_args(given)
    options.model = _folder(options.model)
    return options


def _folder(model: str | None) -> str:
    """The model's folder, fetched from the hub where it is a name."""
    if model is None:
        return str(next(BASES.glob("*/model")))
    return model if Path(model).is_dir() else str(snapshot_download(model))


if __name__ == "__main__":
    main()

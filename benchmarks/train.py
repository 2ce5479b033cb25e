"""The benchmarks of training, one after the other: what `make bench-train` runs.

    make bench-train [PROFILE=tiny] [ARGS='--only sft grpo --steps 12 --json FILE']
    make bench-train PROFILE=one_gpu        (random weights of 1.5B, 4k tokens; not run yet)

    sft          our SFT stage beside plain TRL and a bare compiled loop
    grpo         our RL stage beside plain TRL
    warm_start   from a warm `r1 run` to a stage's first optimiser step
    algorithms   the family on the same prompts and rewards: accuracy, samples, time, memory

Each is a module of its own with options of its own (`python -m benchmarks.sft --help`); each
compares within one run, in turns, so that a slow machine slows all sides alike. The goals stand in
the tables that they print; nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SECTIONS = ("sft", "grpo", "warm_start", "algorithms")
PEAK_TFLOPS = 989  # dense bf16 of an H100; benchmarks.sft --peak-tflops takes another
#: What a profile adds to the words of a section; no entry: the section does not run there.
WORDS: dict[str, dict[str, list[str]]] = {
    "tiny": {section: [] for section in SECTIONS},
    "one_gpu": {
        "sft": [
            *("--model", "1.5b", "--length", "4096", "--steps", "8"),
            *("--peak-tflops", str(PEAK_TFLOPS)),
        ],
        "grpo": ["--model", "Qwen/Qwen2.5-1.5B-Instruct", "--engine", "vllm"],
    },
}
#: The numbers of a section that the table at the end repeats.
SHOWN = {
    "sft": ("tokens_per_second", "mfu", "memory_mb", "gpu_memory_mb"),
    "grpo": ("completions_per_second", "tokens_per_second", "memory_mb", "gpu_memory_mb"),
}


def main(given: Sequence[str] | None = None) -> int:
    """Run the sections; the exit code is that of the worst."""
    options = _options(given)
    found: dict[str, list[dict[str, Any]]] = {}
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        for section, words in WORDS[options.profile].items():
            if section not in options.only:
                continue
            file = Path(folder) / f"{section}.json"
            command = [f"benchmarks.{section}", *words, *_shared(section, options)]
            print(f"\n{section}: python -m {' '.join(command)}", flush=True)
            run = [sys.executable, "-m", *command, "--json", str(file)]
            code = max(code, abs(subprocess.run(run).returncode))
            if file.exists():
                found[section] = json.loads(file.read_text())
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    _show(found)
    return code


def _shared(section: str, options: argparse.Namespace) -> list[str]:
    """The options that a section has as well."""
    words = [] if section == "algorithms" else ["--profile", options.profile]
    if options.steps and section != "warm_start":
        words += ["--steps", str(options.steps)]
    if options.rounds and section != "algorithms":
        words += ["--rounds", str(options.rounds)]
    return words


def _show(found: dict[str, list[dict[str, Any]]]) -> None:
    table = Table(title="Training: all sections")
    for title in ("section", "", "numbers"):
        table.add_column(title)
    for section, rows in found.items():
        for row in rows:
            name = str(row.get("name") or next(iter(row.values())))
            keys = SHOWN.get(section) or [key for key in row if row[key] != name]
            numbers = ", ".join(f"{key} {_short(row[key])}" for key in keys if key in row)
            table.add_row(section, name, numbers)
        table.add_section()
    Console(width=140).print(table)


def _short(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) and value < 1000 else str(value)


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The benchmarks of training.")
    parser.add_argument("--profile", default="tiny", choices=WORDS)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--steps", type=int, help="optimiser steps, where a section has them")
    parser.add_argument("--rounds", type=int, help="rounds, where a section has them")
    parser.add_argument("--json", type=Path, help="the rows of all sections")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())

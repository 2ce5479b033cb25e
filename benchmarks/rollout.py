"""The benchmarks of sampling, one after the other: what `make bench-rollout` runs.

    make bench-rollout [DATA=folder with the data sets] [ARGS='--only engines rejection']

    engines          our engines and the fleet beside `LLM.generate` and `model.generate`
    rejection        adaptive rejection sampling beside fixed N, from the tiny dev2
    evaluation       the stage `evaluate` beside trl's generation and a plain loop
    decontamination  a million rows against all benchmarks, beside a plain script; needs DATA

Each is a module of its own with options of its own (`python -m benchmarks.engines --help`); each
compares within one run, so that a slow machine slows all sides alike. With a GPU: `python -m
benchmarks.engines --model 1.5b`, which builds a model of 1.5B random weights; it has not been run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

SECTIONS = ("engines", "rejection", "evaluation", "decontamination")


def main() -> int:
    """Run the sections; the exit code is that of the worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with one folder for each data set")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--json", type=Path, help="a folder for the numbers of each")
    options = parser.parse_args()
    code = 0
    for name, command in _commands(options.data):
        if name.partition(" ")[0] not in options.only:
            continue
        print(f"\n{name}: python -m {' '.join(command)}", flush=True)
        if options.json:
            options.json.mkdir(parents=True, exist_ok=True)
            command += ["--json", str(options.json / f"{name.replace(' ', '-')}.json")]
        code = max(code, subprocess.run([sys.executable, "-m", *command]).returncode)
    return code


def _commands(data: Path | None) -> list[tuple[str, list[str]]]:
    """Every section that this machine can run, and its command."""
    dev2, problems = _artifact("dev2"), _artifact("reasoning_clean") / "rows.parquet"
    found = [("engines transformers", ["benchmarks.engines", "--engine", "transformers"])]
    if importlib.util.find_spec("vllm"):
        found.append(("engines vllm", ["benchmarks.engines", "--engine", "vllm"]))
    else:
        print("engines vllm: left out, vLLM is not installed (make vllm)")
    sampled = ["--model", str(dev2 / "model"), "--problems", str(problems)]
    found.append(("rejection", ["benchmarks.rejection", *sampled]))
    found.append(("evaluation", ["benchmarks.evaluation", "--model", str(dev2)]))
    if data:
        found.append(("decontamination", ["benchmarks.decontamination", "--data", str(data)]))
    else:
        print("decontamination: left out, it needs DATA=folder with the data sets")
    return found


def _artifact(stage: str) -> Path:
    """Where a finished stage of the tiny recipe lies."""
    command = [sys.executable, "-m", "stages", "status", "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for row in json.loads(answer)["stages"]:
        if row["stage"] == stage and row["artifact"]:
            return Path(row["artifact"])
    raise SystemExit(f"{stage} is not there yet: make bench-rollout runs the recipe up to it")


if __name__ == "__main__":
    sys.exit(main())

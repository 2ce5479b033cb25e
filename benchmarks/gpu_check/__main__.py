"""What a machine's first GPU does with the recipe, in ten minutes at most.

    make gpu-check                                   all parts, on the first GPU
    make gpu-check ARGS='--parts machine smoke'      some of them
    python -m benchmarks.gpu_check --device cpu      the same code on a CPU, at the tiny size

The parts, each a process of its own with a limit of its own (parts.py):

    machine   GPUs, driver, versions
    smoke     the whole tiny recipe at its smallest, by `r1 run profile=smoke`
    rl        RL that samples with vLLM: the gap of log-probabilities to the weights in training
    sft       SFT of a model of 1.5B random weights: tokens per second, MFU, memory
    grpo      our RL stage beside plain TRL, both with vLLM: tokens per second, memory
    memory    what `r1 plan --cost` foresaw of both stages' memory beside what they took

A part passes, fails or is skipped with a reason. report.md and report.json go to
outputs/gpu_check; exit code 1 if a part failed, and 0 without a GPU, where nothing is run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_check.parts import PARTS, Failed, Setting, Skipped, Told
from benchmarks.gpu_check.report import line, write
from pipeline import devices

MOST = 600.0  # seconds of all parts together
NONE = (
    "No GPU is here (no device file, or CUDA_VISIBLE_DEVICES hides it), so nothing was run; "
    "--device cpu runs the same code at the tiny size."
)


def main(given: Sequence[str] | None = None) -> int:
    """Run the parts in their order, and write the report."""
    options = _options(given)
    if options.device == "gpu" and not devices.visible():
        print(NONE)
        return 0
    setting = Setting(options.device == "gpu", options.folder.absolute(), options.peak_tflops)
    setting.folder.mkdir(parents=True, exist_ok=True)
    end, told = time.monotonic() + MOST, []
    for name in (name for name in PARTS if name in options.parts):
        told.append(_tried(name, setting, end - time.monotonic()))
        print(line(told[-1]), flush=True)
    print(f"report: {write(told, setting)}")
    return int(any(one.outcome == "failed" for one in told))


def _tried(name: str, setting: Setting, left: float) -> Told:
    """What came of a part, within its limit and what is left of all."""
    part = PARTS[name]
    limit, begun = min(part.seconds, left), time.monotonic()
    outcome, why, facts = "passed", "", {}
    try:
        if limit <= 0:
            raise Skipped(f"{MOST:g} s were over")
        facts = part.run(setting, limit)
    except Skipped as reason:
        outcome, why = "skipped", str(reason)
    except Failed as reason:
        outcome, why = "failed", str(reason)
    setting.found[name] = facts
    return Told(name, part.title, outcome, why, facts, time.monotonic() - begun)


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.gpu_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--folder", type=Path, default=Path("outputs/gpu_check"))
    parser.add_argument("--peak-tflops", type=float, help="dense bf16, of a GPU not in machine.py")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())

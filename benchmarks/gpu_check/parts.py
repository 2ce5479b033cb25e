"""The parts of the check: commands that a user would give, and what is read from their results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.gpu_check import machine
from pipeline.doctor import facts as doctor

GAP = 0.05  # nats a token: bf16 passes of two programs stay below; a stale weight does not
GAP_CURVE = "sampling_logp_difference"
STEPS = 6
BIG = "1.5b"  # of random weights, made by benchmarks/tasks_sft.py
ROW = 4096  # its tokens
WITHIN = 1.25  # times: the plan's memory and what was taken
TOLD = 4  # lines of what a process said before it failed

Facts = dict[str, Any]


class Failed(Exception):
    """A part did not do what it should; the message is for the report."""


class Skipped(Exception):
    """A part cannot be run here; the message says why."""


@dataclass
class Setting:
    """Where it runs. found: the facts of the parts before, by name."""

    gpu: bool
    folder: Path
    peak: float | None = None
    found: dict[str, Facts] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """seconds: what it may take at most."""

    title: str
    seconds: float
    run: Callable[[Setting, float], Facts]


@dataclass(frozen=True)
class Told:
    """A part that was tried."""

    name: str
    title: str
    outcome: str
    why: str
    facts: Facts
    seconds: float


def the_machine(setting: Setting, seconds: float) -> Facts:
    found = machine.gpus()
    if setting.gpu and not found:
        raise Failed("there are GPUs, and nvidia-smi does not answer: is the driver installed?")
    return {"gpus": found, **doctor(setting.folder)}


def smoke(setting: Setting, seconds: float) -> Facts:
    """Every stage of the recipe, at its smallest."""
    _r1(["run", "profile=smoke"], "smoke", setting, seconds)
    run = _newest(setting, "smoke")
    told = json.loads((run / "run.json").read_text())
    return {"run": str(run), "outcome": told.get("outcome")}


def rl(setting: Setting, seconds: float) -> Facts:
    """R1-Zero for a few steps; both engines' log-probabilities of what was sampled agree."""
    engine = "vllm" if _has_vllm() else "transformers"
    if setting.gpu and engine != "vllm":
        raise Skipped("vLLM is not installed: make vllm")
    words = ["recipe=r1_zero", "profile=smoke", "until=zero", f"rollout={engine}"]
    words += [f"stages.zero.max_steps={STEPS}", "rollout.gpu_memory_utilization=0.3"]
    _r1(["run", *words], "rl", setting, seconds)
    curve = next((setting.folder / "rl").glob("**/zero/*/metrics.jsonl"))
    points = [json.loads(row) for row in curve.read_text().splitlines()]
    gaps = [point[GAP_CURVE] for point in points if GAP_CURVE in point]
    if not gaps or max(gaps) > GAP:
        raise Failed(
            f"log-probabilities of {engine} and of the weights in training are apart by "
            f"{max(gaps, default=float('nan')):.3g} a token, and {GAP} is the most that rounding "
            "explains: weights may not have come through"
        )
    return {"engine": engine, "steps": len(points), "largest_gap": max(gaps)}


def sft(setting: Setting, seconds: float) -> Facts:
    """SFT of 1.5B weights."""
    words = ["--rounds", "1", "--only", "ours", "--steps", str(STEPS)]
    if setting.gpu:
        words += ["--profile", "one_gpu", "--model", BIG, "--length", str(ROW)]
        peak = setting.peak or machine.peak_tflops(machine.gpus())
        words += ["--peak-tflops", str(peak)] if peak else []
    (row,) = _bench("benchmarks.sft", words, "sft", setting, seconds)
    names = ("tokens_per_second", "mfu", "memory_mb", "gpu_memory_mb")
    return {name: row[name] for name in names if name in row}


def grpo(setting: Setting, seconds: float) -> Facts:
    """Ours beside plain TRL, on the tiny base: the same prompts, rewards and steps.

    Memory is that of the process that trains: plain TRL's has its engine inside, ours beside it.
    """
    engine = "vllm" if setting.gpu else "transformers"
    if setting.gpu and not _has_vllm():
        raise Skipped("vLLM is not installed: make vllm")
    words = ["--rounds", "1", "--steps", "3", "--problems", "20", "--engine", engine]
    words += ["rollout.gpu_memory_utilization=0.3"] if setting.gpu else ["profile=smoke"]
    rows = _bench("benchmarks.grpo", words, "grpo", setting, seconds)
    names = ("tokens_per_second", "completions_per_second", "memory_mb", "gpu_memory_mb")
    return {
        row["name"]: {name: row[name] for name in names if name in row} | {"engine": engine}
        for row in rows
    }


def memory(setting: Setting, seconds: float) -> Facts:
    """What the plan foresees of the stage that the part sft measured, beside what that took."""
    took = setting.found.get("sft", {}).get("gpu_memory_mb" if setting.gpu else "memory_mb")
    if took is None:
        raise Skipped("the part sft, which measures it, did not pass")
    if "--cost" not in _r1(["plan", "--help"], "memory", setting, seconds):
        raise Skipped("r1 plan foresees no memory in this version (--cost)")
    text = _r1(["plan", "--cost", "--json", *_as_sft(setting)], "memory", setting, seconds)
    stages = json.loads(text)["stages"]
    parts = next(one["peak_bytes"] for one in stages if one["stage"] == "dev1")
    foreseen, taken = sum(parts.values()) / 1e9, took * 2**20 / 1e9
    found = {"foreseen_gb": foreseen, "took_gb": taken, "foreseen_by_part": parts}
    if setting.gpu and not 1 / WITHIN < foreseen / taken < WITHIN:
        raise Failed(f"{foreseen:.1f} GB were foreseen, and it took {taken:.1f} GB: {parts}")
    return found


def _as_sft(setting: Setting) -> list[str]:
    """The overrides that make the stage `dev1` the one of the part sft."""
    if not setting.gpu:
        return ["profile=tiny"]
    from benchmarks.tasks_sft import BIG_SHAPE

    folder = setting.folder / "big"  # whose config is all that a plan looks at
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2", **BIG_SHAPE}))
    words = ["profile=one_gpu", "model@stages.base=hub", f"stages.base.path={folder}"]
    return [*words, f"stages.dev1.max_length={ROW}"]


PARTS = {
    "machine": Part("the machine", 30, the_machine),
    "smoke": Part("the whole tiny recipe", 200, smoke),
    "rl": Part("RL that samples with vLLM", 130, rl),
    "sft": Part("SFT of 1.5B weights", 100, sft),
    "grpo": Part("GRPO beside plain TRL", 150, grpo),
    "memory": Part("memory beside the plan", 30, memory),
}


def _has_vllm() -> bool:
    return find_spec("vllm") is not None


def _newest(setting: Setting, name: str) -> Path:
    return (setting.folder / name / "runs" / "latest").resolve()


def _bench(
    module: str, words: list[str], name: str, setting: Setting, seconds: float
) -> list[Facts]:
    """The rows of a benchmark of its own."""
    file = setting.folder / f"{name}.json"
    _process([module, *words, "--json", str(file)], name, setting, seconds)
    rows: list[Facts] = json.loads(file.read_text())
    return rows


def _r1(words: list[str], name: str, setting: Setting, seconds: float) -> str:
    """`r1` with its results in a folder of the part's own."""
    return _process(["stages", *words], name, setting, seconds)


def _process(words: list[str], name: str, setting: Setting, seconds: float) -> str:
    """What a module printed, which ran in a process group of its own. Raises Failed."""
    out, log = (setting.folder / f"{name}.{ending}" for ending in ("out", "log"))
    environment = os.environ | {"R1_ROOT": str(setting.folder / name)}
    if not setting.gpu:
        environment |= {"CUDA_VISIBLE_DEVICES": ""}
    with out.open("w") as printed, log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdout=printed,
            stderr=said,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failed(f"was not done within {seconds:.0f} s (log: {log})") from None
    if code:
        last = " / ".join(log.read_text(errors="replace").strip().splitlines()[-TOLD:])
        raise Failed(f"`python -m {' '.join(words)}` ended with {code}: {last} (log: {log})")
    return out.read_text(errors="replace")

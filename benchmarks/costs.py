"""How near `r1 plan --cost` comes to what others published, and what fits on which machine.

    python -m benchmarks.costs [published] [paper] [moe] [fits] [memory]

Markdown on standard output; docs/costs.md has the tables as they came out. Nothing is trained: each
row is a formula beside a number of its source (published_costs.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.published_costs import HOUR, beside, machine, table, tables
from pipeline.compose import compose
from pipeline.graph import build
from pipeline.kinds import Stage
from stages.costs import shapes, speed
from stages.costs.estimate import Estimate, forecast, work_of
from stages.costs.hardware import Hardware
from stages.costs.work import Draw, Known, Passes, Work, assumed
from stages.project import R1


def paper() -> Iterator[str]:
    """DeepSeek's 147K H800-hours (B.4.4), by the tasks of profile=paper on DeepSeek's own software:
    all 512 GPUs for each stage, engines over 16 of them in fp8."""
    hardware = machine("h800x8", 64)
    overrides = ["recipe=r1", "profile=paper", "model@stages.base=deepseek_v3_base", "rollout=vllm"]
    composed = compose(R1, overrides)
    stages = build(composed.stages, R1.kinds(), composed.root).stages
    known = Known(composed.root, assumed(composed.root), work_of)
    hours = {name: _hours(known.work(stages[name]), hardware) for name in PAPER_STAGES}
    learnt = replace(known.work(stages["zero"]), tasks=known.work(stages["zero"]).tasks[-4:])
    passes = _hours(learnt, hardware)
    sft, data = hours["dev1"] + hours["dev3"], sum(hours[name] for name in DATA)
    rows = [
        ["R1-Zero", *beside(hours["zero"], 101_000)],
        ["R1-Zero: of it, passes that learn and read", f"{passes:,.0f}", "", ""],
        ["SFT data: sampling, rewriting", *beside(data, 5_000)],
        ["R1: both SFTs", f"{sft:,.0f}", "", ""],
        ["R1: last RL, 1,700 steps", f"{hours['r1']:,.0f}", "", ""],
    ]
    step = hours["dev2"] / stages["dev2"].config.max_steps
    left = 41_000 - sft - hours["r1"]
    rows.append(
        ["R1: first RL, steps that the rest of 41K pays for", f"{left / step:,.0f}", "", ""]
    )
    rows.append(["R1-Zero and SFT data", *beside(hours["zero"] + data, 106_000)])
    yield from table("H800-hours", ("part", "predicted", "paper", "ratio"), rows)
    tokens = sum(task.tokens for task in known.work(stages["zero"]).tasks if isinstance(task, Draw))
    yield f"\nR1-Zero draws {tokens / 1e9:.1f}e9 tokens."
    for speed_ in (None, 22, 33, 40, 50):
        told = {known.root["stages"]["base"]["path"]: float(speed_)} if speed_ else {}
        own = replace(hardware.efficiencies, sequence_tokens_s=told)
        zero = _hours(known.work(stages["zero"]), replace(hardware, efficiencies=own))
        told_ = f"{speed_} tokens/s" if speed_ else "the speed of reading"
        yield f"- one sequence at {told_}: {zero / 101e3:.2f} ×"


def moe() -> Iterator[str]:
    """The same hours, as `r1 plan --cost profile=paper_moe hardware=h800x8` has them.

    RL by an engine, what no program of this project carries on all GPUs; with DeepSeek's own
    software, and with what engines of others reach (conf/hardware/_machine.yaml).
    """
    composed = compose(R1, ["profile=paper_moe", "hardware=h800x8"])
    stages = build(composed.stages, R1.kinds(), composed.root).stages
    own = machine("h800x8", 64)
    others = replace(own, efficiencies=machine("h100x8").efficiencies)
    hours = [
        {name: found[name].gpu_hours for name in PAPER_STAGES}
        for found in (forecast(stages, hardware).stages for hardware in (own, others))
    ]
    rows = []
    for part, names, told in (
        ("R1-Zero", ("zero",), 101_000),
        ("SFT data: sampling, rewriting", DATA, 5_000),
        ("R1: both SFTs", ("dev1", "dev3"), None),
        ("R1: last RL, 1,700 steps", ("r1",), None),
        ("R1: first RL, if it had R1-Zero's 10,400 steps", ("dev2",), None),
    ):
        sums = [sum(each[name] for name in names) for each in hours]
        cells = [
            cell for one in sums for cell in (f"{one:,.0f}", f"{one / told:.2f}" if told else "")
        ]
        rows.append([part, f"{told:,}" if told else "", *cells])
    for each in hours:
        each["left"] = (41_000 - each["dev1"] - each["dev3"] - each["r1"]) / each["dev2"] * 10_400
    left = [cell for each in hours for cell in (f"{max(0.0, each['left']):,.0f}", "")]
    rows.append(["R1: first RL, steps that the rest of 41K pays for", "", *left])
    head = ("part", "paper", "DeepSeek's software", "ratio", "engines of others", "ratio")
    yield from table("H800-hours by profile=paper_moe", head, rows)


DATA = ("cold_start_data", "reasoning_data", "general_data")
PAPER_STAGES = ("zero", "dev1", "dev2", *DATA, "dev3", "r1")


def _hours(work: Work, hardware: Hardware) -> float:
    """GPU-hours on all of a machine, as if weights and engines lay as DeepSeek laid them."""
    kind = "rl" if any(isinstance(t, Draw) for t in work.tasks) and work.trained else "sft"
    seconds = 0.0
    for task in work.tasks:
        if isinstance(task, Draw):
            how = replace(task.engine, tensor_parallel=16, weights=shapes.FP8, beside=False)
            seconds += speed.draw_seconds(replace(task, engine=how), hardware, hardware.total)
        elif isinstance(task, Passes):
            whole = replace(work, trained=None)
            seconds += speed.passes_seconds(kind, task, whole, hardware, hardware.total)
    return seconds * hardware.total / HOUR


MODELS = (
    "Qwen/Qwen2.5-0.5B",
    "Qwen/Qwen2.5-1.5B",
    "Qwen/Qwen2.5-7B",
    "Qwen/Qwen3-4B",
    "meta-llama/Llama-3.1-8B",
)
MACHINES = ("rtx4090x1", "a100x1", "a100x8")
SHOWN = ("zero", "dev3", "helpful_rm", "r1", "eval_r1")


def fits() -> Iterator[str]:
    """What fits: GB that a stage needs on a device, and what changes where that is too much."""
    for profile in ("one_gpu", "small"):
        rows = []
        for model in MODELS:
            stages = stages_of(f"profile={profile}", model)
            for name in MACHINES:
                found = forecast(stages, machine(name)).stages
                wrong = [one for one in found.values() if one.problems]
                cells = [_cell(found[stage]) for stage in SHOWN]
                rows.append([model.partition("/")[2], name, *cells, str(len(wrong))])
        head = ("base", "machine", *SHOWN, "do not fit")
        yield from table(f"profile={profile}: GB a device, and what makes it fit", head, rows)


def stages_of(profile: str, model: str, *more: str) -> dict[str, Stage]:
    """A recipe on a base of the hub."""
    words = [profile, "model@stages.base=hub", f"stages.base.path={model}", *more]
    composed = compose(R1, words)
    return build(composed.stages, R1.kinds(), composed.root).stages


def _cell(one: Estimate) -> str:
    needed = f"{sum(one.peak_bytes.values()) / 1e9:.0f}"
    if not one.problems:
        return needed
    (problem, *_) = one.problems
    words = problem.text.rpartition(": ")[2].replace(f"stages.{one.stage}.", "")
    words = words.replace("set it to", f"{problem.key} to").removeprefix("set ")
    return f"**{needed}** {words}"


def rl_memory() -> Iterator[str]:
    """RL's memory by what holds it, full weights and adapters, beside an engine's share."""
    rows = []
    for model in MODELS:
        for lora in ((), ("+lora@stages.zero.lora=default",)):
            stages = stages_of("profile=small", model, "recipe=r1_zero", *lora)
            one = forecast(stages, machine("a100x8")).stages["zero"]
            parts = [f"{one.peak_bytes.get(part, 0) / 1e9:.1f}" for part in PARTS]
            total = f"{sum(one.peak_bytes.values()) / 1e9:.0f}"
            rows.append([model.partition("/")[2], "adapters" if lora else "all", *parts, total])
    head = ("model", "learns", *PARTS, "in all")
    yield from table("GB of RL (`zero`), profile=small, a device of 80 GB", head, rows)


PARTS = (
    "weights",
    "gradients",
    "optimiser",
    "bf16 copies",
    "reference",
    "activations",
    "logits",
    "engine",
)
SECTIONS = {"published": tables, "paper": paper, "moe": moe, "fits": fits, "memory": rl_memory}


def main(names: Sequence[str]) -> None:
    for name in names or SECTIONS:
        print("\n".join(SECTIONS[name]()))


if __name__ == "__main__":
    main(sys.argv[1:])

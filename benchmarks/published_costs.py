"""What others told of the cost of their runs, beside what the formulas of `r1 plan --cost` give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from pipeline.compose import compose
from stages.costs import shapes, speed
from stages.costs.hardware import Hardware, of_root
from stages.costs.models import learning, reading
from stages.costs.shapes import BF16, FP8
from stages.costs.work import ROLLOUT, TRAIN, Draw, Engine, Passes, Work, assumed
from stages.project import R1

HOUR = 3600.0
PROMPT = 150.0  # tokens, where a source does not say: little beside completions of thousands
LLAMA = "meta-llama/Llama-3.1-8B"
V3 = "deepseek-ai/DeepSeek-V3"
NEMO = "NeMo-RL {}, its performance summary"


@dataclass(frozen=True)
class Step:
    """A step of GRPO: `told` seconds for so many sequences on so many GPUs.

    tokens_s: told of each GPU. drawn: seconds of generation that were told.
    """

    model: str
    machine: str
    gpus: int
    tensor_parallel: int
    sequences: int
    mean: float
    limit: int
    told: float
    tokens_s: float | None = None
    drawn: float | None = None


class Serving(NamedTuple):
    """An engine with a full batch: `told` tokens a second. weights: bytes of a parameter."""

    model: str
    machine: str
    tensor_parallel: int
    batch: int
    context: int
    weights: int
    told: float
    source: str


class Tuned(NamedTuple):
    """Supervised training: `told` GPU-hours."""

    model: str
    gpus: int
    rows: int
    length: int
    epochs: int
    told: float
    source: str


STEPS = (
    Step(LLAMA, "h100x8", 16, 1, 2048, 1060, 4096, 97.7, 1562),
    Step("Qwen/Qwen3-32B", "h100x8", 32, 4, 2048, 3206, 4096, 393, 540),
    Step("Qwen/Qwen3-30B-A3B", "h100x8", 32, 4, 2048, 3154, 4096, 225, 925),
    Step("Qwen/Qwen3-235B-A22B", "h100x8", 128, 16, 512, 5671, 8192, 506, 45.7),
    Step(V3, "h100x8", 256, 32, 512, 745, 1536, 154, 11),
)
LATER_STEPS = (
    Step(LLAMA, "h100x8", 16, 1, 2048, 1019, 4096, 92.8, 1581),
    Step("Qwen/Qwen3-32B", "h100x8", 32, 4, 2048, 3251, 4096, 376, 571),
    Step("Qwen/Qwen3-30B-A3B", "h100x8", 32, 2, 2048, 3203, 4096, 192, 1102),
    Step("Qwen/Qwen3-235B-A22B", "h100x8", 128, 16, 512, 5698, 8192, 395, 58.9),
    Step("Qwen/Qwen3-235B-A22B", "h100x8", 256, 16, 512, 5713, 8192, 312),
    Step(V3, "h100x8", 256, 32, 512, 701, 1536, 134, 12.1),
    Step(V3, "h100x8", 512, 32, 512, 697, 1536, 111),
)
#: verl's docs/perf/dpsk.md has the seconds and no name of a GPU; its text speaks of H20. The batch
#: is its script's: 96 prompts of 8 answers.
VERL_STEPS = tuple(
    Step(V3, name, 96, 32, 768, 1960, 9632, 1700, drawn=1050) for name in ("h20x8", "h100x8")
)
DISTILLED = "deepseek-ai/DeepSeek-R1-Distill-Qwen"
SERVING = (
    Serving(LLAMA, "h100x1", 1, 256, 1000, BF16, 12500, "vLLM on an H100 (told second-hand)"),
    Serving(f"{DISTILLED}-7B", "a100x1", 1, 128, 1000, BF16, 3363, "vLLM on an A100 (second-hand)"),
    Serving(
        *(V3, "h800x8", 8, 700, 4989, FP8, 14800),
        "DeepSeek's serving, of a node of 8 H800 (open-infra-index)",
    ),
)
TUNED = (
    Tuned("Qwen/Qwen2.5-32B", 16, 1000, 4700, 5, 7, "s1-32B (2501.19393); 4,700 tokens: ours"),
    Tuned("Qwen/Qwen2.5-32B", 16, 59000, 4700, 5, 394, "the same on all 59K rows (5.1)"),
    Tuned("Qwen/Qwen2.5-32B", 8, 17000, 3000, 3, 152, "Sky-T1, ZeRO 3 offload; 3,000 tokens ours"),
)
#: Phases of DeepScaleR-1.5B with their steps; lengths by its blog, from memory.
DEEPSCALER = (
    (1040, Step(f"{DISTILLED}-1.5B", "a100x8", 8, 1, 1024, 4000, 8192, 0)),
    (480, Step(f"{DISTILLED}-1.5B", "a100x8", 32, 1, 2048, 4500, 16384, 0)),
    (230, Step(f"{DISTILLED}-1.5B", "a100x8", 32, 1, 2048, 6000, 24576, 0)),
)
DEEPSCALER_HOURS = 3800  # of A100s


@cache
def machine(name: str, nodes: int = 1) -> Hardware:
    """A machine of conf/hardware."""
    composed = compose(R1, ["recipe=r1_zero", f"hardware={name}", f"hardware.nodes={nodes}"])
    return of_root(composed.root, name)


def shape(name: str) -> shapes.Shape:
    found = shapes.of_config(name, shapes.known()[name])
    assert found
    return found


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"\n**{title}**\n"
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def beside(predicted: float, told: float) -> list[str]:
    return [_short(predicted), _short(told), f"{predicted / told:.2f}"]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def grpo_seconds(step: Step) -> tuple[float, float]:
    """Seconds of generation, and of passes: forward 2, backward 4, old policy 2, reference 2."""
    hardware, model = machine(step.machine, step.gpus // 8), shape(step.model)
    how = Engine("vllm", 0, step.tensor_parallel)
    known = assumed(compose(R1, ["recipe=r1_zero", "profile=paper"]).root)
    longest = known.longest(step.mean, step.limit, step.sequences)
    draw = Draw(
        *(ROLLOUT, model, how, step.sequences, PROMPT, step.mean, longest, step.limit),
        prompts=step.sequences,
    )
    length = step.mean + PROMPT
    read = reading(TRAIN, model, step.sequences * length, length, 0.0)
    tasks = [_learnt(model, step.sequences * length, length, again=False), read, read]
    passes = sum(speed.passes_seconds("rl", one, Work(), hardware, step.gpus) for one in tasks)
    return speed.draw_seconds(draw, hardware, step.gpus), passes


def _learnt(model: shapes.Shape, tokens: float, length: float, again: bool) -> Passes:
    return learning(
        model,
        tokens=tokens,
        length=length,
        calls=0,
        updates=1,
        checkpointing=again,
        adapters=False,
    )


def tables() -> Iterator[str]:
    yield from _steps("v0.4", STEPS)
    yield from _steps("v0.5", LATER_STEPS)
    yield from _verl()
    yield from _training()
    yield from _serving()
    yield from _runs()


def _steps(version: str, steps: Sequence[Step]) -> Iterator[str]:
    rows = []
    for step in steps:
        drawn, passes = grpo_seconds(step)
        seconds = machine(step.machine).efficiencies.rl_overhead * (drawn + passes)
        tokens = step.sequences * (step.mean + PROMPT) / seconds / step.gpus
        name, told = step.model.partition("/")[2], beside(seconds, step.told)
        more = beside(tokens, step.tokens_s) if step.tokens_s else ["", "", ""]
        rows.append([name, str(step.gpus), f"{drawn:.0f} + {passes:.0f}", *told, *more])
    head = ["model", "GPUs", "drawn + passes, s", "with the overhead", "published", "ratio"]
    head += ["tokens/s a GPU", "published", "ratio"]
    yield from table(f"A step of GRPO on H100s ({NEMO.format(version)})", head, rows)


def _verl() -> Iterator[str]:
    """Generation and the whole step; the share of the peak that passes reach is told, too: 0.19."""
    rows: list[list[str]] = []
    for step in VERL_STEPS:
        assert step.drawn
        own, (drawn, passes) = machine(step.machine).efficiencies, grpo_seconds(step)
        of_rollout = beside(own.rl_overhead * drawn, step.drawn)
        of_step = beside(own.rl_overhead * (drawn + passes), step.told)
        share = beside(own.training["rl"] * own.moe, 0.19)
        rows.append([machine(step.machine).device.name, *of_rollout, *of_step, *share])
    head = ["on 96", "rollout, s", "published", "ratio", "step, s", "published", "ratio"]
    head += ["share of the peak", "published", "ratio"]
    yield from table("A step of GRPO of DeepSeek-V3 (verl, docs/perf/dpsk.md)", head, rows)


def _training() -> Iterator[str]:
    rows, hardware = [], machine("h100x8")
    for told, source in ((5800, "torchtitan, 8B on H100, 8,192 tokens"), (6700, "compiled")):
        task = _learnt(shape(LLAMA), 1e9, 8192, again=False)
        seconds = speed.passes_seconds("sft", task, Work(), hardware, 8)
        rows.append([source, *beside(1e9 / seconds / 8, told)])
    yield from table("Training, tokens/s a GPU", ("run", "predicted", "published", "ratio"), rows)


def _serving() -> Iterator[str]:
    rows = []
    for one in SERVING:
        how = Engine("vllm", 0, one.tensor_parallel, weights=one.weights)
        draw = Draw(ROLLOUT, shape(one.model), how, one.batch, one.context, 0, 0, 0, 1)
        step = speed.step_seconds(draw, machine(one.machine), one.tensor_parallel, one.batch)
        rows.append([one.source, one.model.partition("/")[2], *beside(one.batch / step, one.told)])
    head = ("engine", "model", "predicted", "published", "ratio")
    yield from table("Decoding, tokens/s of an engine", head, rows)


def _runs() -> Iterator[str]:
    rows = []
    for one in TUNED:
        task = _learnt(shape(one.model), one.rows * one.length * one.epochs, one.length, again=True)
        hardware = machine("h100x8", one.gpus // 8)
        seconds = speed.passes_seconds("sft", task, Work(), hardware, one.gpus)
        rows.append([one.source, *beside(seconds * one.gpus / HOUR, one.told)])
    slow, hours = machine("a100x8").efficiencies.rl_overhead, 0.0
    for steps, step in DEEPSCALER:
        hours += steps * slow * sum(grpo_seconds(step)) * step.gpus / HOUR
    source = "DeepScaleR-1.5B, RL on 8 to 32 A100; lengths of its blog, from memory"
    rows.append([source, *beside(hours, DEEPSCALER_HOURS)])
    yield from table("GPU-hours of runs", ("run", "predicted", "published", "ratio"), rows)

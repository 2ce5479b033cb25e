"""All algorithms of the family, side by side on the tiny world.

    python -m benchmarks.algorithms [--steps 40] [--jobs 2] [--only grpo rft …] [--json FILE]
                                    [--figure FILE]

Each trains the base that ships, on the same problems, with the same rewards (accuracy and format),
numbers of questions and samples per step, optimiser steps, learning rate and seed: those of
`recipe=r1_zero profile=tiny`, which suit GRPO and were tuned for nothing else here. Then each
answers the same held-out reasoning problems, four times each. `--jobs` algorithms run at once, each
in a process of its own with one thread; seconds are those of training, loading included, and the
peak is the process's resident memory while it trained. `--seeds 3` tells the luck of a seed.

Not a test: it prints what is true.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.artifact import Artifact
from pipeline.cli import R1
from pipeline.compose import compose
from pipeline.context import Context

ORDER = ["grpo", "dr_grpo", "dapo", "gspo", "rloo", "ppo", "online_rft", "star", "rft", "dpo"]
BASE = "base"
DRAWS = 4  # of each held-out problem
HELDOUT = {"math": 64, "code": 40, "stem": 40, "logic": 40}  # per language


@dataclass(frozen=True)
class Task:
    """One algorithm to be trained and asked; or the base, only asked."""

    algorithm: str
    steps: int
    seed: int
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came of it. accuracy, low, high: of held-out problems, 95 % over problems."""

    algorithm: str
    seed: int
    accuracy: float
    low: float
    high: float
    format: float
    samples: int
    tokens: int
    seconds: float
    peak_mb: float


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Run what was asked for, print the table, return its rows."""
    options = _options(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    _import_all()
    with tempfile.TemporaryDirectory() as folder:
        names = [BASE, *(name for name in ORDER if name in options.only)]
        tasks = [
            Task(name, options.steps, seed, Path(folder) / f"{name}-{seed}")
            for seed in range(options.seeds)
            for name in names
            if name != BASE or seed == 0
        ]
        found = []
        for outcome in _run(tasks, options.jobs):
            found.append(outcome)
            if options.json:  # what is done is kept if the rest is stopped
                options.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    found.sort(key=lambda outcome: (names.index(outcome.algorithm), outcome.seed))
    Console(width=110).print(table(found, options.steps))
    if options.figure:
        draw(found, options.figure)
    return [asdict(outcome) for outcome in found]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40, help="optimiser steps of 256 samples")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="at once, a core each")
    parser.add_argument("--only", nargs="+", choices=ORDER, default=ORDER)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args(arguments)


def _import_all() -> None:
    """Before the processes are forked: imports are paid once."""
    import stages.rl  # noqa: F401


def _run(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """The outcomes as they come."""
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, maxtasksperchild=1) as pool:  # a task's peak is its process's own
        for outcome in pool.imap_unordered(run, tasks, chunksize=1):
            words = f"{outcome.algorithm}: {outcome.accuracy:.1%} in {outcome.seconds:.0f} s"
            print(words, file=sys.stderr, flush=True)
            yield outcome


def run(task: Task) -> Outcome:
    """Train and ask, in this process."""
    from stages import problems, rl

    chosen = [] if task.algorithm == BASE else [f"algorithm={task.algorithm}"]
    recipe = compose(
        R1,
        [
            *("recipe=r1_zero", "profile=tiny", f"seed={task.seed}", *chosen),
            f"stages.zero.max_steps={task.steps}",
        ],
    ).stages
    base = Path("artifacts/base")
    (shipped,) = [
        Artifact(path, json.loads((path / "manifest.json").read_text())) for path in base.iterdir()
    ]
    data = {}
    for name, per_domain in (("reasoning_prompts", None), ("heldout", HELDOUT)):
        config = recipe[name]
        if per_domain:
            config.per_domain = per_domain
        context = _context(task, name)
        problems.run(config, {}, context)
        data[name] = Artifact(context.output, {"stage": name, "type": "problems"})
    if task.algorithm == BASE:
        return _asked(task, recipe, shipped.model_path, data["heldout"], {}, 0.0, 0.0)
    context = _context(task, "zero")
    inputs = {"init_from": (shipped,), "data_from": (data["reasoning_prompts"],)}
    start = time.perf_counter()
    facts = rl.run(recipe["zero"], inputs, context).facts
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    model = context.output / "model"
    return _asked(task, recipe, model, data["heldout"], facts, seconds, peak)


def _context(task: Task, stage: str) -> Context:
    work, output = task.folder / stage / "work", task.folder / stage / "output"
    work.mkdir(parents=True)
    output.mkdir()
    return Context(stage, stage, work, output, task.seed, threads=1, shared=task.folder / "shared")


def _asked(
    task: Task,
    recipe: Any,
    model: Path,
    heldout: Artifact,
    facts: Any,
    seconds: float,
    peak: float,
) -> Outcome:
    """The outcome, with the answers to the held-out problems."""
    from stages.data.metrics import bootstrap, mean
    from stages.data.rows import read_rows
    from stages.data.template import render_prompt
    from stages.rewards.format import strict
    from stages.rollout.engine import GenerationRequest
    from stages.rollout.transformers_engine import TransformersEngine
    from stages.training.common import load_model, load_tokenizer
    from stages.verifiers.pool import VerifierPool
    from stages.verifiers.verdict import request_of

    config = recipe["zero"]
    rows = list(read_rows(heldout.rows_path))
    tokenizer = load_tokenizer(model)
    engine = TransformersEngine(load_model(model).eval(), tokenizer, config.rollout.batch_tokens)
    texts = [render_prompt(tokenizer, row["prompt"], config.system_prompt) for row in rows]
    ids = tokenizer(texts, add_special_tokens=False).input_ids
    requests = [GenerationRequest(ids[n], DRAWS, n * DRAWS) for n in range(len(rows))]
    answers = engine.generate(requests, config.sampling)
    with VerifierPool.of(config.verifiers) as pool:
        verdicts = pool.verify(
            [
                request_of(row, completion.text)
                for row, completions in zip(rows, answers, strict=True)
                for completion in completions
            ]
        )
    scores = [verdict.score for verdict in verdicts]
    by_problem = [mean(scores[n * DRAWS : (n + 1) * DRAWS]) for n in range(len(rows))]
    estimate = bootstrap({"accuracy": by_problem}, seed=0)["accuracy"]
    formats = [strict(completion.text) for group in answers for completion in group]
    return Outcome(
        task.algorithm,
        task.seed,
        *(estimate.value, estimate.low, estimate.high),
        sum(formats) / len(formats),
        facts.get("samples_spent", 0),
        facts.get("tokens", 0),
        seconds,
        peak,
    )


def table(found: Sequence[Outcome], steps: int) -> Table:
    """A line per algorithm and seed."""
    shown = Table(title=f"{steps} optimiser steps from the tiny base, the same prompts and rewards")
    shown.add_column("algorithm")
    for head in ("seed", "held-out accuracy", "95 %", "format", "samples", "tokens"):
        shown.add_column(head, justify="right")
    for head in ("seconds", "samples/s", "peak MB"):
        shown.add_column(head, justify="right")
    for one in found:
        shown.add_row(
            one.algorithm,
            str(one.seed),
            f"{one.accuracy:.1%}",
            f"{one.low:.1%} … {one.high:.1%}",
            f"{one.format:.1%}",
            f"{one.samples:,}",
            f"{one.tokens:,}",
            f"{one.seconds:.0f}",
            f"{one.samples / one.seconds:.0f}" if one.seconds else "",
            f"{one.peak_mb:.0f}" if one.peak_mb else "",
        )
    return shown


def draw(found: Sequence[Outcome], path: Path) -> None:
    """Accuracy of each with its interval."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5))
    for place, one in enumerate(found):
        below, above = one.accuracy - one.low, one.high - one.accuracy
        axes.errorbar(place, one.accuracy, yerr=[[below], [above]], fmt="o", color="C0", capsize=3)
    axes.set_xticks(range(len(found)), [one.algorithm for one in found], rotation=30, ha="right")
    axes.set_ylabel("held-out accuracy")
    axes.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()

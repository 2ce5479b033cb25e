"""One algorithm trained on the tiny world, and asked what it learnt; for benchmarks/algorithms.py.

Whoever imports this has imported all that training needs, so a fork pays for it no more.
"""

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.compose import compose
from pipeline.context import Context
from pipeline.statistics import Bootstrap, estimates
from stages.chat.template import render_prompt
from stages.kinds.problems import run as problems
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import RLConfig
from stages.project import R1
from stages.rewards.format import strict
from stages.rollout.engine import GenerationRequest
from stages.rollout.transformers_engine import TransformersEngine
from stages.rows.schemas import read_rows
from stages.scoring.estimators import mean
from stages.training.common import load_model, load_tokenizer, use_threads
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of

BASE = "base"
BASES = Path("artifacts/base")
DRAWS = 4  # of each held-out problem
WORLDS = 2000  # of the bootstrap
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


def run(task: Task) -> Outcome:
    """Train and ask, in this process."""
    use_threads(1)
    recipe = _recipe(task)
    (base,) = [
        Artifact(path, json.loads((path / "manifest.json").read_text())) for path in BASES.iterdir()
    ]
    heldout = _problems(task, recipe["heldout"], "heldout")
    if task.algorithm == BASE:
        return _asked(task, recipe["zero"], base.model_path, heldout, {}, 0.0, 0.0)
    asked = _problems(task, recipe["reasoning_prompts"], "reasoning_prompts")
    context = _context(task, "zero")
    start = time.perf_counter()
    inputs = {"init_from": (base,), "data_from": (asked,)}
    facts = rl.run(recipe["zero"], inputs, context).facts
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    model = context.output / "model"
    return _asked(task, recipe["zero"], model, heldout, facts, seconds, peak)


def _recipe(task: Task) -> dict[str, Any]:
    """The stages of `recipe=r1_zero`, with the task's algorithm."""
    chosen = [] if task.algorithm == BASE else [f"algorithm={task.algorithm}"]
    words = ["recipe=r1_zero", "profile=tiny", f"seed={task.seed}", *chosen]
    stages = compose(R1, [*words, f"stages.zero.max_steps={task.steps}"]).stages
    stages["heldout"].split, stages["heldout"].per_domain = "settling", HELDOUT
    return stages


def _problems(task: Task, config: Any, name: str) -> Artifact:
    context = _context(task, name)
    problems.run(config, {}, context)
    return Artifact(context.output, {"stage": name, "type": "problems"})


def _context(task: Task, stage: str) -> Context:
    work, output = task.folder / stage / "work", task.folder / stage / "output"
    work.mkdir(parents=True)
    output.mkdir()
    return Context(stage, stage, work, output, task.seed, threads=1, shared=task.folder / "shared")


def _asked(
    task: Task,
    config: RLConfig,
    model: Path,
    heldout: Artifact,
    facts: Any,
    seconds: float,
    peak: float,
) -> Outcome:
    """The outcome, with the answers to the held-out problems."""
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
    estimate = estimates({"accuracy": by_problem}, Bootstrap(WORLDS, seed=0))["accuracy"]
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

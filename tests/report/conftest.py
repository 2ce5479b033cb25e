"""Published artifacts as the stages write them, made of numbers that a test chooses."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.artifact import MANIFEST, METRICS, Artifact

ROOT = Path(__file__).resolve().parents[2]
Columns = Mapping[str, Sequence[Any]]
Budgets = Mapping[int, Sequence[float | None]]


class World:
    """Artifacts of a run; `add_*` publish one and keep it under its stage's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts: dict[str, Artifact] = {}

    def add(self, stage: str, kind: str, type_: str, **more: Any) -> Path:
        """An artifact of any kind; `more` goes into its manifest."""
        path = self.folder / stage / f"{stage:0<16}"
        path.mkdir(parents=True)
        manifest = {
            "stage": stage,
            "kind": kind,
            "type": type_,
            "fingerprint": path.name,
            "seconds": 1.0,
            "attempts": 1,
            "config": {"kind": kind},
            "inputs": [],
            "facts": {},
            "funnel": {},
            "host": {"cpu": "abacus", "cores": 2, "device": "cpu", "peak_memory_mib": 512},
            "code": {"commit": "c0ffee"},
        } | more
        (path / MANIFEST).write_text(json.dumps(manifest))
        self.artifacts[stage] = Artifact(path, manifest)
        return path

    def add_model(self, stage: str, curve: Sequence[Mapping[str, float]] = (), **more: Any) -> Path:
        """A model, with the points of its training curve from step 1 on."""
        path = self.add(stage, "rl" if curve else "sft", "model", **more)
        (path / "model").mkdir()
        lines = [json.dumps({"step": i, "time": 1e9 + i, **p}) for i, p in enumerate(curve, 1)]
        if lines:
            (path / METRICS).write_text("\n".join(lines) + "\n")
        return path

    def add_evaluation(
        self, model: str, columns: Columns, budgets: Budgets | None = None, **facts: Any
    ) -> Path:
        """An evaluation of `model` with these columns of problems.parquet; 16 samples a problem.

        budgets: thinking budget → the accuracy of each problem under it.
        """
        size = len(next(iter(columns.values())))
        rows = {
            "id": [f"p{i}" for i in range(size)],
            "domain": ["math"] * size,
            "language": ["en"] * size,
            "group": ["reasoning"] * size,
            "n": [16] * size,
        } | {name: list(values) for name, values in columns.items()}
        points = [_point(budget, values) for budget, values in (budgets or {}).items()]
        all_facts = {"model": model, **_tables(rows), "budgets": points} | facts
        path = self.add(f"eval_{model}", "evaluate", "evaluation", facts=all_facts)
        pq.write_table(pa.table(rows), path / "problems.parquet")
        if budgets:
            pq.write_table(pa.table(_budget_rows(rows["id"], budgets)), path / "budgets.parquet")
        return path


def _budget_rows(ids: Sequence[str], budgets: Budgets) -> dict[str, list[Any]]:
    """The columns of budgets.parquet that the report reads."""
    cells = [
        (id_, budget, value)
        for budget, values in budgets.items()
        for id_, value in zip(ids, values, strict=True)
    ]
    names = ("id", "amount", "accuracy")
    columns = {name: [cell[i] for cell in cells] for i, name in enumerate(names)}
    return columns | {"setting": ["budgets"] * len(cells)}


def _point(budget: int, values: Sequence[float | None]) -> dict[str, float]:
    there = [value for value in values if value is not None]
    mean = sum(there) / len(there)
    interval = {"low": mean - 0.03, "high": mean + 0.03}
    return {"budget": budget, "value": mean, **interval, "n": len(there)} | {
        "mean_thinking_tokens": min(budget, 36)
    }


def _tables(rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Means with a made-up interval of ± 0.05; the stage that evaluates has tests of its own."""
    metrics = [name for name in rows if name not in ("id", "domain", "language", "group", "n")]

    def estimates(keep: Callable[[int], bool]) -> dict[str, Any]:
        found = {}
        for metric in metrics:
            cells = [v for i, v in enumerate(rows[metric]) if keep(i) and v is not None]
            if cells:
                mean = sum(cells) / len(cells)
                name = "cons_at_k" if metric == "cons" else metric
                found[name] = {"value": mean, "low": mean - 0.05, "high": mean + 0.05}
                found[name]["n"] = len(cells)
        return found

    def cut(column: str) -> dict[str, Any]:
        return {
            value: estimates(lambda i, value=value: rows[column][i] == value)
            for value in dict.fromkeys(rows[column])
        }

    return {
        "overall": estimates(lambda i: True),
        "by_domain": cut("domain"),
        "by_language": cut("language"),
        "by_group": cut("group"),
    }


DOMAINS = ("math", "code", "stem", "logic", "general")
#: stage → accuracy on reasoning, on general tasks, share of mixed thoughts, thinking length
MODELS = {
    "base": (0.23, 0.30, 0.35, 27),
    "base_weak": (0.10, 0.12, 0.40, 24),
    "zero": (0.78, 0.32, 0.48, 36),
    "zero_weak": (0.16, 0.12, 0.42, 25),
    "dev1": (0.55, 0.66, 0.03, 34),
    "dev2": (0.74, 0.68, 0.02, 38),
    "dev2_nolang": (0.76, 0.67, 0.22, 38),
    "dev3": (0.76, 0.80, 0.02, 37),
    "r1": (0.80, 0.88, 0.01, 38),
    "r1_overopt": (0.62, 0.84, 0.02, 44),
    "student_qwen_base": (0.05, 0.10, 0.40, 20),
    "student_qwen": (0.60, 0.75, 0.03, 35),
    "student_llama_base": (0.04, 0.09, 0.41, 20),
    "student_llama": (0.52, 0.70, 0.03, 35),
    "student_rl": (0.20, 0.12, 0.41, 22),
}
RL = {
    "zero": (100, 0.23, 0.78),
    "zero_weak": (100, 0.10, 0.16),
    "dev2": (60, 0.55, 0.76),
    "dev2_nolang": (60, 0.55, 0.77),
    "r1": (40, 0.74, 0.80),
    "r1_overopt": (60, 0.80, 0.60),
    "student_rl": (80, 0.05, 0.20),
}
SECONDS = {"rl": 95.0, "sft": 21.0, "evaluation": 9.0}


def fill(world: World, problems: int = 300) -> None:
    """Publish every artifact of the recipe, with numbers shaped like the paper's."""
    chance = random.Random(0)
    world.add("heldout", "problems", "problems", seconds=0.4)
    for stage in MODELS:
        curve = _curve(chance, stage) if stage in RL else ()
        world.add_model(stage, curve, seconds=SECONDS["rl" if curve else "sft"] + len(stage))
    funnel = {"sampled": 800, "wrong": 210, "mixed_language": 94, "truncated": 11, "kept": 485}
    world.add("cold_start_data", "sample", "samples", funnel=funnel, seconds=14.0)
    for name, reads in (("helpful_rm", "answer"), ("safety_rm", "response")):
        facts = {"accuracy": 0.91, "rows": 400, "scores": reads}
        world.add(name, "reward_model", "reward_model", facts=facts, seconds=18.0)
    difficulty = [chance.gauss(0, 1) for _ in range(problems)]
    for stage, numbers in MODELS.items():
        columns = _columns(chance, difficulty, *numbers)
        if stage in ("r1", "r1_overopt"):  # the reward of the longer one is the higher
            liked = 1.2 if stage == "r1_overopt" else 0.4
            columns["reward_helpful"] = [
                liked + 0.1 * hard if domain == "general" else None
                for domain, hard in zip(columns["domain"], difficulty, strict=True)
            ]
        budgets = _budgets(columns) if stage in ("zero", "r1") else None
        waits = _waits(numbers[0]) if stage == "r1" else []
        world.add_evaluation(stage, columns, budgets, waits=waits)


def _curve(chance: random.Random, stage: str) -> list[dict[str, float]]:
    steps, start, end = RL[stage]
    grows = "nolang" in stage or "zero" in stage
    points = []
    for step in range(steps):
        done = 1 - math.exp(-3 * step / steps)
        accuracy = start + (end - start) * done + chance.gauss(0, 0.03)
        consistent = (0.9 - 0.2 * done) if grows else 0.97
        points.append(
            {
                "accuracy": accuracy,
                "reward": accuracy + 0.2 + chance.gauss(0, 0.02),
                "reward/helpful": (2.5 if "over" in stage else 0.8) * done + chance.gauss(0, 0.1),
                "thinking_length": 22 + 14 * done + chance.gauss(0, 1),
                "length": 30 + 14 * done + chance.gauss(0, 1),
                "checking_words": 0.3 + 0.6 * done + chance.gauss(0, 0.05),
                "language_consistency": consistent + chance.gauss(0, 0.01),
            }
            | _held_out(accuracy, step)
        )
    return points


def _held_out(accuracy: float, step: int) -> dict[str, float]:
    """What `validate_on` shows every 20 steps."""
    if step % 20:
        return {}
    return {"validation/accuracy": accuracy, "validation/cons_at_k": min(1.0, accuracy + 0.1)}


def _columns(
    chance: random.Random,
    difficulty: list[float],
    reasoning: float,
    general: float,
    mixed: float,
    thinking: float,
) -> dict[str, list[Any]]:
    domains = [DOMAINS[i % 5] for i in range(len(difficulty))]
    rates = [general if d == "general" else reasoning for d in domains]
    chances = [_logistic(_logit(r) + 0.8 * d) for r, d in zip(rates, difficulty, strict=True)]
    correct = [sum(chance.random() < p for _ in range(16)) for p in chances]
    size = range(len(difficulty))
    return {
        "domain": domains,
        "language": [("en", "zh")[i % 2] for i in size],
        "group": ["general" if d == "general" else "reasoning" for d in domains],
        "correct": correct,
        "pass_at_1": [c / 16 for c in correct],
        "pass_at_16": [float(c > 0) for c in correct],
        "cons": [None if domains[i] == "code" else float(correct[i] > 7) for i in size],
        "format": [0.97] * len(difficulty),
        "language_consistency": [1 - mixed * chance.random() for _ in size],
        "mixed_language": [min(1.0, mixed * 2 * chance.random()) for _ in size],
        "thinking_length": [thinking + chance.gauss(0, 4) for _ in size],
        "length": [thinking + 8 + chance.gauss(0, 4) for _ in size],
        "checking_words": [thinking / 40 + chance.gauss(0, 0.1) for _ in size],
        "truncation": [0.01] * len(difficulty),
    }


def _budgets(columns: Columns) -> Budgets:
    """The more a model thinks, the nearer it comes to its accuracy, on reasoning alone."""
    asked = [
        None if group == "general" else value
        for group, value in zip(columns["group"], columns["pass_at_1"], strict=True)
    ]
    return {
        budget: [None if v is None else v * (1 - math.exp(-budget / 12)) for v in asked]
        for budget in (0, 4, 8, 12, 16, 24, 32, 48)
    }


def _waits(top: float) -> list[dict[str, float]]:
    return [
        {"waits": waits, "value": top, "low": top - 0.03, "high": top + 0.03}
        | {"n": 240, "mean_thinking_tokens": 36 + 16 * waits}
        for waits in (0, 1, 2)
    ]


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty run."""
    return World(tmp_path / "store")


@pytest.fixture
def whole(world: World) -> World:
    """A finished run of the whole recipe."""
    fill(world)
    return world


@pytest.fixture(scope="session")
def shipped() -> dict[str, Any]:
    """The claims config that ships with the project."""
    claims: dict[str, Any] = yaml.safe_load((ROOT / "conf" / "claims" / "r1.yaml").read_text())
    claims["shown"]["beside"] = yaml.safe_load((ROOT / "conf/beside/r1.yaml").read_text())
    claims["bootstrap"] = yaml.safe_load((ROOT / "conf" / "config.yaml").read_text())["bootstrap"]
    return claims

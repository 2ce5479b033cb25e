"""A made-up run of the whole recipe, shaped like the paper's: for the report's tests and eyes."""

from __future__ import annotations

import math
import random
from typing import Any

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


def fill(world: Any, problems: int = 300) -> None:
    """Publish every artifact of the recipe into `world`."""
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
        budgets = _budgets(numbers[0]) if stage in ("zero", "r1") else []
        world.add_evaluation(stage, columns, budgets=budgets)


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
        )
    return points


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


def _budgets(top: float) -> list[dict[str, float]]:
    points = []
    for budget in (4, 8, 16, 32, 64):
        value = top * (1 - math.exp(-budget / 12))
        points.append(
            {"budget": budget, "value": value, "low": value - 0.03, "high": value + 0.03}
            | {"n": 240, "mean_thinking_tokens": min(budget, 36)}
        )
    return points


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))

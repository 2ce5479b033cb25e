"""What an RL stage's algorithm cannot do as it is set."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem
from stages.kinds.rl.config import RLConfig

#: Each algorithm's data source and coefficient: what its name promises.
FAMILY = {
    "grpo": ("policy", "group"),
    "dr_grpo": ("policy", "group"),
    "dapo": ("policy", "group"),
    "gspo": ("policy", "group"),
    "rloo": ("policy", "leave_one_out"),
    "ppo": ("policy", "value"),
    "online_rft": ("policy", "right"),
    "rft": ("initial", "right"),
    "dpo": ("initial", "preference"),
    "star": ("round", "right"),
}


def check(config: RLConfig) -> Iterator[Problem]:
    """A name that is another's, samples that nothing calls right, models that cannot be copied."""
    yield from _name(config)
    yield from _right(config)
    yield from _second_model(config)
    yield from _rounds(config)


def _name(config: RLConfig) -> Iterator[Problem]:
    algorithm = config.algorithm
    found = (algorithm.samples, algorithm.advantage)
    if FAMILY.get(algorithm.name) != found:
        fitting = [name for name, row in FAMILY.items() if row == found] or sorted(FAMILY)
        yield Problem(
            "algorithm.name",
            f"is {algorithm.name}, and no such algorithm has samples={algorithm.samples} with "
            f"advantage={algorithm.advantage}: choose a whole one, e.g. algorithm={fitting[0]}",
        )


def _right(config: RLConfig) -> Iterator[Problem]:
    algorithm = config.algorithm
    asks = algorithm.advantage in ("right", "preference")
    missing = [term for term in algorithm.right if term not in config.rewards]
    if asks and (missing or not algorithm.right):
        yield Problem(
            "algorithm.right",
            f"is {algorithm.right}, and algorithm={algorithm.name} trains on what scores in full "
            f"there: name terms of the stage's rewards ({', '.join(config.rewards) or 'none yet'})",
        )


def _second_model(config: RLConfig) -> Iterator[Problem]:
    """A critic or a sampler is a whole model of its own in every process."""
    algorithm = config.algorithm
    second = algorithm.advantage == "value" or algorithm.samples != "policy"
    if second and config.parallel.strategy != "ddp":
        yield Problem(
            "parallel.strategy",
            f"is {config.parallel.strategy}, and the second model of algorithm={algorithm.name} "
            "is not sharded: set it to ddp, or choose algorithm=grpo",
        )


def _rounds(config: RLConfig) -> Iterator[Problem]:
    algorithm = config.algorithm
    if algorithm.samples != "round":
        return
    if config.lora is not None:
        yield Problem("lora", f"is set, and {algorithm.name} starts full weights again: set null")
    rounds, steps = algorithm.rounds, config.max_steps
    if not 1 <= rounds <= steps:
        yield Problem("algorithm.rounds", f"is {rounds}: set it from 1 to max_steps={steps}")

"""What a gang of processes cannot do as it is set (docs/parallel.md)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from pipeline.kinds import Problem
from stages.configs import Parallel, RLConfig

STRATEGIES = ("ddp", "fsdp", "deepspeed")


def gang(parallel: Parallel) -> Iterator[Problem]:
    """A strategy that there is, with its settings."""
    strategy = parallel.strategy
    if strategy not in STRATEGIES:
        yield Problem(
            "parallel.strategy", f"is {strategy}: set it to one of {', '.join(STRATEGIES)}"
        )
        return
    if parallel.processes is not None and parallel.processes < 1:
        yield Problem(
            "parallel.processes",
            f"is {parallel.processes}: set it to 1 or more, or null for one per GPU",
        )
    if strategy != "ddp" and not getattr(parallel, strategy):
        group = {"fsdp": "fsdp2", "deepspeed": "zero2"}[strategy]
        yield Problem(
            f"parallel.{strategy}",
            f"is empty, and parallel.strategy is {strategy}: choose a group that fills it, e.g. "
            f"parallel={group}",
        )
    if strategy == "deepspeed" and find_spec("deepspeed") is None:
        yield Problem(
            "parallel.strategy",
            "is deepspeed, which is not installed: pip install deepspeed, or parallel=fsdp2",
            when_run=True,
        )


def rl(config: RLConfig) -> Iterator[Problem]:
    """RL generates from the weights in training; checks/algorithms.py has second models."""
    parallel = config.parallel
    yield from gang(parallel)
    if parallel.strategy == "ddp":
        yield from _vllm(config)
        return
    stage = parallel.deepspeed.get("zero_optimization", {}).get("stage")
    if parallel.strategy == "deepspeed" and stage == 3:
        yield Problem(
            "parallel.deepspeed.zero_optimization.stage",
            "is 3, which has no whole weights to generate from: use parallel=fsdp2 or "
            "parallel=zero2",
        )
    if parallel.strategy == "fsdp" and config.reference_sync_steps and config.lora is None:
        yield Problem(
            "reference_sync_steps",
            f"is {config.reference_sync_steps}, and a checkpoint does not hold a reference that "
            "fsdp shares out, so no resume would be exact: set it to 0, or use parallel=zero2",
        )
    yield from _vllm(config)


def _vllm(config: RLConfig) -> Iterator[Problem]:
    """A colocated engine lives in the processes of the gang."""
    size, processes = config.rollout.tensor_parallel_size, config.parallel.processes
    if config.rollout.engine != "vllm" or config.rollout.vllm_server or processes is None:
        return
    if processes % size:
        yield Problem(
            "rollout.tensor_parallel_size",
            f"is {size}, and the engine lives in the gang of parallel.processes={processes}: set "
            f"it to a divisor of {processes}",
        )

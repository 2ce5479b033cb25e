"""Which GPUs each replica of an engine has."""

from __future__ import annotations

import os

import torch

from pipeline.errors import UsageError
from stages.settings.generation import Rollout

VISIBLE = "CUDA_VISIBLE_DEVICES"


def devices(rollout: Rollout) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES of each replica; None without a GPU. Counting starts no CUDA."""
    if rollout.engine == "server":
        return [None]
    each = rollout.tensor_parallel_size
    if not (names := gpus()):
        return [None] * max(1, rollout.replicas)
    replicas = rollout.replicas or len(names) // each
    if replicas < 1 or replicas * each > len(names):
        raise UsageError(
            f"rollout.replicas={rollout.replicas} engines on tensor_parallel_size={each} GPUs "
            f"each do not fit the {len(names)} GPUs that are visible"
        )
    return [",".join(names[i * each : (i + 1) * each]) for i in range(replicas)]


def gpus() -> list[str]:
    """The GPUs that this process sees, as CUDA_VISIBLE_DEVICES names them."""
    count = torch.cuda.device_count()
    given = os.environ.get(VISIBLE, "")
    names = [name.strip() for name in given.split(",") if name.strip()][:count]
    return names or [str(index) for index in range(count)]

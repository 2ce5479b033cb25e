"""Which GPUs each replica of an engine has."""

from __future__ import annotations

import os

import torch

from pipeline.errors import UsageError
from stages.settings.generation import Rollout


def devices(rollout: Rollout) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES of each replica; None without a GPU. Counting starts no CUDA."""
    if rollout.engine == "server":
        return [None]
    count, each = torch.cuda.device_count(), rollout.tensor_parallel_size
    if count == 0:
        return [None] * max(1, rollout.replicas)
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [name.strip() for name in given.split(",") if name.strip()][:count]
    names = names or [str(index) for index in range(count)]
    replicas = rollout.replicas or len(names) // each
    if replicas < 1 or replicas * each > len(names):
        raise UsageError(
            f"rollout.replicas={rollout.replicas} engines on tensor_parallel_size={each} GPUs "
            f"each do not fit the {len(names)} GPUs that are visible"
        )
    return [",".join(names[i * each : (i + 1) * each]) for i in range(replicas)]

"""`python -m stages.training.reach`: whether the nodes of a gang reach each other by collectives.

Started on each node as one rank, with what torch.distributed reads (RANK, WORLD_SIZE, MASTER_ADDR,
MASTER_PORT). A line of JSON for each thing that is known, so that a hang hides none that came
before: torch's version and how many GPUs it sees, then for gloo, and for NCCL where every rank has
a GPU, the GB/s of an all-reduce (bytes of the tensor by seconds).
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist

LIMIT = timedelta(seconds=45)  # for each: a network that works takes a second
BYTES = 16 * 2**20


def main() -> int:
    """Say what is reached; the exit code is 1 where something is not."""
    devices = torch.cuda.device_count()
    say(torch=torch.__version__, torch_gpus=devices)
    try:
        dist.init_process_group("gloo", timeout=LIMIT)
        say(gloo=rate(torch.device("cpu")))
        least = torch.tensor(devices)
        dist.all_reduce(least, dist.ReduceOp.MIN)
        if least > 0:
            device = torch.device("cuda", 0)
            group = dist.new_group(backend="nccl", timeout=LIMIT, device_id=device)
            say(nccl=rate(device, group))
    except RuntimeError as error:
        say(error=" ".join(str(error).split())[:500])
        return 1
    dist.destroy_process_group()
    return 0


def rate(device: torch.device, group: dist.ProcessGroup | None = None) -> float:
    """GB/s of an all-reduce of ones. Raises RuntimeError, also where the sum is wrong."""
    numbers = torch.ones(BYTES // 4, device=device)
    dist.all_reduce(numbers, group=group)  # the first one connects
    dist.barrier(group)
    began = time.monotonic()
    dist.all_reduce(numbers, group=group)
    total = float(numbers[-1])  # waits for the device
    if total != dist.get_world_size() ** 2:
        raise RuntimeError(f"the sum over {dist.get_world_size()} nodes squared came to {total}")
    return round(BYTES / (time.monotonic() - began) / 1e9, 3)


def say(**found: str | int | float) -> None:
    """One line, at once."""
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.exit(main())

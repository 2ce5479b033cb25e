"""What the kernel and the accelerator say that a process used."""

from __future__ import annotations

import resource
import sys


def peak_memory_mib() -> float:
    """The most that this process held at a time, or the largest of those that it waited for."""
    own, child = (resource.getrusage(who).ru_maxrss for who in _USAGES)
    return max(own, child) / 1024


_USAGES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def memory() -> dict[str, float]:
    """MiB at their most: of the process, of its tensors on an accelerator, of all that is there."""
    found = {"memory_mib": peak_memory_mib()}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        free, total = torch.cuda.mem_get_info()
        found["device_mib"] = torch.cuda.max_memory_allocated() / 2**20
        found["device_used_mib"] = (total - free) / 2**20
    return found


def children_seconds() -> float:
    """Seconds that the processes which this one waited for have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

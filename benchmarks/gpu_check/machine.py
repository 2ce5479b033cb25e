"""What the machine is, asked of nvidia-smi; CUDA is not started."""

from __future__ import annotations

from pipeline.errors import UsageError
from stages.costs.detect import ask, at_hand

QUERY = ("name", "driver_version", "memory.total")


def gpus() -> list[dict[str, str]]:
    """Each GPU as nvidia-smi tells it; none where it does not answer."""
    return [dict(zip(QUERY, row, strict=True)) for row in ask(*QUERY)]


def peak_tflops() -> float | None:
    """Of a GPU here, dense bf16 (conf/hardware/device); None: unknown, so there is no MFU."""
    try:
        return float(at_hand()["device"]["tflops"]["bfloat16"])
    except (UsageError, KeyError):
        return None

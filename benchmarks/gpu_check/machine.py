"""What the machine is, asked of nvidia-smi; CUDA is not started."""

from __future__ import annotations

import subprocess

from pipeline.errors import UsageError
from stages.costs.detect import at_hand

QUERY = ("name", "driver_version", "memory.total")


def gpus() -> list[dict[str, str]]:
    """Each GPU as nvidia-smi tells it; none where it does not answer."""
    command = ["nvidia-smi", f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (row.split(",") for row in done.stdout.splitlines() if row.strip())
    return [dict(zip(QUERY, map(str.strip, row), strict=True)) for row in rows]


def peak_tflops() -> float | None:
    """Of a GPU here, dense bf16 (conf/hardware/device); None: unknown, so there is no MFU."""
    try:
        return float(at_hand()["device"]["tflops"]["bfloat16"])
    except (UsageError, KeyError):
        return None

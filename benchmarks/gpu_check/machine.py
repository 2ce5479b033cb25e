"""What the machine is, asked of nvidia-smi; CUDA is not started."""

from __future__ import annotations

import subprocess

QUERY = ("name", "driver_version", "memory.total")

#: Dense bf16 TFLOP/s, by a part of nvidia-smi's name; the first that fits. NVIDIA's data sheets
#: (half of what those say "with sparsity").
PEAK = {
    "GB200": 2500.0,
    "B200": 2250.0,
    "H200": 989.0,
    "H100 NVL": 835.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "H800": 989.0,
    "H20": 148.0,
    "A100": 312.0,
    "A800": 312.0,
    "A40": 149.7,
    "A10": 125.0,
    "L40S": 362.0,
    "L40": 181.0,
    "L4": 121.0,
    "RTX 4090": 165.2,
    "RTX 3090": 71.0,
}


def gpus() -> list[dict[str, str]]:
    """Each GPU as nvidia-smi tells it; none where it does not answer."""
    command = ["nvidia-smi", f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (row.split(",") for row in done.stdout.splitlines() if row.strip())
    return [dict(zip(QUERY, map(str.strip, row), strict=True)) for row in rows]


def peak_tflops(found: list[dict[str, str]]) -> float | None:
    """Of the first GPU; None: unknown, and the MFU is left out."""
    name = found[0]["name"] if found else ""
    return next((peak for part, peak in PEAK.items() if part in name), None)

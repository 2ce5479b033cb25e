"""`r1 doctor`: what this machine has, without importing anything heavy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psutil

from pipeline import manifest


def facts(folder: Path) -> dict[str, str]:
    """What matters for a run whose results go to a folder."""
    found = ", ".join(f"{name} {version}" for name, version in manifest.versions().items())
    disk = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists()))
    return {
        "versions": found,
        "processor": f"{manifest.cpu_model()}, {manifest.cores()} cores",
        "memory": _memory(),
        "disk": f"{disk.free / 2**30:.1f} GiB free for {folder}",
        "GPU": _gpu(),
    }


def _memory() -> str:
    memory = psutil.virtual_memory()
    return f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} GiB available"


def _gpu() -> str:
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return "none (no nvidia-smi): stages run on the CPU"
    query = [smi, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"nvidia-smi does not answer: {error}"
    names = "; ".join(done.stdout.split("\n")).strip("; ")
    return names if done.returncode == 0 and names else "none: stages run on the CPU"

"""The machine at hand: GPUs by the names that nvidia-smi gives, else the cores of the CPU."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from pipeline.devices import visible
from pipeline.errors import UsageError

MAKER = "NVIDIA "
MIB = 2**20
CHOSEN = "CUDA_VISIBLE_DEVICES"  # says how many of them are used


def at_hand() -> dict[str, Any]:
    """What conf/hardware would say of this machine. Raises UsageError for an unknown GPU."""
    found = gpus()
    seen = visible() if CHOSEN in os.environ else tuple(found)
    if not found or not seen:
        return _of_cpu()
    name, mib = found[0]
    known = devices()
    fitting = [device for device in known.values() if _is(name, device)]
    if not fitting:
        raise UsageError(
            f"hardware=this: nvidia-smi names a `{name}`, which no file of conf/hardware/device "
            f"knows; there are {', '.join(sorted(known))}. Name a machine that is like it, e.g. "
            "hardware=h100x8, or write its numbers into a file with the keys of one of these: "
            "hardware.file=mine.yaml (docs/costs.md)"
        )
    device = {**fitting[0], "memory_gb": round(mib * MIB / 1e9, 1)}
    return {"name": f"{len(seen)} × {device['name']}", "devices": len(seen), "device": device}


def gpus() -> list[tuple[str, float]]:
    """Name and MiB of each GPU of the machine."""
    return [(name, float(mib)) for name, mib in ask("name", "memory.total") if mib.isdigit()]


def ask(*fields: str) -> list[list[str]]:
    """What nvidia-smi says of each GPU, field by field; nothing where it does not answer."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return []
    query = [smi, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split(",") for line in done.stdout.splitlines() if line.strip()]
    return [[value.strip() for value in row] for row in rows if len(row) == len(fields)]


def devices() -> dict[str, dict[str, Any]]:
    """The files of conf/hardware/device, by name."""
    files = sorted((_folder() / "device").glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text()) for path in files}


def _folder() -> Path:
    spec = importlib.util.find_spec("conf")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) / "hardware"


def _is(name: str, device: Mapping[str, Any]) -> bool:
    """`NVIDIA H100 80GB HBM3` begins with `H100 80GB HBM3`; `L40S` does not with the word `L4`."""
    short = name.removeprefix(MAKER)
    return any(f"{short} ".startswith(f"{known} ") for known in device["matches"])


def _of_cpu() -> dict[str, Any]:
    """A core is a device, and has its share of the memory."""
    cores = len(os.sched_getaffinity(0))
    device = {
        **devices()["cpu"],
        "memory_gb": round(psutil.virtual_memory().total / cores / 1e9, 2),
    }
    own = yaml.safe_load((_folder() / "_cpu.yaml").read_text())
    return {**own, "name": f"{cores} CPU cores", "devices": cores, "device": device}

"""The report of the check, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.parts import Setting, Told


def line(told: Told) -> str:
    """A part in one line."""
    because = f" because {told.why}" if told.why else ""
    return f"{told.name}: {told.outcome}{because} ({told.seconds:.0f} s)"


def write(told: Sequence[Told], setting: Setting) -> Path:
    """report.md and, beside it, report.json."""
    facts = {"device": "gpu" if setting.gpu else "cpu", "parts": [asdict(one) for one in told]}
    (setting.folder / "report.json").write_text(json.dumps(facts, indent=1) + "\n")
    where = "a GPU" if setting.gpu else "a CPU, at the tiny size: its speeds say nothing of a GPU"
    parts = [f"## {one.title}\n\n{line(one)}\n{_table(one.facts)}" for one in told]
    report = setting.folder / "report.md"
    report.write_text("\n".join([f"# gpu-check\n\nRun on {where}.\n", *parts]))
    return report


def _table(facts: dict[str, Any]) -> str:
    if not facts:
        return ""
    rows = [f"| {name} | {_told(value)} |" for name, value in facts.items()]
    return "\n" + "\n".join(["| | |", "|---|---|", *rows]) + "\n"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(_told, value)) or "none"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)

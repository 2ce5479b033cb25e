"""What a finished stage cost, by its manifest.

New manifests say it (`cost`: pipeline/meter.py); of older ones, what their facts have: the tokens
of a training, of the samples that were drawn. What nobody counted is None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIB = 2**20


@dataclass(frozen=True)
class Actual:
    """Seconds over all attempts, by phase where they are known; tokens; bytes.

    tokens_in: prompts that an engine read, and what was trained on. memory: of the largest process.
    device: what was held of an accelerator, by anybody. longest: tokens of the longest completion.
    """

    seconds: float
    phases: Mapping[str, float]
    processor: Mapping[str, float]
    tokens_in: float | None
    tokens_out: float | None
    memory_bytes: float | None
    device_bytes: float | None
    disk_bytes: float
    longest: float | None
    counts: Mapping[str, float]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Actual:
        """What one manifest says."""
        cost: Mapping[str, Mapping[str, float]] = manifest.get("cost") or {}
        facts, counts, peaks = (
            manifest.get("facts") or {},
            cost.get("counts") or {},
            cost.get("peaks") or {},
        )
        memory = peaks.get("memory_mib") or manifest.get("host", {}).get("peak_memory_mib")
        device = peaks.get("device_used_mib") or peaks.get("device_mib")
        return cls(
            seconds=float(manifest.get("seconds", 0.0)),
            phases=cost.get("phases") or {},
            processor=cost.get("processor") or {},
            tokens_in=_tokens_in(manifest["kind"], facts, counts),
            tokens_out=_tokens_out(facts, counts),
            memory_bytes=memory * MIB if memory else None,
            device_bytes=device * MIB if device else None,
            disk_bytes=float(sum(file["bytes"] for file in manifest.get("files", {}).values())),
            longest=peaks.get("longest"),
            counts=counts,
        )


def _tokens_in(kind: str, facts: Mapping[str, Any], counts: Mapping[str, float]) -> float | None:
    """Prompts and what was learnt from; before there were counts, what was learnt from."""
    if counts:
        return counts.get("tokens_in", 0.0) + counts.get("tokens_trained", 0.0) or None
    trained: float | None = (facts.get("compute") or {}).get("tokens")
    return trained or (facts.get("tokens") if kind == "pretrain" else None)


def _tokens_out(facts: Mapping[str, Any], counts: Mapping[str, float]) -> float | None:
    """Of an evaluation before there were counts: the mean length of its samples."""
    if "tokens_out" in counts:
        return counts["tokens_out"]
    if "completions" in facts:
        return facts.get("tokens")
    length = (facts.get("overall") or {}).get("length")
    if length and "samples_per_problem" in facts:
        return float(length["value"] * length["n"] * facts["samples_per_problem"])
    return facts.get("tokens_drawn")

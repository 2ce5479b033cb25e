"""Weights that an engine can train and export as they came. No torch here.

Mixtures of experts come as they are served: in fp8, with a layer that predicts further tokens
(DeepSeek-V3). Engines train bf16 weights and leave that layer out, so an export would lack weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.kinds import Problem, Stage
from stages.settings.context import CONFIG, config_file
from stages.settings.engine import TRL

QUANTIZED, FURTHER = "quantization_config", "num_nextn_predict_layers"


def check(stage: Stage) -> Iterator[Problem]:
    """A checkpoint that no engine trains, where its config.json is on this machine."""
    source = stage
    while before := source.inputs["init_from"]:
        source = before[0]
    if stage.config.engine.name == TRL or source.kind.name != "pretrained":
        return
    file = config_file(source.config.path, source.config.revision)
    if file and (words := _against(_read(file))):
        yield Problem("init_from", f"comes from {source.config.path}: {words}", when_run=True)


def require(folder: Path, key: str) -> None:
    """Refuse such a checkpoint when the stage starts. Raises UsageError."""
    if words := _against(_read(folder / CONFIG)):
        raise UsageError(f"{key}: {words}")


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):  # whoever loads it says so
        return {}
    return found if isinstance(found, dict) else {}


def _against(said: Mapping[str, Any]) -> str:
    """What stands against training it; empty: nothing."""
    if said.get(QUANTIZED):
        return (
            f"its config.json has {QUANTIZED}, and an engine trains bf16 weights: name a folder "
            "in bf16 (of DeepSeek-V3, what its fp8_cast_bf16.py makes) without that key"
        )
    if said.get(FURTHER):
        return (
            f"its config.json has {FURTHER}={said[FURTHER]}, layers that an engine does not "
            f"export: name a folder without their weights, and with {FURTHER}=0"
        )
    return ""

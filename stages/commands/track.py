"""`r1 track RUN_FOLDER`: the engine's tracking, with what this recipe shows of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import tracking
from pipeline.hooks import Observer
from stages.project import R1


def main(arguments: Sequence[str]) -> int:
    """Send a run to MLflow that could not be sent while it ran. Returns the exit code."""
    return tracking.command(arguments, R1.results)


def build_observer(config: Mapping[str, Any]) -> Observer:
    """Who is told what a run does, as the config asks for it."""
    return tracking.build_observer(config, R1.results)

"""What every stage has, and how a field of a config is marked.

Fields marked `placement()` say where and how fast a stage runs, never what it produces: they are
outside the fingerprint. Numbers live in `conf/`; a field without a default must be set there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

WHEN_SET = "when set"  # in the identity where it differs from its default


def placement(default: Any) -> Any:
    """A field that does not change results (devices, batch splits, save intervals)."""
    return field(default=default, metadata={"identity": False})


def later(made: Any) -> Any:
    """A field that came after results were published: outside the fingerprint by default.

    made: its default, which does what was done before there was the field.
    """
    return field(default_factory=made, metadata={"identity": WHEN_SET})


def outside_file(default: Any) -> Any:
    """A path or a hub name. A local file or folder is identified by its content, not its path."""
    return field(default=default, metadata={"file": True})


def from_root(key: str, made: Callable[[], Any] = lambda: MISSING, **metadata: Any) -> Any:
    """A field that has what the root has under `key`, unless the stage says otherwise.

    made: of a section, its dataclass (pipeline/compose.py).
    """
    return field(default_factory=made, metadata={"root": key, **metadata})


@dataclass
class StageConfig:
    """What every stage has: its kind, its edges, its seed.

    sources: where its numbers in conf/ come from, by dotted key: a section of the paper. In files
        it stands beside each number (pipeline/sections.py).
    """

    kind: str = MISSING
    init_from: str | None = None
    data_from: list[str] = field(default_factory=list)
    apart_from: list[str] = field(default_factory=list)
    score_with: list[str] = field(default_factory=list)
    evaluates: str | None = None
    seed: int = from_root("seed")
    sources: dict[str, str] = field(default_factory=dict, metadata={"identity": False})


@dataclass
class GivenConfig(StageConfig):
    """What a stage has that brings rows or weights in, or sorts rows: all seeds share it."""

    seed: int = from_root("world_seed")

"""The points of a stage's curves, a line of JSON each: {"step": 3, "time": 1.7e9, "loss": 0.4}.

A line that a kill, a full disk or a bad sector has spoilt is no point, and the others stand.
"""

from __future__ import annotations

from pathlib import Path

from pipeline import state

Point = dict[str, int | float]


def parse(line: bytes) -> Point | None:
    """The point that a line holds; None if it is torn or something else."""
    try:
        point = state.parse(line, Point)
    except ValueError:
        return None
    return point if isinstance(point.get("step"), int) else None


def read(path: Path) -> list[Point]:
    """All points of a metrics.jsonl, in the order of its lines; none if it is no file."""
    return [point for _, point in lines(path)]


def lines(path: Path) -> list[tuple[bytes, Point]]:
    """The same, each with the line that holds it."""
    if not path.is_file():
        return []
    found = ((line, parse(line)) for line in path.read_bytes().split(b"\n"))
    return [(line, point) for line, point in found if point is not None]

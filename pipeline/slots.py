"""Slots: names of a recipe that stand for the stages which fill them.

An entry of `stages` that says `stands_for: [aime2025, math500]` in place of a kind is no stage.
Where an edge names it, it takes these stages, in this order. So a recipe names what it needs, and
each of many sources that come in its place is a stage of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from omegaconf import DictConfig

STANDS_FOR = "stands_for"

#: The stages that fill a slot, by its name.
Slots = Mapping[str, list[str]]


def slots_of(entries: Mapping[str, Any]) -> dict[str, list[str]]:
    """The slots among entries of `stages` that have no kind. Raises UsageError for no list."""
    from omegaconf import DictConfig, ListConfig

    found: dict[str, list[str]] = {}
    for name, entry in entries.items():
        if not isinstance(entry, DictConfig) or STANDS_FOR not in entry:
            continue
        filled = entry[STANDS_FOR]
        if not isinstance(filled, ListConfig) or not all(isinstance(one, str) for one in filled):
            raise UsageError(
                f"stages.{name}.{STANDS_FOR}: found {filled!r}, expected a list of stages"
            )
        found[name] = list(filled)
    return found


def stages_of(named: Any, slots: Slots) -> Any:
    """What names stages, with those that fill a slot in the place of the slot; of null, null."""
    if not named or not slots:
        return named
    names = [named] if isinstance(named, str) else list(named)
    return [one for name in names for one in slots.get(name, [name])]


def fill(name: str, stage: DictConfig, slots: Slots, edges: Collection[str]) -> None:
    """Put the stages that fill slots where the edges of a stage name these."""
    for edge in edges:
        value = stage.get(edge)
        if isinstance(value, str):
            if value in slots:
                stage[edge] = _only(slots[value], value, f"stages.{name}.{edge}")
        elif value and any(one in slots for one in value):
            stage[edge] = stages_of(value, slots)


def _only(filled: list[str], slot: str, key: str) -> str | None:
    if len(filled) > 1:
        raise UsageError(
            f"{key}: takes one stage, and `{slot}` stands for {', '.join(filled)}: name one of them"
        )
    return filled[0] if filled else None

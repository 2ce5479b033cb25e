"""What an engine is to this project, and where its files are. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stages.engines.segments import Segment
    from stages.kinds.rl.config import RLConfig


@dataclass(frozen=True)
class Places:
    """The files of one start of an engine, on a disk that all its machines see.

    reference: the Hugging Face folder whose weights are the segment's reference, and the policy
    where no checkpoint is. rows: the prompts of the segment, in order. client: the file with the
    reward functions, which find the service by the file beside it; the engine is started in its
    folder. curves: the engine's own log of this start, a line of JSON for each rollout. reached:
    the rollouts that its checkpoints have.
    """

    reference: Path
    rows: Path
    checkpoints: Path
    client: Path
    curves: Path
    reached: int


@dataclass(frozen=True)
class Rollout:
    """What an engine's log says of a rollout. number: how many are done with it."""

    number: int
    curves: Mapping[str, float]


class Engine(Protocol):
    """One program that trains, by its own command line and files.

    name: as the config says it. logs: whether it writes a line for each rollout.
    """

    name: str
    logs: bool

    def command(self, config: RLConfig, segment: Segment, places: Places) -> list[str]:
        """What is started for a segment."""
        ...

    def environment(self, places: Places) -> dict[str, str]:
        """Variables that it is started with, beside those that are there."""
        ...

    def rows(self, prompts: Sequence[EngineRow]) -> list[dict[str, object]]:
        """The prompts as its data file has them."""
        ...

    def line(self, line: bytes) -> Rollout | None:
        """What a line of its log says; None: nothing of a rollout."""
        ...

    def reached(self, checkpoints: Path) -> int:
        """The rollouts that the checkpoint has from which it goes on; 0: there is none."""
        ...

    def export(self, checkpoints: Path, rollouts: int) -> Path:
        """The Hugging Face folder that it wrote after so many rollouts."""
        ...

    def begin_rows(self, checkpoints: Path, rollouts: int) -> None:
        """Have it read the next file of rows from its first one."""
        ...


@dataclass(frozen=True)
class EngineRow:
    """One prompt of a segment. place: its line; prompt: which of the stage's prompts it is."""

    place: int
    prompt: int
    messages: Sequence[Mapping[str, str]]
    source: str

"""What `r1 doctor --cluster` asks of a launcher, and what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Offer:
    """Nodes that a cluster has under one name, as its scheduler says: of each the most.

    memory: MiB. time: the longest of a job. others: what else it counts, as words.
    """

    name: str
    nodes: int
    state: str
    gpus: int
    cpus: int
    memory: int
    time: str = ""
    others: str = ""


@dataclass(frozen=True)
class Asked:
    """What a stage would ask, of each of its nodes. refused: why it cannot have it, with the key.

    starts: what the scheduler says of it, if it can be asked.
    """

    stage: str
    kind: str
    where: str
    nodes: int = 0
    gpus: int = 0
    cpus: int = 0
    memory: str = ""
    time: str = ""
    refused: str = ""
    starts: str = ""


@dataclass(frozen=True)
class Party:
    """Nodes that are looked at together. gangs: whether a stage runs over several of them."""

    where: str
    nodes: int
    gpus: int
    gangs: bool


class Visit(Protocol):
    """A probe that a launcher has in hand."""

    @property
    def name(self) -> str:
        """What the scheduler calls it."""

    @property
    def waits_for(self) -> str:
        """Why it does not run yet; empty when it does."""

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left in the cluster."""

    def look(self) -> None:
        """See how it stands. Raises RecipeError where that cannot be asked now."""

    def printed(self) -> str:
        """What it has printed, and how it ended, as far as that can be read."""

    def stop(self) -> None:
        """End it, if it has not ended."""


class Cluster(Protocol):
    """What a launcher knows of its cluster. Everything may raise RecipeError."""

    def offers(self) -> Sequence[Offer]:
        """What there is."""

    def asked(self) -> Sequence[Asked]:
        """What every stage would ask, and whether it fits."""

    def parties(self) -> Sequence[Party]:
        """The nodes to look at, by where stages ask for them."""

    def visit(self, party: Party, folder: Path) -> Visit:
        """Have probe/node.py run on the party's nodes, begun as stages are."""

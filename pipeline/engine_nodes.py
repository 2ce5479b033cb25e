"""Nodes of a job that hold engines alone; what they and its stage tell each other.

By files of a folder that all see and that belongs to this start of the job, so that nobody finds
the engines of another start:

    engines.json        from the first node: its address, and the key of this start's engines. Only
                        this user can read it: who knows the key may run code on those nodes
    engines-K.json      from node K: where its engines listen, or why it has none
    leader-K            the heart of each node (pipeline/launchers/team.py)
    end                 from the first: the stage has ended, and so do they

Such nodes come and go. A stage goes on with the engines that there are.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline import heart, state
from pipeline.errors import StageFailed

INVITATION = "engines.json"
SILENT = 60.0  # seconds without a beat after which a node is lost; a disk may stand still, too
COMES_WITHIN = 600.0  # seconds that a node has to begin
LOOK = 0.5  # seconds between looks at a file


@dataclass(frozen=True)
class Invitation:
    """What the first node tells the others: by which address they reach it, and the key."""

    address: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class _Offer:
    """Of one node: HOST:PORT of each engine; or why there is none."""

    addresses: list[str]
    trouble: str = ""


class Engines:
    """The engines of the nodes with these numbers, as the stage on the first node sees them."""

    def __init__(self, folder: Path, numbers: Sequence[int]) -> None:
        self._folder = folder
        self._numbers = numbers
        self._begun = time.monotonic()

    def key(self) -> bytes:
        """What opens them. Raises StageFailed."""
        return _invitation(self._folder).key.encode()

    def there(self) -> list[str]:
        """HOST:PORT of all whose nodes live."""
        offers = [self._offer(n) for n in self._numbers if self._lives(n)]
        return [address for offer in offers if offer for address in offer.addresses]

    def awaited(self) -> bool:
        """Whether a node may yet say what it has."""
        return any(self._offer(n) is None and self._may_come(n) for n in self._numbers)

    def troubles(self) -> list[str]:
        """Why nodes have none, in their words."""
        offers = [self._offer(number) for number in self._numbers]
        return [offer.trouble for offer in offers if offer and offer.trouble]

    def _offer(self, number: int) -> _Offer | None:
        return state.read(_offer_of(self._folder, number), _Offer)

    def _lives(self, number: int) -> bool:
        return heart.beats(self._folder / f"leader-{number}", SILENT)

    def _may_come(self, number: int) -> bool:
        if (self._folder / f"leader-{number}").exists():
            return self._lives(number)
        return time.monotonic() - self._begun < COMES_WITHIN


class Lending:
    """What a node that holds engines is told, and what it says.

    threads: CPU threads for all its engines. over: whether the stage has ended, or is gone.
    """

    def __init__(self, folder: Path, number: int, threads: int, over: Callable[[], bool]) -> None:
        self.threads = threads
        self.over = over
        self._folder = folder
        self._number = number

    def invitation(self) -> Invitation:
        """Wait for the first node's. Raises StageFailed."""
        deadline = time.monotonic() + COMES_WITHIN
        while not (self._folder / INVITATION).exists():
            if time.monotonic() > deadline or self.over():
                raise StageFailed("the first node of the job has not begun")
            time.sleep(LOOK)
        return _invitation(self._folder)

    def announce(self, addresses: Sequence[str]) -> None:
        """Say where engines listen, each HOST:PORT. Raises OSError."""
        state.write(_offer_of(self._folder, self._number), asdict(_Offer([*addresses])))

    def give_up(self, trouble: str) -> None:
        """Say that there are none, and why. Raises OSError."""
        state.write(_offer_of(self._folder, self._number), asdict(_Offer([], trouble)))


def invite(folder: Path, address: str) -> None:
    """Make the key of a start, before its engine nodes look for it. Raises OSError."""
    aside = folder / f"{INVITATION}.tmp"
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(Invitation(address, secrets.token_hex(32))), file)
    aside.replace(folder / INVITATION)


def _invitation(folder: Path) -> Invitation:
    found = state.read(folder / INVITATION, Invitation)
    if found is None:
        raise StageFailed(f"{folder / INVITATION}: the key of this job's engines cannot be read")
    return found


def _offer_of(folder: Path, number: int) -> Path:
    return folder / f"engines-{number}.json"

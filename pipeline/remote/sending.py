"""Sends one result, so that it is there whole or not at all: its manifest goes last.

The first thing to go is a note that holds the manifest under another name. It says whose files lie
there: what is half there of the very same result is completed, its files of the right size stay.
Another machine may make and send a result of the same fingerprint, whose files differ in time or
rounding, and files of both would be neither. So a sender touches its note again and again, looks
before each file whether it is still its own, and leaves a result to another whose note moves. One
that stands still for `GONE_AFTER` is left by a sender that was ended. No clocks are compared.

The stores have no "only if it is absent" that pyarrow would ask for, so two senders that begin in
the same half second may both go on for a file. A mixture that comes of this is found by whoever
adopts it, by its checksums.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.artifact import MANIFEST, Artifact
from pipeline.manifest import File
from pipeline.remote.pace import Pace
from pipeline.remote.place import Place

NOTE = f"{MANIFEST}.sending"
BEAT = 15.0  # seconds after which a sender touches its note
GONE_AFTER = 60.0  # seconds that a note of a living sender never stands still
SETTLE = 0.5  # seconds after which one of two notes of the same moment has replaced the other

SENT, THERE, LEFT = "sent", "there", "left to another"


@dataclass(frozen=True)
class Sent:
    """How it ended: `SENT`, `THERE` before, or `LEFT` to another sender. bytes: of what went."""

    state: str
    bytes: int = 0


def send(place: Place, artifact: Artifact, tell: Callable[[str], None]) -> Sent:
    """Send a result, or what is missing of it. tell: told how far a large one is.

    Raises Unreachable, and OSError of the files here.
    """
    return _Sending(place, artifact, tell).carried_out()


class _Sending:
    def __init__(self, place: Place, artifact: Artifact, tell: Callable[[str], None]) -> None:
        self._place = place
        self._artifact = artifact
        self._tell = tell
        self._base = f"{artifact.path.parent.name}/{artifact.fingerprint}"
        self._manifest = (artifact.path / MANIFEST).read_bytes()
        self._touched = time.monotonic()

    def carried_out(self) -> Sent:
        there = self._place.files(self._base)
        if MANIFEST in there:
            return Sent(THERE)
        if NOTE in there and not self._is_own():
            self._tell(f"{self._artifact.stage}: half there from another machine; is it at it?")
            if self._moves():
                return self._left()
            there = {}
        if NOTE not in there:
            there = {}
            self._touch()
            time.sleep(SETTLE)
        files: dict[str, File] = self._artifact.manifest["files"]
        missing = {
            name: file["bytes"]
            for name, file in files.items()
            if name not in there or there[name].bytes != file["bytes"]
        }
        pace = Pace(f"{self._artifact.stage}: sent", sum(missing.values()), self._tell)
        for name in missing:
            if not self._is_own():
                return self._left()
            self._place.send(
                self._artifact.path / name, f"{self._base}/{name}", self._touching(pace)
            )
        if not self._is_own():
            return self._left()
        self._place.write(f"{self._base}/{MANIFEST}", self._manifest)
        self._place.remove(f"{self._base}/{NOTE}")
        return Sent(SENT, sum(missing.values()))

    def _touching(self, pace: Pace) -> Callable[[int], None]:
        def told(count: int) -> None:
            pace.told(count)
            if time.monotonic() - self._touched > BEAT and self._is_own():
                self._touch()

        return told

    def _is_own(self) -> bool:
        return self._place.read(f"{self._base}/{NOTE}") == self._manifest

    def _touch(self) -> None:
        self._place.write(f"{self._base}/{NOTE}", self._manifest)
        self._touched = time.monotonic()

    def _left(self) -> Sent:
        return Sent(THERE if MANIFEST in self._place.files(self._base) else LEFT)

    def _moves(self) -> bool:
        """Whether the other sender is at it, or has finished."""
        notes = self._notes()
        first = next(notes)
        return any(note != first for note in notes)

    def _notes(self) -> Iterator[object]:
        """When the other's note was touched, asked until it must have been; None: it is done."""
        until = time.monotonic() + GONE_AFTER
        while True:
            found = self._place.files(self._base)
            yield None if MANIFEST in found or NOTE not in found else found[NOTE].changed
            if time.monotonic() > until:
                return
            time.sleep(GONE_AFTER / 10)

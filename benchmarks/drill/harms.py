"""What can happen to a file."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

Harm = Callable[[Path, random.Random], None]


def _flip(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes()) or bytearray(1)
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _digit(path: Path, rng: random.Random) -> None:
    """Another digit in the place of one: what is valid stays valid."""
    content = bytearray(path.read_bytes())
    places = [i for i, byte in enumerate(content) if chr(byte).isdigit()]
    if places:
        place = rng.choice(places)
        content[place] = ord("0") + (content[place] - ord("0") + rng.randrange(1, 10)) % 10
        path.write_bytes(content)
    else:
        _flip(path, rng)


def _cut(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content) + 1)])


def _says(content: bytes) -> Harm:
    def harm(path: Path, rng: random.Random) -> None:
        path.write_bytes(content)

    return harm


def _junk(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.randbytes(rng.randrange(1, 4096)))


def _gone(path: Path, rng: random.Random) -> None:
    path.unlink()


def _folder(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _loop(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to(path)


def _stray(path: Path, rng: random.Random) -> None:
    """A file beside it that nobody asked for."""
    shutil.copy(path, path.with_name(rng.choice(["checkpoint-x", ".hidden", "copy.tmp", "ü"])))


HARMS: dict[str, Harm] = {
    "one bit flipped": _flip,
    "one digit changed": _digit,
    "cut": _cut,
    "emptied": _says(b""),
    "null": _says(b"null"),
    "a list": _says(b"[]"),
    "an object": _says(b'{"a": 1}'),
    "deep": _says(b"[" * 100_000),
    "junk": _junk,
    "gone": _gone,
    "a folder": _folder,
    "a link to itself": _loop,
    "a stray file beside": _stray,
}

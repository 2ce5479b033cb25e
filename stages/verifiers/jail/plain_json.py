"""Values as JSON: how plain data crosses between the judge, a suite and a program.

    None, True, "a", 1.5, small int   itself
    large int                         ["int", hexadecimal]
    list, tuple, set, frozenset, deque   [its name, [elements]]
    dict                              ["dict", [[key, value], …]]
    bytes, complex, range             ["bytes", hexadecimal], ["complex", [real, imaginary]], …
    a generator or another iterator   ["iterator", [its first elements]]
    anything else                     ["other", name of its type], which equals no value

Subclasses of plain types count as these, so no program can send an object with its own `==`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

SMALL = 1 << 60
ITERATED = 100_000  # elements of an iterator that are looked at
COLLECTIONS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
OTHER = "other"


class Other:
    """A value that is no plain data; equal to nothing, itself included."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def encode(value: Any) -> Any:
    """A value as data that JSON can hold."""
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value) if -SMALL < value < SMALL else ["int", hex(value)]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return ["complex", [value.real, value.imag]]
    if isinstance(value, bytes | bytearray):
        return ["bytes", value.hex()]
    if isinstance(value, dict):
        return ["dict", [[encode(k), encode(v)] for k, v in value.items()]]
    for name, kind in COLLECTIONS.items():
        if isinstance(value, kind):
            return [name, [encode(element) for element in value]]
    if isinstance(value, range):
        return ["range", [encode(value.start), encode(value.stop), encode(value.step)]]
    if isinstance(value, Iterator):
        return ["iterator", [encode(element) for element in islice(value, ITERATED)]]
    return [OTHER, type(value).__name__]


def decode(data: Any) -> Any:
    """The value of encoded data; ValueError, TypeError or KeyError when it is no encoding."""
    if not isinstance(data, list):
        if isinstance(data, dict):
            raise ValueError("an object is no encoded value")
        return data
    name, content = data
    if name in COLLECTIONS:
        return COLLECTIONS[name](map(decode, content))
    if name == "dict":
        return {decode(key): decode(value) for key, value in content}
    if name == "int":
        return int(content, 16)
    if name == "bytes":
        return bytes.fromhex(content)
    if name == "complex":
        return complex(*content)
    if name == "range":
        return range(*map(decode, content))
    if name == "iterator":
        return iter([decode(element) for element in content])
    return Other()

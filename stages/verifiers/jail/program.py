"""Inside the jail: run one program, evaluate expressions, and write their values as plain data.

The judge sends JSON {"program", "expressions", "values"} and reads a JSON list of encoded values.
The same encoding is used by the judge (sandbox.py), which imports it from here.

    None, True, "a", 1.5, small int   itself
    large int                         ["int", hexadecimal]
    list, tuple, set, frozenset       [its name, [elements]]
    dict                              ["dict", [[key, value], …]]
    bytes, complex                    ["bytes", hexadecimal], ["complex", [real, imaginary]]
    anything else, or an exception    ["other", name of its type], which equals no value
"""

from __future__ import annotations

import json
import os
from typing import Any

SMALL = 1 << 60
COLLECTIONS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Other:
    """A value that is no plain data; equal to nothing, itself included."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def answer(descriptor: int) -> None:
    """Read the request from the descriptor, run it, write the values back."""
    with open(descriptor, "rb", closefd=False) as stream:
        request = json.loads(stream.read())
    reply = json.dumps(evaluate(request)).encode()
    while reply:
        reply = reply[os.write(descriptor, reply) :]


def evaluate(request: dict[str, Any]) -> list[Any]:
    """The encoded value of each expression; after an exception the rest is left out."""
    values: list[Any] = []
    try:
        space: dict[str, Any] = {name: decode(v) for name, v in request["values"].items()}
        space["__name__"] = "program"
        exec(compile(request["program"], "<program>", "exec"), space)
        for expression in request["expressions"]:
            values.append(encode(eval(expression, space)))
    except BaseException as problem:  # SystemExit and KeyboardInterrupt are a program's too
        values.append(["other", type(problem).__name__])
    return values


def encode(value: Any) -> Any:
    """A value as JSON-able data; subclasses of plain types count as these."""
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
    return ["other", type(value).__name__]


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
    return Other()

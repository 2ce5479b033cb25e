"""A text that somebody pickled, read without unpickling: a pickle is a program, and it would run.

LiveCodeBench keeps its private tests as JSON, pickled, packed by zlib and written in base64. Only
the operations that make one text are followed; a pickle with any other is refused by its name.
"""

from __future__ import annotations

import base64
import pickletools
import zlib

from stages.rows.files import BrokenRow

LARGEST = 1 << 30  # bytes of a pickle, unpacked
_TEXT = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BESIDE = ("PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP")


def text_in(packed: str, column: str) -> str:
    """The text in base64 of a packed pickle; BrokenRow where it is anything else."""
    try:
        unpacker = zlib.decompressobj()
        pickled = unpacker.decompress(base64.b64decode(packed, validate=True), LARGEST)
    except (ValueError, zlib.error) as problem:
        raise BrokenRow(f"column `{column}` is no base64 of zlib ({problem})") from problem
    if not unpacker.eof:
        raise BrokenRow(f"column `{column}` is cut, or unpacks to more than {LARGEST >> 20} MiB")
    texts = []
    try:
        for operation, argument, _ in pickletools.genops(pickled):
            if operation.name in _TEXT:
                texts.append(str(argument))
            elif operation.name not in _BESIDE:
                raise BrokenRow(
                    f"column `{column}` is a pickle with {operation.name}: expected one text; "
                    "nothing is unpickled"
                )
    except ValueError as problem:
        if isinstance(problem, BrokenRow):
            raise
        raise BrokenRow(f"column `{column}` is no pickle ({problem})") from problem
    if len(texts) != 1:
        raise BrokenRow(f"column `{column}` is a pickle of {len(texts)} texts, expected one")
    return texts[0]

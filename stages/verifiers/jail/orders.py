"""What the judge can order the jail's server to do, and words that both use."""

from __future__ import annotations

import struct
from typing import NamedTuple

START, START_STDIO, START_BINARY, WAIT, KILL = b"s", b"i", b"b", b"w", b"k"
STARTS = (START, START_STDIO, START_BINARY)
ORDER = struct.Struct("=cIII")
PASSED, FAILED, BROKEN = "passed", "failed", "broken"  # what a suite says (suite.py)
#: Exit status, milliseconds of CPU that were used, whether it had ended before it was to be ended.
STATUS = struct.Struct("=iI?")


class Order(NamedTuple):
    """child: a number that the judge gives; the limits matter for starts only."""

    kind: bytes
    child: int
    megabytes: int = 0
    cpu_milliseconds: int = 0

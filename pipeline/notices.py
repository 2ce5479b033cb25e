"""What a running stage wants its user to know at once: marked lines of its log.

The stage prints them, so the log keeps them in their place, and the runner passes them on to the
terminal. A stage that hangs inside C code cannot print: there `faulthandler` writes `Timeout (…)!`
before the stacks, and that line counts as a notice, too (see pipeline/watchdog.py).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import printable

LAST_LINES = 20

_MARK = "r1 warning: "
_STUCK = "Timeout ("


def warn(text: str) -> None:
    """Print one line that the runner shows to the user."""
    print(f"{_MARK}{printable(' '.join(text.split()))}", file=sys.stderr, flush=True)


def kept(facts: Mapping[str, Any]) -> list[str]:
    """The warnings that a finished stage has in its manifest, as lines.

    A stage that watches its curves leaves `health: {warnings: [{rule, step, numbers}, …]}`; any
    other may leave `warnings`, as texts.
    """
    warnings = (facts.get("health") or {}).get("warnings", [])
    steps = [f"step {w['step']}, {w['rule']}: {w['numbers']}" for w in warnings]
    return [*steps, *map(str, facts.get("warnings") or ())]


def last_lines(log: Path) -> list[str]:
    """The end of a stage's log."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return [printable(line) for line in lines]
    except OSError:
        return []


class Notices:
    """Reads a stage's log as it grows."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0

    def new(self) -> list[str]:
        """What was told since the last look."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        return [said for line in lines if (said := self._said(line)) is not None]

    def _said(self, line: str) -> str | None:
        if line.startswith(_MARK):
            return printable(line.removeprefix(_MARK))
        if line.startswith(_STUCK) and line.endswith(")!"):
            return f"hangs in code that never returns to Python; its stacks are in {self._log}"
        return None

"""How a run is stopped: by Ctrl-C, by SIGTERM, or by a file that `r1 cancel` leaves for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CANCEL = "cancel"


class Interrupted(BaseException):
    """Stop the stages, then leave with 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def ask_to_cancel(run: Path) -> None:
    """Have the runner of a run stop it, wherever it is."""
    (run / _CANCEL).touch()


def look_for_cancel(run: Path) -> None:
    """Raises Interrupted if somebody asked this run to stop."""
    if (run / _CANCEL).exists():
        raise Interrupted(signal.SIGTERM)


@contextmanager
def signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise Interrupted; a second one is ignored while stages are stopped."""

    def interrupt(number: int, _: Any) -> None:
        _ignore()
        raise Interrupted(number)

    kept = {n: signal.signal(n, interrupt) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Interrupted:
        _ignore()
        raise
    else:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _ignore() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

"""Trying again what passes: broken connections, timeouts, 429 and 5xx."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from pipeline.context import moved
from stages.settings.hub import Hub

Result = TypeVar("Result")
logger = logging.getLogger(__name__)
PASSING = frozenset({408, 429, 500, 502, 503, 504})
BEAT = 5.0  # seconds of a pause between two signs of life


class CutShort(Exception):
    """A file ended before its last byte, though the connection was closed in order."""


@dataclass
class GivenUp(Exception):
    """What would have passed did not: `tries` times the same, or the like; `error` is the last."""

    error: Exception
    tries: int


def patiently(action: Callable[[], Result], hub: Hub, what: str) -> Result:
    """The result of an action that is tried again while its errors may pass.

    what: for the log. Raises GivenUp after `hub.retries` more tries, and other errors at once.
    """
    for tries in range(1, hub.retries + 2):
        try:
            return action()
        except Exception as error:
            if not passes(error):
                raise
            if tries > hub.retries:
                raise GivenUp(error, tries) from error
            pause = min(hub.longest_pause, max(hub.pause * 2 ** (tries - 1), _asked(error)))
            logger.warning("%s: %s; try %d of %d in %g s", what, said(error), tries + 1,
                           hub.retries + 1, pause)  # fmt: skip
            _wait(pause)
    raise AssertionError("the loop returns or raises")


def passes(error: BaseException) -> bool:
    """Whether the same request may be answered later."""
    error = behind(error)
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in PASSING
    return isinstance(error, httpx.TransportError | CutShort)


def behind(error: BaseException) -> BaseException:
    """What stood in the way where a library says that the cache has no copy either."""
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None
    return error if cause is None else behind(cause)


def said(error: BaseException) -> str:
    """An error in a line."""
    error = behind(error)
    if isinstance(error, HfHubHTTPError):
        return f"HTTP {error.response.status_code}"
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}".removesuffix(": ")


def _asked(error: Exception) -> float:
    """The seconds that a server asks to be left alone for."""
    response = getattr(behind(error), "response", None)
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return float(asked) if asked.isdigit() else 0.0


def _wait(pause: float) -> None:
    until = time.monotonic() + pause
    while (left := until - time.monotonic()) > 0:
        moved()
        time.sleep(min(BEAT, left))

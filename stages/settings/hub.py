"""How the Hugging Face hub is asked, and what is made of a data set that shrank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Problem
from stages.settings.values import at_least


@dataclass
class Hub:
    """retries: after a broken connection, a timeout, 429 or 5xx. pause: seconds before the first of
    them; each further one is twice as long, up to longest_pause. timeout: seconds without a byte.

    told_below, refused_below: a data set with fewer rows than these shares of `about.rows`.
    """

    retries: int = MISSING
    pause: float = MISSING
    longest_pause: float = MISSING
    timeout: float = MISSING
    told_below: float = MISSING
    refused_below: float = MISSING


def rules(config: Any) -> Iterator[Problem]:
    """What a stage that reads rows of the hub can have set wrong in how it asks for them."""
    for key in ("subset", "files"):
        value = getattr(config, key)
        if value is not None and not _names(value):
            yield Problem(key, f"is {value}: expected a name or a list of names")


def check(hub: Hub) -> Iterator[Problem]:
    """Numbers that can be counted and waited for."""
    yield from at_least(hub, 0, "retries", "pause", "longest_pause", below="hub")
    if hub.timeout <= 0:
        yield Problem("hub.timeout", f"is {hub.timeout:g}: set it above 0, e.g. 30")
    for name in ("told_below", "refused_below"):
        share = getattr(hub, name)
        if not 0 <= share <= 1:
            yield Problem(f"hub.{name}", f"is {share:g}: a share of rows, expected 0 to 1")


def names(value: Any) -> list[str]:
    """A name or a list of names as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _names(value: Any) -> bool:
    return bool(names(value)) and all(isinstance(one, str) for one in names(value))

"""Configs and facts in the shapes that MLflow takes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_PARAM = 6000
_NOT_IN_A_NAME = re.compile(r"[^\w\-. /]")


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{"sampling": {"top_p": 1}}` as `sampling.top_p`, 1.

    A mapping with a key that no parameter may have ("A>B") stays one value.
    """
    for key, value in config.items():
        if isinstance(value, Mapping) and value and not any(map(_NOT_IN_A_NAME.search, value)):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield _NOT_IN_A_NAME.sub("_", f"{prefix}{key}"), value


def text(value: Any) -> str:
    """A parameter's value."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words[:LONGEST_PARAM]


def metric_name(name: str) -> str:
    """MLflow allows no `@` and no brackets in the name of a metric."""
    return _NOT_IN_A_NAME.sub("_", name)


def numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the facts."""
    return {
        key: float(value)
        for key, value in facts.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }

"""Rows made by hand."""

from __future__ import annotations

import json
from typing import Any


def problem(
    id_: str,
    question: str,
    reference: str | None,
    *,
    verifier: str = "math",
    domain: str = "math",
    source: str = "mine",
    **metadata: Any,
) -> dict[str, Any]:
    """A problem row."""
    return {
        "id": id_,
        "domain": domain,
        "language": "en",
        "prompt": [{"role": "user", "content": question}],
        "verifier": verifier,
        "reference": reference,
        "metadata": json.dumps(metadata),
        "source": source,
    }


def code(**tests: Any) -> dict[str, Any]:
    """What a row of code has beside its question and program."""
    return {"verifier": "code", "domain": "code", **tests}

"""Code: not built yet; every row is reported as unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.verifiers.verdict import WRONG, Unreadable, Verdict


def read(reference: str, metadata: Mapping[str, Any]) -> None:
    raise Unreadable("the code verifier is not built yet")


def judge(answer: str, target: None) -> Verdict:
    return WRONG

"""One pool for all tests of verifiers, and `judge` to ask it about one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stages.chat.template import tagged
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

Judge = Callable[..., Verdict]


@pytest.fixture(scope="session")
def pool() -> Iterator[VerifierPool]:
    with VerifierPool(workers=1, timeout=2.0) as pool:
        yield pool


@pytest.fixture(scope="session")
def judge(pool: VerifierPool) -> Judge:
    """`judge(verifier, answer, reference, **metadata)` for a well-formed completion."""

    def ask(verifier: str, answer: str, reference: str, **metadata: Any) -> Verdict:
        return pool.verify([Request(verifier, tagged("x", answer), reference, metadata)])[0]

    return ask

"""Policies that never compute, on the puzzles that the project ships, under the strict policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from benchmarks.files import Folder
from benchmarks.hacks import choice, grid, logic, order, text
from stages.chat.template import tagged
from stages.tiny.problems import generate
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, request_of

DATA = Path(__file__).parent.parent / "data"
HACKS = {"choice": choice, "grid": grid, "logic": logic, "order": order}


@pytest.fixture(scope="module")
def strict() -> Iterator[VerifierPool]:
    with VerifierPool(1, policy=Policy(strict=True)) as pool:
        yield pool


def _rows() -> Iterator[Request]:
    data = Folder(DATA)
    for format_, name in (
        ("mmlu_stem", "mmlu_stem/test.jsonl"),
        ("bbh", "bbh/rows.jsonl"),
        ("knights_knaves", "knights_knaves/3ppl_test.parquet"),
        ("arc_agi_1", "arc_agi_1/training"),
    ):
        yield from (request_of(row, "") for row in data.problems(format_, name))
    for domain, language in product(("stem", "logic"), ("en", "zh")):
        yield from (request_of(row, "") for row in generate(domain, language, 30, 0, "settling"))


def test_naming_everything_and_repeating_the_question_are_paid_nothing(
    strict: VerifierPool,
) -> None:
    tried: Counter[str] = Counter()
    for row in _rows():
        hacks = HACKS.get(row.verifier)
        if hacks is None:
            continue
        said = hacks.answers(row.question, row.reference, row.metadata)
        for policy, answer in zip(hacks.POLICIES, said, strict=True):
            if policy not in hacks.GUESSES:
                asked = replace(row, completion=tagged("x", answer))
                assert strict.verify([asked])[0].score == 0.0, answer
                tried[row.verifier] += 1
    assert set(tried) == set(HACKS)


PASSAGE = (
    "The tower was built for the World's Fair of 1889 in Paris by the company of Gustave Eiffel, "
    "whose engineers had drawn it five years before. Who were its engineers employed by?"
)


def test_a_quoted_passage_earns_no_share_of_its_words(strict: VerifierPool) -> None:
    facts: dict[str, Any] = {"match": "f1", "partial": True}

    def score(answer: str) -> float | None:
        said = tagged("x", answer)
        asked = Request("text", said, "Gustave Eiffel", facts, question=PASSAGE)
        return strict.verify([asked])[0].score

    assert score("Gustave Eiffel") == 1.0
    assert score("the company of Gustave Eiffel") == pytest.approx(2 / 3)
    assert [score(answer) for answer in text.answers(PASSAGE, "", facts)] == [0.0] * 7

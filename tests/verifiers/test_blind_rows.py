"""Rows that were written by somebody who had not read the verifiers: tests/data/blind_rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stages.chat.template import tagged
from stages.language.consistency import consistency
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request

ROWS = Path(__file__).parents[1] / "data"

#: Paid all the same: 5·4! and 2·3²-3 pass as a product and a sum with one literal, 12 and 0.75 are
#: numerals, and what was factored or inverted again is no formula of its question.
PAID = {"cp_functions", "cp_honest_formula"}
FAR_OFF = 10  # thoughts out of their bounds


def _rows(name: str) -> list[dict[str, Any]]:
    with (ROWS / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_no_answer_that_nobody_tuned_on_is_accepted_when_it_is_wrong(pool: VerifierPool) -> None:
    pairs = [
        (row, Request("math", tagged("x", row["answer"]), row["reference"]))
        for row in _rows("hard_pairs/exam3")
    ] + [
        (row, Request(row["verifier"], row["completion"], row["reference"], row["metadata"]))
        for row in _rows("blind_rows/answers")
    ]
    verdicts = pool.verify([request for _, request in pairs])
    judged = [(row, verdict.score) for (row, _), verdict in zip(pairs, verdicts, strict=True)]
    assert not [row["id"] for row, score in judged if not row["label"] and score]
    right = [score == 1.0 for row, score in judged if row["label"]]
    assert sum(right) > 0.9 * len(right)


def test_copies_of_the_question_earn_nothing_and_honest_formulas_all() -> None:
    rows = _rows("blind_rows/copies")
    requests = [
        Request("math", tagged("x", row["answer"]), row["reference"], {}, question=row["question"])
        for row in rows
    ]
    with VerifierPool(1, policy=Policy(strict=True)) as pool:
        scores = [verdict.score for verdict in pool.verify(requests)]
    judged = list(zip(rows, scores, strict=True))
    copied = [row["category"] for row, score in judged if score and not row["earned"]]
    assert set(copied) <= PAID
    assert len(copied) <= 6
    assert sum(score != 1.0 for row, score in judged if row["earned"]) <= 1


def test_a_thought_scores_the_share_of_its_words_that_a_reader_would_give_it() -> None:
    rows = _rows("blind_rows/thoughts")
    scores = [consistency(row["thought"], row["target"]) or 0.0 for row in rows]
    near = [
        row["low"] - 0.02 <= score <= row["high"] + 0.02
        for row, score in zip(rows, scores, strict=True)
    ]
    assert near.count(False) <= FAR_OFF

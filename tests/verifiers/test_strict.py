"""The strict policy: a right answer must have been worked for. What each verifier calls unearned is
in its own tests; here a stand-in for such a rule shows who is asked, when, and at what cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stages.chat.template import tagged
from stages.verifiers import choice, code, maths
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import COPIED, UNDONE, Request, Verdict, request_of

PROGRAM = "def f(x):\n    return 2 * x"
TESTS = {"tests": ["f(1) == 2"], "entry": "f"}


@pytest.fixture(scope="module")
def strict() -> Iterator[VerifierPool]:
    with VerifierPool(1, policy=Policy(strict=True)) as pool:
        yield pool


@pytest.fixture(autouse=True)
def copies_are_unearned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three verifiers, each of its own kind: judged here, in part here, and in a worker."""

    def unearned(
        text: str, reference: str, metadata: Mapping[str, Any], question: str
    ) -> Verdict | None:
        if question == "break":
            raise RuntimeError("a fault of the rule")
        return COPIED if question and text in question else None

    for module in (choice, maths, code):
        monkeypatch.setattr(module, "unearned", unearned, raising=False)


@pytest.mark.parametrize(
    ("verifier", "answer", "reference", "metadata", "question"),
    [
        ("choice", "B", "B", {}, "A or B?"),
        ("math", "x+1", "x + 1", {}, "Simplify x+1."),
        ("math", r"\frac{\sin x}{\cos x}", r"\tan x", {}, r"What is \frac{\sin x}{\cos x}?"),
        ("code", PROGRAM, PROGRAM, TESTS, f"Mend this:\n{PROGRAM}"),
    ],
)
def test_only_the_strict_policy_asks_whether_a_right_answer_was_earned(
    pool: VerifierPool,
    strict: VerifierPool,
    verifier: str,
    answer: str,
    reference: str,
    metadata: dict[str, Any],
    question: str,
) -> None:
    asked = Request(verifier, tagged("t", answer), reference, metadata, question=question)
    other = Request(verifier, tagged("t", answer), reference, metadata, question="Say it.")
    assert [verdict.score for verdict in pool.verify([asked, other])] == [1.0, 1.0]
    verdicts = strict.verify([asked, other, asked])  # remembered: the answer, not what was asked
    assert verdicts == [COPIED, verdicts[1], COPIED]
    assert verdicts[1].score == 1.0


def test_a_wrong_answer_keeps_its_reason_and_a_faulty_rule_costs_nothing(
    strict: VerifierPool,
) -> None:
    asked = [
        Request("choice", tagged("t", "A"), "B", question="A or B?"),
        Request("choice", tagged("t", "B"), "B", question="break"),
        Request("choice", tagged("t", "B"), "B"),
    ]
    assert [v.reason for v in strict.verify(asked)] == ["wrong", "right", "right"]


def test_strict_rows_without_a_question_are_counted(pool: VerifierPool) -> None:
    asked = [Request("choice", tagged("t", "B"), "B", question=words) for words in ("B?", "", "")]
    with VerifierPool(1, policy=Policy(strict=True)) as strict:
        strict.verify(asked)
        assert strict.tally.summary()["without_question"] == 2
    with VerifierPool(1) as lenient:
        lenient.verify(asked)
        assert "without_question" not in lenient.tally.summary()


@pytest.mark.parametrize(
    ("row", "question"),
    [
        ({"question": "2+3?"}, "2+3?"),
        ({"metadata": {"question": "2+3?"}}, "2+3?"),
        ({"metadata": '{"question": "2+3?"}'}, "2+3?"),
        (
            {"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "2+3?"}]},
            "2+3?",
        ),
        (
            {
                "prompt": [
                    {"role": "user", "content": "1+1?"},
                    {"role": "assistant", "content": "2"},
                    {"role": "user", "content": "And"},
                    {"role": "user", "content": "2+3?"},
                ]
            },
            "And\n2+3?",
        ),
        ({"question": 5, "prompt": [7, None], "metadata": {"question": ["x"]}}, ""),
        ({"prompt": "{", "metadata": "{"}, ""),
        ({}, ""),
    ],
)
def test_the_question_is_found_where_rows_have_it(row: dict[str, Any], question: str) -> None:
    assert request_of({"verifier": "math", "reference": "5"} | row, "5").question == question


def test_references_prove_themselves_under_the_strict_policy_too(strict: VerifierPool) -> None:
    from stages.verifiers.selfcheck import check_references

    said = [{"role": "user", "content": "A or B?"}]
    row = {"id": "a", "verifier": "choice", "reference": "B", "metadata": "{}", "prompt": said}
    assert [failure.reason for failure in check_references([row], strict)] == [COPIED.reason]
    assert UNDONE.score == 0.0


def test_grade_takes_the_policy_and_says_how_many_rows_had_no_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from stages.commands.grade import main

    row = {"verifier": "choice", "reference": "B", "completion": r"\boxed{B}"}
    rows = [row | {"question": "A or B?"}, row | {"metadata": {"question": "B?"}}, row]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in rows))
    found = []
    for policy in ([], ["verifiers.policy=lenient"], ["verifiers.policy=strict"]):
        assert main([str(source), "--out", str(tmp_path / "o.jsonl"), "--json", *policy]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [each["verdicts"]["choice"] for each in found] == [
        {"right": {"right": 3}},
        {"right": {"right": 3}},
        {"wrong": {"repeats its question": 2}, "right": {"right": 1}},
    ]
    assert [each.get("without_question") for each in found] == [None, None, 1]

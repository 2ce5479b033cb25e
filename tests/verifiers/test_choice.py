"""Multiple choice: labels and options in the forms people and models write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]

LENGTHS = ["(A) 3 cm", "(B) 12 cm", "(C) $x_1$", "(D) None of these"]


@pytest.mark.parametrize(
    "answer",
    ["B", "b", "(B)", "(b)", "[B]", "B.", "B)", "B!", "**B**", "\\text{B}", "$\\mathrm{B}$",
     "\\textbf{(B)}", "Ｂ", "（B）", "Ⓑ", "Option B", "The answer is B", "the answer is: B",
     "The correct answer is (B).", "answer: B", "**Answer:** B", "I choose B.", "B is correct",
     "Option B is the correct answer.", "So the best option is B", "B. 12 cm", "(B) 12 cm",
     "B: a dog", "**B. 12 cm**", "\\text{(B) 12 cm}", "The answer is (B) 12 cm", "B. A dog",
     "B. If it rains, no one goes", "b) 12 cm", "选B", "选项B", "应选B", "故选：B", "B项", "选B项",
     "选项B正确", "答案是B", "答案：B", "答案：(B)", "答案为B。", "正确答案是（B）",
     "因此，答案是B", "B、12厘米", "B、", "only B", "> B", "<b>B</b>", "```latex\nB\n```",
     "### Final Answer\nB", "Réponse : B", "La réponse est B.", "答え：B", "答えはBです。",
     "Bが正解です", "Ответ: B", "Antwort: B", "Die Antwort ist B.", "La respuesta es B.",
     "คำตอบคือ B", "Jibu ni B", "উত্তর: B", "సమాధానం: B"],
)  # fmt: skip
def test_a_choice_is_read_in_many_forms(judge: Judge, answer: str) -> None:
    assert judge("choice", answer, "B", options=4).score == 1.0


@pytest.mark.parametrize(
    "answer",
    ["A", "E", "A or B", "B or A", "A/B", "A, B", "AB", "B and C", "B. or C.", "B、C", "ABCD",
     "not B", "maybe B", "probably B but maybe C", "B?", "B is not correct", "neither A nor B",
     "12 cm", "Bob", "B*2", "B_1", "B'", "-B", "选AB", "选B或C", "答案不是B", "可能是B", "A dog",
     "I think both A and B", "B？还是C", "B. no, it is C", "B. A is right too", "b.c.", "B B"],
)  # fmt: skip
def test_another_or_a_second_choice_is_wrong(judge: Judge, answer: str) -> None:
    assert judge("choice", answer, "B", options=4).score == 0.0


@pytest.mark.parametrize("options", [4, LENGTHS])
@pytest.mark.parametrize(
    ("answer", "score"),
    [("B because it is larger", 1), ("**B**\n\nExplanation: it is larger.", 1),
     ("选择B，因为它更大", 1), ("B, because A is too small", 1), ("B (since 5 > 3)", 1),
     ("The answer is B, because the others are wrong.", 1), ("B, not C", 1),
     ("B\n\nOption A describes mitosis. Option C describes meiosis.", 1),
     ("Because it is larger, the answer is B.", 1), ("因为它更大，所以选B", 1),
     ("A is wrong and C is too small, so the answer is B.", 1),
     ("**B. 12 cm**\n\nReason: 3 cm is too small.", 1),
     ("C because B is wrong", 0), ("B because A", 0), ("B because it is C", 0), ("B\nC", 0),
     ("B\n\nActually C.", 0), ("B\nThe answer is C.", 0), ("B, or maybe C", 0),
     ("B, but C is also right", 0), ("B because it might be C or D", 0), ("B, wait, C", 0),
     ("A, B, C, D because all are right", 0), ("A\nB\nC\nD", 0), ("b\nc", 0),
     ("B and C because both fit", 0), ("not B, it is larger", 0), ("(a)\n(b)", 0),
     ("maybe B because it is larger", 0), ("The answer is A. The answer is B.", 0), ("B - A", 0),
     ("B because the others are wrong; C because the others are wrong", 0)],
)  # fmt: skip
def test_a_choice_may_give_its_reason_but_no_other_choice(
    judge: Judge, answer: str, score: float, options: Any
) -> None:
    assert judge("choice", answer, "B", options=options).score == score


def test_there_may_be_more_than_ten_options(judge: Judge) -> None:
    colours = [f"colour {number}" for number in range(18)]
    for answer in ("R", "(R)", "The answer is (R).", "r. colour 17", "colour 17"):
        assert judge("choice", answer, "(R)", options=colours).score == 1.0
    for answer in ("Q", "S", "R, Q", "colour 1"):
        assert judge("choice", answer, "(R)", options=colours).score == 0.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [("12 cm", 1), ("$12$ cm.", 1), ("12CM", 1), ("The answer is 12 cm", 1), ("12 cm (B)", 1),
     ("B. 12 cm", 1), ("B, 12 cm", 1), ("B - 12 cm", 1), ("B. twelve centimetres", 1),
     ("3 cm", 0), ("12", 0), ("12 cm or 3 cm", 0), ("A. 12 cm", 0), ("B. 3 cm", 0),
     ("12 cm (A)", 0), ("B. 12 cm, or D. None of these", 0), ("1 2 cm", 0), ("None of these", 0)],
)  # fmt: skip
def test_the_text_of_an_option_may_stand_for_its_label(
    judge: Judge, answer: str, score: float
) -> None:
    assert judge("choice", answer, "B", options=LENGTHS).score == score


def test_options_may_say_the_same_or_be_out_of_order(judge: Judge) -> None:
    assert judge("choice", "7", "A", options=["7", "8", "7"]).score == 0.0
    assert judge("choice", "A. 7", "A", options=["7", "8", "7"]).score == 1.0
    shuffled = ["(A)one", "(C)three", "B．two"]
    assert judge("choice", "two", "B", options=shuffled).score == 1.0
    assert judge("choice", "three", "B", options=shuffled).score == 0.0
    assert judge("choice", "AB", "C", options=["A", "B", "AB", "O"]).score == 1.0


@pytest.mark.parametrize("reference", ["ACD", "A, C, D", "['A', 'C', 'D']", "(A)(C)(D)"])
@pytest.mark.parametrize(
    ("answer", "score"),
    [("ACD", 1), ("DCA", 1), ("A, C, D", 1), ("A, C and D", 1), ("A、C、D", 1), ("选ACD", 1),
     ("答案：A、C和D", 1), ("(A)(C)(D)", 1), ("(A), (C), (D)", 1), ("\\text{ACD}", 1),
     ('["A", "C", "D"]', 1), ("The answers are A, C and D.", 1), ("A. one\nC. three\nD. four", 1),
     ("A/C/D", 1), ("A+C+D", 1), ("both A, C and D", 1), ("A, C, D because they fit", 1),
     ("A, C und D", 1), ("AとCとD", 1), ("A, C and D are correct", 1), ("A/B/C/D", 0),
     ("A\nB\nC\nD", 0), ("A, C, D because B too", 0),
     ("A", 0), ("AC", 0), ("ABCD", 0), ("A, C or D", 0), ("ABD", 0), ("A. one\nC. three", 0),
     ("AACD", 0), ("not ACD", 0), ("A. one\nC. three\nC. four\nD. x", 0)],
)  # fmt: skip
def test_all_of_several_right_answers_must_be_chosen(
    judge: Judge, reference: str, answer: str, score: float
) -> None:
    assert judge("choice", answer, reference, options=4).score == score


@pytest.mark.parametrize(
    ("labels", "reference", "right", "wrong"),
    [
        ("numbers", "2", ["2", "(2)", "Option 2", "②", "答案：2", "选2"], ["B", "3", "1 or 2"]),
        ("numbers", "10", ["10", "(10)"], ["1", "0", "1, 10"]),
        ("roman", "III", ["III", "iii", "(iii)", "Ⅲ", "Option III"], ["II", "C", "3", "I, III"]),
        ("roman", "I and III", ["I, III", "III and I", "(i), (iii)"], ["I", "III", "I, II, III"]),
    ],
)
def test_options_may_be_numbered(
    judge: Judge, labels: str, reference: str, right: list[str], wrong: list[str]
) -> None:
    for answer in right:
        assert judge("choice", answer, reference, labels=labels).score == 1.0, answer
    for answer in wrong:
        assert judge("choice", answer, reference, labels=labels).score == 0.0, answer


@pytest.mark.parametrize(
    ("reference", "metadata"),
    [("E", {"options": 4}), ("", {}), ("12", {}), ("A or B", {}), ("A", {"options": 27}),
     ("A", {"options": "x"}), ("A", {"options": [1, 2]}), ("A", {"labels": "greek"}),
     ("A", {"labels": "numbers"}), ("A", {"options": True})],
)  # fmt: skip
def test_a_choice_that_cannot_be_right_is_unreadable(
    judge: Judge, reference: str, metadata: dict[str, Any]
) -> None:
    assert judge("choice", "A", reference, **metadata).score is None

"""Multiple choice: labels and options in the forms people and models write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stages.verifiers.answer import DIFFERENT, NO_ANSWER, UNCLOSED
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

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


@pytest.mark.parametrize(
    "said",
    ["Answer: C", "It is larger.\n\nAnswer: C", "**Answer:** C", "**Answer: C**", "Answer: (C)",
     "Answer: **C**", "ANSWER: C", "answer : c", "Answer: $C$", "Answer: C.", "Answer: C. 12 cm",
     "### Final Answer: C", "So the final answer: C", "> Answer: C", "- **Answer**: C\n",
     "Answer:C", "答案：C", "答案: C", "**答案：** C", "所以，正确答案：（C）",
     "故答案：C。", "最终答案：C",
     "Answer: C\nThat is, as I said:\nAnswer: (C)", "Answer: C because B is too small",
     'I end with "Answer: $LETTER".\nAnswer: $LETTER\nAnswer: C',
     "Answer: A\nNo, it is \\boxed{C}", "<answer>C</answer>\nAnswer: B"],
)  # fmt: skip
def test_a_choice_may_stand_on_an_answer_line(pool: VerifierPool, said: str) -> None:
    asked = [Request("choice", f"<think>A or C?</think>{said}", "C", {"options": 4})]
    asked.append(Request("choice", said, "C", {"options": 4}))
    assert [verdict.score for verdict in pool.verify(asked)] == [1.0, 1.0]


def test_the_last_of_ten_options_may_stand_on_an_answer_line(pool: VerifierPool) -> None:
    asked = [Request("choice", f"Answer: {letter}", "J", {"options": 10}) for letter in "JAK"]
    assert [verdict.score for verdict in pool.verify(asked)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("said", "reason"),
    [("Answer: A\nAnswer: B\nAnswer: C\nAnswer: D", DIFFERENT), ("Answer: C\nAnswer: B", DIFFERENT),
     ("Answer: B\nAnswer: C", DIFFERENT), ("答案：A\n答案：C", DIFFERENT),
     ("Answer: C\nAnswer: none of these", DIFFERENT), ("Answer: A, B, C, D", "not one choice"),
     ("Answer: C or B", "not one choice"), ("Answer: not C", "not one choice"),
     ("Answer: B", "wrong"), ("Answer: C, wait, B", "not one choice"),
     ("Answer: $LETTER", NO_ANSWER), ("Answer:", NO_ANSWER),
     ("The answer is C", NO_ANSWER), ("I think of the answer: C", NO_ANSWER), ("C", NO_ANSWER),
     ("\n".join(f"Answer: {'C' * n}" for n in range(1, 7)), NO_ANSWER),
     ("<think>Answer: C</think>It is as I said.", NO_ANSWER), ("<think>Answer: C", UNCLOSED),
     ("Answer: C \\boxed{B}", "wrong"), ("<answer>B</answer>\nAnswer: C", "wrong")],
)  # fmt: skip
def test_no_list_of_answer_lines_is_a_choice(pool: VerifierPool, said: str, reason: str) -> None:
    (verdict,) = pool.verify([Request("choice", said, "C", {"options": 4})])
    assert (verdict.score, verdict.reason) == (0.0, reason)


def test_an_answer_line_counts_for_no_other_verifier(pool: VerifierPool) -> None:
    asked = [("math", "5"), ("text", "Paris"), ("logic", "yes"), ("order", "a b c")]
    found = pool.verify([Request(name, f"Answer: {right}", right) for name, right in asked])
    assert {(verdict.score, verdict.reason) for verdict in found} == {(0.0, NO_ANSWER)}

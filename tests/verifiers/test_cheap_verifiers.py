"""Multiple choice, logic, short text and instructions, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]


@pytest.mark.parametrize(
    "answer",
    ["B", "b", "(B)", "B.", "B)", "**B**", "\\text{B}", "$\\mathrm{B}$", "Ｂ", "（B）", "Option B",
     "The answer is B", "The correct answer is (B).", "answer: B", "B. 12 cm", "(B) 12 cm",
     "B: a dog", "选B", "选项B", "应选B", "答案是B", "答案：B", "答案为B。", "正确答案是（B）"],
)  # fmt: skip
def test_a_choice_is_read_in_many_forms(judge: Judge, answer: str) -> None:
    assert judge("choice", answer, "B", options=4).score == 1.0


@pytest.mark.parametrize(
    "answer",
    ["A", "E", "A or B", "A, B", "AB", "B. or C.", "B、C", "ABCD", "not B", "12 cm", "Bob", "选AB",
     "答案不是B", "I think both A and B", "A dog", "B？还是C"],
)  # fmt: skip
def test_another_or_a_second_choice_is_wrong(judge: Judge, answer: str) -> None:
    assert judge("choice", answer, "B", options=4).score == 0.0


@pytest.mark.parametrize(
    ("reference", "options"), [("E", 4), ("", 4), ("12", 4), ("A or B", 4), ("A", 11), ("A", "x")]
)
def test_a_choice_that_cannot_be_right_is_unreadable(
    judge: Judge, reference: str, options: Any
) -> None:
    assert judge("choice", "A", reference, options=options).score is None


KNIGHTS = "A: knight; B: knave; C: knave"


@pytest.mark.parametrize(
    "answer",
    [
        "A: knight; B: knave; C: knave",
        "(1) A is a knight\n(2) B is a knave\n(3) C is a knave",
        "A knight B knave C knave",
        "C is a knave, A is a knight and B is a knave.",
        "A is a knight, B and C are knaves",
        "Knights: A. Knaves: B, C",
        "**A**: Knight\n**B**: Knave\n**C**: Knave",
        "A = knight, B = knave, C = knave",
        "A is a knight; B is not a knight; C is a liar",
        "A is a truth-teller (knight), B and C are both knaves",
        "A骑士，B无赖，C无赖",
        "A是骑士，B和C都是无赖",
        "骑士：A；无赖：B、C",
        "A是骑士，B不是骑士，C是骗子",
    ],
)
def test_roles_are_read_by_meaning(judge: Judge, answer: str) -> None:
    assert judge("logic", answer, KNIGHTS, names=["A", "B", "C"]).score == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "A: knave; B: knave; C: knave",
        "A: knight; B: knave",
        "A: knight; B: knave; C: knave; C: knight",
        "A is a knight or a knave, B is a knave, C is a knave",
        "If A is a knight then B and C are knaves",
        "A is a knight, B and C are",
        "knight knave knave",
        "A, B and C",
        "A不是骑士，B和C都是无赖",
        "Knights: A, B. Knaves: B, C",
    ],
)
def test_roles_that_are_wrong_missing_or_double_are_wrong(judge: Judge, answer: str) -> None:
    assert judge("logic", answer, KNIGHTS, names=["A", "B", "C"]).score == 0.0


def test_names_are_read_from_the_reference_when_the_row_has_none(judge: Judge) -> None:
    assert judge("logic", "Bob knave, Ann knight", "Ann is a knight; Bob is a knave").score == 1.0
    assert judge("logic", "小红是骑士，小波是无赖", "小红骑士，小波无赖").score == 1.0
    assert judge("logic", "小红无赖，小波无赖", "小红骑士，小波无赖").score == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [("Yes.", "yes", 1.0), ("True", "yes", 1.0), ("是", "yes", 1.0), ("是的。", "是", 1.0),
     ("假", "否", 1.0), ("FALSE", "no", 1.0), ("no", "yes", 0.0), ("yes and no", "yes", 0.0),
     ("真", "假", 0.0), ("yes or no", "no", 0.0), ("不是", "是", 0.0)],
)  # fmt: skip
def test_truth_has_many_words(judge: Judge, answer: str, reference: str, score: float) -> None:
    assert judge("logic", answer, reference).score == score


@pytest.mark.parametrize(
    ("reference", "metadata"),
    [("maybe", {}), ("", {}), ("A: knight", {"names": ["A", "B"]}), ("A: knight", {"names": 3})],
)
def test_unclear_logic_references_are_unreadable(
    judge: Judge, reference: str, metadata: dict[str, Any]
) -> None:
    assert judge("logic", "A: knight", reference, **metadata).score is None


def test_text_is_compared_after_normalising(judge: Judge) -> None:
    assert judge("text", " PARIS . ", "Paris").score == 1.0
    assert judge("text", "ｐａｒｉｓ", "Paris").score == 1.0
    assert judge("text", "巴黎。", "Paris", accept=["巴黎"]).score == 1.0
    assert judge("text", "Paris or Rome", "Paris").score == 0.0
    assert judge("text", "Paris", "").score is None
    assert judge("text", "Paris", "Paris", accept="巴黎").score is None


SORRY = {"type": "refusal", "markers": ["I cannot", "抱歉"]}


@pytest.mark.parametrize(
    ("constraint", "followed", "broken"),
    [
        ({"type": "equals_any", "texts": ["CAT DOG", "OK"]}, ["CAT DOG", " OK "], ["cat dog"]),
        ({"type": "contains", "text": "Paris"}, ["It is paris."], ["Rome", "Pari s"]),
        ({"type": "contains_any", "texts": ["猫", "cat"]}, ["我有猫", "Cats"], ["dog"]),
        ({"type": "no_word", "word": "the"}, ["Other cats"], ["In the end", "The cat"]),
        ({"type": "no_word", "word": "猫"}, ["狗"], ["小猫咪"]),
        ({"type": "starts_with", "text": "Dear"}, ["dear Bob"], ["Oh dear"]),
        ({"type": "ends_with", "text": "bye"}, ["So bye", "So bye."], ["bye now"]),
        ({"type": "ends_with", "text": "再见"}, ["好，再见。"], ["再见了"]),
        (
            {"type": "repeat", "word": "cat", "times": 3},
            ["cat cat cat", "cat, cat, cat."],
            ["cat cat", "cat cat cat cat", "cat cat dog cat", "catcatcat", "Cat cat cat"],
        ),
        ({"type": "repeat", "word": "猫", "times": 2}, ["猫猫", "猫，猫"], ["猫", "猫猫猫"]),
        ({"type": "uppercase"}, ["CAT 7!"], ["Cat", "7", "猫"]),
        ({"type": "lowercase"}, ["cat 7!"], ["Cat", "7"]),
        ({"type": "word_count", "min": 2, "max": 3}, ["a b", "it's fine now"], ["a", "a b c d"]),
        ({"type": "word_count", "max": 2}, ["你好", "hi 你"], ["你好吗", "hi 你好"]),
        ({"type": "language", "language": "zh"}, ["我有3只猫。"], ["我有cat。", "a cat", "7"]),
        ({"type": "language", "language": "en"}, ["I have a cat"], ["cat 猫"]),
        ({**SORRY, "refusal": True}, ["Sorry, i cannot.", "抱歉！"], ["Sure, here it is"]),
        ({**SORRY, "refusal": False}, ["Sure"], ["I cannot"]),
    ],
)  # fmt: skip
def test_constraints_are_checked_strictly(
    judge: Judge, constraint: dict[str, Any], followed: list[str], broken: list[str]
) -> None:
    for answer in followed:
        assert judge("instruction", answer, "-", constraints=[constraint]).score == 1.0, answer
    for answer in broken:
        assert judge("instruction", answer, "-", constraints=[constraint]).score == 0.0, answer


def test_all_constraints_must_hold(judge: Judge) -> None:
    both = [{"type": "contains", "text": "cat"}, {"type": "ends_with", "text": "bye"}]
    assert judge("instruction", "A cat. bye", "-", constraints=both).score == 1.0
    verdict = judge("instruction", "A dog. bye", "-", constraints=both)
    assert (verdict.score, verdict.reason) == (0.0, "not followed: contains")


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ([{"type": "rhymes"}], "unknown constraint type 'rhymes'"),
        ([], "at least one constraint"),
        (None, "at least one constraint"),
        ([{"type": "contains"}], "contains needs `text` as text"),
        ([{"type": "repeat", "word": "a", "times": "3"}], "repeat needs `times` as number"),
        ([{"type": "word_count"}], "needs `min` or `max`"),
        (["contains"], "must be an object"),
    ],
)
def test_constraints_that_cannot_be_read_give_no_score(
    judge: Judge, constraints: Any, message: str
) -> None:
    verdict = judge("instruction", "a", "-", constraints=constraints)
    assert verdict.score is None
    assert message in verdict.reason

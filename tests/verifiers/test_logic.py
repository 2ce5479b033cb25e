"""Knights and knaves by meaning, and truth values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages.verifiers.verdict import Verdict
from tests.verifiers.roles_renderings import OF_EVERYONE, RENDERINGS, SPOILED, Roles

Judge = Callable[..., Verdict]

PUZZLES = pq.read_table(
    Path(__file__).parent.parent / "data/knights_knaves/3ppl_test.parquet"
).to_pylist()


def solution(puzzle: dict[str, Any]) -> Roles:
    return list(zip(puzzle["names"], puzzle["solution"], strict=True))


@pytest.mark.parametrize("puzzle", PUZZLES, ids=lambda puzzle: "-".join(puzzle["names"]))
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_roles_are_read_in_every_rendering_and_a_flipped_one_is_wrong(
    judge: Judge, puzzle: dict[str, Any], rendering: str
) -> None:
    write, roles = RENDERINGS[rendering], solution(puzzle)
    reference, names = puzzle["solution_text_format"], puzzle["names"]
    assert judge("logic", write(roles), reference, names=names).score == 1.0
    for flipped in range(len(roles)):
        wrong = [(n, r != (i == flipped)) for i, (n, r) in enumerate(roles)]
        assert judge("logic", write(wrong), reference, names=names).score == 0.0
        if rendering not in OF_EVERYONE:
            missing = roles[:flipped] + roles[flipped + 1 :]
            assert judge("logic", write(missing), reference, names=names).score == 0.0


@pytest.mark.parametrize("spoiled", SPOILED)
def test_roles_that_are_hedged_double_or_missing_are_wrong(judge: Judge, spoiled: str) -> None:
    for puzzle in PUZZLES:
        answer = SPOILED[spoiled](solution(puzzle))
        reference, names = puzzle["solution_text_format"], puzzle["names"]
        assert judge("logic", answer, reference, names=names).score == 0.0


KNIGHTS = "A: knight; B: knave; C: knave"


@pytest.mark.parametrize(
    "answer",
    [
        "A knight B knave C knave",
        "A is a knight, B and C are knaves",
        "A is a knight; B is not a knight; C is a liar",
        "A is a truth-teller (knight), B and C are both knaves",
        "A is a knight, and the others are knaves.",
        "Knights: A. Everyone else is a knave.",
        "The only knight is A; B and C are liars.",
        "Knight:\nA\nKnaves:\n1. B\n2. C",
        "Knight: A. B: knave. Knave: C",
        "A: Knight (always tells the truth)\nB: Knave (always lies)\nC: Knave (lies)",
        '{"A": "knight", "B": "knave", "C": "knave"}',
        '{"knights": ["A"], "knaves": ["B", "C"]}',
        "| A | Knight |\n| B | Knave |\n| C | Knave |",
        "A is the only knight",
        "The only knight is A.",
        "Only A is a knight",
        "A alone tells the truth",
        "All but A are knaves",
        "Everyone except A is a knave",
        "everyone but A is a knave, and A is a knight",
        "They are all knaves except for A.",
        "Apart from A, everyone lies",
        "Nobody but A is a knight",
        "Neither B nor C is a knight, and A is a knight",
        "A is the only knight; everyone else is a knave",
        "Both B and C are knaves, A is a knight",
        "A only tells the truth, B only lies, C only lies",
        "A=T, B=F, C=F",
        "A: True, B: False, C: False",
        "只有A是骑士",
        "唯一的骑士是A",
        "除了A，其他人都是无赖",
        "除A外都是无赖",
        "除了A是骑士，其余都是无赖",
        "A骑士，B无赖，C无赖",
        "A是骑士，B和C都是无赖",
        "A是骑士，其余都是无赖。",
        "A是骑士，B不是骑士，C是骗子",
        "A说真话，B和C说谎",
        "骑士：A；无赖：B、C",
    ],
)
def test_roles_are_read_by_meaning(judge: Judge, answer: str) -> None:
    assert judge("logic", answer, KNIGHTS, names=["A", "B", "C"]).score == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "A: knave; B: knave; C: knave",
        "A is a knight or a knave, B is a knave, C is a knave",
        "A may be a knight, B and C are knaves",
        "A is probably a knight, B and C are knaves",
        "If A is a knight then B and C are knaves",
        "A says B is a knave. B says C is a knave. C says A is a knight.",
        "A is a knight, B and C are",
        "A is a knight, not B, C is a knave",
        "A is a knight, B is a non-knave, C is a knave",
        "Everyone except B is a knave",
        "Everyone except A",
        "All but one are knaves",
        "A is not the only knight",
        "Not only A is a knight",
        "A is the only knight or B is",
        "A is the only knight. B is a knight.",
        "A is the only knave",
        "A is the only knight, B is the only knight",
        "A says A is the only knight",
        "maybe only A is a knight",
        "Only A may be a knight",
        "If A is the only knight",
        "Both are knaves, A is a knight",
        "Neither A nor B is a knave, C is a knave",
        "Nobody is a knight",
        "Nobody but B is a knight",
        "A=T, B=F",
        "A=T/F, B=F, C=F",
        "A=T, B=F, C=T",
        "T, F, F",
        "A only tells the truth",
        "不是只有A是骑士",
        "除了B，其他人都是无赖",
        "A is the opposite of a knave, B and C are knaves",
        "Everyone is a knave",
        "A is a knight, B is a knave, C is a knave, the rest are knaves",
        "Knight/Knave\nA knight\nB knave\nC knave",
        "Knight: A\nB: knave\nKnave\nC",
        "A是骑士，B可能是无赖，C是无赖",
        "A不是骑士，B和C都是无赖",
        "Knights: A, B. Knaves: B, C",
        "knight, knave, knave",
    ],
)
def test_roles_that_are_wrong_or_unclear_are_wrong(judge: Judge, answer: str) -> None:
    assert judge("logic", answer, KNIGHTS, names=["A", "B", "C"]).score == 0.0


@pytest.mark.parametrize(
    ("answer", "knights"),
    [("Both are knights", True), ("Neither is a knave", True), ("两人都是骑士", True),
     ("Nobody lies", True), ("There are no knaves", True), ("没有人说谎", True),
     ("Both lie", False), ("Neither of them is a knight", False),
     ("None of them is a knight", False)],
)  # fmt: skip
def test_both_and_neither_are_said_of_two(judge: Judge, answer: str, knights: bool) -> None:
    for role in ("knight", "knave"):
        reference = f"A: {role}; B: {role}"
        assert judge("logic", answer, reference).score == float(knights == (role == "knight"))
    if answer.startswith(("Both", "两", "Neither is")):
        three = "A: knight; B: knight; C: knight"
        assert judge("logic", answer, three).score == 0.0


def test_a_name_may_be_a_word(judge: Judge) -> None:
    names = ["May", "Will", "Ann", "Anna"]
    reference = "May: knight; Will: knave; Ann: knave; Anna: knight"
    right = "May and Anna are knights; Ann and Will are knaves"
    assert judge("logic", right, reference, names=names).score == 1.0
    assert judge("logic", right.replace("May", "may"), reference, names=names).score == 0.0


def test_names_are_read_from_the_reference_when_the_row_has_none(judge: Judge) -> None:
    assert judge("logic", "Bob knave, Ann knight", "Ann is a knight; Bob is a knave").score == 1.0
    assert judge("logic", "小红是骑士，小波是无赖", "小红骑士，小波无赖").score == 1.0
    assert judge("logic", "小红无赖，小波无赖", "小红骑士，小波无赖").score == 0.0


def test_any_assignment_that_agrees_with_the_statements_is_right(judge: Judge) -> None:
    same = '[["telling-truth", 1], ["telling-truth", 0]]'  # each says: the other is a knight
    row = {"names": ["A", "B"], "statements": same}
    assert judge("logic", "A: knight; B: knight", "A: knave; B: knave", **row).score == 1.0
    assert judge("logic", "A: knight; B: knave", "A: knave; B: knave", **row).score == 0.0
    assert judge("logic", "A: knight; B: knight", "A: knight; B: knave", **row).score is None


@pytest.mark.parametrize("puzzle", PUZZLES, ids=lambda puzzle: "-".join(puzzle["names"]))
def test_statements_as_the_files_have_them_allow_the_solution_alone(
    judge: Judge, puzzle: dict[str, Any]
) -> None:
    row = {"names": puzzle["names"], "statements": puzzle["statements"]}
    roles = solution(puzzle)
    for code in range(2 ** len(roles)):
        tried = [(name, bool(code >> i & 1)) for i, (name, _) in enumerate(roles)]
        verdict = judge("logic", RENDERINGS["colons"](tried), puzzle["solution_text"], **row)
        assert verdict.score == float(tried == roles)


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [("Yes.", "yes", 1), ("True", "yes", 1), ("是", "yes", 1), ("是的。", "是", 1), ("假", "否", 1),
     ("FALSE", "no", 1), ("**No**", "no", 1), ("\\text{True}", "True", 1), ("不成立", "no", 1),
     ("The answer is yes.", "yes", 1), ("The statement is false.", "no", 1), ("答案：是", "yes", 1),
     ("Yes, Ann tells the truth.", "yes", 1), ("No, Ann does not tell the truth.", "no", 1),
     ("Not true.", "no", 1), ("It is not true", "false", 1), ("It isn't true", "no", 1),
     ("not false", "yes", 1), ("并非如此", "no", 1), ("不为真", "no", 1), ("untrue", "no", 1),
     ("No, it is not true.", "no", 1), ("Yes, it is true.", "yes", 1), ("Réponse : oui", "yes", 1),
     ("Die Antwort ist nein.", "no", 1), ("はい", "yes", 1), ("Ответ: нет", "no", 1),
     ("not", "no", 0), ("Not sure", "no", 0), ("not true or false", "no", 0),
     ("not not true", "no", 0), ("Yes, it is false", "yes", 0), ("No, it is true", "no", 0),
     ("no", "yes", 0), ("yes and no", "yes", 0), ("真", "假", 0), ("yes or no", "no", 0),
     ("不是", "是", 0), ("not true", "true", 0), ("It is not true", "true", 0), ("yes?", "yes", 0),
     ("Yes, but maybe no", "yes", 0), ("Yes, she does not", "yes", 0), ("Yesterday", "yes", 0)],
)  # fmt: skip
def test_truth_has_many_words(judge: Judge, answer: str, reference: str, score: float) -> None:
    assert judge("logic", answer, reference).score == score


@pytest.mark.parametrize(
    ("reference", "metadata"),
    [("maybe", {}), ("", {}), ("A: knight", {"names": ["A", "B"]}), ("A: knight", {"names": 3}),
     ("A: knight", {"names": ["*"]}), ("A: knight", {"names": ["A"], "statements": "["}),
     ("A: knight", {"names": ["A"], "statements": [["lying", 1]]}),
     ("A: knight", {"names": ["A"], "statements": [["xor", ["lying", 0]]]}),
     ("A: knight", {"names": ["A"], "statements": []})],
)  # fmt: skip
def test_unclear_references_are_unreadable(
    judge: Judge, reference: str, metadata: dict[str, Any]
) -> None:
    assert judge("logic", "A: knight", reference, **metadata).score is None

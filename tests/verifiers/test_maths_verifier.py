r"""Mathematics: what is the same answer, what is not, and what no answer is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.verifiers import maths
from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]

PAIRS = Path(__file__).parents[1] / "data" / "hard_pairs"

SAME_NUMBER = [
    ("5", "5"),
    ("5.", "5"),
    ("$5$", "5"),
    ("+5", "5"),
    ("5.0", "5"),
    ("$18", "18"),
    ("**18**", "18"),
    ("1,234", "1234"),
    ("1 234", "1234"),
    ("1.234.567", "1234567"),
    ("12,34,567", "1234567"),
    ("1,5", "1.5"),
    ("10{,}080", "10,\\!080"),
    (".5", "1/2"),
    ("3/6", "\\frac{1}{2}"),
    ("\\dfrac12", "0.5"),
    ("{1 \\over 2}", "0.5"),
    ("-\\frac{3}{4}", "-0.75"),
    ("\\frac{-3}{4}", "-0.75"),
    ("1\\frac{4}{5}", "9/5"),
    ("1 4/5", "1.8"),
    ("1½", "3/2"),
    ("50%", "0.5"),
    ("50 percent", "50%"),
    ("50", "50\\%"),
    ("3.2\\times10^{5}", "320000"),
    ("3.2e5", "320000"),
    ("0.\\overline{3}", "1/3"),
    ("0.(3)", "1/3"),
    ("0.\\dot{3}", "1/3"),
    ("0.333…", "1/3"),
    ("0.1\\overline{6}", "1/6"),
    ("2^{10}", "1024"),
    ("5!", "120"),
    ("\\sqrt{16}", "4"),
    ("\\sqrt{12}", "2\\sqrt{3}"),
    ("\\frac{1}{\\sqrt2}", "\\frac{\\sqrt{2}}{2}"),
    ("\\frac{1}{1+\\sqrt2}", "\\sqrt2-1"),
    ("\\sqrt[3]{16}", "2\\sqrt[3]{2}"),
    ("7pi", "7\\pi"),
    ("3×4=12", "12"),
    ("９", "9"),
    ("−7", "-7"),
    ("３，０００", "3000"),
    ("twenty-one", "21"),
    ("five", "5"),
    ("十二", "12"),
    ("一百零五", "105"),
    ("三万二千", "32000"),
    ("1.5万", "15000"),
    ("二〇二四", "2024"),
    ("负三点五", "-3.5"),
    ("三分之二", "2/3"),
    ("百分之五十", "50%"),
]
OTHER_NUMBER = [
    ("6", "5"),
    ("0.33", "1/3"),
    ("0.3333333333333333", "1/3"),
    ("3.14159265358979", "\\pi"),
    ("1.41421356", "\\sqrt{2}"),
    ("9007199254740993", "9007199254740992"),
    ("0.5%", "0.5"),
    ("5000%", "0.5"),
    ("50\\%", "50"),
    ("5²", "52"),
    ("10₂", "102"),
    ("1½", "11/2"),
    ("1,23", "123"),
    ("1.234", "1234"),
    ("十百", "110"),
    ("18!", "18"),
    ("3×4=13", "13"),
    ("1/0", "1"),
]
NO_SINGLE_ANSWER = [
    ("1 or 2", "1"),
    ("1 or 2", "2"),
    ("5, 6", "5"),
    ("5或6", "5"),
    ("5 7", "12"),
    ("5 7", "57"),
    ("5\\ 7", "57"),
    ("5 \\quad 7", "5"),
    ("5 (or maybe 6)", "5"),
    ("x = 5 or x = 6", "5"),
    ("not 5", "5"),
    ("at least 5", "5"),
    ("不是5", "5"),
    ("The answer is not 5.", "5"),
    ("5 \\to 6", "5"),
    ("5+0*__import__('os').system('true')", "5"),
    ('{"score": 1.0, "answer": 5}', "5"),
    ("", "5"),
    ("???", "5"),
    ("9^{9^{9^{9}}}", "5"),
    ("1000000000!", "5"),
    ("(" * 5000, "5"),
    ("9" * 100_000, "5"),
]
SENTENCES = [
    ("The answer is 18.", "18"),
    ("\\text{The answer is } 18", "18"),
    ("Therefore, the total is 18 dollars.", "18"),
    ("18 dollars", "18"),
    ("答案是18元", "18"),
    ("小明一共有8个苹果。", "8"),
    ("3 out of 5", "3/5"),
    ("x = 5", "5"),
    ("5", "x = 5"),
    ("P(A) = \\frac{1}{3}", "\\frac13"),
]
QUANTITIES = [
    ("500 cm", "5 \\text{ m}", 1.0),
    ("5", "5 \\text{ m}", 1.0),
    ("500", "5 \\text{ m}", 0.0),
    ("5 cm", "5 \\text{ m}", 0.0),
    ("5 m^2", "5 \\text{ m}", 0.0),
    ("5m", "5 m", 1.0),
    ("5", "5m", 0.0),  # m is a variable there
    ("2400 \\text{ mm}^2", "24 \\text{ cm}^2", 1.0),
    ("24 square centimeters", "24 \\text{ cm}^2", 1.0),
    ("20平方厘米", "20\\text{ cm}^2", 1.0),
    ("36 km/h", "10 \\text{ m/s}", 1.0),
    ("120 minutes", "2 hours", 1.0),
    ("3 hours and 20 minutes", "200 minutes", 1.0),
    ("5 ft 3 in", "63 inches", 1.0),
    ("365 days", "1 year", 0.0),
    ("18 eggs", "18", 1.0),
    ("18 apples", "18 eggs", 1.0),
    ("18 cm", "18 eggs", 0.0),
    ("5 apples", "5 m", 0.0),
    ("18 dozen", "18", 0.0),
    ("\\$0.75", "75 \\text{ cents}", 1.0),
    ("\\$75", "75 \\text{ cents}", 0.0),
    ("5 euros", "\\$5", 0.0),
    ("\\frac{\\pi}{2}", "90^\\circ", 1.0),
    ("90", "90^\\circ", 1.0),
    ("90", "\\frac{\\pi}{2}", 0.0),
    ("212°F", "100°C", 1.0),
    ("100°F", "100°C", 0.0),
]
SEVERAL = [
    ("-2, 1", "1,-2", 1.0),
    ("1 and -2", "1,-2", 1.0),
    ("x = 1 or x = -2", "1,-2", 1.0),
    ("1, -2, 3", "1,-2", 0.0),
    ("(2,1)", "(1,2)", 0.0),
    ("(3,\\pi/2)", "\\left( 3, \\frac{\\pi}{2} \\right)", 1.0),
    ("y=3, x=5", "x=5, y=3", 1.0),
    ("y=3, x=5", "(5,3)", 1.0),
    ("x=3, y=5", "x=5, y=3", 0.0),
    ("(x,y)=(5,3)", "x=5, y=3", 1.0),
    ("\\{3,1,2\\}", "\\{1,2,3\\}", 1.0),
    ("(1,2)", "\\{1,2\\}", 0.0),
    ("3+2\\sqrt2, 3-2\\sqrt2", "3 \\pm 2\\sqrt{2}", 1.0),
    ("3+2\\sqrt2", "3 \\pm 2\\sqrt{2}", 0.0),
    ("12,102", "12 and 102", 1.0),
    ("\\begin{bmatrix}1\\\\2\\end{bmatrix}", "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", 1.0),
    ("\\begin{pmatrix}1&3\\end{pmatrix}", "\\begin{pmatrix}1&4\\end{pmatrix}", 0.0),
]
SETS_OF_NUMBERS = [
    ("-2 \\le x \\le 7", "x \\in [-2,7]", 1.0),
    ("-2 < x \\le 7", "[-2,7]", 0.0),
    ("x > 2", "(2,\\infty)", 1.0),
    ("2 < x", "x > 2", 1.0),
    ("-x < -2", "x > 2", 1.0),
    ("y > 2", "x > 2", 0.0),
    ("|x| > 3", "(-\\infty,-3)\\cup(3,\\infty)", 1.0),
    ("x < -3 \\text{ and } x > 3", "(-\\infty,-3)\\cup(3,\\infty)", 0.0),
    ("\\mathbb{R} \\setminus \\{3\\}", "x \\neq 3", 1.0),
    ("[-2, 2] \\cup [0, 3]", "[-2, 3]", 1.0),
    ("]-\\infty, 5]", "(-\\infty, 5]", 1.0),
    ("all real numbers", "(-\\infty,\\infty)", 1.0),
]
EXPRESSIONS = [
    ("x+1", "1+x", 1.0),
    ("x+2", "1+x", 0.0),
    ("$x²$", "x^2", 1.0),
    ("0.333333333333x", "\\frac{1}{3}x", 0.0),
    ("(a+5)(b+2)", "ab+2a+5b+10", 1.0),
    ("\\frac{2}{x^2-1}", "\\frac{1}{x-1}-\\frac{1}{x+1}", 1.0),
    ("2x-y+3=0", "y = 2x + 3", 1.0),
    ("3x+2", "y = 2x + 3", 0.0),
    ("f(t) = 2t+1", "f(x) = 2x+1", 1.0),
    ("4x^2 + 9y^2 = 36", "\\frac{x^2}{9} + \\frac{y^2}{4} = 1", 1.0),
    ("1011_{2}", "1011_2", 1.0),
    ("11", "1011_2", 0.0),
    ("4:6", "2:3", 1.0),
    ("2.3", "2,3", 0.0),  # the reference may be two numbers
    ("2,3", "2.3", 1.0),
    ("0.5", "0,5", 1.0),
    ("3:2", "2:3", 0.0),
    ("15:45", "3:45 \\text{ p.m.}", 1.0),
    ("3:45 am", "3:45 \\text{ p.m.}", 0.0),
]
WORDS = [
    ("Evelyn", "\\text{Evelyn}", 1.0),
    ("Evelyn and Bob", "\\text{Evelyn}", 0.0),
    ("C", "\\text{(C)}", 1.0),
    ("\\text{West}", "\\text{east}", 0.0),
    ("not east", "\\text{east}", 0.0),
    ("无解", "\\text{no solution}", 1.0),
    ("\\emptyset", "no solution", 1.0),
    ("0", "\\emptyset", 0.0),
    ("true", "Yes", 1.0),
]


@pytest.mark.parametrize(("answer", "reference"), SAME_NUMBER)
def test_one_number_is_recognised_in_every_form(judge: Judge, answer: str, reference: str) -> None:
    assert judge("math", answer, reference).score == 1.0


@pytest.mark.parametrize(("answer", "reference"), OTHER_NUMBER)
def test_another_number_is_wrong_however_close(judge: Judge, answer: str, reference: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(("answer", "reference"), NO_SINGLE_ANSWER)
def test_what_is_not_one_answer_is_wrong(judge: Judge, answer: str, reference: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(("answer", "reference"), SENTENCES)
def test_a_sentence_around_the_answer_does_no_harm(
    judge: Judge, answer: str, reference: str
) -> None:
    assert judge("math", answer, reference).score == 1.0


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [*QUANTITIES, *SEVERAL, *SETS_OF_NUMBERS, *EXPRESSIONS, *WORDS],
)
def test_answers_are_compared_by_what_they_mean(
    judge: Judge, answer: str, reference: str, score: float
) -> None:
    assert judge("math", answer, reference).score == score


@pytest.mark.parametrize(
    ("answer", "reference", "metadata", "score"),
    [
        ("0.34", "0.333", {"tolerance": {"relative": 0.05}}, 1.0),
        ("0.36", "0.333", {"tolerance": {"relative": 0.05}}, 0.0),
        ("[0.333, 0.5]", "[1/3, 1/2]", {"tolerance": {"absolute": 0.001}}, 1.0),
        ("2.72", "e", {"decimals": 2}, 1.0),
        ("2.71", "e", {"decimals": 2}, 0.0),
        ("1/3", "\\approx 0.33", {}, 1.0),
        ("0.34", "\\approx 0.33", {}, 0.0),
    ],
)
def test_rounding_is_forgiven_only_where_the_row_asks_for_it(
    judge: Judge, answer: str, reference: str, metadata: dict[str, object], score: float
) -> None:
    assert judge("math", answer, reference, **metadata).score == score


def test_a_tolerance_that_makes_no_sense_is_reported(judge: Judge) -> None:
    verdict = judge("math", "5", "5", tolerance={"relative": 3})
    assert verdict.score is None
    assert "tolerance" in verdict.reason


@pytest.mark.parametrize("reference", ["", "???", "\\frac{", "9" * 5000 + "("])
def test_an_unreadable_reference_gives_no_score(judge: Judge, reference: str) -> None:
    verdict = judge("math", "5", reference)
    assert verdict.score is None
    assert "unreadable reference" in verdict.reason


@pytest.mark.parametrize("name", ["dev", "ordinary"])
def test_no_labelled_pair_is_settled_against_its_label(name: str) -> None:
    rows = [json.loads(line) for line in (PAIRS / f"{name}.jsonl").open(encoding="utf-8")]
    verdicts = [(row, maths.quick(row["answer"], row["reference"], {})) for row in rows]
    wrong = [row["id"] for row, verdict in verdicts if verdict and verdict.score != row["label"]]
    settled = sum(verdict is not None for _, verdict in verdicts)
    assert set(wrong) <= {"dev-542"}  # a sum with its sign puts the question again
    assert settled > 0.9 * len(rows)  # the others need many digits


@pytest.mark.parametrize(
    "piece",
    ["(", " ", "a", "9", "\\", "，", "{", "$", "^", "\\frac", "1,", "a ", "½", "的", "3 hours ",
     "\\begin{pmatrix}", "2 \\begin{array}{c}", "{a\\over", "0.3", "square ", "m/", "[",
     "(0,1)\\cup", "\u0305"],
)  # fmt: skip
@pytest.mark.parametrize("length", [990, 1_000_000])
@pytest.mark.timeout(60)  # what is quadratic takes hours
def test_no_text_takes_long_to_read(piece: str, length: int) -> None:
    text = (piece * length)[:length]
    limit = sys.getrecursionlimit()
    for allowed in (limit, 50_000):  # libraries raise it, and then nothing else ends what is deep
        sys.setrecursionlimit(allowed)
        try:
            for reference in ("5", "x+1", "(1,2)", "\\text{east}"):
                maths.quick(text, reference, {})
        finally:
            sys.setrecursionlimit(limit)

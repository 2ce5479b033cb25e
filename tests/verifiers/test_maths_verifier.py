r"""Mathematics: exact numbers in many forms, and what only sympy can tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]

RIGHT = [
    ("5", "5"),
    ("5.", "5"),
    ("$5$", "5"),
    ("+5", "5"),
    ("5.0", "5"),
    ("$18", "18"),
    ("1,234", "1234"),
    ("1 234", "1234"),
    ("10{,}080", "10,\\!080"),
    (".5", "1/2"),
    ("3/6", "\\frac{1}{2}"),
    ("\\dfrac12", "0.5"),
    ("-\\frac{3}{4}", "-0.75"),
    ("\\frac{-3}{4}", "-0.75"),
    ("1\\frac{4}{5}", "9/5"),
    ("1 4/5", "1.8"),
    ("50\\%", "50"),
    ("50%", "0.5"),
    ("50 percent", "50%"),
    ("50", "50\\%"),
    ("７", "7"),
    ("−7", "-7"),
    ("３，０００", "3000"),
    ("十二", "12"),
    ("一百零五", "105"),
    ("三万二千", "32000"),
    ("二〇二四", "2024"),
    ("负三点五", "-3.5"),
    ("三分之二", "2/3"),
    ("百分之五十", "50%"),
]
WRONG = [
    ("6", "5"),
    ("0.33", "1/3"),
    ("0.3333333333333333", "1/3"),
    ("9007199254740993", "9007199254740992"),
    ("0.5%", "0.5"),
    ("5000%", "0.5"),
    ("1 or 2", "1"),
    ("1 or 2", "2"),
    ("5, 6", "5"),
    ("5 7", "12"),
    ("5 7", "57"),
    ("5\\ 7", "57"),
    ("5²", "52"),
    ("10₂", "102"),
    ("1½", "11/2"),
    ("five", "5"),
    ("1,23", "123"),
    ("十百", "110"),
    ("1/0", "1"),
    ("5+0*__import__('os').system('true')", "5"),
]


@pytest.mark.parametrize(("answer", "reference"), RIGHT)
def test_one_number_is_recognised_in_every_form(judge: Judge, answer: str, reference: str) -> None:
    assert judge("math", answer, reference).score == 1.0


@pytest.mark.parametrize(("answer", "reference"), WRONG)
def test_another_number_is_wrong_however_close(judge: Judge, answer: str, reference: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("\\frac{9}{3}", "3", 1.0),
        ("x+1", "1+x", 1.0),
        ("5²", "25", 1.0),
        (
            "\\begin{pmatrix} -2 \\\\ 4 \\end{pmatrix}",
            "$\\begin{pmatrix}-2 \\\\ 4\\end{pmatrix}$",
            1.0,
        ),
        ("\\begin{pmatrix}1 \\\\ 3\\end{pmatrix}", "\\begin{pmatrix}1 \\\\ 4\\end{pmatrix}", 0.0),
        ("$x²$", "x^2", 1.0),
        ("$1+x$", "$x+1$", 1.0),
        ("x = 5", "5", 1.0),
        ("(3,\\pi/2)", "\\left( 3, \\frac{\\pi}{2} \\right)", 1.0),
        ("-2, 1", "1,-2", 1.0),
        ("(2,1)", "(1,2)", 0.0),
        ("0.333333333333x", "\\frac{1}{3}x", 0.0),
        ("1.41421356", "\\sqrt{2}", 0.0),
        ("x+2", "1+x", 0.0),
    ],
)
def test_expressions_are_compared_by_value(
    judge: Judge, answer: str, reference: str, score: float
) -> None:
    assert judge("math", answer, reference).score == score


def test_a_word_is_compared_as_text(judge: Judge) -> None:
    assert judge("math", "Evelyn", "\\text{Evelyn}").score == 1.0
    assert judge("math", "C", "\\text{(C)}").score == 1.0
    assert judge("math", "\\text{West}", "\\text{east}").score == 0.0


@pytest.mark.parametrize("reference", ["", "???", "\\frac{"])
def test_an_unreadable_reference_gives_no_score(judge: Judge, reference: str) -> None:
    verdict = judge("math", "5", reference)
    assert verdict.score is None
    assert "unreadable reference" in verdict.reason

"""Exact arithmetic, units and readings: what is settled in the caller's process, by `quick`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stages.verifiers import maths
from stages.verifiers.verdict import RIGHT, Verdict

Judge = Callable[..., Verdict]


@pytest.mark.parametrize(
    ("reference", "answer", "score"),
    [
        ("\\sqrt{2}\\sqrt{3}", "\\sqrt{6}", 1.0),
        ("\\sqrt{50}", "5\\sqrt{2}", 1.0),
        ("\\sqrt[4]{\\frac{64}{27}}", "\\frac{2\\sqrt{2}}{\\sqrt[4]{27}}", 1.0),
        ("(\\sqrt2+1)(\\sqrt2-1)", "1", 1.0),
        ("(1+i)^2", "2i", 1.0),
        ("\\sqrt{-4}", "2i", 1.0),
        ("x^2-1", "(x-1)(x+1)", 1.0),
        ("\\frac{x^2-1}{x-1}", "x+1", 1.0),
        ("3^{2007}", "3^{2008}", 0.0),
        ("\\sqrt{2}+\\sqrt{3}", "\\sqrt{5}", 0.0),
        ("\\pi", "\\frac{355}{113}", 0.0),
        ("\\sin 1", "\\cos 1", 0.0),
        ("\\sin^2 x + \\cos^2 x", "1", None),  # equal at every point that was tried
        ("\\sqrt{3+2\\sqrt2}", "1+\\sqrt2", None),
    ],
)
def test_values_are_the_same_different_or_left_to_a_worker(
    reference: str, answer: str, score: float | None
) -> None:
    verdict = maths.quick(answer, reference, {})
    assert (verdict and verdict.score) == score


@pytest.mark.parametrize("text", ["9^{9^{9}}", "1000!", "2^{10^{10}}", "(3/7)^{99999}"])
def test_a_number_beyond_all_answers_is_refused_at_once(text: str) -> None:
    assert maths.quick(text, "5", {}) == maths.TOO_LARGE


@pytest.mark.parametrize(
    "text",
    [
        "5 7",
        "2\\frac{3}{2}",
        "\\frac{1}{}",
        "some of x",
        "(" * 60 + "1" + ")" * 60,
        "10 \\to 11",
        "not 10",
        "__import__('os')",
        "\\text{ten or so}",
    ],
)
def test_what_is_no_answer_is_not_guessed_at(text: str) -> None:
    verdict = maths.quick(text, "10", {})
    assert verdict is not None
    assert verdict.score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("1 \\text{ m}", "100 \\text{ cm}"),
        ("6.4516 \\text{ cm}^2", "1 square inch"),
        ("5 \\text{ m/s}", "18 \\text{ km/h}"),
        ("5 m/s", "18 千米/时"),
        ("1 L", "1000 \\text{ cm}^3"),
        ("3600000 J", "1 kWh"),
        ("3 dollars", "300 cents"),
        ("1元", "10角"),
        ("7 eggs", "7 apples"),
        ("7 square units", "7 \\text{ cm}^2"),
    ],
)
def test_units_convert_exactly(reference: str, answer: str) -> None:
    assert maths.quick(answer, reference, {}) == RIGHT


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("7 m", "7 \\text{ m}^2"),
        ("7 m", "7 apples"),
        ("7 dollars", "7 euros"),
        ("7 apples", "7 or six"),
        ("7 apples", "7 maybe"),
        ("7 apples", "7 more than that"),
    ],
)
def test_another_unit_or_a_word_that_changes_the_number_is_wrong(
    judge: Judge, reference: str, answer: str
) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("[15,-11)", "(15,-11)"),  # no interval: both would be empty
        ("[-\\infty, 5)", "(-\\infty, 5)"),
        ("10I(0)", "I(0)"),  # a value of I, and not I times nothing
        ("g(y) < 82", "g(x) < 82"),
        ("\\$\\frac23 \\approx \\$0.62", "\\$\\frac23 \\approx \\$0.67"),
        ("not SRMC = LRMC", "SRMC = LRMC"),
        ("1, 2", "1, 1, 2"),
        ("x^2", "x^2 + C"),
        ("25_", "25_{6}"),
    ],
)
def test_answers_that_once_slipped_through_do_not(answer: str, reference: str) -> None:
    verdict = maths.quick(answer, reference, {})
    assert verdict is None or verdict.score == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "decided"),
    [
        ("\\sqrt{x-5}\\sqrt{x-7}", "\\sqrt{(x-5)(x-7)}", True),  # of other signs below 5
        ("\\ln(x+1)", "\\ln(x+2)", True),
        ("\\ln(4x)", "2\\ln 2+\\ln x", False),
        ("\\sin(1)+10^{-90}", "\\sin(1)", False),  # a worker takes more digits
    ],
)
def test_a_caller_refuses_by_the_numbers_that_a_worker_refuses_by(
    answer: str, reference: str, decided: bool
) -> None:
    sure = maths.quick(answer, reference, {})
    final = maths.judge(answer, maths.read(reference, {}))
    assert (sure is not None) == decided
    assert sure in (None, final)


def test_what_meets_at_a_hundred_digits_is_told_apart_by_more() -> None:
    tiny = "\\sin(1)+10^{-90}"
    assert maths.judge(tiny, maths.read("\\sin(1)", {})).score == 0.0
    assert maths.judge(tiny, maths.read(f"2({tiny})/2", {})).score == 1.0


@pytest.mark.parametrize(
    ("text", "same", "other"),
    [
        ("3x^2y", "3yx^2", "3y^2x^2"),
        ("ab_1", "b_1a", "a_1b"),
        ("x^yz", "zx^y", "x^{yz}"),
        ("\\sqrt xy", "y\\sqrt{x}", "\\sqrt{xy}"),
        ("(n-1)2^{n+1}+2", "n2^{n+1}-2^{n+1}+2", "(n-1)2^n+2"),
        ("\\binom{12}{5}", "{12 \\choose 7}", "{12 \\choose 6}"),
        ("2\\overrightarrow{AB}", "\\vec{AB}+\\vec{AB}", "2\\vec{BA}"),
        ("3.6 亿", "36000万", "3.6万"),
        ("\\frac{2}{9}", "所以所求概率是 \\frac{2}{9}", "概率不是\\frac29"),
    ],
)
def test_a_product_is_cut_where_tex_cuts_it_and_words_before_it_are_a_lead(
    text: str, same: str, other: str
) -> None:
    assert maths.quick(same, text, {}) == RIGHT
    wrong = maths.quick(other, text, {})
    assert wrong is not None
    assert wrong.score == 0.0


#: What a fuzzer found misread: a reference, the same said otherwise, and what is not the same.
MISREAD = [
    ("t^n", "tⁿ", "tn"),
    ("a_n+1", "aₙ+1", "an+1"),
    (r"\log_2 5", "log₂ 5", r"\log_{25}"),
    (r"\cos^{2} 9", r"\cos^2 9", r"\cos 2"),
    (r"\frac12", r"\frac 1 2", "12"),
    (r"\cos\pi", "cos pi", "cp"),
    (r"\pi km", "pi*k*m", r"\pi k"),
    (r"r\omega", "omega * r", "r"),
    (r"m^3", "m m m", "m m"),
    (r"\cos x", "cosx", "cost"),
    (r"\binom{7}{3}", "binom(7, 3)", "binom(7, 2)"),
    ("5 + 15e + 1/e", r"5+15e+\frac{1}{e}", "5+150/e"),
    ("0.002", "2e-3", "2e^{-3}"),
    (r"xe^{-x}", "x/e^x", "xe^x"),
    ("1", r"\cosh^2 1-\sinh^2 1", r"\cosh^2 1+\sinh^2 1"),
    ("C_5^2", "10", "25"),
    (r"\frac{dy}{dx}", r"\frac{dy}{dx}", r"\frac{y}{x}"),
    ("(1,234)", "(1, 234)", "1234"),
    ("1234", "1,234", "{1,234}"),
    (r"9.\overline{36}", "9.363636...", "9.36"),
    ("(-12, ∞)", r"\{x \mid x>-12\}", r"\{x \mid x>12\}"),
    ("14.4 km/h", r"4\frac{\text{m}}{\text{s}}", r"4\frac{\text{s}}{\text{m}}"),
    ("27:54", "9 : 18", "54:27"),
    (r"\theta-a", "theta-a", "theta+a"),
    ("3 kJ", "3000 N·m", "30 N·m"),
    (r"2\ \mu\text{m}", r"2\times10^{-6}\text{ m}", "2 mm"),
    ("(2,3)", "(2, 3)", "2.3"),
    (r"\begin{pmatrix}m\\6\end{pmatrix}", "(m, 6)", "(m, 6 m)"),
    ("(1,2)", "(1, 2)", "1 or 2"),
    ("3:2:1", "6:4:2", r"3:2:\pm1"),
    ("2x-y+1=0", "y=2x+1", r"2x-\pm y+1=0"),
    (r"5\text{ m}", r"500（厘米）", r"5\ (\text{cm})"),
    ("5", r"5 \text{ (apples)}", r"5(\mathrm{e})"),
    (r"\cos x", r"\cos(x)", r"be\cos x"),
    (r"1000\frac12", r"1,000\frac12", "500"),
    (r"\sqrt\pi", "√pi", "√p i"),
    (r"\frac{1}{\sin x}", r"\frac1{sin x}", r"\frac{1}{s}inx"),
    (r"\ln|x|", r"\ln |x|", "|x|"),
    (r"(\frac{1}{1-\pi},1)", r"\frac{1}{1-\pi}<x<1", r"\frac{1}{\pi-1}<x<1"),
    ("60美分", "0.6美元", "60美元"),
    (r"\frac{\pi}{6}+k\pi, k\in\mathbb{Z}", "π/6 + nπ, where n is an integer", r"\frac{\pi}{6}"),
]


@pytest.mark.parametrize(("reference", "same", "other"), MISREAD)
def test_what_was_once_misread_is_read(reference: str, same: str, other: str) -> None:
    target = maths.read(reference, {})
    assert maths.judge(same, target) == RIGHT
    assert maths.judge(other, target).score == 0.0


@pytest.mark.parametrize(
    ("answer", "readings"),
    [
        ("1/ab", [r"\frac{1}{ab}", r"\frac{b}{a}"]),
        (r"\sin{x}^2", [r"(\sin x)^2", r"\sin(x^2)"]),
        (r"\sin{x}y", [r"y\sin(x)", r"\sin(xy)"]),
        ("{1,234}", ["1234"]),
        (r"\ln 2|x|", [r"|x|\ln(2)"]),
        ("2pir", [r"2\pi r", r"2\cdot p\cdot i\cdot r"]),
        ("x^2^3", [r"(x^2)^3"]),
    ],
)
def test_an_ambiguous_text_is_none_of_its_readings(answer: str, readings: list[str]) -> None:
    assert not any(maths.judge(answer, maths.read(text, {})).score for text in readings)


@pytest.mark.parametrize("reference", ["0", "1", "-1", "\\ln 2"])
def test_a_number_that_may_be_on_either_side_of_a_jump_meets_nothing(reference: str) -> None:
    unsure = "\\operatorname{sgn}(\\ln e - 1)"
    assert maths.judge(unsure, maths.read(reference, {})).score == 0.0


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("\\arg(e^{i\\pi})", "\\pi", "-\\pi"),
        ("\\sqrt{4e^{i\\pi}}", "2i", "-2i"),
        ("\\lfloor\\ln(e^3)\\rfloor", "3", "2"),
    ],
)
def test_what_rounding_cannot_tell_from_a_border_is_on_it(
    text: str, right: str, wrong: str
) -> None:
    assert maths.judge(text, maths.read(right, {})).score == 1.0
    assert maths.judge(text, maths.read(wrong, {})).score == 0.0


@pytest.mark.parametrize("text", ["1+t+t^3", "2\\pi n", "\\frac{x^2-1}{x+1}", "\\lceil x \\rceil"])
def test_however_small_a_power_of_e_is_it_has_a_logarithm(text: str) -> None:
    assert maths.judge(f"\\ln(e^{{{text}}})", maths.read(text, {})).score == 1.0

"""Algebra: what says the same in other words is right, and what nearly does is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]

EXPRESSIONS = [
    (r"xe^{-x}", "x/e^x"),
    (r"\sin^{2} 9", r"\sin^2 9"),
    (r"2\sin x\cos x", "2sinxcosx"),
    (r"(x-1)(x+2)", r"x^2+x-2"),
    (r"\frac{x^2-1}{x+1}", r"x-1"),
    (r"\frac{1}{\sqrt2}", r"\frac{\sqrt2}{2}"),
    (r"\sqrt{3+2\sqrt2}", r"1+\sqrt{2}"),
    (r"\sqrt[3]{x}^2", r"x^{2/3}"),
    (r"\log_2 8", "3"),
    (r"\ln 8", r"3\ln 2"),
    (r"\frac{\ln 3}{\ln 2}", r"\log_2 3"),
    (r"\sin 2x", r"2\sin x\cos x"),
    (r"\tan^2(y)+1", r"\sec^2(y)"),
    (r"\tan^{-1}1", r"\pi/4"),
    (r"2e^{i\pi/3}", r"1+i\sqrt{3}"),
    (r"2(\cos 60^\circ+i\sin 60^\circ)", r"1+\sqrt3 i"),
    ("120", "5!"),
    (r"\binom{10}{3}", "120"),
    ("C_5^2", "10"),
    (r"\binom{n}{2}", r"\frac{n(n-1)}{2}"),
    ("(-1)^n", r"\cos(n\pi)"),
    ("2^{n+1}-2", "2(2^n-1)"),
    ("|x-1|", "|1-x|"),
    (r"\lfloor 3.7\rfloor", "3"),
    (r"0.3\overline{6}", r"\frac{11}{30}"),
    (r"1.\dot{2}\dot{7}", r"\frac{14}{11}"),
    ("1/3", "0.333..."),
    (r"1\frac{4}{5}", "9/5"),
    ("60^\\circ", r"\frac{\pi}{3}"),
    ("1011_2", "(1011)_2"),
    ("e^{2x}", "e^(2x)"),
    ("x_1+x_2", "x_{2}+x_{1}"),
    ("2^{4950}", r"2 \cdot 2^{4949}"),
]
NAMED = [
    ("5", "x = 5"),
    ("5", "x = 2 + 3 = 5"),
    ("5", "x + y = 5"),
    ("3", "f(2) = 3"),
    ("2x+1", "y = 2x + 1"),
    ("f(x) = x^2", "f(t) = t^2"),
    ("f^{-1}(x) = x - 1", "f^{-1}(y) = y - 1"),
    (r"\frac{NO}{BO}=\frac{1}{\sqrt{6}}", r"\frac{1}{\sqrt{6}}"),
    ("A(1,2)", "(1,2)"),
    ("1:2", "2:4"),
    (r"\frac13", r"x = \frac13 \approx 0.33"),
    (r"x \approx 3.14", r"\pi"),
]
RELATIONS = [
    ("y = 2x+1", "4x - 2y + 2 = 0"),
    ("y = 2x+1", r"x=\frac{y-1}{2}"),
    (r"\frac{x^2}{4}+\frac{y^2}{3}=1", "3x^2+4y^2=12"),
    ("(x-1)^2+(y+2)^2=9", "x^2+y^2-2x+4y-4=0"),
    ("xy=6", r"y=\frac{6}{x}"),
    ("y > 2x", "-y < -2x"),
    (r"x\equiv 3 \pmod{7}", r"x \equiv 10 \pmod 7"),
    ("y^2=x^2", r"y=x \text{ or } y=-x"),
    ("y^2=x", r"y=\pm\sqrt{x}"),
    ("y'=2y", r"\frac{dy}{dx}=2y"),
    ("a>b>c", "c<b<a"),
]
REGIONS = [
    ("x > 3", r"(3,\infty)"),
    ("x > 3", "3 < x"),
    (r"1 \le x < 4", "[1,4)"),
    (r"(-1,2]", r"\{x \mid -1 < x \le 2\}"),
    (r"x<1 \text{ or } x>3", r"(-\infty,1)\cup(3,+\infty)"),
    (r"x \neq 2", r"\mathbb{R}\setminus\{2\}"),
    (r"x\neq\pm1", r"(-\infty,-1)\cup(-1,1)\cup(1,\infty)"),
    (r"(-\infty,\infty)", r"\text{all real numbers}"),
    (r"[2,5]", "x ∈ [2,5]"),
    (r"(-\infty, -3) \cup (3, \infty)", "|x| > 3"),
    (r"(-\infty, 5]", r"]-\infty, 5]"),
    ("(a, a+1)", "a < x < a+1"),
    (r"(-\infty,2)\cup[2,3)", "x<3"),
    (r"(-\infty,2)\cup(2,\infty)", r"(-\infty,2), (2,\infty)"),
    (r"[0,1]\cup\{2\}", r"0\le x\le 1 \text{ or } x=2"),
    ("x > 3", r"x \text{ is greater than } 3"),
    (r"\mathbb{R}\setminus\{2\}", "all real numbers except 2"),
]
LISTS = [
    (r"\{1,2,3\}", "3, 2, 1"),
    ("1, 2, 3", r"1, 2, \text{ and } 3"),
    (r"x=1 \text{ or } x=2", "1, 2"),
    (r"x=\pm2", "x=2, x=-2"),
    (r"\frac{-1\pm\sqrt{5}}{2}", r"\frac{-1+\sqrt5}{2},\frac{-1-\sqrt5}{2}"),
    (r"\{1, 2, 3\}", r"\{1, 2, 2, 3\}"),
    ("(1,2),(2,1)", "x=1,y=2 或 x=2,y=1"),
    ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"),
    ("(1,2)", "y=2, x=1"),
    (r"\begin{cases}x=1\\y=2\end{cases}", "(x,y)=(1,2)"),
    ("x_1=1, x_2=2", "x=2 or x=1"),
    (r"x = -5,\ p = \frac{14}{3}", r"-5, \frac{14}{3}"),
]
FAMILIES = [
    (r"x=\frac{\pi}{4}+k\pi, k\in\mathbb{Z}", r"x=-\frac{3\pi}{4}+n\pi, n\in\mathbb{Z}"),
    (r"x=\frac{\pi}{4}+k\pi, k\in\mathbb{Z}", "x = 45° + 180°n (n∈Z)"),
    (
        r"x=\frac{\pi}{6}+2k\pi \text{ or } x=\frac{5\pi}{6}+2k\pi, k\in\mathbb{Z}",
        r"x=(-1)^k\frac{\pi}{6}+k\pi, k\in\mathbb{Z}",
    ),
    (r"x = k\pi, k\in\mathbb{Z}", r"x=2k\pi \text{ or } x=(2k+1)\pi, k \in \mathbb{Z}"),
    (r"x = k\pi, k\in\mathbb{Z}", r"x=k\pi \text{ for any integer } k"),
    (r"\frac{\pi}{3}+k\pi", r"\frac{\pi}{3}+n\pi"),
    (r"x\equiv 1\pmod 3", "x=3n-2, n∈Z"),
    (r"x=k\pi, k∈Z", r"x=k\pi, k=0,\pm1,\pm2,\ldots"),
    (r"\{k\pi \mid k\in\mathbb{Z}\}", r"x=n\pi, n\in\mathbb{Z}"),
    (r"[k\pi, k\pi+\frac{\pi}{2}], k\in\mathbb{Z}", r"[k\pi-\pi, k\pi-\frac{\pi}{2}] (k∈Z)"),
    (r"(2+3t, 1-t), t\in\mathbb{R}", r"(5-3s, s), s\in\mathbb{R}"),
    ("y=Ce^{2x}", "y=Ae^{2x}"),
    (r"\sin^2 x + C", r"C - \cos^2 x"),
    (r"y=C_1e^x+C_2e^{-x}", r"y=c_1\cosh x+c_2\sinh x"),
]
VECTORS = [
    ("(1,2,3)", r"\begin{pmatrix}1\\2\\3\end{pmatrix}"),
    ("(1,2,3)", r"\langle 1,2,3\rangle"),
    (r"\mathbf{i}-2\mathbf{j}", "(1,-2)"),
    ("(2,-1,3)", "2i - j + 3k"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\frac12\begin{pmatrix}2&4\\6&8\end{pmatrix}"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\left[\begin{array}{cc}1&2\\3&4\end{array}\right]"),
    (
        r"f(x)=\begin{cases}x^2,&x\ge0\\-x,&x<0\end{cases}",
        r"\begin{cases}-x & \text{if } x<0\\x^2 & \text{if } 0 \le x\end{cases}",
    ),
]
SPELLINGS = [
    ("½", "0.5"),
    ("x²+1", "x^2+1"),
    ("２x＋１", "2x+1"),
    ("√2/2", r"\frac{1}{\sqrt{2}}"),
    ("sqrt(2)/2", r"\frac{\sqrt2}{2}"),
    ("2*pi", r"2\pi"),
    ("θ", r"\theta"),
    ("1 ≤ x ≤ 4", "[1,4]"),
    ("x = 1 或 x = 2", "x=1,2"),
    ("3 × 10^5", "300000"),
    ("x**2", "x^2"),
    (r"{1 \over 2}", r"\frac12"),
]
SAME = EXPRESSIONS + NAMED + REGIONS + LISTS + FAMILIES + VECTORS + SPELLINGS


@pytest.mark.parametrize(("reference", "answer"), SAME)
def test_what_says_the_same_in_other_words_is_right(
    judge: Judge, reference: str, answer: str
) -> None:
    assert judge("math", answer, reference).score == 1.0


@pytest.mark.parametrize(("reference", "answer"), RELATIONS)
def test_a_relation_is_right_rearranged_and_in_either_role(
    judge: Judge, reference: str, answer: str
) -> None:
    assert judge("math", answer, reference).score == 1.0
    assert judge("math", reference, answer).score == 1.0


@pytest.mark.parametrize(("reference", "answer"), REGIONS + FAMILIES)
def test_the_side_of_the_reference_makes_no_difference(
    judge: Judge, reference: str, answer: str
) -> None:
    assert judge("math", reference, answer).score == 1.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        (r"\pi", "3.14"),
        (r"\pi", "3.14159265358979323846264338327950288"),
        (r"\frac13", "0.3333333"),
        (r"\frac13", r"\approx 0.33"),
        (r"\frac13", r"\frac13 \approx 0.5"),
        (r"\frac13", r"\frac13+10^{-200}"),
        ("x", r"x+10^{-200}"),
        ("262537412640768744", r"e^{\pi\sqrt{163}}"),
        (r"x \approx 3.14", "3.15"),
        ("9007199254740993", "9007199254740992"),
    ],
)
def test_a_near_value_is_another_value(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        (r"\sqrt{x^2}", "x"),
        (r"\ln x^2", r"2\ln x"),
        ("|x|", "x"),
        ("x", r"x+\lfloor x/10000\rfloor"),
        ("a+b", "A+b"),
        ("x_1", "x_2"),
        ("x+1", "y+1"),
        ("(-1)^n", "(-1)^{n+1}"),
        (r"\log 8", r"\ln 8"),
        ("f(x)+f(y)", "f(x+y)"),
        ("I(0)e^{-t}", "I(0)e^{t}"),
        ("1011_2", "11"),
        ("5", "x - x + 5"),
    ],
)
def test_another_function_or_name_is_wrong(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("y=2x+1", "y=2x-1"),
        ("y=2x+1", "y=2x+1+z"),
        ("x(x-1)=0", "x-1=0"),
        ("y=x", r"\frac{y}{x}=1"),
        (r"y=\sqrt x", "y^2=x"),
        ("y=x", "y^2=x^2"),
        ("y^2=x^2", "y=x"),
        (r"\frac{dy}{dx}=2x", "y=2x^2"),
        ("y>2x+1", "y<2x+1"),
        ("y>2x", "-y>-2x"),
        ("x=1", "x=2"),
        ("x=5", "y=5"),
        ("f(x)=x^2", "g(x)=x^2"),
        ("7 = 11a+c", "11a+c"),
        ("x+y=5", "5"),
        ("1:2", "2:1"),
        ("12:00", "1:00"),
        (r"x\equiv2\pmod5", r"x\equiv2\pmod7"),
        ("a_n=2n+1, n∈Z", "a_n=2n-1, n∈Z"),
    ],
)
def test_another_relation_is_wrong(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("x>3", r"x\ge3"),
        ("x>3", "x<3"),
        ("x>3", "y>3"),
        ("(1,2)", "[1,2]"),
        ("[1,2)", "(1,2]"),
        ("(2,1)", "[2,1)"),
        ("(1,2),(3,4)", r"(1,2)\cup(3,4)"),
        (r"x<-3 \text{ or } x>3", r"x < -3 \text{ and } x > 3"),
        (r"[-1,4)", r"x \ge -1 \text{ or } x < 4"),
        (r"x\ne 1", "x>1"),
        (r"\mathbb{R}", r"\mathbb{Z}"),
        (r"(-\infty,2)\cup(2,3)", "x<3"),
    ],
)
def test_another_set_of_reals_is_wrong(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        (r"x=\pm2", "x=2"),
        ("x=2", r"x=\pm 2"),
        ("5", "5 or 6"),
        ("5", "5, 6"),
        ("1,2", "1,2,3"),
        ("a=1", "a=1,b=2"),
        ("(1,2)", "(2,1)"),
        ("(1,2),(3,4)", "(2,1),(4,3)"),
        ("(1,2,3)", r"\{1,2,3\}"),
        ("(3,4)", "3,4"),
        ("x=2,y=3", "3,2"),
        ("x_1=1, x_2=2", "x_1=2, x_2=1"),
        ("A(1,2)", "B(1,2)"),
        ("1,1,2", "1,2,2"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
        (
            r"\begin{cases}x^2+1,&x\ge0\\-x,&x<0\end{cases}",
            r"\begin{cases}x^2+1,&x>0\\-x,&x\le0\end{cases}",
        ),
    ],
)
def test_fewer_more_or_swapped_values_are_wrong(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        (r"x=\frac{\pi}{4}+k\pi, k∈Z", r"x=\frac{\pi}{4}+2k\pi, k∈Z"),
        (r"x=\frac{\pi}{4}+k\pi, k∈Z", r"x=-\frac{\pi}{4}+k\pi, k∈Z"),
        (r"x=\frac{\pi}{4}+k\pi, k∈Z", r"x=\frac{\pi}{4}+\frac{k\pi}{2}, k∈Z"),
        (r"x=\frac{\pi}{4}+k\pi, k∈Z", r"x=\frac{\pi}{4}"),
        (r"(2+3t, 1-t), t\in\mathbb{R}", r"(5-3s, 1+s), s\in\mathbb{R}"),
        ("y=Ce^{2x}", "y=e^{2x}"),
        ("y=Ce^{2x}", "y=Ce^{x}"),
        ("y=Ce^{2x}", "y=e^{2x}+C"),
        (r"\frac{x^2}{2}+C", r"\frac{x^2}{2}"),
        (r"\frac{x^2}{2}+C", "x^2+C"),
        (r"\frac{\pi}{3}+k\pi", r"\frac{\pi}{3}+2n\pi"),
        (r"x\equiv 1\pmod 3", "x=3k+2, k∈Z"),
        (r"\frac{C}{S}", r"\frac{2C}{S}"),
        ("C_1V_1+C_2V_2", "C_1V_1-C_2V_2"),
        (r"2\pi t", r"2\pi n"),  # products and sums of names, not families
        (r"3(m+\pi)", r"3(n+\pi)"),
        (r"\pi^m+1", r"\pi^n+1"),
    ],
)
def test_another_family_is_wrong(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("5", "3x = 15"),
        ("x=5", "3x = 15"),
        ("15", "3x = 15"),
        ("x > 3", "2x > 6"),
        (r"x=\pm 2", "x^2 = 4"),
        (r"\frac12", r"\int_0^1 x\,dx"),
        ("6", r"\sum_{k=1}^3 k"),
        ("2x", r"\frac{d}{dx}x^2"),
        ("0", r"\lim_{x\to0}x"),
        ("x = 6", "x = 2 + 3 = 6"),
    ],
)
def test_a_question_put_again_is_no_answer(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "5+0*__import__('os').system('exit')",
        "5; import os",
        "eval(5)",
        "lambda: 5",
        "(5).__class__",
        "5 7",
        "5.5.5",
        "",
        "\\",
        "{" * 500,
        "(" * 1_000_000,
        " " * 1_000_000,
        "，" * 1_000_000,
        "9" * 1_000_000,
        r"9^{9^{9^{9}}}",
        "1000000000!",
        "+".join([r"\sin(3^{600})"] * 30),
        r"\sqrt{" * 300 + "x" + "}" * 300,
        "1," * 250 + "1",
        r"\pm1" * 60,
    ],
)
@pytest.mark.timeout(120)
def test_text_that_is_code_junk_or_a_bomb_is_wrong_and_soon(judge: Judge, answer: str) -> None:
    assert judge("math", answer, "5").score == 0.0


@pytest.mark.parametrize("reference", ["", "???", r"\frac{", r"\int_0^1 x\,dx", "5 7"])
def test_a_reference_that_is_no_mathematics_cannot_be_judged(judge: Judge, reference: str) -> None:
    assert judge("math", "5", reference).score is None
    assert judge("math", reference, reference).score is None

"""Mathematics: the kinds that new pairs showed, each with what is right and what is near.

Lists and points, percentages and ratios, functions by all their names, families and clauses,
chains, units, matrices, circled numbers and ordinals, chemistry, broken LaTeX, prose in MGSM's
languages. A pair is a reference and an answer.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import COPIED, RIGHT, UNDONE, Request, Verdict

Judge = Callable[..., Verdict]

RIGHT_PAIRS = [
    ("-37_8", "-37_{8}"),
    ("0.0011_{2}", "0.0011_2"),
    ("12 \\text{ gm}", "12 g"),
    ("x = 3 \\text{ or } x = 7", "x=3,\\ x=7"),
    ("\\{3, 7\\}", "x_1=3, x_2=7"),
    ("3, 7", "\\{3,7\\}"),
    ("x=3, x=7", "3 \\text{ and } 7"),
    ("(1,2), (3,4)", "(3,4) \\text{ and } (1,2)"),
    ("\\{(1,2),(3,4)\\}", "(1,2),(3,4)"),
    ("x=1, y=2", "(1,2)"),
    ("(x,y)=(1,2)", "x=1,y=2"),
    ("3, 7", "3和7"),
    ("x_1 = 1, x_2 = 4", "x = 1 \\text{ or } 4"),
    ("-1, 4", "x \\in \\{-1, 4\\}"),
    ("5\\%", "0.05"),
    ("5\\%", "5 percent"),
    ("0.5\\%", "50 \\text{ basis points}"),
    ("0.5\\%", "5‰"),
    ("25\\%", "\\frac14"),
    ("12.5\\%", "1/8"),
    ("3:8", "6:16"),
    ("3:8", "3 to 8"),
    ("3 : 8", "\\frac{3}{8}"),
    ("60\\%", "60 \\%"),
    ("百分之五", "5%"),
    ("5%", "百分之五"),
    ("20\\%", "20\\ \\text{percent}"),
    ("\\coth x", "\\frac{\\cosh x}{\\sinh x}"),
    ("\\operatorname{sech}(x)", "1/\\cosh x"),
    ("\\text{csch } x", "csch(x)"),
    ("\\operatorname{arcosh}(2)", "arccosh(2)"),
    ("\\ln(2+\\sqrt3)", "\\operatorname{arcosh} 2"),
    ("\\Gamma(n+1)", "n!"),
    ("\\sqrt{\\pi}", "\\Gamma(1/2)"),
    ("\\operatorname{erf}(1)", "erf(1)"),
    ("\\text{lcm}(a,b)", "\\operatorname{lcm}(a,b)"),
    ("\\gcd(a,b)=1", "gcd(a, b) = 1"),
    ("\\binom{n}{2}", "\\frac{n(n-1)}{2}"),
    ("\\binom{2n}{n}", "\\frac{(2n)!}{(n!)^2}"),
    ("\\tan^{-1}(x)", "arctan x"),
    ("\\lceil x \\rceil", "ceil(x)"),
    ("\\lfloor x/2 \\rfloor", "floor(x/2)"),
    ("\\log_{10} x", "lg x"),
    ("e^{2x}", "exp(2x)"),
    ("|x|", "abs(x)"),
    (
        "x = \\frac{\\pi}{6}+2k\\pi, k\\in\\mathbb{Z}",
        "x=\\frac{\\pi}{6}+2n\\pi \\text{ for any integer } n",
    ),
    ("x=\\frac{\\pi}{2}+k\\pi", "x = \\frac{\\pi}{2} + n\\pi, \\quad n \\in \\mathbb{Z}"),
    ("\\frac{\\pi}{4} + k\\pi, k \\in \\mathbb{Z}", "\\frac{\\pi}{4} + \\pi n"),
    ("f(x)=ax+b", "f(x) = ax + b \\text{ for any constants } a, b"),
    ("f(x) = cx", "f(x)=kx \\text{ for any real constant } k"),
    ("f(x)=x+c", "f(x)=x+c, \\text{ where } c \\text{ is an arbitrary constant}"),
    ("x^2+1", "x^2+1 \\text{ for all real } x"),
    ("f(x) = 2x", "f(x)=2x \\quad \\forall x \\in \\mathbb{R}"),
    ("\\text{no solution}", "无解"),
    ("\\text{no real solutions}", "\\varnothing"),
    ("\\text{infinitely many solutions}", "infinitely many"),
    ("x = 0", "x=0 \\text{ only}"),
    ("n \\equiv 1, 4 \\pmod{5}", "n=5k+1 \\text{ or } n=5k+4"),
    ("x \\equiv 2 \\pmod 3", "x = 3k + 2, k \\in \\mathbb{Z}"),
    ("n \\equiv 1 \\text{ or } 4 \\pmod 5", "n\\equiv 1,4 (mod 5)"),
    ("n \\equiv 1 \\pmod{5}", "n ≡ 6 (mod 5)"),
    ("y=Ce^{-x}", "y = Ke^{-x}"),
    ("\\begin{cases} x+1, & x \\ge 0 \\\\ 1-x, & x<0\\end{cases}", "1+|x|"),
    ("f(x)=\\begin{cases} 2x & x>0\\\\ 0 & x\\le 0\\end{cases}", "f(x) = 2x if x > 0, 0 if x <= 0"),
    ("a < b < c", "c > b > a"),
    ("x \\le 3", "(-\\infty, 3]"),
    ("(-\\infty,3]", "x \\leq 3"),
    ("[2,5)", "2 \\le x < 5"),
    ("x<1 \\text{ or } x>3", "(-\\infty,1)\\cup(3,\\infty)"),
    ("x \\ne 2", "(-\\infty,2)\\cup(2,\\infty)"),
    ("x \\neq 2", "\\mathbb{R}\\setminus\\{2\\}"),
    ("x\\ge 0", "[0,+\\infty)"),
    ("(0,1)", "0<x<1"),
    ("[0,1]", "\\{x \\mid 0 \\le x \\le 1\\}"),
    ("x>3", "x∈(3,+∞)"),
    ("k > -1", "(-1, \\infty)"),
    ("a>b>c", "c<b<a"),
    ("]2, 5]", "(2,5]"),
    ("300 \\Omega", "0.3\\text{ k}\\Omega"),
    ("5\\text{ km}", "5000 m"),
    ("72 km/h", "20 m/s"),
    ("1.5\\text{ h}", "90 minutes"),
    ("3 \\text{ m}^2", "30000 cm^2"),
    ("\\$15", "15 dollars"),
    ("15元", "¥15"),
    ("2.5万", "25000"),
    ("1.2亿", "12000万"),
    ("45°", "\\frac{\\pi}{4}"),
    ("45^\\circ 30'", "45.5°"),
    ("0.3 kΩ", "300Ω"),
    ("5 \\mu m", "5\\times 10^{-6} m"),
    ("2 \\text{ hours } 30 \\text{ minutes}", "2.5 hours"),
    ("25\\ \\text{cm}^2", "25 square centimeters"),
    ("100 ^\\circ C", "373.15 K"),
    ("9.8 m/s^2", "9.8\\ \\mathrm{m/s^2}"),
    ("9.8\\ \\mathrm{m\\,s^{-2}}", "9.8 m/s²"),
    ("6 N", "6 \\text{ newtons}"),
    ("500 mg", "0.5 g"),
    ("3 \\text{ kWh}", "10.8 MJ"),
    ("20 \\text{ cents}", "\\$0.20"),
    ("5 kg", "5000 克"),
    ("12 平方厘米", "12 cm^2"),
    ("60 mph", "60 miles per hour"),
    ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "(1,2)"),
    ("\\begin{bmatrix}1&0\\\\0&1\\end{bmatrix}", "\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}"),
    ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "[[1, 2], [3, 4]]"),
    ("\\langle 1,2,3\\rangle", "(1,2,3)"),
    (
        "\\begin{pmatrix} 1/2 & 0\\\\ 0 & 2\\end{pmatrix}",
        "\\frac12\\begin{pmatrix}1&0\\\\0&4\\end{pmatrix}",
    ),
    ("\\begin{pmatrix}1\\\\2\\\\3\\end{pmatrix}", "i+2j+3k"),
    ("①③", "③①"),
    ("①②④", "①、②、④"),
    ("7th", "7^{th}"),
    ("twelve", "12"),
    ("12", "twelve"),
    ("1\\frac12", "1.5"),
    ("\\frac{7}{3}", "2\\frac13"),
    ("1,000", "1000"),
    ("1000", "1 000"),
    ("3.5", "3,5"),
    ("二十", "20"),
    ("一百零五", "105"),
    ("50000", "5万"),
    ("1000000", "1 million"),
    ("1,234,567", "1234567"),
    ("0.333...", "\\frac13"),
    ("\\frac{1}{3}", "0.\\overline{3}"),
    ("1.5 million", "1500000"),
    ("-7", "negative seven"),
    ("three quarters", "3/4"),
    ("H_2O", "\\text{H}_2\\text{O}"),
    ("\\mathrm{H_2SO_4}", "H_2SO_4"),
    ("\\text{Fe}^{3+}", "\\mathrm{Fe^{3+}}"),
    ("\\ce{Fe^3+}", "Fe3+"),
    ("\\text{NaCl}", "NaCl"),
    ("CO2", "CO₂"),
    ("\\text{SO}_4^{2-}", "SO_4^{2-}"),
    ("\\mathrm{Ca(OH)_2}", "Ca(OH)2"),
    ("C_6H_{12}O_6", "C6H12O6"),
    ("\\text{CH}_3\\text{COOH}", "CH3COOH"),
    ("\\ce{H2O}", "H2O"),
    ("\\text{NH}_4^+", "NH4+"),
    ("\frac{1}{2}", "1/2"),
    ("5 \text{ cm}", "5cm"),
    ("3 \times 10^5", "300000"),
    ("\frac{\\sqrt{3}}{2}", "\\frac{\\sqrt3}{2}"),
    ("45^\\circ", "45 degrees"),
    ("\theta", "\\theta"),
    ("\binom{5}{2}", "10"),
    ("x^2-1", "(x+1)(x-1)"),
    ("y = 2x+3", "2x - y + 3 = 0"),
    ("x^2+y^2=4", "x^2 + y^2 - 4 = 0"),
    ("\\ln 6", "\\ln 2 + \\ln 3"),
    ("\\sqrt{12}", "2\\sqrt{3}"),
    ("e^{x+y}", "e^x e^y"),
    ("\\frac{x^3}{3}+C", "\\frac13 x^3 + C"),
    ("3+4i", "4i+3"),
    ("2^{100}", "4^{50}"),
    ("5!", "120"),
    ("0.1\\overline{6}", "1/6"),
    ("1011_2", "11_{10}"),
    ("\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"),
    ("(x-1)^2+(y+2)^2=9", "x^2-2x+y^2+4y-4=0"),
    ("6x^2-5", "-5+6x^2"),
    ("\\frac{2x}{(x^2+1)^2}", "2x/(x^2+1)^2"),
    ("\\log_2 3", "\\frac{\\lg 3}{\\lg 2}"),
    ("\\cos 2x", "1-2\\sin^2 x"),
    ("\\sqrt[3]{2}", "2^{1/3}"),
    ("a^2+2ab+b^2", "(a+b)^2"),
    ("58", "**58**"),
    ("58", "The answer is 58."),
    ("58", "Réponse : 58"),
    ("58", "答え：58"),
    ("58", "答えは58です"),
    ("58", "Ответ: 58"),
    ("58", "### Final Answer\n58"),
    ("58", "> 58"),
    ("58", "<b>58</b>"),
    ("58", "Antwort: 58"),
    ("58", "La respuesta es 58"),
    ("58", "Jibu: 58"),
    ("58", "উত্তর: ৫৮"),
    ("58", "คำตอบคือ 58"),
    ("58", "సమాధానం: 58"),
    ("58", "答案是58"),
    ("58", "答案：58"),
    ("58", "`58`"),
    ("58", "$58$"),
    ("58", "\\(58\\)"),
    ("58", "*58*"),
    ("58 cm", "**58 cm**"),
    ("58", "Final answer: 58"),
    ("58", "So the final answer is $58$."),
    ("58", "58 apples"),
    ("58", "Therefore, the total is 58."),
    ("58", "= 58"),
    ("58", "x = 58"),
    ("\\infty", "\\text{infinitely many}"),
    ("\\text{infinitely many}", "\\infty"),
    ("f(x)=x", "f(x) = x \\text{ for all } x \\in \\mathbb{R}"),
    ("n\\equiv \\pm 1 \\pmod 5", "n \\equiv 1, 4 \\pmod 5"),
    ("300 \\ \\Omega", "0.3\\ \\mathrm{k}\\Omega"),
    ("H_2SO_4", "H2SO4"),
    ("CO_2", "\\text{CO}_2"),
    ("15% increase", "15%"),
    ("3:2", "三比二"),
    ("5:3:2", "5 to 3 to 2"),
    ("12.5\\%", "12,5 %"),
    ("2.5", "two and a half"),
    ("\\begin{pmatrix}1\\\\-2\\\\3\\end{pmatrix}", "[1,-2,3]^T"),
    ("2\\mathrm{H}_2+\\mathrm{O}_2\\to 2\\mathrm{H}_2\\mathrm{O}", "O2 + 2H2 -> 2H2O"),
    ("y=C_1e^{x}+C_2e^{-x}", "y=A\\cosh x+B\\sinh x"),
    ("\\gcd(a,b)", "gcd(b, a)"),
    ("45°30'", "45度30分"),
    ("f(x)=x", "f(x)=x for all real x"),
]
WRONG_PAIRS = [
    ("-37_8", "-31"),
    ("x=3 \\text{ or } x=7", "(3,7)"),
    ("(3,7)", "x=3 \\text{ or } x=7"),
    ("(1,2)", "(2,1)"),
    ("3,7", "3"),
    ("3,7", "3, 7, 9"),
    ("\\{1,2\\}", "(1,2)"),
    ("x_1=1,x_2=4", "1"),
    ("(1,2),(3,4)", "(1,2,3,4)"),
    ("x=1,y=2", "x=2,y=1"),
    ("5\\%", "5 \\text{ cm}"),
    ("5\\%", "0.5"),
    ("5\\%", "5 \\text{ bps}"),
    ("3/8", "3:8"),
    ("3:8", "8:3"),
    ("20\\%", "20 people"),
    ("\\frac14", "4:1"),
    ("0.05", "5"),
    ("\\sinh x", "\\sin x"),
    ("\\operatorname{arccot} x", "\\frac{1}{\\cot x}"),
    ("\\Gamma(n)", "n!"),
    ("\\binom{n}{k}", "\\frac{n!}{k!}"),
    ("\\gcd(a,b)", "\\max(a,b)"),
    ("\\lceil x\\rceil", "\\lfloor x \\rfloor"),
    ("k\\pi", "k\\pi/2"),
    ("x=\\frac{\\pi}{6}+2k\\pi", "x=\\frac{\\pi}{6}+k\\pi"),
    ("f(x)=kx", "f(x)=kx+1"),
    ("n\\equiv 1,4 \\pmod 5", "n\\equiv 1,3 \\pmod 5"),
    ("n\\equiv 1 \\pmod 5", "n\\equiv 1 \\pmod 4"),
    ("\\text{no solution}", "0"),
    ("\\text{infinitely many}", "0"),
    ("x=0", "x=0 \\text{ or } x=2"),
    ("f(x)=x", "f(x)=x \\text{ for } x>0"),
    ("a<b<c", "a<c<b"),
    ("x\\le 3", "x<3"),
    ("[2,5)", "(2,5]"),
    ("x<1 \\text{ or } x>3", "1<x<3"),
    ("x\\ne 2", "x=2"),
    ("(0,1)", "[0,1]"),
    ("300Ω", "30Ω"),
    ("5 km", "5 m"),
    ("72 km/h", "72 m/s"),
    ("45°", "\\frac{\\pi}{3}"),
    ("45°30'", "45.3°"),
    ("2.5万", "2500"),
    ("\\$15", "15 euros"),
    ("5 kg", "5 lb"),
    ("25 cm^2", "25 cm"),
    ("[[1,2],[3,4]]", "[[1,2],[4,3]]"),
    ("(1,2,3)", "(1,3,2)"),
    ("①③", "①④"),
    ("①③", "①②③"),
    ("7th", "6th"),
    ("1\\frac12", "\\frac{11}{2}"),
    ("1,000", "1"),
    ("twelve", "twenty"),
    ("5万", "5000"),
    ("1/3", "0.333"),
    ("H2O", "H2O2"),
    ("\\text{CO}", "\\text{Co}"),
    ("Fe^{3+}", "Fe^{2+}"),
    ("NaCl", "KCl"),
    ("NO_2", "N_2O"),
    ("SO_4^{2-}", "SO_4^{2+}"),
    ("\frac{1}{2}", "12"),
    ("5 \text{ cm}", "5 m"),
    ("x^2-1", "x^2+1"),
    ("y=2x+3", "y=3x+2"),
    ("x^2/2+C", "x^2/2"),
    ("3+4i", "3-4i"),
    ("2^{100}", "2^{99}"),
    ("\\sqrt2", "1.414"),
    ("\\pi", "3.14"),
    ("58", "The answer is not 58"),
    ("58", "58 or 59"),
    ("58", "**85**"),
    ("58", "Réponse : 59"),
    ("58", "58, 59"),
    ("15% increase", "15% decrease"),
    ("\\text{Co}", "CO"),
    ("5m", "5"),
    ("(1,3)", "\\{1,3\\}"),
    ("x > 3", "2x > 6"),
    ("x=2", "2x+3=7"),
    ("(-2,5)", "|2x-3|<7"),
    ("2\\mathrm{H}_2+\\mathrm{O}_2\\to 2\\mathrm{H}_2\\mathrm{O}", "2H2O -> 2H2 + O2"),
    ("1.414", "\\sqrt{2}"),
]


@pytest.mark.parametrize(("reference", "answer"), RIGHT_PAIRS)
def test_what_says_the_reference_is_right(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 1.0


@pytest.mark.parametrize(("reference", "answer"), WRONG_PAIRS)
def test_what_is_near_the_reference_is_wrong(judge: Judge, reference: str, answer: str) -> None:
    assert judge("math", answer, reference).score == 0.0


@pytest.mark.parametrize(
    ("decimals", "score"), [(None, 0.0), (3, 1.0), (4, 0.0)], ids=["exact", "rounded", "too near"]
)
def test_an_exact_answer_that_rounds_to_the_reference_is_right_where_the_row_says_so(
    judge: Judge, decimals: int | None, score: float
) -> None:
    metadata = {} if decimals is None else {"decimals": decimals}
    assert judge("math", "\\sqrt{2}", "1.414", **metadata).score == score


@pytest.fixture(scope="module")
def strict() -> Callable[..., Verdict]:
    pool = VerifierPool(1, timeout=2.0, policy=Policy(strict=True))

    def ask(answer: str, reference: str, question: str = "") -> Verdict:
        asked = Request("math", f"\\boxed{{{answer}}}", reference, {}, question=question)
        return pool.verify([asked])[0]

    return ask


@pytest.mark.parametrize(
    ("answer", "reference", "question"),
    [
        ("9+6-2", "13", "Compute 9+6-2"),
        ("-2+6+9", "13", "计算 9+6-2"),
        ("(9+6-2)\\cdot 1", "13", "9+6-2 = ?"),
        ("17\\cdot 24-9+0", "399", "Compute $17 \\cdot 24 - 9$."),
        ("2^{10}", "1024", "Compute $2^{10}$."),
        ("\\frac{6}{4}", "\\frac32", "Simplify $\\frac{6}{4}$."),
        ("x+x", "2x", "Simplify $x+x$."),
        ("(x+2)(x+1)", "x^2+3x+2", "Expand $(x+1)(x+2)$."),
        ("\\sqrt{12}", "2\\sqrt{3}", "Simplify $\\sqrt{12}$."),
        ("123_{10}", "443_5", "Write $123_{10}$ in base 5."),
    ],
)
def test_a_formula_of_the_question_is_not_paid_under_the_strict_policy(
    strict: Callable[..., Verdict], answer: str, reference: str, question: str
) -> None:
    assert strict(answer, reference, question) == COPIED


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("48/2", "24"),
        ("48+24", "72"),
        ("\\$48/2", "24"),
        ("48/2 \\text{ apples}", "24"),
        ("\\sin 60^\\circ", "\\frac{\\sqrt3}{2}"),
        ("\\log_2 8", "3"),
        ("\\frac{\\ln 8}{\\ln 2}", "3"),
        ("\\gcd(12,18)", "6"),
        ("\\sqrt{16}", "4"),
        ("\\frac34+\\frac14", "1"),
        ("\\lfloor 4.7\\rfloor", "4"),
        ("|-5|", "5"),
        ("5!-4!", "96"),
        ("2+3x+5", "3x+7"),
        ("(3, \\frac{8}{2})", "(3, 4)"),
        ("|x-2|<3", "(-1,5)"),
    ],
)
def test_what_is_left_to_be_computed_is_not_paid_under_the_strict_policy(
    strict: Callable[..., Verdict], answer: str, reference: str
) -> None:
    assert strict(answer, reference) == UNDONE


@pytest.mark.parametrize(
    "answer",
    [
        "\\frac92", "-\\frac56", "2\\sqrt3", "3\\cdot 2^{10}", "\\binom{10}{3}", "e^2-1",
        "2^{10}-1", "45^\\circ", "10!",
        "3\\sqrt2+1", "\\frac{\\sqrt6+\\sqrt2}{4}", "\\frac{3\\pi}{4}",
        "2+3i", "x^2+3x+2", "(x-1)(x+2)", "(2,5)",
        "x>3", "(-\\infty,2]", "\\frac{\\ln 15}{\\ln 2}", "\\$5",
        "50\\%", "3 \\text{ cm}", "1\\frac12", "\\frac{1+\\sqrt5}{2}", "y=2x+1", "1.2\\times 10^5",
        "\\cos 20^\\circ", "2^{1/3}", "\\$1.2 \\text{ million}", "\\text{east}",
    ],
)  # fmt: skip
def test_a_finished_answer_is_paid_under_the_strict_policy(
    strict: Callable[..., Verdict], answer: str
) -> None:
    assert strict(answer, answer, "What is it?") == RIGHT


def test_a_chain_that_ends_in_the_computed_value_is_paid(strict: Callable[..., Verdict]) -> None:
    assert strict("9+6-2=13", "13", "Compute 9+6-2") == RIGHT


def test_a_formula_that_the_reference_has_too_is_no_copy(strict: Callable[..., Verdict]) -> None:
    question = "Is $x^2+1$ the derivative of $\\frac{x^3}{3}+x$? Give the derivative."
    assert strict("x^2+1", "x^2+1", question) == RIGHT


@pytest.mark.parametrize(
    "question",
    ["$\\frac{", "$$$", "\ud83d" * 9, "$" + "(" * 5000 + "$", "x" * 10**6],
)
def test_a_question_that_cannot_be_read_costs_nothing(
    strict: Callable[..., Verdict], question: str
) -> None:
    assert strict("x+1", "1+x", question) == RIGHT

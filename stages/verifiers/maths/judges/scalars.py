r"""Whether two scalar expressions are one value, or one function of the same variables.

Constants are compared at 100 digits or more, never as floats: 3.14 is not \pi and 0.3333333 is not
1/3. Functions are compared at fixed points over the reals, small and large, of both signs; where
one is real and the other is not, they differ (\sqrt{x^2} is not x, \ln x^2 is not 2\ln x). Where
an expression only makes sense for whole numbers (n!, (-1)^n) the points are whole numbers.

An answer with a variable that the reference lacks is another answer, even where it cancels.
Arbitrary constants are another matter: see `constants.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from flint import arb, fmpq

from stages.verifiers.maths.errors import NotExact, TooLarge, Undefined
from stages.verifiers.maths.judges.exact import same
from stages.verifiers.maths.judges.numeric import equal, evaluate
from stages.verifiers.maths.judges.rules import need_digits
from stages.verifiers.maths.judges.values import numeral_value, value_of
from stages.verifiers.maths.nodes import Node, has, symbols, walk

_NO_NUMBERS = ("quantity", "words", "tuple", "set", "matrix", "chain", "list", "approx", "ratio")
ENOUGH = 4  # points where both are real and equal
_FIRST = 4  # points at which a caller looks for a difference
_RANGES = (
    (0.3, 2.5), (0.3, 2.5), (1.5, 9.0), (0.02, 0.6), (-2.5, -0.2), (-0.9, 0.9), (-9.0, -1.5),
    (20.0, 300.0), (-300.0, -20.0),
)  # fmt: skip
_MORE = ((0.05, 0.95), (1.05, 1.5), (3.0, 20.0), (-0.95, -0.05), (-20.0, -3.0), (2e3, 9e3)) * 2
_STEPS = ("floor", "ceil", "mod", "sgn", "sign", "gcd", "lcm", "max", "min")


def same_value(reference: Node, answer: Node, whole: frozenset[str] = frozenset()) -> bool:
    """Whether two scalars are the same; `whole`: variables that stand for whole numbers."""
    if infinite(reference) or infinite(answer):
        return infinite(reference) == infinite(answer)
    if reference.kind == "numeral" or answer.kind == "numeral":
        return _same_numeral(reference, answer)
    names = symbols(reference)
    if not symbols(answer) <= names:
        return False
    sure = same_exactly(reference, answer)
    if sure is not None:
        return sure
    if not names:
        same = equal(reference, answer, {})
        if same is not False:
            need_digits()
        return same is True
    if _stepped(answer) and not _stepped(reference):
        return False
    return _same_function(reference, answer, names, whole | _whole(reference) | _whole(answer))


def same_exactly(reference: Node, answer: Node) -> bool | None:
    """By exact arithmetic; None where it cannot say."""
    try:
        return same(value_of(reference), value_of(answer))
    except (NotExact, TooLarge, Undefined):
        return None


def infinite(node: Node) -> int:
    """1 or -1 for an infinity, 0 for anything else."""
    if node.kind == "constant" and node.value == "inf":
        return 1
    return -infinite(node.args[0]) if node.kind == "neg" else 0


def constant(node: Node) -> arb | None:
    """The real value of a closed expression as a ball, or None."""
    if symbols(node) or has(node, "pm", *_NO_NUMBERS):
        return None
    try:
        plain = value_of(node).rational
    except (NotExact, TooLarge, Undefined):
        plain = None
    if plain is not None and plain.numerator.bit_length() + plain.denominator.bit_length() < 300:
        return arb(fmpq(plain.numerator, plain.denominator))
    need_digits()
    try:
        found = evaluate(node, {})
    except Undefined:
        return None
    return found.ball.real if found.real else None


def points(names: frozenset[str], whole: frozenset[str]) -> Iterator[dict[str, float]]:
    """Where functions are compared: the same points in every run."""
    generator = random.Random(20250120)
    for low, high in (*_RANGES, *_MORE):
        point = {}
        for name in sorted(names):
            if name in whole:
                point[name] = float(generator.randint(1, 14))
                continue
            mixed = generator.random() < 0.3 and low < 0
            drawn = generator.uniform(low, high) * (-1 if mixed else 1)
            point[name] = (round(drawn * 10**4) * 2 + 1) / (2 * 10**4)
        yield point


def _same_function(
    reference: Node, answer: Node, names: frozenset[str], whole: frozenset[str]
) -> bool:
    real = unreal = unlike = 0
    for place, point in enumerate(points(names, whole)):
        if place >= len(_RANGES) and real >= ENOUGH:
            break
        if place == _FIRST:
            need_digits()
        try:
            same = equal(reference, answer, point)
        except TooLarge:
            continue
        if same is False:
            return False
        if same is None:
            unlike += _defined(reference, point)
        elif _is_real(reference, point):
            real += 1
        else:
            unreal += 1
    return real >= ENOUGH or (real + unreal >= ENOUGH and not unlike)


def _defined(node: Node, point: dict[str, float]) -> bool:
    try:
        evaluate(node, point)
    except Undefined:
        return False
    return True


def _is_real(node: Node, point: dict[str, float]) -> bool:
    return evaluate(node, point).real


def _stepped(node: Node) -> bool:
    """Whether it has steps in a variable: floor(x) agrees with 0 on a whole interval."""
    return any(
        part.kind == "call" and part.value in _STEPS and symbols(part) for part in walk(node)
    )


def _whole(node: Node) -> frozenset[str]:
    """Variables that an expression itself says are whole numbers: n!, (-1)^n, i^n."""
    found: frozenset[str] = frozenset()
    for part in walk(node):
        if part.kind == "call" and part.value in ("factorial", "binomial", "permutations"):
            found |= symbols(part)
        if part.kind == "pow" and symbols(part.args[1]) and not symbols(part.args[0]):
            try:
                base = evaluate(part.args[0], {})
            except Undefined:
                continue
            if not base.real or base.ball.real < 0:
                found |= symbols(part.args[1])
    return found


def _same_numeral(reference: Node, answer: Node) -> bool:
    """Numbers in named bases by value. A bare answer has the digits of the reference, whose base it
    leaves out like a unit; a bare reference is decimal, and no other base answers it.
    """
    digits, base = reference.value if reference.kind == "numeral" else ("", 10)
    others, other_base = answer.value if answer.kind == "numeral" else ("", 10)
    if reference.kind == answer.kind:
        return numeral_value(digits, base) == numeral_value(others, other_base)
    if reference.kind == "numeral":
        return answer.kind == "number" and str(answer.value) == digits
    return (
        other_base == 10
        and reference.kind == "number"
        and reference.value == numeral_value(others, 10)
    )

r"""The value of a tree at a point, as a ball: a number with a bound of its error (python-flint).

Balls that do not meet are two values, which is proved. Balls that meet are undecided: a difference
such as 10^{-100} needs its digits. So a tree is first evaluated at 100 digits, which adds up the
sizes (in decimal digits, of large and of small) of all its parts, and then again with two more
digits for each of those: what meets even then is the same, and what may be zero then is zero. A
ball that is wide even then has no value: it would meet what it is not. A tree that would need more
than LONGEST digits is TooLarge; so are 9^{9^9} and 1000000000!, before anything is computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import acb, arb, ctx, fmpq

from stages.verifiers.maths.errors import TooLarge, Undefined, Unread
from stages.verifiers.maths.judges.elementary import (
    EXACT,
    MANY,
    ONE,
    PAIRS,
    integer,
    is_real,
    odd_degree,
    whole,
)
from stages.verifiers.maths.judges.rules import need_digits
from stages.verifiers.maths.nodes import Node, walk

DIGITS = 100
LONGEST = 3_000  # digits of working precision
LONGEST_EXACT = 25_000  # where nothing but arithmetic is done
LONGEST_AT_POINTS = 1_000
LARGEST = 3_000  # digits of a power
NARROW = 100  # bits of a ball that are known, as of 1 where it is smaller
_LOG2 = 0.30103

ctx.dps = DIGITS  # for what is done with values afterwards


@dataclass(frozen=True, slots=True)
class Value:
    """A ball, and the digits that it was computed in."""

    ball: acb
    digits: int

    @property
    def real(self) -> bool:
        return is_real(self.ball)

    @property
    def zero(self) -> bool:
        """Whether the value is nothing but rounding."""
        return self.ball.contains(0)


def evaluate(node: Node, point: Mapping[str, float], digits: int = 0) -> Value:
    """The value of a tree, at the given precision or as much as it needs.

    Undecided where that is more than DIGITS and only a worker may compute at more.
    """
    walk = _Evaluator(point)
    with ctx.workdps(digits or DIGITS):
        value = walk.value(node)
    if not digits and walk.size > DIGITS // 5:
        needed = DIGITS + 2 * int(walk.size)
        if needed > (LONGEST_AT_POINTS if point else _longest(node)):
            raise TooLarge("digits")
        need_digits()
        return evaluate(node, point, needed)
    if value.rel_one_accuracy_bits() < NARROW:
        raise Undefined  # at a jump, as sgn has one
    return Value(value, digits or DIGITS)


def _longest(node: Node) -> int:
    slow = any(
        part.kind == "root" or (part.kind == "call" and part.value not in EXACT)
        for part in walk(node)
    )
    return LONGEST if slow else LONGEST_EXACT


def equal(left: Node, right: Node, point: Mapping[str, float]) -> bool | None:
    """Whether two trees have one value at a point; None where both are beyond the reals, unlike,
    or too large.

    One that is real, or defined, where the other is not, is another function.
    """
    first, second = _or_undefined(left, point), _or_undefined(right, point)
    if first is None or second is None:
        return None if first is second else False
    if first.digits != second.digits:
        digits = max(first.digits, second.digits)
        first, second = evaluate(left, point, digits), evaluate(right, point, digits)
    if first.real != second.real:
        return False
    if first.ball.overlaps(second.ball):
        return True
    return False if first.real else None


def _or_undefined(node: Node, point: Mapping[str, float]) -> Value | None:
    try:
        return evaluate(node, point)
    except Undefined:
        return None


def _magnitude(value: acb) -> int:
    """About the binary logarithm of the largest that a value other than 0 may be."""
    digits, exponent = value.abs_upper().man_exp()
    return int(exponent) + int(digits).bit_length()


class _Evaluator:
    """Walks a tree, adding up the sizes of its parts."""

    def __init__(self, point: Mapping[str, float]) -> None:
        self.point = point
        self.size = 0.0

    def value(self, node: Node) -> acb:
        """The value of a node, counted into the size; an imaginary part that may be 0 is 0."""
        found = self._value(node)
        if found.imag.contains(0):
            found = acb(found.real)
        if not found.is_finite():
            raise Undefined
        if node.kind == "number":
            self.size += 0.3 * (
                node.value.numerator.bit_length() + node.value.denominator.bit_length()
            )
            self.size -= 0.6
        elif not found.is_zero():
            self.size += max(0.0, abs(_LOG2 * _magnitude(found)) - 1)
        return found

    def _value(self, node: Node) -> acb:
        if node.kind == "number":
            return acb(fmpq(node.value.numerator, node.value.denominator))
        if node.kind == "symbol":
            return acb(self.point[node.value])
        if node.kind == "constant" and node.value != "inf":
            return {"pi": acb.pi(), "e": acb(arb.const_e()), "i": acb(0, 1)}[node.value]
        parts = [self.value(part) for part in node.args]
        match node.kind:
            case "add":
                return sum(parts, acb(0))
            case "neg":
                return -parts[0]
            case "mul":
                return parts[0] * parts[1]
            case "div":
                return parts[0] / parts[1]
            case "pow":
                return self.power(parts[0], parts[1], odd_degree(node.args[1]))
            case "root":
                return self.root(parts[0], parts[1])
            case "percent":
                return parts[0] / 100
            case "call":
                return acb(self.call(node.value, parts))
            case "apply":
                return acb(self.apply(node.value, parts))
            case "constant":
                raise Undefined
        raise Unread(f"a {node.kind} where a number should be")

    def power(self, base: acb, exponent: acb, degree: int) -> acb:
        """A power; real for a negative base under an odd root, as x^{1/3} is meant."""
        if base.contains(0) and not (whole(exponent) and exponent.real > 0):
            return _of_nothing(base, exponent)
        if not base.is_zero():
            size = abs(exponent) * abs(_LOG2 * _magnitude(base))
            if size > LARGEST or abs(exponent) > 10**6:
                raise TooLarge("power")
        if degree and is_real(base) and base.real < 0:
            return self.root(base, acb(degree)) ** integer(exponent * degree)
        return base**exponent

    def root(self, value: acb, degree: acb) -> acb:
        """A root; real for an odd root of a negative number."""
        if not is_real(degree) or not degree.real > 0:
            raise Undefined
        if value.contains(0):
            return _of_nothing(value, 1 / degree)
        if whole(degree) and integer(degree) % 2 and is_real(value) and value.real < 0:
            return -((-value) ** (1 / degree))
        return value.sqrt() if degree == 2 else value ** (1 / degree)

    def call(self, name: str, arguments: list[acb]) -> Any:
        """A known function."""
        if not arguments:
            raise Unread(f"{name} of nothing")
        if name in MANY:
            if not all(map(is_real, arguments)):
                raise Undefined
            return MANY[name]([part.real for part in arguments])
        if name in ("log", "ln", "lg"):
            return self.logarithm(name, arguments)
        if name in PAIRS and len(arguments) == 2:
            return PAIRS[name](*arguments)
        if name not in ONE or len(arguments) != 1:
            raise Unread(f"{name} of {len(arguments)}")
        argument = arguments[0]
        if name in ("exp", "sinh", "cosh", "sech", "csch") and abs(argument) > 2 * LARGEST:
            raise TooLarge("exponential")
        return ONE[name](argument)

    def logarithm(self, name: str, arguments: list[acb]) -> acb:
        r"""\log without a base is in an unknown base: it equals itself, and neither ln nor lg."""
        value = arguments[0].log()
        if len(arguments) == 2:
            return value / arguments[1].log()
        if name == "log":
            return value / acb(fmpq(11, 3)).sqrt()
        return value / acb(10).log() if name == "lg" else value

    def apply(self, name: str, arguments: list[acb]) -> acb:
        """C(5, 2) and P(5, 2); any other unknown function is an arbitrary smooth one."""
        if name in "CPA" and len(arguments) == 2 and all(map(whole, arguments)):
            return acb(PAIRS["binomial" if name == "C" else "permutations"](*arguments))
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        total = acb(seed) / 2**32
        for place, argument in enumerate(arguments):
            total += argument * (acb(seed % 991 + 17) / 700 + place)
        return total.sin() + total


def _of_nothing(base: acb, exponent: acb) -> acb:
    """A power of what may be zero, with a bound of how far from zero it can be."""
    if not exponent.real > 0:
        raise Undefined
    return acb(arb(0, base.abs_upper() ** exponent.real))

r"""The value of a tree at a point, to as many digits as the tree could hide a difference in.

A difference such as 10^{-100} must not vanish in rounding. So a tree is first evaluated at 100
digits to add up the sizes (in decimal digits, of large and of small) of all its parts, and then
again with two more digits for each of those. A tree that would need more than LONGEST digits is
`Unread`; so are 9^{9^9} and 1000000000!, before anything is computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import mpmath
from mpmath import mp

from stages.verifiers.maths.errors import TooLarge, Undefined, Unread
from stages.verifiers.maths.judges.elementary import (
    EXACT,
    MANY,
    ONE,
    PAIRS,
    POLES,
    is_real,
    odd_degree,
)
from stages.verifiers.maths.nodes import Node, walk

DIGITS = 100
LONGEST = 3_000  # digits of working precision
LONGEST_EXACT = 25_000  # where nothing but arithmetic is done
LONGEST_AT_POINTS = 1_000
LARGEST = 3_000  # digits of a power
_LOG2 = 0.30103


class Value:
    """A value with the precision that it was computed in."""

    def __init__(self, value: Any, digits: int, scale: Any) -> None:
        self.value, self.digits, self.scale = value, digits, scale

    @property
    def real(self) -> bool:
        """Whether the imaginary part is nothing but rounding."""
        return self.within(mpmath.im(self.value))

    def within(self, difference: Any) -> bool:
        """Whether a difference is nothing but rounding."""
        return bool(abs(difference) <= self.scale * mpmath.mpf(10) ** (-0.7 * self.digits))


def evaluate(node: Node, point: Mapping[str, Any], digits: int = 0) -> Value:
    """The value of a tree, at the given precision or as much as it needs."""
    if digits:
        with mp.workdps(digits):
            walk = _Evaluator(point, digits)
            return Value(walk.value(node), digits, walk.scale)
    with mp.workdps(DIGITS):
        walk = _Evaluator(point, DIGITS)
        value = walk.value(node)
    if walk.size <= DIGITS // 5:
        return Value(value, DIGITS, walk.scale)
    needed = DIGITS + 2 * int(walk.size)
    if needed > (LONGEST_AT_POINTS if point else _longest(node)):
        raise TooLarge("digits")
    return evaluate(node, point, needed)


def _longest(node: Node) -> int:
    slow = any(
        part.kind == "root" or (part.kind == "call" and part.value not in EXACT)
        for part in walk(node)
    )
    return LONGEST if slow else LONGEST_EXACT


def equal(left: Node, right: Node, point: Mapping[str, Any]) -> bool | None:
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
    with mp.workdps(first.digits):
        wider = Value(None, first.digits, max(first.scale, second.scale))
        if wider.within(first.value - second.value):
            return True
    return False if first.real else None


def _or_undefined(node: Node, point: Mapping[str, Any]) -> Value | None:
    try:
        return evaluate(node, point)
    except Undefined:
        return None


def _is_sharp(node: Node, value: Any) -> bool:
    """Whether a value is exact but for its last digits, however small: e^{-300} is not 0."""
    return bool(value) and _is_product(node)


def _is_product(node: Node) -> bool:
    if node.kind in ("mul", "div", "neg"):
        return all(map(_is_product, node.args))
    if node.kind in ("pow", "root"):
        return _is_product(node.args[0])
    return node.kind in ("number", "symbol", "constant") or node.value == "exp"


class _Evaluator:
    """Walks a tree, adding up the sizes of its parts."""

    def __init__(self, point: Mapping[str, Any], digits: int) -> None:
        self.point, self.digits = point, digits
        self.size = 0.0
        self.scale = mpmath.mpf(1)
        self.nothing = mpmath.mpf(10) ** (25 - digits)

    def value(self, node: Node) -> Any:
        """The value of a node, counted into the size."""
        found = self._value(node)
        if node.kind == "number":
            self.size += 0.3 * (
                node.value.numerator.bit_length() + node.value.denominator.bit_length()
            )
            self.size -= 0.6
        elif found:
            if not mpmath.isfinite(found):
                raise Undefined
            self.size += max(0.0, abs(_LOG2 * mpmath.mag(found)) - 1)
        self.scale = max(self.scale, abs(found))
        return found

    def _value(self, node: Node) -> Any:
        match node.kind:
            case "number":
                return mpmath.mpf(node.value.numerator) / node.value.denominator
            case "symbol":
                return self.point[node.value]
            case "constant":
                return self._constant(node.value)
            case "add":
                return sum((self.value(part) for part in node.args), mpmath.mpf(0))
            case "neg":
                return -self.value(node.args[0])
            case "mul":
                return self.value(node.args[0]) * self.value(node.args[1])
            case "div":
                top, bottom = (self.value(part) for part in node.args)
                return top / bottom if _is_sharp(node.args[1], bottom) else self.divide(top, bottom)
            case "pow":
                return self.power(node)
            case "root":
                return self.root(*(self.value(part) for part in node.args))
            case "percent":
                return self.value(node.args[0]) / 100
            case "call":
                arguments = [self.value(part) for part in node.args]
                return self.call(node.value, arguments)
            case "apply":
                return self.apply(node.value, [self.value(part) for part in node.args])
        raise Unread(f"a {node.kind} where a number should be")

    def _constant(self, name: str) -> Any:
        if name == "inf":
            raise Undefined
        return {"pi": +mp.pi, "e": +mp.e, "i": mpmath.mpc(0, 1)}[name]

    def divide(self, top: Any, bottom: Any) -> Any:
        """A quotient; nothing over zero, nor over what is only rounding."""
        if abs(bottom) <= self.nothing:
            raise Undefined
        return top / bottom

    def power(self, node: Node) -> Any:
        """A power; real for a negative base under an odd root, as x^{1/3} is meant."""
        base, exponent = (self.value(part) for part in node.args)
        if abs(base) <= self.nothing and not _is_sharp(node.args[0], base):
            if mpmath.re(exponent) <= self.nothing:
                raise Undefined
            return mpmath.mpf(0)
        if abs(exponent) * abs(_LOG2 * mpmath.mag(base)) > LARGEST or abs(exponent) > 10**6:
            raise TooLarge("power")
        degree = odd_degree(node.args[1])
        if degree and is_real(base) and base < 0:
            return self.root(base, mpmath.mpf(degree)) ** int(mpmath.nint(exponent * degree))
        if is_real(exponent) and exponent == mpmath.nint(exponent):
            return base ** int(exponent)
        return mpmath.power(base, exponent)

    def root(self, value: Any, degree: Any) -> Any:
        """A root; real for an odd root of a negative number."""
        if not is_real(degree) or degree <= 0:
            raise Undefined
        odd = degree == mpmath.nint(degree) and int(degree) % 2
        if odd and is_real(value) and value < 0:
            return -mpmath.power(-value, 1 / degree)
        return mpmath.sqrt(value) if degree == 2 else mpmath.power(value, 1 / degree)

    def call(self, name: str, arguments: list[Any]) -> Any:
        """A known function."""
        if not arguments:
            raise Unread(f"{name} of nothing")
        if name in MANY:
            if not arguments or not all(is_real(part) for part in arguments):
                raise Undefined
            return MANY[name](arguments)
        if name in ("log", "ln", "lg"):
            return self.logarithm(name, arguments)
        if name in PAIRS and len(arguments) == 2:
            return PAIRS[name](*arguments)
        if name not in ONE or len(arguments) != 1:
            raise Unread(f"{name} of {len(arguments)}")
        argument = arguments[0]
        if name in ("exp", "sinh", "cosh", "sech", "csch") and abs(argument) > 2 * LARGEST:
            raise TooLarge("exponential")
        if name in POLES and abs(POLES[name](argument)) <= self.nothing:
            raise Undefined
        if name in ("artanh", "arcoth") and abs(argument) == 1:
            raise Undefined
        return ONE[name](argument)

    def logarithm(self, name: str, arguments: list[Any]) -> Any:
        r"""\log without a base is in an unknown base: it equals itself, and neither ln nor lg."""
        if any(abs(part) <= self.nothing for part in arguments):
            raise Undefined
        value = mpmath.log(arguments[0])
        if len(arguments) == 2:
            return self.divide(value, mpmath.log(arguments[1]))
        if name == "log":
            return value / mpmath.sqrt(mpmath.mpf(11) / 3)
        return value / mpmath.log(10) if name == "lg" else value

    def apply(self, name: str, arguments: list[Any]) -> Any:
        """C(5, 2) and P(5, 2); any other unknown function is an arbitrary smooth one."""
        whole = [is_real(part) and part == mpmath.nint(part) for part in arguments]
        if name in "CPA" and len(arguments) == 2 and all(whole):
            return PAIRS["binomial" if name == "C" else "permutations"](*arguments)
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        total = mpmath.mpf(seed) / 2**32
        for place, argument in enumerate(arguments):
            total += argument * (mpmath.mpf(seed % 991 + 17) / 700 + place)
        return mpmath.sin(total) + total

"""From a tree to its exact value: the first judge, in microseconds and in the caller's process."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from stages.verifiers.maths.errors import NotExact, Undefined, Unread
from stages.verifiers.maths.judges import exact
from stages.verifiers.maths.judges.exact import Value
from stages.verifiers.maths.judges.numeric import evaluate
from stages.verifiers.maths.nodes import Node, symbols

_MOST = 10**12  # of what is counted with floor, gcd and their kin


def value_of(node: Node) -> Value:
    """The exact value of a scalar; NotExact, TooLarge or Undefined where there is none here."""
    match node.kind:
        case "number":
            return exact.number(node.value)
        case "symbol":
            return exact.symbol(node.value)
        case "constant" if node.value != "inf":
            return exact.symbol(node.value)
        case "call" if node.value == "abs" and len(node.args) == 1:
            return _absolute(node.args[0])
        case "call":
            return _call(node.value, [value_of(part) for part in node.args])
        case "apply":
            return _apply(node.value, [value_of(part) for part in node.args])
        case "numeral":
            return exact.number(numeral_value(*node.value))
        case "percent":
            return exact.multiply(value_of(node.args[0]), exact.number(Fraction(1, 100)))
        case "root":
            return _root(value_of(node.args[0]), value_of(node.args[1]))
        case kind if kind in _OPERATIONS:
            return _OPERATIONS[kind]([value_of(part) for part in node.args])
    raise NotExact(node.kind)


def numeral_value(digits: str, base: int) -> Fraction:
    """1011 in base 2, 0.0011 in base 2."""
    whole, _, after = digits.partition(".")
    return Fraction(int(whole + after, base), base ** len(after))


def _sum(parts: Sequence[Value]) -> Value:
    total = parts[0]
    for part in parts[1:]:
        total = exact.add(total, part)
    return total


_OPERATIONS: dict[str, Callable[[Sequence[Value]], Value]] = {
    "add": _sum,
    "neg": lambda parts: exact.negate(parts[0]),
    "mul": lambda parts: exact.multiply(parts[0], parts[1]),
    "div": lambda parts: exact.multiply(parts[0], exact.invert(parts[1])),
    "pow": lambda parts: exact.power(parts[0], parts[1]),
}


def _root(value: Value, degree: Value) -> Value:
    whole = degree.rational
    if whole is None or whole != int(whole):
        raise NotExact("degree of a root")
    return exact.root(value, int(whole))


def _call(name: str, parts: list[Value]) -> Value:
    numbers = [part.rational for part in parts]
    match name, len(parts):
        case ("factorial", 1) | ("binomial" | "permutations", 2):
            return exact.counted(name, *parts)
        case "Gamma", 1:
            return exact.counted("factorial", exact.add(parts[0], exact.number(-1)))
        case "exp", 1:
            return exact.power(exact.symbol("e"), parts[0])
        case "lg", 1:
            return exact.opaque("log_", exact.number(10), parts[0])
        case "log", 2:
            return exact.opaque("log_", parts[1], parts[0])
    if name in _COUNTED and all(n is not None and abs(n) < _MOST for n in numbers):
        return exact.number(_COUNTED[name]([Fraction(n) for n in numbers]))
    if name in ("gcd", "lcm", "max", "min"):  # of arguments in any order
        parts = sorted(parts, key=lambda part: repr(sorted(map(repr, part.num.items()))))
    return exact.opaque(name, *parts)


def _absolute(node: Node) -> Value:
    """|a|, by the sign of a real number; opaque where there is a variable."""
    value = value_of(node)
    if value.rational is not None:
        return exact.number(abs(value.rational))
    if not symbols(node):
        try:
            found = evaluate(node, {})
        except (Undefined, Unread):
            return exact.opaque("abs", value)
        if found.real and not found.zero:
            return value if found.ball.real > 0 else exact.negate(value)
    return exact.opaque("abs", value)


def _apply(name: str, parts: list[Value]) -> Value:
    """C(5, 2) and P(5, 2); any other unknown function is one."""
    if name in ("C", "P", "A") and len(parts) == 2 and parts[0].rational is not None:
        return exact.counted("binomial" if name == "C" else "permutations", *parts)
    return exact.opaque(f"call {name}", *parts)


def _whole(numbers: Sequence[Fraction]) -> list[int]:
    if any(n.denominator != 1 for n in numbers):
        raise NotExact("no whole numbers")
    return [int(n) for n in numbers]


def _modulo(numbers: Sequence[Fraction]) -> Fraction:
    if len(numbers) != 2 or not numbers[1]:
        raise NotExact("modulo")
    return numbers[0] % numbers[1]


_COUNTED: dict[str, Callable[[Sequence[Fraction]], int | Fraction]] = {
    "floor": lambda numbers: math.floor(numbers[0]),
    "ceil": lambda numbers: math.ceil(numbers[0]),
    "gcd": lambda numbers: math.gcd(*_whole(numbers)),
    "lcm": lambda numbers: math.lcm(*_whole(numbers)),
    "max": max,
    "min": min,
    "mod": _modulo,
    "sgn": lambda numbers: (numbers[0] > 0) - (numbers[0] < 0),
}

r"""What an answer leaves to be computed.

Finished, where no names are left: a numeral, a fraction that is no whole number, one power,
factorial or binomial, a product with at most one plain literal, such a one ± one literal, and
what only roots, π, e and logarithms can say (2\sqrt3, (\sqrt6+\sqrt2)/4, \ln 15/\ln 2). Not
computed yet: sums and products of two literals, roots of squares, and values of functions that are
known (\sin 60^\circ, \log_2 8, \lfloor 4.7\rfloor, \gcd(12, 18), |-5|).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from stages.verifiers.maths.errors import NotExact, TooLarge, Undefined, Unread
from stages.verifiers.maths.judges.scalars import constant
from stages.verifiers.maths.judges.values import value_of
from stages.verifiers.maths.nodes import Node, symbols

_COUNTS = frozenset(["factorial", "binomial", "permutations"])
_TRIGONOMETRIC = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])
_INVERSE = frozenset(["arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc"])
_LOGARITHMS = frozenset(["ln", "lg", "log", "exp"])
_KNOWN_TURNS = (1, 2, 3, 4, 6)  # \sin(\pi/6) is 1/2
_NEAR = 1e-12


def loose_ends(node: Node) -> int:
    """How many closed parts of a tree could still be computed."""
    if node.kind in ("words", "space"):
        return 0
    if not symbols(node) and node.kind not in ("tuple", "set", "matrix", "row", "cases", "ratio"):
        return int(not _finished(node))
    own = 0
    if node.kind in ("add", "mul"):
        parts = _terms(node) if node.kind == "add" else _factors(node)
        own = max(0, sum(map(_is_literal, parts)) - 1)
    return own + sum(map(loose_ends, node.args))


def _finished(node: Node) -> bool:
    if _is_literal(node):
        return True
    match node.kind:
        case "constant" | "numeral" | "symbol":
            return True
        case "neg" | "quantity" | "percent" | "pm" | "approx":
            return _finished(node.args[0])
        case "add":
            return _finished_sum(_terms(node), _rational(node))
        case "mul" | "div":
            return _finished_product(node)
        case "pow":
            return _finished_power(node)
        case "root":
            return not _rational(node) and all(map(_finished, node.args))
        case "call":
            return _finished_call(node)
    return all(map(loose_ends_free, node.args))


def loose_ends_free(node: Node) -> bool:
    """Whether nothing in a tree is left to be computed."""
    return not loose_ends(node)


def _is_literal(node: Node) -> bool:
    """5, -5, 0.5, 9/2; 48/2 and 6/4 are operations."""
    if node.kind == "neg":
        return _is_literal(node.args[0])
    if node.kind == "div" and all(part.kind == "number" for part in node.args):
        top, bottom = (part.value for part in node.args)
        whole = top.denominator == bottom.denominator == 1
        return bool(whole and bottom > 1 and math.gcd(int(top), int(bottom)) == 1)
    return node.kind == "number"


def _terms(node: Node) -> list[Node]:
    """The terms of a sum of sums, without their signs."""
    if node.kind == "neg":
        return _terms(node.args[0])
    return [term for part in node.args for term in _terms(part)] if node.kind == "add" else [node]


def _factors(node: Node) -> list[Node]:
    """The factors of a product of products."""
    if node.kind == "neg":
        return _factors(node.args[0])
    return [f for part in node.args for f in _factors(part)] if node.kind == "mul" else [node]


def _finished_sum(terms: Sequence[Node], rational: bool) -> bool:
    literals = sum(map(_is_literal, terms))
    if literals > 1 or not all(map(_finished, terms)):
        return False
    return not rational or (len(terms) == 2 and literals == 1)


def _finished_product(node: Node) -> bool:
    above, below = _over_and_under(node)
    if not all(map(_finished, (*above, *below))):
        return False
    literals = [sum(map(_is_literal, side)) for side in (above, below)]
    others = [part for part in (*above, *below) if not _is_literal(part)]
    if _rational(node):
        return sum(literals) <= 1 and len(others) <= 1
    if any(map(_rational, others)) or _is_simple(_estimate(node)):  # 5^2 π, ln 8/ln 2
        return False
    return max(literals) <= 1


def _over_and_under(node: Node) -> tuple[list[Node], list[Node]]:
    """The factors above and below the line."""
    if _is_literal(node):
        return [node], []
    if node.kind == "neg":
        return _over_and_under(node.args[0])
    if node.kind not in ("mul", "div"):
        return [node], []
    above, below = _over_and_under(node.args[0])
    more, under = _over_and_under(node.args[1])
    if node.kind == "div":
        more, under = under, more
    return [*above, *more], [*below, *under]


def _finished_power(node: Node) -> bool:
    exponent = node.args[1]
    if not all(map(_finished, node.args)):
        return False
    whole = exponent.kind == "number" and exponent.value.denominator == 1
    return whole or not _rational(node)


def _finished_call(node: Node) -> bool:
    name = node.value
    if name in _COUNTS:
        return all(map(_is_literal, node.args))
    if not all(map(_finished, node.args)) or _rational(node):
        return False
    if name in _TRIGONOMETRIC:
        return not _is_known_angle(node.args[0])
    if name in _INVERSE:
        value = _estimate(node)
        return value is None or not _is_turn(value)
    if name in _LOGARITHMS:
        return not _is_simple(_estimate(node))
    return name in ("sinh", "cosh", "tanh", "erf", "Gamma")


def _is_simple(value: float | None) -> bool:
    """Whether a value is a simple fraction, which a number of logarithms was hiding."""
    return value is not None and abs(value - round(value * 12) / 12) < _NEAR


def _is_known_angle(angle: Node) -> bool:
    value = _estimate(angle)
    return value is not None and _is_turn(value)


def _is_turn(value: float) -> bool:
    """Whether an angle is a multiple of π/2, π/3, π/4 or π/6."""
    turns = value / math.pi
    return any(abs(turns * part - round(turns * part)) < _NEAR for part in _KNOWN_TURNS)


def _rational(node: Node) -> bool:
    try:
        return value_of(node).rational is not None
    except (NotExact, TooLarge, Undefined):
        return False


def _estimate(node: Node) -> float | None:
    try:
        value = constant(node)
    except Unread:
        return None
    return None if value is None else float(value)

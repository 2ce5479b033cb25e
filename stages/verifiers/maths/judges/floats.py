"""Exact values in floating point: to see that two differ, and to order the ends of intervals.

Nothing is ever taken to be equal because of a number computed here.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stages.verifiers.maths.judges.exact import Value


#: Where variables are put to see a difference: positive, so that roots and logarithms are real.
_POINTS = (0.7548776662, 1.3247179572, 12.20557, 131.0789)


_CANCELLED = 1e-6


def differ(a: Value, b: Value) -> bool:
    """Clearly different in numbers at one of the points.

    Where a value leaves the real numbers without an i in it, roots and logarithms have several
    branches: nothing is concluded there.
    """
    imaginary = _mentions_i(a) or _mentions_i(b)
    for point in _POINTS:
        x, y = evaluate(a, point), evaluate(b, point)
        if x is None or y is None or not (imaginary or (_is_real(x) and _is_real(y))):
            continue
        if abs(x - y) > 1e-7 * max(abs(x), abs(y), 1e-9):
            return True
    return False


def _is_real(value: complex) -> bool:
    return abs(value.imag) <= 1e-9 * max(1.0, abs(value))


def _mentions_i(a: Value) -> bool:
    return "('i', " in repr(a.num) + repr(a.den)


def variables(a: Value) -> frozenset[str]:
    """The names in a value, also inside opaque atoms."""
    return frozenset(_names([a.num.items(), a.den.items()]))


def real(a: Value) -> float | None:
    """A real constant as a float, or None."""
    if a.rational is None and variables(a):
        return None
    estimate = evaluate(a, 0.0)
    if estimate is None or abs(estimate.imag) > 1e-9 * max(1.0, abs(estimate)):
        return None
    return estimate.real


def evaluate(a: Value, point: float) -> complex | None:
    """The value in floating point, its variables near `point`; None where that fails."""
    try:
        result = _evaluate((a.num.items(), a.den.items()), point)
    except (ArithmeticError, ValueError, KeyError, TypeError):
        return None
    return result if cmath.isfinite(result) else None


CONSTANTS = {"pi": cmath.pi, "e": cmath.e, "i": 1j}


def _names(key: Any) -> set[str]:
    found: set[str] = set()
    for items in key:
        for monomial, _ in items:
            for atom, _ in monomial:
                if isinstance(atom, tuple):
                    for inner in atom[1:]:
                        found |= _names(inner)
                elif isinstance(atom, str) and atom not in CONSTANTS:
                    found.add(atom)
    return found


def _evaluate(key: Any, point: float) -> complex:
    num, den = (_evaluate_polynomial(items, point) for items in key)
    return num / den


def _evaluate_polynomial(items: Any, point: float) -> complex:
    total, largest = 0j, 0.0
    for monomial, coefficient in items:
        term = complex(float(coefficient))
        for atom, exponent in monomial:
            term *= _evaluate_atom(atom, point) ** (
                int(exponent) if exponent == int(exponent) else float(exponent)
            )
        total += term
        largest = max(largest, abs(term))
    if abs(total) < _CANCELLED * largest:
        raise ArithmeticError("nothing but rounding is left")
    return total


def _evaluate_atom(atom: Any, point: float) -> complex:
    if isinstance(atom, int):
        return complex(atom)
    if isinstance(atom, str):
        return CONSTANTS.get(atom) or point + _spread(atom)
    return complex(FUNCTIONS[atom[0]](*(_evaluate(key, point) for key in atom[1:])))


@lru_cache(maxsize=1024)
def _spread(name: str) -> float:
    """A fixed place for each name, not the same for two names."""
    seed = 0
    for letter in name:
        seed = (seed * 131 + ord(letter)) % 9973
    return (seed * 0.6180339887) % 1


def _power(base: complex, exponent: complex) -> complex:
    if base.real < 0 and _is_real(base) and exponent != round(exponent.real):
        raise ValueError("a branch of a root")
    return base**exponent


def _logarithm(x: complex) -> complex:
    if x.real < 0 and _is_real(x):
        raise ValueError("a branch of a logarithm")
    return cmath.log(x)


FUNCTIONS: Mapping[str, Any] = {
    "^": _power,
    "abs": abs,
    "!": lambda x: math.gamma(x.real + 1) if x.imag == 0 else math.nan,
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "cot": lambda x: 1 / cmath.tan(x),
    "sec": lambda x: 1 / cmath.cos(x),
    "csc": lambda x: 1 / cmath.sin(x),
    "arcsin": cmath.asin,
    "arccos": cmath.acos,
    "arctan": cmath.atan,
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
    "coth": lambda x: 1 / cmath.tanh(x),
    "sech": lambda x: 1 / cmath.cosh(x),
    "csch": lambda x: 1 / cmath.sinh(x),
    "ln": _logarithm,
    "log_": lambda base, x: _logarithm(x) / _logarithm(base),
}

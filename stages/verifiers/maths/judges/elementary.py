"""Elementary functions of balls, and what they refuse. A result that is not finite has no value."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from flint import acb, arb

from stages.verifiers.maths.errors import TooLarge, Undefined, Unread
from stages.verifiers.maths.nodes import Node

FACTORIAL = 2_100  # and what else is larger is not computed


def is_real(value: acb) -> bool:
    """Whether a number has no imaginary part at all."""
    return value.imag.is_zero()


def whole(value: acb) -> bool:
    """Whether a number is surely an integer."""
    return value.real.is_integer() and is_real(value)


def integer(value: acb | arb) -> int:
    """The only integer that a ball holds; Undefined where there is none."""
    only = value.unique_fmpz()
    if only is None:
        raise Undefined
    return int(only)


def odd_degree(exponent: Node) -> int:
    """The denominator of a literal exponent such as 2/3, when it is odd and more than one."""
    sign = exponent.args[0] if exponent.kind == "neg" else exponent
    if (
        sign.kind == "div"
        and all(part.kind == "number" for part in sign.args)
        and sign.args[1].value
    ):
        bottom = (sign.args[0].value / sign.args[1].value).denominator
        return int(bottom) if bottom % 2 and bottom > 1 else 0
    return 0


def floor(value: arb) -> arb:
    """The integer below; one that rounding cannot be told from counts as reached."""
    near = value.unique_fmpz()
    return value.floor() if near is None else arb(near)


def _factorial(value: acb) -> Any:
    if not is_real(value) or value.real < 0:
        raise Undefined
    if value.real > FACTORIAL:
        raise TooLarge("factorial")
    return value.real.fac()


def _gamma(value: acb) -> Any:
    if not is_real(value) or whole(value):
        return _factorial(value - 1)
    return value.gamma()


def _binomial(top: acb, bottom: acb) -> Any:
    if abs(top) > 10**4 or abs(bottom) > 10**4:
        raise TooLarge("binomial")
    if whole(top) and whole(bottom) and top.real >= 0 and bottom.real >= 0:
        if bottom.real > top.real:  # n!/(k!(n-k)!) has no value there
            raise Undefined
        return math.comb(integer(top), integer(bottom))
    return (top + 1).gamma() * (bottom + 1).rgamma() * (top - bottom + 1).rgamma()


def _permutations(top: acb, bottom: acb) -> Any:
    if abs(top) > FACTORIAL or not (is_real(top) and is_real(bottom)) or bottom.real > top.real:
        raise Unread("permutations")
    return _factorial(top) / _factorial(top - bottom)


def _mod(left: acb, right: acb) -> Any:
    if not is_real(left) or not is_real(right):
        raise Undefined
    return left - right * floor((left / right).real)


def _integers(values: list[arb]) -> list[int]:
    if not all(value.is_integer() and abs(value) <= 10**18 for value in values):
        raise Undefined
    return [integer(value) for value in values]


def _floor(value: acb) -> Any:
    if not is_real(value):
        raise Undefined
    return floor(value.real)


EXACT = ("factorial", "binomial", "permutations", "gcd", "lcm", "mod", "abs", "max", "min")
MANY: dict[str, Callable[[list[arb]], Any]] = {
    "max": lambda values: reduce(arb.max, values),
    "min": lambda values: reduce(arb.min, values),
    "gcd": lambda values: math.gcd(*_integers(values)),
    "lcm": lambda values: math.lcm(*_integers(values)),
}
PAIRS: dict[str, Callable[[acb, acb], Any]] = {
    "binomial": _binomial,
    "permutations": _permutations,
    "mod": _mod,
}
ONE: dict[str, Callable[[acb], Any]] = {
    "sin": acb.sin, "cos": acb.cos, "tan": acb.tan, "cot": acb.cot, "sec": acb.sec, "csc": acb.csc,
    "arcsin": acb.asin, "arccos": acb.acos, "arctan": acb.atan,
    "arccot": lambda value: acb.pi() / 2 - value.atan(),
    "arcsec": lambda value: (1 / value).acos(), "arccsc": lambda value: (1 / value).asin(),
    "sinh": acb.sinh, "cosh": acb.cosh, "tanh": acb.tanh, "coth": acb.coth, "sech": acb.sech,
    "csch": acb.csch, "arsinh": acb.asinh, "arcosh": acb.acosh, "artanh": acb.atanh,
    "arcoth": lambda value: (1 / value).atanh(), "erf": acb.erf, "exp": acb.exp, "abs": abs,
    "conjugate": lambda value: value.conjugate(), "Re": lambda value: value.real,
    "Im": lambda value: value.imag, "arg": acb.arg, "sgn": acb.sgn, "Gamma": _gamma,
    "factorial": _factorial, "floor": _floor, "ceil": lambda value: -_floor(-value),
    "cis": lambda angle: (angle * acb(0, 1)).exp(),
}  # fmt: skip

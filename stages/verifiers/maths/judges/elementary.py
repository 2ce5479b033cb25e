"""Elementary functions at any precision, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import mp

from stages.verifiers.maths.errors import TooLarge, Undefined, Unread
from stages.verifiers.maths.nodes import Node

FACTORIAL = 2_100  # and what else is larger is not computed


_GAMMA_DIGITS = 300  # it takes seconds at a thousand


def is_real(value: Any) -> bool:
    """Whether a number has no imaginary part at all."""
    return not mpmath.im(value)


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


def _factorial(value: Any) -> Any:
    if not is_real(value):
        raise Undefined
    value = mpmath.re(value)
    if abs(value) > FACTORIAL:
        raise TooLarge("factorial")
    if is_real(value) and value < 0:
        raise Undefined
    whole = is_real(value) and value == mpmath.nint(value)
    if not whole and mp.dps > _GAMMA_DIGITS:
        raise TooLarge("gamma function")
    return mpmath.mpf(math.factorial(int(value))) if whole else mpmath.factorial(value)


def _gamma(value: Any) -> Any:
    return _factorial(value - 1)


def _binomial(top: Any, bottom: Any) -> Any:
    if abs(top) > 10**4 or abs(bottom) > 10**4:
        raise TooLarge("binomial")
    if all(is_real(part) and part == mpmath.nint(part) and part >= 0 for part in (top, bottom)):
        if bottom > top:  # n!/(k!(n-k)!) has no value there
            raise Undefined
        return mpmath.mpf(math.comb(int(top), int(bottom)))
    if mp.dps > _GAMMA_DIGITS:
        raise TooLarge("gamma function")
    return mpmath.binomial(top, bottom)


def _permutations(top: Any, bottom: Any) -> Any:
    if abs(top) > FACTORIAL or not is_real(top) or not is_real(bottom) or bottom > top:
        raise Unread("permutations")
    return _factorial(top) / _factorial(top - bottom)


def _mod(left: Any, right: Any) -> Any:
    if not is_real(left) or not is_real(right) or not right:
        raise Undefined
    return left - right * mpmath.floor(left / right)


def _whole(values: list[Any]) -> list[int]:
    if any(value != mpmath.nint(value) or abs(value) > 10**18 for value in values):
        raise Undefined
    return [int(value) for value in values]


def _steady(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Floor and its kin, where rounding cannot push an integer over the edge."""

    def stepped(value: Any) -> Any:
        if not is_real(value):
            raise Undefined
        nearest = mpmath.nint(value)
        return nearest if abs(value - nearest) < mpmath.mpf(10) ** (30 - mp.dps) else step(value)

    return stepped


def _gcd(values: list[Any]) -> Any:
    return mpmath.mpf(math.gcd(*_whole(values)))


def _lcm(values: list[Any]) -> Any:
    return mpmath.mpf(math.lcm(*_whole(values)))


EXACT = ("factorial", "binomial", "permutations", "gcd", "lcm", "mod", "abs", "max", "min")
MANY: dict[str, Callable[[list[Any]], Any]] = {"max": max, "min": min, "gcd": _gcd, "lcm": _lcm}
PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "binomial": _binomial,
    "permutations": _permutations,
    "mod": _mod,
}
POLES: dict[str, Callable[[Any], Any]] = {
    "tan": mpmath.cos, "sec": mpmath.cos, "cot": mpmath.sin, "csc": mpmath.sin,
    "coth": mpmath.sinh, "csch": mpmath.sinh, "arcsec": abs, "arccsc": abs,
}  # fmt: skip
ONE: dict[str, Callable[[Any], Any]] = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "cot": mpmath.cot,
    "sec": mpmath.sec, "csc": mpmath.csc, "arcsin": mpmath.asin, "arccos": mpmath.acos,
    "arctan": mpmath.atan, "arccot": lambda value: mp.pi / 2 - mpmath.atan(value),
    "arcsec": mpmath.asec, "arccsc": mpmath.acsc,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "coth": mpmath.coth,
    "sech": mpmath.sech, "csch": mpmath.csch, "arsinh": mpmath.asinh, "arcosh": mpmath.acosh,
    "artanh": mpmath.atanh, "arcoth": mpmath.acoth, "erf": mpmath.erf,
    "exp": mpmath.exp, "abs": abs, "conjugate": mpmath.conj, "Re": mpmath.re, "Im": mpmath.im,
    "arg": mpmath.arg, "sgn": mpmath.sign, "Gamma": _gamma, "factorial": _factorial,
    "floor": _steady(mpmath.floor), "ceil": _steady(mpmath.ceil),
    "cis": lambda angle: mpmath.expj(angle),
}  # fmt: skip

r"""Exact values: rational functions over the rationals, roots, π, i and variables.

A `Value` is a quotient of two polynomials. A polynomial maps monomials to rational coefficients; a
monomial is a set of (atom, exponent), where an atom is

    a prime                 exponent in (0, 1): 2√3 is {(3, 1/2)} → 2
    "pi", "e", "i", a name  a constant or a variable; i² = -1
    ("sqrt", key), …        anything opaque: a function or power of values, equal when written alike

Two values are surely the same when their cross products are the same polynomial. Roots of distinct
primes are linearly independent over the rationals and π is transcendental, so without opaque atoms
the values are also surely different when the polynomials differ (with e and π in one value that is
believed by all and proved by none). With opaque atoms a difference has to show in numbers.

Every step is bounded: bits of a number, terms of a polynomial, primes tried in a root.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stages.verifiers.maths.errors import NotExact, TooLarge, Undefined
from stages.verifiers.maths.judges.polynomial import (
    BITS,
    ONE,
    UNIT,
    Atom,
    Polynomial,
    add_terms,
    bounded,
    factor_integer,
    multiply_terms,
    quotient,
    reduce_monomial,
    tidy,
)

POWER = 16  # of a polynomial of several terms
COUNTED = 800  # the largest n of n!
COUNTS: Mapping[str, Callable[..., int]] = {
    "factorial": math.factorial,
    "permutations": math.perm,
    "binomial": math.comb,
}


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """num / den."""

    num: Polynomial
    den: Polynomial

    @property
    def rational(self) -> Any:
        """The value as a rational number, or None."""
        if self.den != UNIT or len(self.num) > 1:
            return None
        return self.num.get(ONE) if self.num else 0

    @property
    def key(self) -> Hashable:
        return frozenset(self.num.items()), frozenset(self.den.items())


def number(value: int | Fraction) -> Value:
    return Value({ONE: value} if value else {}, UNIT)


def symbol(atom: Atom) -> Value:
    return Value({frozenset({(atom, 1)}): 1}, UNIT)


def opaque(name: str, *arguments: Value) -> Value:
    return symbol((name, *(argument.key for argument in arguments)))


def add(a: Value, b: Value) -> Value:
    if a.den == b.den:
        return _value(add_terms(a.num, b.num), a.den)
    return _value(
        add_terms(multiply_terms(a.num, b.den), multiply_terms(b.num, a.den)),
        multiply_terms(a.den, b.den),
    )


def negate(a: Value) -> Value:
    return Value({monomial: -c for monomial, c in a.num.items()}, a.den)


def multiply(a: Value, b: Value) -> Value:
    return _value(multiply_terms(a.num, b.num), multiply_terms(a.den, b.den))


def invert(a: Value) -> Value:
    if not a.num:
        raise Undefined("division by zero")
    return _value(a.den, a.num)


def power(base: Value, exponent: Value) -> Value:
    """base ** exponent, exactly; a real positive root where there are several."""
    value = exponent.rational
    if value is None:
        return opaque("^", base, exponent)
    if value == int(value):
        return _integer_power(base, int(value))
    return _root_power(base, Fraction(value))


def root(a: Value, degree: int) -> Value:
    if not 2 <= degree <= 64:
        raise NotExact("degree of a root")
    return _root_power(a, Fraction(1, degree))


def counted(name: str, a: Value, *more: Value) -> Value:
    """n!, and how many ways there are to arrange or to choose k of n things."""
    n, *ks = numbers = [argument.rational for argument in (a, *more)]
    whole = all(one is not None and one == int(one) for one in numbers)
    if not whole or any(not 0 <= k <= n for k in (*ks, 0)):
        return opaque(name, a, *more)
    if n > COUNTED:
        raise TooLarge(name)
    return number(COUNTS[name](*map(int, numbers)))


def identical(a: Value, b: Value) -> bool:
    """Surely the same."""
    if a.den == b.den:
        return a.num == b.num
    return multiply_terms(a.num, b.den) == multiply_terms(b.num, a.den)


def same(a: Value, b: Value) -> bool | None:
    """True, False, or None where only numbers can say."""
    if identical(a, b):
        return True
    return False if _is_pure(a) and _is_pure(b) else None


def _value(num: Polynomial, den: Polynomial) -> Value:
    """Move a denominator of one term into the numerator."""
    if len(den) != 1:
        if not den:
            raise Undefined("division by zero")
        return Value(num, den) if num else Value({}, UNIT)
    ((monomial, coefficient),) = den.items()
    if not monomial and coefficient == 1:
        return Value(num, UNIT)
    flipped = {
        frozenset((atom, -exponent) for atom, exponent in monomial): quotient(1, coefficient)
    }
    return Value(multiply_terms(num, tidy(flipped)), UNIT)


def _integer_power(base: Value, exponent: int) -> Value:
    if exponent < 0:
        if exponent < -BITS:
            raise TooLarge("power")
        return invert(_integer_power(base, -exponent))
    if base.rational is not None:
        bits = max(base.rational.numerator.bit_length(), base.rational.denominator.bit_length())
        if base.rational in (0, 1, -1):
            return number(base.rational**exponent if exponent < BITS else base.rational**2)
        if bits * exponent > BITS:
            raise TooLarge("power")
        return number(base.rational**exponent)
    if len(base.num) == 1 and base.den == UNIT:
        ((monomial, coefficient),) = base.num.items()
        size = max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length())
        if size * exponent > BITS or exponent > BITS:
            raise TooLarge("power")
        raised, factor = reduce_monomial({atom: e * exponent for atom, e in monomial})
        return Value({raised: bounded(coefficient**exponent * factor)}, UNIT)
    if exponent > POWER:
        return opaque("^", base, number(exponent))
    result = Value(UNIT, UNIT)
    for _ in range(exponent):
        result = multiply(result, base)
    return result


def _root_power(base: Value, exponent: Fraction) -> Value:
    if exponent.denominator > 64 or abs(exponent.numerator) > BITS:
        raise TooLarge("power")
    if not base.num:
        if exponent < 0:
            raise Undefined("division by zero")
        return base
    if len(base.num) == 1 and base.den == UNIT:
        ((monomial, coefficient),) = base.num.items()
        outside = _number_root(coefficient, exponent)
        if outside is not None and not monomial:
            return outside
        single = len(monomial) == 1 and next(iter(monomial))[1] == 1
        if outside is not None and coefficient > 0 and single and "i" not in dict(monomial):
            raised = frozenset((atom, exponent) for atom, _ in monomial)
            if all(isinstance(atom, str) for atom, _ in monomial):
                return multiply(outside, Value({raised: 1}, UNIT))
    elif exponent.numerator != 1:
        inner = _root_power(base, Fraction(1, exponent.denominator))
        return _integer_power(inner, exponent.numerator)
    return opaque("^", base, number(exponent))


def _number_root(coefficient: Any, exponent: Fraction) -> Value | None:
    """coefficient ** exponent by its primes; None where these are not found cheaply."""
    sign = coefficient < 0
    if sign and exponent.denominator % 2 == 0 and exponent.denominator != 2:
        return None
    powers: dict[Atom, Any] = {}
    for part, direction in ((abs(coefficient.numerator), 1), (coefficient.denominator, -1)):
        factors = factor_integer(part)
        if factors is None:
            return None
        for prime, count in factors:
            powers[prime] = powers.get(prime, 0) + direction * count * exponent
    size = sum(abs(math.floor(e)) * p.bit_length() for p, e in powers.items())  # type: ignore[attr-defined]
    if size > BITS:
        raise TooLarge("power")
    monomial, factor = reduce_monomial(powers)
    value = Value({monomial: factor}, UNIT)
    if not sign:
        return value
    if exponent.denominator == 2:  # the principal root
        return multiply(value, _integer_power(symbol("i"), exponent.numerator % 4))
    return negate(value) if exponent.numerator % 2 else value


def _is_pure(a: Value) -> bool:
    """No opaque atoms, and no fractional power of a name."""
    return all(
        isinstance(atom, int) or (isinstance(atom, str) and exponent == int(exponent))
        for polynomial in (a.num, a.den)
        for monomial in polynomial
        for atom, exponent in monomial
    )

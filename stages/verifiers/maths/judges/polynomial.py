"""Polynomials with rational coefficients in atoms: primes under roots, π, e, i, names, functions.

Every step is bounded: bits of a number, terms of a polynomial, primes tried.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import fmpz

from stages.verifiers.maths.errors import NotExact, TooLarge

Atom = Hashable
Monomial = frozenset[tuple[Atom, Any]]
Polynomial = dict[Monomial, Any]  # coefficients are int or Fraction
BITS = 20_000  # of any integer
TERMS = 64  # of any polynomial
TRIAL = 300  # primes tried to take a root apart
ONE: Monomial = frozenset()
UNIT: Polynomial = {ONE: 1}


def add_terms(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for monomial, coefficient in b.items():
        added = total.get(monomial, 0) + coefficient
        if added:
            total[monomial] = added
        else:
            del total[monomial]
    if len(total) > TERMS:
        raise NotExact("too many terms")
    return total


def multiply_terms(a: Polynomial, b: Polynomial) -> Polynomial:
    if a is UNIT or a == UNIT:
        return b
    if b is UNIT or b == UNIT:
        return a
    if len(a) * len(b) > TERMS * 6:
        raise NotExact("too many terms")
    total: Polynomial = {}
    for left, x in a.items():
        for right, y in b.items():
            if left and right:
                monomial, factor = _merge(left, right)
            else:
                monomial, factor = left or right, 1
            coefficient = total.get(monomial, 0) + bounded(x * y * factor)
            total[monomial] = coefficient
    return {monomial: c for monomial, c in total.items() if c}


def _merge(left: Monomial, right: Monomial) -> tuple[Monomial, Any]:
    exponents = dict(left)
    for atom, exponent in right:
        exponents[atom] = exponents.get(atom, 0) + exponent
    return reduce_monomial(exponents)


def reduce_monomial(exponents: dict[Atom, Any]) -> tuple[Monomial, Any]:
    """Exponents in range: whole powers of primes, and i², become a factor."""
    factor: Any = 1
    kept = []
    for atom, exponent in exponents.items():
        if isinstance(atom, int):
            whole = math.floor(exponent)
            factor *= Fraction(atom) ** whole
            exponent -= whole
        elif atom == "i":
            quarter = exponent % 4
            factor *= -1 if quarter >= 2 else 1
            exponent = quarter % 2
        if exponent:
            kept.append((atom, exponent))
    return frozenset(kept), factor


def tidy(polynomial: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        reduced, factor = reduce_monomial(dict(monomial))
        result[reduced] = result.get(reduced, 0) + coefficient * factor
    return result


def quotient(top: Any, bottom: Any) -> Any:
    quotient = Fraction(top) / bottom
    return quotient.numerator if quotient.denominator == 1 else quotient


def bounded(value: Any) -> Any:
    if value.numerator.bit_length() > BITS or value.denominator.bit_length() > BITS:
        raise TooLarge("number")
    return value


@lru_cache(maxsize=4096)
def factor_integer(n: int) -> tuple[tuple[int, int], ...] | None:
    """Primes with their counts; None when a large composite part remains."""
    if n.bit_length() > 400:
        return None
    found = []
    for factor, count in fmpz(n).factor(trial_limit=TRIAL):
        root = factor.isqrt()
        prime, times = (root, 2) if root * root == factor else (factor, 1)
        if not prime.is_probable_prime():
            return None
        found.append((int(prime), times * count))
    return tuple(found)

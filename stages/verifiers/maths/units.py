r"""Units of quantities, exactly: "500 cm" is "5 m", and "5 cm" is not.

Read: SI symbols and names with prefixes, everyday English and American units, money, Chinese units,
products, quotients and powers (“ m/s^2”, cm^2, square inches, 平方厘米, km per hour, 千米/时).
A word that is no unit is a noun that is counted ("eggs", 个). Scales are exact fractions by
definition; a radian is 180/π degrees. Months and years are no fixed number of days here.

An own table, since pint reads neither LaTeX nor Chinese and takes long to import.

Policy of `ratio`, for a reference of so many `a` and an answer of so many `b`:

    both known          the scale between them, if they measure the same thing; else wrong
    one is missing      the number is what was asked: 5 for "5 m"
    two nouns           passed: "18 eggs" for "18 apples" is a choice of words
    noun for a unit     wrong, but for "units", which says nothing
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction as F
from functools import lru_cache

from stages.verifiers.han import HAN
from stages.verifiers.maths.unit_table import (
    BASE,
    CHINESE,
    DERIVED,
    GENERIC,
    NAMES,
    NOT_NOUNS,
    PREFIX_NAMES,
    PREFIXED,
    PREFIXES,
    SCALED,
    SI,
    SIGNS,
    TEMPERATURE_NAMES,
    TEMPERATURES,
)

Dimensions = frozenset[tuple[str, int]]

_OPPOSITES = {"increase": "decrease", "profit": "loss", "gain": "loss", "rise": "fall"}
_OPPOSITES |= {second: first for first, second in _OPPOSITES.items()}
LONGEST = 60  # letters of a unit or noun
_WORDS = 5  # of a noun phrase


@dataclass(frozen=True)
class Unit:
    """scale × π^pi base units; a noun has no dimensions; a temperature has a zero elsewhere."""

    dimensions: Dimensions = frozenset()
    scale: F = F(1)
    pi: int = 0
    zero: F = F(0)
    noun: str = ""


RADIAN = Unit(frozenset({("angle", 1)}), F(180), -1)
DEGREE = Unit(frozenset({("angle", 1)}))


#: the "/s^2" of m/s^2
_PART = re.compile(rf"([*/]|per |每)?\s*([A-Za-zμΩÅ¤¥€£${HAN}.]+)(?:\^\{{?(-?\d)\}}?|²|³)?\s*")
_NOUN = re.compile(  # red apples, 个
    rf"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*)*|[{HAN}]{{1,4}}"
)
_POWERS = (
    (r"\b(?:square|sq\.?)\s+(\w+)", "2"),
    (r"平方([^\W\d]+?)(?=[/每]|$)", "2"),
    (r"\b(\w+)\s+squared\b", "2"),
    (r"\b(?:cubic|cu\.?)\s+(\w+)", "3"),
    (r"立方([^\W\d]+?)(?=[/每]|$)", "3"),
    (r"\b(\w+)\s+cubed\b", "3"),
)
_POWERED = tuple((re.compile(pattern), exponent) for pattern, exponent in _POWERS)


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit | None:
    """The unit or noun that a whole text is, or None."""
    plain = " ".join(text.replace("“", " ").replace("”", " ").replace("·", "*").split())
    plain = plain.strip(" .,").removeprefix("of ")
    if not plain or len(plain) > LONGEST:
        return None
    if found := _temperature(plain):
        return found
    if plain == "°":
        return DEGREE
    if plain.lower().replace(" ^", "^") in GENERIC:
        return Unit(noun="units")
    return _compound(plain.replace(" ^", "^")) or _noun(plain)


def ratio(a: Unit | None, b: Unit | None) -> tuple[F, int] | None:
    """What an answer in b is multiplied by to be in a, as (fraction, power of π); None: wrong."""
    if a is None or b is None:
        return F(1), 0
    if a.noun and b.noun:
        return (F(1), 0) if _OPPOSITES.get(a.noun) != b.noun else None
    if a.noun or b.noun:
        return (F(1), 0) if "units" in (a.noun, b.noun) else None
    if a.dimensions != b.dimensions:
        return (F(1), 0) if {a, b} == _POUNDS else None
    return b.scale / a.scale, b.pi - a.pi


def _temperature(plain: str) -> Unit | None:
    name = TEMPERATURE_NAMES.get(plain, TEMPERATURE_NAMES.get(plain.lower(), plain))
    if name not in TEMPERATURES:
        return None
    scale, zero = TEMPERATURES[name]
    return Unit(frozenset({("kelvin", 1)}), scale, zero=zero)


def _compound(plain: str) -> Unit | None:
    for pattern, exponent in _POWERED:
        plain = pattern.sub(rf"\g<1>^{exponent}", plain)
    result = Unit()
    position = 0
    while position < len(plain):
        match = _PART.match(plain, position)
        if match is None or match.end() == position:
            return None
        unit = _single(match[2].rstrip("."))
        if unit is None:
            return None
        power = int(match[3] or 1) * (-1 if match[1] in ("/", "per ", "每") else 1)
        result = _times(result, unit, power)
        position = match.end()
    return result


@lru_cache(maxsize=4096)
def _single(name: str) -> Unit | None:
    """One unit by symbol or name."""
    name = SIGNS.get(name, CHINESE.get(name, name))
    if "^" in name:
        return _compound(name)
    if unit := _symbol(name):
        return unit
    lower = name.lower()
    for stem in (lower, lower.removesuffix("s"), lower.removesuffix("es")):
        known = NAMES.get(stem, stem if stem in SCALED and len(stem) > 2 else None)
        if known:
            return _symbol(known)
        if stem in BASE or stem in ("degree", "radian"):
            return _symbol(stem)
        for prefix, exponent in PREFIX_NAMES.items():
            base = NAMES.get(stem.removeprefix(prefix))
            if stem.startswith(prefix) and base in PREFIXED:
                return _times(Unit(scale=F(10) ** exponent), _known(base), 1)
    return None


def _symbol(name: str) -> Unit | None:
    if name == "degree":
        return DEGREE
    if name == "radian":
        return RADIAN
    if unit := _known(name, strict=False):
        return unit
    prefix, rest = name[:1], name[1:]
    if rest in PREFIXED and prefix in PREFIXES:
        return _times(Unit(scale=F(10) ** PREFIXES[prefix]), _known(rest), 1)
    return None


def _known(name: str, strict: bool = True) -> Unit:
    if name in SI:
        base, scale = SI[name]
        return Unit(frozenset({(base, 1)}), F(scale))
    if name in BASE:
        return Unit(frozenset({(name, 1)}))
    if name in DERIVED:
        return _define(DERIVED[name])
    if name in SCALED:
        factor, definition = SCALED[name]
        return _times(Unit(scale=F(factor)), _define(definition), 1)
    if strict:
        raise KeyError(name)
    return None  # type: ignore[return-value]


def _define(definition: str) -> Unit:
    unit = _compound(definition.removeprefix("1"))
    assert unit is not None, definition
    return unit


def _times(a: Unit, b: Unit, exponent: int) -> Unit:
    dimensions: dict[str, int] = dict(a.dimensions)
    for base, power in b.dimensions:
        dimensions[base] = dimensions.get(base, 0) + power * exponent
    return Unit(
        frozenset((base, power) for base, power in dimensions.items() if power),
        a.scale * b.scale**exponent,
        a.pi + b.pi * exponent,
    )


def _noun(plain: str) -> Unit | None:
    if not _NOUN.fullmatch(plain):
        return None
    words = plain.lower().split()
    if len(words) > _WORDS or any(word in NOT_NOUNS for word in words):
        return None
    if plain.isascii() and len(plain) < 3:
        return None
    return Unit(noun=plain.lower())


#: "pounds" are money or mass; only one of them is in the reference.
_POUNDS = {_known("£"), _known("lb")}

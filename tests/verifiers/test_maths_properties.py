"""Random expressions: two renderings of one are the same answer, and a mutated one is wrong.

The truth is the tree: it is evaluated at random points here and never read from text. Seeded, so
that every run asks the same questions.
"""

from __future__ import annotations

import cmath
import random
from collections.abc import Callable
from typing import Any

import pytest

from stages.verifiers import maths
from stages.verifiers.verdict import RIGHT

CASES = 500  # of each style; they take a second in all
NAMES = ("x", "y", "a", "θ", "a_n")

Tree = tuple[Any, ...]  # ("number", 3) | ("name", "x") | (operation, tree, ...)
_VALUES: dict[str, Callable[..., complex]] = {
    "number": lambda value: complex(value),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "sqrt": cmath.sqrt,
    "sin": cmath.sin,
    "ln": cmath.log,
}
_GREEK = {"latex": "\\theta ", "unicode": "θ", "plain": "theta"}
_INDEXED = {"latex": "a_{n}", "unicode": "aₙ", "plain": "a_n"}
_RAISED = {2: "²", 3: "³", 4: "⁴"}


def _tree(chance: random.Random, depth: int) -> Tree:
    if depth == 0:
        named = chance.random() < 0.6
        return ("name", chance.choice(NAMES)) if named else ("number", chance.randint(2, 12))
    operation = chance.choice(["+", "-", "*", "*", "*", "/", "^", "^", "sqrt", "sin", "ln"])
    first = _tree(chance, depth - 1)
    if operation == "^":
        return operation, first, ("number", chance.choice([2, 3]))
    if operation in ("sqrt", "sin", "ln"):
        return operation, first
    return operation, first, _tree(chance, depth - 1)


def _mutated(chance: random.Random, tree: Tree) -> Tree:
    """One node changed: another number, an exponent moved, sides swapped, a function dropped."""
    kind, *parts = tree
    if kind == "number":
        return kind, parts[0] + 1
    if kind == "name":
        return "^", tree, ("number", 2)
    place = chance.randrange(len(parts) + 1)
    if place < len(parts):
        return kind, *parts[:place], _mutated(chance, parts[place]), *parts[place + 1 :]
    if kind == "*" and parts[1][0] == "^":
        return "^", ("*", parts[0], parts[1][1]), parts[1][2]
    if kind in ("/", "-"):
        return kind, parts[1], parts[0]
    return parts[0] if kind in ("sqrt", "sin", "ln", "^") else ("-", *parts)


def _value(tree: Tree, point: dict[str, float]) -> complex:
    kind, *parts = tree
    if kind == "name":
        return complex(point[parts[0]])
    if kind == "number":
        return complex(parts[0])
    return _VALUES[kind](*(_value(part, point) for part in parts))


def _differ(one: Tree, other: Tree) -> bool:
    """Clearly different, as real numbers, at most points."""
    chance, seen = random.Random(1), 0
    for _ in range(8):
        point = {name: chance.uniform(0.4, 3) for name in NAMES}
        try:
            a, b = _value(one, point), _value(other, point)
        except (ArithmeticError, ValueError):
            continue
        real = abs(a.imag) + abs(b.imag) < 1e-12 * abs(a)
        seen += real and abs(a - b) > 1e-4 * max(abs(a), abs(b))
    return seen > 4


def _written(tree: Tree, style: str, chance: random.Random) -> str:
    kind, *parts = tree
    latex = style == "latex"
    if kind == "number":
        return str(parts[0])
    if kind == "name":
        return {"θ": _GREEK, "a_n": _INDEXED}.get(parts[0], {}).get(style, parts[0])
    if kind in ("sqrt", "sin", "ln"):
        inside = _written(parts[0], style, chance)
        brackets = "{}" if kind == "sqrt" and latex else "()"
        name = "√" if kind == "sqrt" and style == "unicode" else "\\" * latex + kind
        return f"{name}{brackets[0]}{inside}{brackets[1]}"
    if kind == "/" and latex:
        return "\\frac{" + "}{".join(_written(part, style, chance) for part in parts) + "}"
    sides = [_factor(part, style, chance, kind) for part in parts]
    if kind == "^" and style == "unicode":
        return sides[0] + _RAISED[parts[1][1]]
    if kind == "*":
        return _product(sides[0], sides[1], style, chance)
    return f"{sides[0].rstrip()}{kind}{sides[1]}"


def _factor(tree: Tree, style: str, chance: random.Random, around: str) -> str:
    """An operand: in brackets, but for names, numbers, functions and, in products, powers."""
    text = _written(tree, style, chance)
    tight = tree[0] in ("number", "name", *(() if around == "^" else ("sqrt", "sin", "ln")))
    return text if tight or (tree[0] == "^" and around in "*+-") else f"({text})"


def _product(left: str, right: str, style: str, chance: random.Random) -> str:
    """Side by side where that is clear: the right factor begins with no digit."""
    if right[0].isdigit() or chance.random() < 0.3:
        return left + {"latex": "\\cdot ", "unicode": "·", "plain": "*"}[style] + right
    words = style == "plain" and (left[-1].isalpha() and right[0].isalpha())
    return f"{left}{' ' if words or chance.random() < 0.2 else ''}{right}"


@pytest.mark.parametrize("style", ["latex", "unicode", "plain"])
def test_renderings_of_one_tree_are_right_and_a_mutation_is_wrong(style: str) -> None:
    for seed in range(CASES):
        chance = random.Random(f"{style} {seed}")
        tree = _tree(chance, chance.randint(1, 3))
        if not _differ(tree, ("*", tree, ("number", 2))):
            continue  # nowhere a real number, or 0
        target = maths.read(_written(tree, "latex", chance), {})
        text = _written(tree, style, chance)
        assert maths.judge(text, target) == RIGHT, (target.text, text)
        other = _mutated(chance, tree)
        if _differ(tree, other):
            text = _written(other, style, chance)
            assert maths.judge(text, target).score == 0.0, (target.text, text)

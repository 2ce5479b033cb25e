"""Whether two quantities are the same: value, unit, percent, and the rounding allowed.

A unit that one side leaves out is passed, as the number is what is asked; where the reference says
%, a bare 50 will do, and where it does not, 50 % is 0.5. Nothing else answers a percentage: neither
apples nor basis points that are not as many.
"""

from __future__ import annotations

from fractions import Fraction

from stages.verifiers.maths.judges.constants import same_expression
from stages.verifiers.maths.judges.rules import rules
from stages.verifiers.maths.judges.scalars import constant
from stages.verifiers.maths.nodes import Node, has, number, symbols
from stages.verifiers.maths.units import RADIAN, Unit, ratio

_PI = Node("constant", value="pi")


def same_measure(reference: Node, answer: Node, whole: frozenset[str] = frozenset()) -> bool:
    """Whether two scalars, with their units and percent signs, are the same."""
    if _is_share(reference) or _is_share(answer):  # 15% increase
        reference, answer, agree = (
            _share(reference),
            _share(answer),
            ratio(_unit(reference), _unit(answer)),
        )
        return agree is not None and same_measure(reference, answer, whole)
    if "percent" in (reference.kind, answer.kind):
        return _percents(reference, answer, whole)
    if "quantity" not in (reference.kind, answer.kind):
        return _same(reference, answer, whole)
    mine, theirs = _letter(reference), _letter(answer)
    same = _measures(reference, answer, whole)
    if same or (mine is None and theirs is None):
        bare = mine is not None and _unit(answer) is None and not symbols(answer)
        return same and not (bare and _is_power(_unit(reference)))  # 3 m^2 may well be a product
    return _same(mine or _value(reference), theirs or _value(answer), whole)


def _same(reference: Node, answer: Node, whole: frozenset[str]) -> bool:
    tolerance = rules().tolerance
    if tolerance.relative or tolerance.absolute:
        mine, theirs = constant(reference), constant(answer)
        if mine is not None and theirs is not None:
            return tolerance.allows(float(mine), float(theirs))
    return same_expression(reference, answer, whole)


def _is_share(node: Node) -> bool:
    return node.kind == "quantity" and node.args[0].kind == "percent"


def _share(node: Node) -> Node:
    return node.args[0] if _is_share(node) else node


def _unit(node: Node) -> Unit | None:
    return node.value[0] if node.kind == "quantity" else None


def _letter(node: Node) -> Node | None:
    """What a quantity is if its unit is a variable."""
    return node.value[1] if node.kind == "quantity" else None


def _value(node: Node) -> Node:
    return node.args[0] if node.kind in ("quantity", "percent") else node


def _is_power(unit: Unit | None) -> bool:
    return unit is not None and any(exponent > 1 for _, exponent in unit.dimensions)


def _measures(reference: Node, answer: Node, whole: frozenset[str]) -> bool:
    mine = _unit(reference) or _implied_angle(answer, reference)
    theirs = _unit(answer) or _implied_angle(reference, answer)
    scale = ratio(mine, theirs)
    if scale is None:
        return False
    value = _value(answer)
    if mine and theirs and (mine.zero or theirs.zero):
        value = _temperature(value, mine, theirs)
    elif scale[0] != 1 or scale[1]:
        value = Node("mul", (number(scale[0]), value))
        for _ in range(abs(scale[1])):
            value = Node("mul" if scale[1] > 0 else "div", (value, _PI))
    return _same(_value(reference), value, whole)


def _implied_angle(one: Node, other: Node) -> Unit | None:
    """The unit of the other; a bare multiple of π beside degrees is in radians."""
    unit = _unit(one)
    if unit is None or ("angle", 1) not in unit.dimensions or unit.pi or not has(other, "constant"):
        return None
    return (
        RADIAN
        if any(part == _PI for part in (other, *other.args, *_grandchildren(other)))
        else None
    )


def _grandchildren(node: Node) -> tuple[Node, ...]:
    return tuple(part for child in node.args for part in child.args)


def _percents(reference: Node, answer: Node, whole: frozenset[str]) -> bool:
    if _unit(reference) is not None or _unit(answer) is not None:
        return False
    mine, theirs = _value(reference), _value(answer)
    if reference.kind == answer.kind:
        return _same(mine, theirs, whole)
    hundredth = number(Fraction(1, 100))
    if answer.kind == "percent":
        return _same(reference, Node("mul", (theirs, hundredth)), whole)
    if _same(Node("mul", (mine, hundredth)), answer, whole):
        return True
    bare = constant(mine)
    return bare is not None and not abs(bare) < 1 and _same(mine, answer, whole)


def _temperature(value: Node, mine: Unit, theirs: Unit) -> Node:
    kelvin = Node("add", (Node("mul", (value, number(theirs.scale))), number(theirs.zero)))
    shifted = Node("add", (kelvin, number(-mine.zero)))
    return Node("mul", (shifted, number(1 / mine.scale)))

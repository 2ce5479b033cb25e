r"""Sets of real numbers: x > 3 is (3, \infty) is \{x \mid x > 3\}.

Read: intervals, unions, intersections, differences, finite sets, \mathbb{R}, x \ne 2, chains such
as 1 \le x < 4, and lists of them: "or" joins, "and" and commas intersect, unless nothing would be
left between commas ("x < 1, x > 3" means their union). Only a variable by itself is read: 2x > 6
asks, x > 3 answers. Ends that are no constants (a < x < a + 1) are compared piece by piece.
"""

from __future__ import annotations

from dataclasses import replace

from stages.verifiers.maths.judges.intervals import (
    ALL,
    INFINITE,
    MINUS_INFINITE,
    NoRegion,
    Piece,
    Region,
    combine,
    empty,
    value_of,
)
from stages.verifiers.maths.judges.labels import is_label
from stages.verifiers.maths.judges.scalars import constant, infinite
from stages.verifiers.maths.judges.signs import expanded
from stages.verifiers.maths.nodes import Node, number, symbols

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}


def region(node: Node) -> Region:
    """The region that a tree says, or NoRegion."""
    match node.kind:
        case "tuple":
            return Region((_interval(node),))
        case "set":
            points = [point for item in node.args for point in expanded(item)]
            return Region(tuple(Piece(point, point, True, True) for point in points))
        case "space" if node.value == "R":
            return Region((ALL,))
        case "union" | "inter" | "minus":
            left, right = node.args
            if node.kind == "minus" and right.kind == "number":
                right = Node("set", (right,))
            return combine(node.kind, region(left), region(right))
        case "add" if len(node.args) == 2 and node.args[1].kind == "neg":
            return combine("minus", region(node.args[0]), region(node.args[1].args[0]))
        case "chain":
            return _chain(node)
        case "builder":
            return _builder(node)
        case "list" if node.args:
            return _listed(node)
    raise NoRegion(node.kind)


def _interval(node: Node) -> Piece:
    if len(node.args) != 2 or node.value == "<>":
        raise NoRegion("no interval")
    low, high = node.args
    for end in (low, high):
        _check_end(end)
    piece = Piece(low, high, node.value[0] == "[", node.value[1] == "]")
    if value_of(low) is not None and value_of(high) is not None and empty(piece):
        raise NoRegion("a point, or nothing")
    return piece


def _check_end(end: Node) -> None:
    if end.kind in ("tuple", "set", "matrix", "chain", "union", "space", "list", "builder", "pm"):
        raise NoRegion("end")


def _chain(node: Node) -> Region:
    if node.value == ("!=",) and len(choices := expanded(node)) > 1:
        return _listed(Node("list", tuple(choices), ","))
    if len(node.args) != len(node.value) + 1:
        raise NoRegion("congruence")
    if any(side.kind == "neg" and side.args[0].kind == "symbol" for side in node.args):
        node = _mirrored(node)
    sides, signs = node.args, node.value
    if len(sides) == 2 and signs[0] in ("in", "notin", "="):
        if not is_label(sides[0]) or (signs[0] == "=" and not _names_set(sides)):
            return _equal(sides, signs[0])
        inner = region(sides[1])
        found = combine("minus", Region((ALL,)), inner) if signs[0] == "notin" else inner
        return replace(found, label=sides[0] if signs[0] != "=" else None)
    if len(sides) == 3 and _is_modulus(sides[1]):  # 1 < |z| < 2
        halves = (Node("chain", sides[at : at + 2], signs[at : at + 1]) for at in (0, 1))
        return combine("inter", *map(_chain, halves))
    if len(sides) == 2 and any(_is_modulus(side) for side in sides):
        return _distance(sides, signs[0])
    return _bounded(sides, signs)


def _bounded(sides: tuple[Node, ...], signs: tuple[str, ...]) -> Region:
    """A variable with an end on one side of it or on both."""
    places = [place for place, side in enumerate(sides) if is_label(side) and symbols(side)]
    if len(places) > 1:
        places = [place for place in places if len(sides) == 3 and place == 1]
    if len(places) != 1 or any(sign not in _FLIPPED for sign in signs):
        raise NoRegion("no variable by itself")
    variable = sides[places[0]]
    found = Region((ALL,), variable)
    for place, side in enumerate(sides):
        if abs(place - places[0]) == 1:
            _check_end(side)
            if symbols(side) & symbols(variable):
                raise NoRegion("not solved")
            sign = signs[min(place, places[0])]
            toward = sign if place > places[0] else _FLIPPED[sign]
            found = combine("inter", found, Region(_half(toward, side)))
        elif place != places[0]:
            raise NoRegion("long chain")
    return replace(found, label=variable)


def _equal(sides: tuple[Node, ...], sign: str) -> Region:
    """x = 2 as a point, for lists such as "x < 1 or x = 2"."""
    if sign != "=" or sides[0].kind != "symbol" or constant(sides[1]) is None:
        raise NoRegion("no variable")
    return Region((Piece(sides[1], sides[1], True, True),), sides[0])


def _mirrored(node: Node) -> Node:
    """-x < 2 as x > -2."""
    sides = tuple(
        side.args[0] if side.kind == "neg" else Node("neg", (side,)) for side in node.args
    )
    return Node("chain", sides, tuple(_FLIPPED.get(sign, "") for sign in node.value))


def _is_modulus(side: Node) -> bool:
    return side.kind == "call" and side.value == "abs"


def _distance(sides: tuple[Node, ...], sign: str) -> Region:
    """|x - 2| < 3: nearer to 2 than 3."""
    first = _is_modulus(sides[0])
    modulus, bound = sides if first else (sides[1], sides[0])
    toward = sign if first else _FLIPPED.get(sign, sign)
    inner = modulus.args[0]
    terms = inner.args if inner.kind == "add" and len(inner.args) == 2 else (inner, number(0))
    radius = constant(bound)
    if terms[0].kind != "symbol" or constant(terms[1]) is None or toward not in _FLIPPED:
        raise NoRegion("not solved")
    if radius is None or radius < 0 or toward == "!=":
        raise NoRegion("not solved")
    middle = Node("neg", (terms[1],))
    low, high = Node("add", (middle, Node("neg", (bound,)))), Node("add", (middle, bound))
    ends = (_half(_FLIPPED[toward], low), _half(toward, high))
    how = "inter" if toward in ("<", "<=") else "union"
    return combine(how, *(Region(end, terms[0]) for end in ends))


def _half(sign: str, end: Node) -> tuple[Piece, ...]:
    """What `variable sign end` says."""
    if sign == "!=":
        return (Piece(MINUS_INFINITE, end, False, False), Piece(end, INFINITE, False, False))
    if sign in ("<", "<="):
        return (Piece(MINUS_INFINITE, end, False, sign == "<="),)
    return (Piece(end, INFINITE, sign == ">=", False),)


def _names_set(sides: tuple[Node, ...]) -> bool:
    """A = (0, 1): a capital letter that names a set."""
    name = sides[0].value if sides[0].kind == "symbol" else ""
    return len(name) == 1 and name.isupper() and sides[1].kind != "tuple"


def _builder(node: Node) -> Region:
    element, condition = node.args
    if element.kind == "chain" and element.value == ("in",):
        base = region(element.args[1])
        found = combine("inter", base, region(condition))
        element = element.args[0]
    else:
        found = region(condition)
    if element.kind != "symbol" or found.label not in (None, element):
        raise NoRegion("builder")
    return Region(found.pieces)


def _listed(node: Node) -> Region:
    regions = [region(item) for item in node.args]
    labels = {item.label for item in regions}
    if labels == {None} and all(item.kind == "tuple" for item in node.args):
        if not any(infinite(end) for item in node.args for end in item.args):
            raise NoRegion("points, perhaps")
        return Region(tuple(piece for item in regions for piece in item.pieces))
    if len(labels) != 1 or (node.value != "or" and labels == {None}):
        raise NoRegion("several variables")
    found = regions[0]
    for other in regions[1:]:
        found = combine("union" if node.value == "or" else "inter", found, other)
    if not found.pieces and node.value == ",":
        found = regions[0]
        for other in regions[1:]:
            found = combine("union", found, other)
    return replace(found, label=regions[0].label)

r"""Functions in pieces: \begin{cases} of any order, with "otherwise", and |x - 2| as two pieces.

Two are the same when they are defined on the same set and agree wherever a piece of one meets a
piece of the other. Where pieces meet in a point, as x \ge 0 and x \le 0 do, their values there do.
"""

from __future__ import annotations

from stages.verifiers.maths.judges.intervals import (
    ALL,
    NoRegion,
    Region,
    combine,
    same_region,
    value_of,
)
from stages.verifiers.maths.judges.regions import region
from stages.verifiers.maths.judges.scalars import constant, same_value
from stages.verifiers.maths.nodes import Node, number, rebuild, substitute, walk

Branches = list[tuple[Node, Region]]
_SCALAR = ("tuple", "set", "matrix", "list", "chain", "cases", "ratio", "pm", "apply")


def same_cases(reference: Node, answer: Node) -> bool:
    """Whether two functions of one variable are the same, one of them in pieces."""
    try:
        mine, theirs = _branches(reference), _branches(answer)
        if not same_region(_whole(mine), _whole(theirs)):
            return False
        return all(_agree(one, other) for one in mine for other in theirs)
    except NoRegion:
        return False


def _branches(node: Node) -> Branches:
    if node.kind != "cases":
        return _of_modulus(node)
    pairs = list(zip(node.args[::2], node.args[1::2], strict=True))
    found: Branches = []
    for place, (value, condition) in enumerate(pairs):
        if condition == Node("list", value="otherwise"):
            if place != len(pairs) - 1 or not found:
                raise NoRegion("otherwise")
            rest = combine("minus", Region((ALL,), found[0][1].label), _whole(found))
            found.append((value, rest))
        else:
            found.append((value, region(condition)))
    if any(part.kind in _SCALAR for value, _ in found for part in walk(value)):
        raise NoRegion("values")
    if any(where.label is None or where.label.kind != "symbol" for _, where in found):
        raise NoRegion("no variable")
    return found


def _of_modulus(node: Node) -> Branches:
    """|x - 2| as x - 2 from 2 on and 2 - x before."""
    moduli = {part for part in walk(node) if part.kind == "call" and part.value == "abs"}
    if len(moduli) != 1 or any(part.kind in _SCALAR for part in walk(node)):
        raise NoRegion("no pieces")
    (modulus,) = moduli
    inner = modulus.args[0]
    terms = inner.args if inner.kind == "add" and len(inner.args) == 2 else (inner, number(0))
    if terms[0].kind != "symbol" or constant(terms[1]) is None:
        raise NoRegion("not solved")
    border = Node("neg", (terms[1],))
    signs = ((">=", inner), ("<", Node("neg", (inner,))))
    return [
        (_replaced(node, modulus, value), region(Node("chain", (terms[0], border), (sign,))))
        for sign, value in signs
    ]


def _replaced(node: Node, old: Node, new: Node) -> Node:
    return rebuild(node, lambda part: new if part == old else None)


def _whole(branches: Branches) -> Region:
    found = branches[0][1]
    for _, where in branches[1:]:
        found = combine("union", found, where)
    return found


def _agree(one: tuple[Node, Region], other: tuple[Node, Region]) -> bool:
    met = combine("inter", one[1], other[1])
    if not met.pieces or met.label is None:
        return not met.pieces
    for piece in met.pieces:
        low, high = value_of(piece.low), value_of(piece.high)
        if low is None or high is None:
            raise NoRegion("border")
        first, second = one[0], other[0]
        if low.overlaps(high):
            at = {met.label.value: piece.low}
            first, second = substitute(first, at), substitute(second, at)
        if not same_value(first, second):
            return False
    return True

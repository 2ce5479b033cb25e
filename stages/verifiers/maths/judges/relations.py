"""Whether two answers without parameters are the same: values, sets of reals, relations."""

from __future__ import annotations

from stages.verifiers.maths.judges.curves import difference, same_relation
from stages.verifiers.maths.judges.intervals import same_region
from stages.verifiers.maths.judges.regions import region
from stages.verifiers.maths.judges.rows import Rows, rows, rows_of_any_quantity
from stages.verifiers.maths.judges.signs import expanded
from stages.verifiers.maths.judges.structure import attempt, matched, same_node, same_rows
from stages.verifiers.maths.nodes import Node, has, number, symbols, walk

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def same_plain(reference: Node, answer: Node, whole: frozenset[str]) -> bool:
    """By values, then as sets of reals, then as relations."""
    first = attempt(rows, reference)
    second = attempt(rows_of_any_quantity if first and _bare(first) else rows, answer)
    if first and second and same_rows(first, second, whole):
        return True
    if says_region(reference) or says_region(answer):
        one, other = attempt(region, reference), attempt(region, answer)
        if one is not None and other is not None:
            return same_region(one, other)
    solved = len(symbols(reference)) < 2 and (first or attempt(region, reference))
    if solved or (first and not _curve(reference)):
        return False
    if reference.kind != answer.kind or has(reference, "pm") or has(answer, "pm"):
        one_curve, other_curve = _one_equation(reference), _one_equation(answer)
        if one_curve is not None and other_curve is not None:
            return same_relation(one_curve, other_curve)
    return _same_relations(reference, answer)


def _one_equation(node: Node) -> Node | None:
    """Curves joined by "or", or by ±, as one equation: y = x or y = -x is (y - x)(y + x) = 0."""
    if node.kind == "list" and node.value != "or":
        return None
    chains = [
        part for item in (node.args if node.kind == "list" else (node,)) for part in expanded(item)
    ]
    if any(chain.kind != "chain" or chain.value != ("=",) for chain in chains) or len(chains) > 4:
        return None
    product = difference(chains[0])
    for chain in chains[1:]:
        product = Node("mul", (product, difference(chain)))
    return Node("chain", (product, number(0)), ("=",))


def _bare(found: Rows) -> bool:
    """Whether a reference is one value without a name."""
    return len(found.rows) == 1 and not found.rows[0].names and not symbols(found.rows[0].node)


def _curve(node: Node) -> bool:
    """Whether a solved equation is one of a curve: y = 2x + 1, but not x = 5."""
    return all(
        part.kind == "chain" and len(symbols(part)) > 1
        for part in (node.args if node.kind == "list" else (node,))
    )


def says_region(node: Node) -> bool:
    """Whether a tree is a set of reals by its own form, which "(1, 2)" and "\\{1, 2\\}" are not."""
    signs = {sign for part in walk(node) if part.kind == "chain" for sign in part.value}
    kinds = has(node, "union", "inter", "minus", "space", "builder")
    brackets = node.kind == "tuple" and node.value in ("[)", "(]")
    return kinds or brackets or bool(signs & {"<", ">", "<=", ">=", "!=", "in", "notin"})


def _same_relations(reference: Node, answer: Node) -> bool:
    mine = reference.args if reference.kind == "list" else (reference,)
    theirs = answer.args if answer.kind == "list" else (answer,)
    if reference.kind == answer.kind == "list" and reference.value != answer.value:
        return False
    return matched(mine, theirs, _same_statement)


def _same_statement(reference: Node, answer: Node) -> bool:
    if reference.kind == "chain" and answer.kind == "chain":
        if same_relation(reference, answer) or _same_sides(reference, answer):
            return True
        one, other = attempt(region, reference), attempt(region, answer)
        return one is not None and other is not None and same_region(one, other)
    if reference.kind == "list" and answer.kind == "list":
        return _same_relations(reference, answer)
    one_row, other_row = attempt(rows, reference), attempt(rows, answer)
    return bool(one_row and other_row and same_rows(one_row, other_row, frozenset()))


def _same_sides(reference: Node, answer: Node) -> bool:
    """The same chain, side by side, or read from right to left."""
    back = tuple(_FLIPPED.get(sign, "") for sign in reversed(answer.value))
    for sides, signs in ((answer.args, answer.value), (answer.args[::-1], back)):
        if signs == reference.value and all(map(same_node, reference.args, sides)):
            return True
    return False

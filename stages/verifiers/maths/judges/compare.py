r"""Whether two trees say the same answer: by values, regions, families or relations, in this order.

The order of the two does not matter but for one thing: a reference that is solved ("x = 5", "5") is
not met by an answer that still has to be ("3x = 15").
"""

from __future__ import annotations

from dataclasses import replace

from stages.verifiers.maths.judges.parameters import (
    declarations,
    declared_space,
    same_declared,
    same_family,
    same_undeclared,
)
from stages.verifiers.maths.judges.relations import same_plain
from stages.verifiers.maths.judges.rounding import exact, slack
from stages.verifiers.maths.judges.rules import EXACT, judging_by, rules
from stages.verifiers.maths.judges.structure import same_parts
from stages.verifiers.maths.nodes import Node, rebuild, symbol, symbols, walk


def same_answer(reference: Node, answer: Node) -> bool:
    """Whether the answer says what the reference says."""
    if reference.kind == answer.kind == "number" and rules().tolerance == EXACT:
        return bool(reference.value == answer.value)
    if "parts" in (reference.kind, answer.kind):
        return same_parts(reference, answer)
    with judging_by(replace(rules(), tolerance=slack(reference))):
        return _same_statements(reference, answer)


def _same_statements(reference: Node, answer: Node) -> bool:
    mine, declared = declarations(_classes(_unbuilt(exact(reference))))
    theirs, also = declarations(_classes(_unbuilt(exact(answer))))
    if "Z" in (declared | also).values():
        return same_family(mine, theirs, declared, also)
    if declared or also:
        return same_declared(mine, theirs, declared, also)
    return same_plain(mine, theirs, frozenset()) or same_undeclared(mine, theirs)


def _classes(node: Node) -> Node:
    """x ≡ 1 (mod 3) as x = 1 + 3k, k ∈ Z."""
    found = [part for part in walk(node) if part.kind == "chain" and part.value == ("mod",)]
    if not found:
        return node
    name = next(name for name in ("k", "m", "j", "\\kappa") if name not in symbols(node))

    def solved(part: Node) -> Node | None:
        if part not in found:
            return None
        variable, residue, modulus = part.args
        step = Node("mul", (modulus, symbol(name)))
        return Node("chain", (variable, Node("add", (residue, step))), ("=",))

    declared = Node("chain", (symbol(name), Node("space", value="Z")), ("in",))
    return Node("list", (rebuild(node, solved), declared), ",")


def _unbuilt(node: Node) -> Node:
    """{x | x = k\\pi, k ∈ Z} and {k\\pi | k ∈ Z} as the statements inside."""
    if node.kind != "builder":
        return node
    element, condition = node.args
    statements = condition.args if condition.kind == "list" else (condition,)
    solved = any(part.kind == "chain" and part.value == ("=",) for part in statements)
    if element.kind == "symbol" and solved:
        return condition
    if element.kind not in ("symbol", "chain") and all(map(declared_space, statements)):
        return Node("list", (element, *statements), ",")
    return node

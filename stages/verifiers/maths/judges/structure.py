"""Whether two solutions are the same: scalars, tuples, matrices, sets, cases, ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from stages.verifiers.maths.errors import TooLarge
from stages.verifiers.maths.judges.cases import same_cases
from stages.verifiers.maths.judges.clocks import same_clock
from stages.verifiers.maths.judges.intervals import NoRegion, same_region
from stages.verifiers.maths.judges.measures import same_measure
from stages.verifiers.maths.judges.regions import region
from stages.verifiers.maths.judges.rows import NoRows, Row, Rows, elements, rows
from stages.verifiers.maths.judges.scalars import constant, same_value
from stages.verifiers.maths.judges.vectors import components, grid, plain_units
from stages.verifiers.maths.nodes import Node, has, number, rename, symbol

Thing = TypeVar("Thing")
_MOST = 200  # elements of a list: each is compared with each
_COMPOUND = ("tuple", "set", "matrix", "union", "inter", "minus", "space", "builder", "chain",
             "list", "cases", "ratio", "row", "pm")  # fmt: skip


def attempt(view: Callable[[Node], Thing], node: Node) -> Thing | None:
    """A view of a tree, or None where it has no such view."""
    try:
        return view(node)
    except (NoRows, NoRegion):
        return None


def same_rows(reference: Rows, answer: Rows, whole: frozenset[str]) -> bool:
    """Whether two lists of solutions are the same."""
    mine, theirs = reference.rows, answer.rows
    if len(mine) != len(theirs):
        reference, answer = _numbered(reference, answer), _numbered(answer, reference)
        mine, theirs = reference.rows, answer.rows
    if len(mine) != len(theirs):
        return _listed_as(reference, answer, whole) or _listed_as(answer, reference, whole)
    return matched(mine, theirs, lambda one, other: _same_row(one, other, whole))


def _numbered(one: Rows, other: Rows) -> Rows:
    """x_1 = 1, x_2 = 2 as two values of x, where the other side says x = 1 or x = 2."""
    names = {row.names for row in other.rows}
    if len(one.rows) != 1 or len(names) != 1 or len(own := one.rows[0].names) < 2:
        return one
    (label,) = next(iter(names)) or (symbol(str(own[0].value).partition("_")[0]),)
    parts = components(one.rows[0].node)
    wanted = [f"{label.value}_{{{place}}}" for place in range(1, len(own) + 1)]
    if parts is None or [name.value for name in own] != wanted:
        return one
    return Rows(tuple(Row((label,), part) for part in parts), "list")


def _listed_as(one: Rows, other: Rows, whole: frozenset[str]) -> bool:
    """x = -5, p = 14/3 against the bare list -5, 14/3 in the same order."""
    if len(one.rows) != 1 or other.form != "list" or any(row.names for row in other.rows):
        return False
    (row,) = one.rows
    if len(row.names) != len(other.rows) or row.node.kind != "tuple":
        return False
    nodes = (item.node for item in other.rows)
    return all(same_node(a, b, whole) for a, b in zip(row.node.args, nodes, strict=True))


def matched(
    mine: Iterable[Thing], theirs: Iterable[Thing], same: Callable[[Thing, Thing], bool]
) -> bool:
    """Whether each of one meets one of the other, and none is left."""
    left = list(theirs)
    if len(left) > _MOST:
        raise TooLarge("list")
    for item in mine:
        found = next((place for place, other in enumerate(left) if same(item, other)), None)
        if found is None:
            return False
        left.pop(found)
    return not left


def _same_row(reference: Row, answer: Row, whole: frozenset[str]) -> bool:
    mine, theirs = reference, answer
    if len(mine.names) > 1 and len(theirs.names) > 1:
        if set(map(_bare_name, mine.names)) != set(map(_bare_name, theirs.names)):
            return False
        return same_node(alphabetical(mine), alphabetical(theirs), whole)
    if len(mine.names) == 1 and len(theirs.names) == 1:
        renamed = _one_name(mine.names[0], theirs.names[0])
        if renamed is None:
            return False
        return same_node(mine.node, rename(theirs.node, renamed), whole)
    if mine.names and theirs.names:
        return False
    if any(name.kind == "words" and name.value.endswith(":") for name in theirs.names):
        return False  # "maximum 5" without a verb does not go without its like
    first = alphabetical(mine) if len(mine.names) > 1 and not mine.ordered else mine.node
    second = alphabetical(theirs) if len(theirs.names) > 1 and not theirs.ordered else theirs.node
    return same_node(first, second, whole)


def _bare_name(name: Node) -> str:
    """maximum is "maximum:", the name that was said without a verb."""
    return f"{name.kind} {name.args} {str(name.value).rstrip(':')}"


def alphabetical(row: Row) -> Node:
    """The values of a row in the order of its names; a tuple of names keeps its order."""
    parts = components(row.node)
    if parts is None or len(parts) != len(row.names):
        return row.node
    order = sorted(range(len(parts)), key=lambda place: str(row.names[place].value))
    return Node("tuple", tuple(parts[place] for place in order), "()")


def _one_name(mine: Node, theirs: Node) -> dict[str, str] | None:
    """How the answer's variables are renamed when the two names agree: f(t) as f(x)."""
    if mine == theirs:
        return {}
    if mine.kind == theirs.kind == "apply" and mine.value == theirs.value:
        pairs = list(zip(mine.args, theirs.args, strict=False))
        if len(mine.args) == len(theirs.args) and all(
            a.kind == b.kind == "symbol" for a, b in pairs
        ):
            return {b.value: a.value for a, b in pairs}
        return None
    if mine.kind == theirs.kind == "words":
        return (
            {}
            if mine.value.strip(":")[:3] == theirs.value.strip(":")[:3] in ("max", "min")
            else None
        )
    plain = {node.kind: node for node in (mine, theirs)}
    if set(plain) == {"apply", "symbol"} and plain["symbol"].value == "y":
        return {}
    if plain.keys() == {"apply", "symbol"} and plain["symbol"].value == plain["apply"].value:
        return {}
    return None


def same_node(reference: Node, answer: Node, whole: frozenset[str] = frozenset()) -> bool:
    """Whether two single things are the same: scalars, tuples, matrices, sets, cases, ratios."""
    if "words" in (reference.kind, answer.kind):
        return _same_words(reference, answer)
    if reference.kind == "cases" or answer.kind == "cases":
        return same_cases(reference, answer) or (
            reference.kind == answer.kind and _same_cases(reference, answer)
        )
    if reference.kind == "ratio" or answer.kind == "ratio":
        return _same_ratio(reference, answer)
    labels = {node.value for node in (reference, answer) if node.kind == "apply"}
    mine, theirs = _point(reference), _point(answer)
    if labels and mine is not None and theirs is not None:
        together = len(labels) == 1 and len(mine) == len(theirs)
        return together and all(map(same_node, mine, theirs))
    if reference.kind == answer.kind == "set":
        return matched(elements(reference), elements(answer), lambda a, b: same_node(a, b, whole))
    one, other = grid(reference), grid(answer)
    if one is not None and other is not None:
        return [len(row) for row in one] == [len(row) for row in other] and all(
            same_node(a, b, whole)
            for row, also in zip(one, other, strict=True)
            for a, b in zip(row, also, strict=True)
        )
    first, second = components(reference), components(answer)
    if first is None or second is None:
        first, second = (
            first or plain_units(reference, second),
            second or plain_units(answer, first),
        )
    if first is None and second is None:
        if has(reference, *_COMPOUND) or has(answer, *_COMPOUND):
            return False
        return same_measure(reference, answer, whole)
    if first is None or second is None or len(first) != len(second):
        return False
    if not _brackets_agree(reference, answer):
        return False
    return all(same_node(a, b, whole) for a, b in zip(first, second, strict=True))


def _same_words(reference: Node, answer: Node) -> bool:
    """The same words; and ∞ says that there are infinitely many."""
    if reference == answer:
        return True
    kinds = {node.kind: node for node in (reference, answer)}
    infinity = kinds.get("constant", reference).value == "inf"
    return infinity and kinds["words"].value == "infinitely many"


def same_parts(reference: Node, answer: Node) -> bool:
    """Numbered parts in their order; an answer may leave out the numbers."""
    if any(node.kind not in ("parts", "list") for node in (reference, answer)):
        return False
    pairs = zip(reference.args, answer.args, strict=False)
    return len(reference.args) == len(answer.args) > 1 and all(_same_part(a, b) for a, b in pairs)


def _same_part(reference: Node, answer: Node) -> bool:
    """One part of several, which may be a statement of its own."""
    mine, theirs = attempt(rows, reference), attempt(rows, answer)
    if mine is not None and theirs is not None and same_rows(mine, theirs, frozenset()):
        return True
    return _same_condition(reference, answer)


def _point(node: Node) -> tuple[Node, ...] | None:
    """The coordinates of A(1, 2) or (1, 2), when the other is written A(1, 2)."""
    if node.kind == "apply" and len(node.args) > 1 and node.value.isupper():
        return node.args
    return node.args if node.kind == "tuple" and node.value == "()" else None


def _brackets_agree(one: Node, other: Node) -> bool:
    """[1, 2] is no (1, 2): it could be an interval. Longer ones are vectors however written."""
    brackets = {node.value for node in (one, other) if node.kind == "tuple"} - {"<>"}
    return len(brackets) <= 1 or len(one.args) > 2


def _same_ratio(reference: Node, answer: Node) -> bool:
    """1 : 2 is 2 : 4, and 1/2 answers it; 12:00 is a time of day and only itself."""
    clock = same_clock(reference, answer)
    if clock is not None:
        return clock
    terms = [
        node.args if node.kind == "ratio" else (node, number(1)) for node in (reference, answer)
    ]
    if len(terms[0]) != len(terms[1]) or len(terms[0]) > 4:
        return False
    if all(same_value(a, b) for a, b in zip(*terms, strict=True)):
        return True
    if any(_zero(term) for pair in terms for term in pair) or reference.kind != "ratio":
        return False
    first, second = terms
    return all(
        same_value(Node("mul", (first[0], b)), Node("mul", (a, second[0])))
        for a, b in zip(first[1:], second[1:], strict=True)
    )


def _zero(node: Node) -> bool:
    value = constant(node)
    return value is not None and value.contains(0)


def _same_cases(reference: Node, answer: Node) -> bool:
    """Piece by piece: the same conditions with the same values."""
    branches = [
        list(zip(node.args[::2], node.args[1::2], strict=True)) for node in (reference, answer)
    ]

    def same(one: tuple[Node, Node], other: tuple[Node, Node]) -> bool:
        return same_node(one[0], other[0]) and (
            one[1] == other[1] or _same_condition(one[1], other[1])
        )

    return matched(branches[0], branches[1], same)


def _same_condition(reference: Node, answer: Node) -> bool:
    one, other = attempt(region, reference), attempt(region, answer)
    return one is not None and other is not None and same_region(one, other)

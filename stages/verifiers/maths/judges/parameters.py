"""Answers with parameters: k ∈ Z and t ∈ R, declared on one side or both, under any name."""

from __future__ import annotations

import re
from itertools import permutations

from stages.verifiers.maths.judges.families import (
    NoProgression,
    Progression,
    progressions,
    same_progressions,
    turns,
)
from stages.verifiers.maths.judges.regions import region
from stages.verifiers.maths.judges.relations import same_plain, says_region
from stages.verifiers.maths.judges.rows import rows
from stages.verifiers.maths.judges.spans import same_span
from stages.verifiers.maths.judges.structure import alphabetical, attempt
from stages.verifiers.maths.judges.vectors import components
from stages.verifiers.maths.nodes import Node, has, rename, symbols, walk

_CONSTANT = re.compile(r"[a-dkmpqA-DKM]|[cC]_\{\d\}")  # k of kx, c_{1}
_PARAMETER = re.compile(r"[klmn]|k_\{\d\}|n_\{\d\}")  # n of n\pi, k_{1}


def declarations(node: Node) -> tuple[Node, dict[str, str]]:
    """Statements such as k ∈ Z taken out of a list, for variables that the others use."""
    if node.kind != "list":
        return node, {}
    declared: dict[str, str] = {}
    kept = []
    for item in node.args:
        space = declared_space(item)
        if space:
            declared |= space
            continue
        inner, more = declarations(item)
        declared |= more
        kept.append(inner)
    used = frozenset(name for item in kept for name in symbols(item))
    if not declared or not kept or not frozenset(declared) & used:
        return node, {}
    rest = kept[0] if len(kept) == 1 else Node("list", tuple(kept), node.value)
    return rest, declared


def declared_space(item: Node) -> dict[str, str] | None:
    """The variable and the set of k ∈ Z, or None for any other statement."""
    if item.kind != "chain" or item.value != ("in",) or item.args[1].kind != "space":
        return None
    name = item.args[0]
    return {name.value: item.args[1].value} if name.kind == "symbol" else None


def same_family(
    reference: Node, answer: Node, declared: dict[str, str], also: dict[str, str]
) -> bool:
    """Answers of which one at least has a whole-number parameter."""
    mine, theirs = _parameters(reference, declared, also), _parameters(answer, also, declared)
    if mine is None or theirs is None:
        return False
    first, second = _sequences(reference, mine), _sequences(answer, theirs)
    if first is not None and second is not None:
        labels = {label for label, _ in (*first, *second) if label is not None}
        progressions = [[item for _, found in side for item in found] for side in (first, second)]
        if len(labels) <= 1 and same_progressions(*progressions):
            return True
    return _same_renamed(reference, answer, mine, theirs)


def _parameters(node: Node, own: dict[str, str], other: dict[str, str]) -> dict[str, str] | None:
    """The whole-number parameters of one side; undeclared where only the other side says so."""
    if own:
        return own if set(own.values()) == {"Z"} else None
    labels = {part.args[0].value for part in walk(node) if part.kind == "chain"}
    guessed = [name for name in sorted(symbols(node) - labels) if _PARAMETER.fullmatch(name)]
    return {guessed[0]: "Z"} if len(guessed) == 1 else None


def _sequences(
    node: Node, parameters: dict[str, str]
) -> list[tuple[Node | None, list[Progression]]] | None:
    """The progressions of all statements, with the variable that each is about."""
    found: list[tuple[Node | None, list[Progression]]] = []
    for label, parts, shape in _moving_parts(node):
        names = frozenset().union(*(symbols(part) for part in parts)) & frozenset(parameters)
        if len(names) > 1 or (label is not None and _is_term(label, names)):
            return None
        try:
            found.append((label, progressions(parts, next(iter(names), None), shape)))
        except NoProgression:
            return None
    return found or None


def _is_term(label: Node, parameters: frozenset[str]) -> bool:
    """a_n and f(n) are terms of a sequence, whose order counts; x = 2n + 1 is a set."""
    subscript = label.value.partition("_")[2] if label.kind == "symbol" else ""
    return any(name in subscript for name in parameters) or bool(symbols(label) & parameters)


def _moving_parts(node: Node) -> list[tuple[Node | None, tuple[Node, ...], str]]:
    listed = attempt(rows, node)
    if listed is not None and not says_region(node):
        found = []
        for row in listed.rows:
            label = row.names[0] if len(row.names) == 1 else None
            value = alphabetical(row) if len(row.names) > 1 else row.node
            parts = components(value)
            shape = value.value if value.kind == "tuple" and value.value != "<>" else "()"
            found.append((label, parts or (value,), shape if parts else "value"))
        return found
    said = attempt(region, node)
    if said is None:
        return []
    return [
        (
            said.label,
            (piece.low, piece.high),
            "[("[not piece.closed_low] + "])"[not piece.closed_high],
        )
        for piece in said.pieces
    ]


def _same_renamed(
    reference: Node, answer: Node, mine: dict[str, str], theirs: dict[str, str]
) -> bool:
    """The same formulas when the answer's parameters take the reference's names."""
    if sorted(mine.values()) != sorted(theirs.values()) or len(mine) > 3:
        return False
    whole = frozenset(name for name, space in mine.items() if space != "R")
    for order in permutations(sorted(mine)):
        names = dict(zip(sorted(theirs), order, strict=True))
        if any(theirs[name] != mine[new] for name, new in names.items()):
            continue
        if same_plain(reference, rename(answer, names), whole):
            return True
    return False


def _same_flat(
    reference: Node, answer: Node, declared: dict[str, str], also: dict[str, str]
) -> bool:
    """Lines and planes; an answer may leave out that its parameters are real."""
    mine, theirs = _moving_parts(reference), _moving_parts(answer)
    if len(mine) != 1 or len(theirs) != 1 or set((declared | also).values()) != {"R"}:
        return False
    parts, others = mine[0][1], theirs[0][1]
    names = sorted(declared) or _loose(parts)
    return same_span(parts, names, others, sorted(also) or _loose(others))


def same_undeclared(reference: Node, answer: Node) -> bool:
    """π/3 + kπ is π/3 + nπ, though neither says that k and n are whole."""
    gone, new = symbols(reference) - symbols(answer), symbols(answer) - symbols(reference)
    if len(gone) != 1 or len(new) != 1 or not has(reference, "constant"):
        return False
    found = _sequences(reference, {min(gone): "Z"})
    moves = found is not None and all(turns(items) for _, items in found)
    if not moves:  # as 3(n + \pi)
        return False
    old, other = min(gone), min(new)
    if not (_PARAMETER.fullmatch(old) and _PARAMETER.fullmatch(other)):
        return False
    return same_plain(reference, rename(answer, {other: old}), frozenset())


def _like(node: Node, own: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """The constants that one side uses and only the other declares: cx is kx for any constant k."""
    if own or set(other.values()) != {"R"}:
        return own
    return {name: "R" for name in sorted(symbols(node)) if _CONSTANT.fullmatch(name)}


def _loose(parts: tuple[Node, ...]) -> list[str]:
    return sorted({name for part in parts for name in symbols(part)})


def same_declared(
    reference: Node, answer: Node, declared: dict[str, str], also: dict[str, str]
) -> bool:
    """Parameters that run through other sets: t ∈ R, n ∈ N."""
    if "R" in (declared | also).values() and _same_flat(reference, answer, declared, also):
        return True
    if not declared or not also:
        if same_plain(reference, answer, frozenset()):
            return True
        declared, also = _like(reference, declared, also), _like(answer, also, declared)
    return _same_renamed(reference, answer, declared, also)

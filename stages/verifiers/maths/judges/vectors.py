r"""Vectors: (1, 2, 3), a column, \langle 1, 2 \rangle, \hat i + 2\hat j, t(1, 2) + (3, 4)."""

from __future__ import annotations

from stages.verifiers.maths.nodes import Node, has, number, rebuild, substitute, symbol, symbols

_UNITS = ("i", "j", "k")
_STYLES = ("\\hat{%s}", "\\vec{%s}", "\\overrightarrow{%s}", "\\bar{%s}")
_IMAGINARY = Node("constant", value="i")

Parts = tuple[Node, ...]


def components(node: Node) -> Parts | None:
    """The components of a vector, or None for anything else."""
    if node.kind == "tuple":
        return node.args
    if node.kind == "matrix":
        return _line(node)
    if has(node, "tuple", "matrix") and node.kind in ("add", "neg", "mul", "div"):
        return _arithmetic(node)
    return _units(node)


def _line(matrix: Node) -> Parts | None:
    if all(len(row.args) == 1 for row in matrix.args):
        return tuple(row.args[0] for row in matrix.args)
    return matrix.args[0].args if len(matrix.args) == 1 else None


def _arithmetic(node: Node) -> Parts | None:
    if node.kind == "add":
        terms = [components(part) for part in node.args]
        known = [term for term in terms if term is not None]
        if len(known) != len(terms) or len({len(term) for term in known}) != 1:
            return None
        return tuple(Node("add", parts) for parts in zip(*known, strict=True))
    if node.kind == "neg":
        inner = components(node.args[0])
        return None if inner is None else tuple(Node("neg", (part,)) for part in inner)
    left, right = node.args
    if node.kind == "div":
        inner = components(left)
        return None if inner is None else tuple(Node("div", (part, right)) for part in inner)
    if has(left, "tuple", "matrix") == has(right, "tuple", "matrix"):
        return None
    scalar, vector = (right, left) if has(left, "tuple", "matrix") else (left, right)
    inner = components(vector)
    return None if inner is None else tuple(Node("mul", (scalar, part)) for part in inner)


def grid(node: Node) -> tuple[Parts, ...] | None:
    """The rows of a matrix, also of one with a factor before it; None for anything else."""
    if node.kind == "matrix":
        return tuple(row.args for row in node.args)
    if node.kind not in ("mul", "div", "neg") or not has(node, "matrix"):
        return None
    if node.kind == "neg":
        inner = grid(node.args[0])
        return (
            None
            if inner is None
            else tuple(tuple(Node("neg", (cell,)) for cell in row) for row in inner)
        )
    left, right = node.args
    matrix, factor = (left, right) if has(left, "matrix") else (right, left)
    inner = grid(matrix)
    if inner is None or has(factor, "matrix") or (node.kind == "div" and factor is left):
        return None
    return tuple(tuple(Node(node.kind, (cell, factor)) for cell in row) for row in inner)


def plain_units(node: Node, other: Parts | None) -> Parts | None:
    """2i - 3j beside a vector: there i and j are its units."""
    if other is None or node.kind not in ("add", "neg", "mul", "symbol", "constant"):
        return None
    names = {name: symbol(_STYLES[0] % name) for name in ("j", "k")}
    marked = rebuild(node, lambda part: symbol(_STYLES[0] % "i") if part == _IMAGINARY else None)
    return _units(substitute(marked, names))


def _units(node: Node) -> Parts | None:
    r"""The coefficients of \hat i, \hat j and \hat k, or of plain i, j and k together."""
    names = symbols(node)
    if names == {"j", "k"} and node.kind == "add":
        node = rebuild(node, lambda part: symbol(_STYLES[0] % "i") if part == _IMAGINARY else None)
        node = substitute(node, {name: symbol(_STYLES[0] % name) for name in names})
        names = symbols(node)
    for style in _STYLES:
        units = [style % letter for letter in _UNITS]
        if len(names & set(units)) > 1 and node.kind in ("add", "neg", "mul"):
            used = units if units[2] in names else units[:2]
            return tuple(
                substitute(node, {name: number(int(name == unit)) for name in units})
                for unit in used
            )
    return None

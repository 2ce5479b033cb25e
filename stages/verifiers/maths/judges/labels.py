"""Sides of an equation that name a quantity."""

from __future__ import annotations

from stages.verifiers.maths.nodes import Node, symbols, walk


def is_label(node: Node) -> bool:
    r"""Whether a side names a quantity: x, f(x), AB, |AB|, \sin A, \frac{AB}{CD}."""
    if node.kind in ("symbol", "words"):
        return True
    if node.kind == "apply":
        return True
    if node.kind == "call" and node.value not in ("factorial", "binomial"):
        return all(part.kind == "symbol" for part in node.args)
    if node.kind == "ratio":
        return all(part.kind == "symbol" for part in node.args)
    if node.kind == "div":
        return all(part.kind == "symbol" and len(part.value) > 1 for part in node.args)
    return False


def is_quantity(side: Node) -> bool:
    """Sums, products and powers of two or more variables, without coefficients."""
    bases = [part.args[0] for part in walk(side) if part.kind == "pow"]
    exponents = [part.args[1] for part in walk(side) if part.kind == "pow"]
    kinds = {part.kind for part in walk(side) if part not in exponents}
    plain = all(base.kind == "symbol" for base in bases)
    return (
        plain and len(symbols(side)) > 1 and kinds <= {"symbol", "add", "mul", "neg", "div", "pow"}
    )

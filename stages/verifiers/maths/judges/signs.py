"""± and ∓: one tree becomes one for each choice of signs."""

from __future__ import annotations

from itertools import product

from stages.verifiers.maths.errors import TooLarge
from stages.verifiers.maths.nodes import Node, rebuild, walk

_MOST = 6  # signs in one statement


def expanded(node: Node) -> list[Node]:
    """A tree without ±, one for each choice of signs."""
    signs = [part for part in walk(node) if part.kind == "pm"]
    if not signs:
        return [node]
    if len(signs) > _MOST:
        raise TooLarge("signs")
    linked = any(sign.value == "-+" for sign in signs)
    choices = (
        [(1,) * len(signs), (-1,) * len(signs)] if linked else product((1, -1), repeat=len(signs))
    )
    return [_with_signs(node, list(choice)) for choice in choices]


def _with_signs(node: Node, choice: list[int]) -> Node:
    def change(part: Node) -> Node | None:
        if part.kind != "pm":
            return None
        sign = choice.pop(0) * (1 if part.value == "+-" else -1)
        inner = rebuild(part.args[0], change)
        return inner if sign > 0 else Node("neg", (inner,))

    return rebuild(node, change)

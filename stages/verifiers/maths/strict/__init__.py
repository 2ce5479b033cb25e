r"""The strict policy: a right answer that repeats its question or leaves the work undone.

RL optimises whatever it is paid for, and boxing the question's own formula has the right value. So
a right answer earns nothing where

(a) it is, or contains, a formula of the question that the reference does not contain
    (`formulas.py`): 9+6-2 for "Compute 9+6-2", also as (9+6-2)·1 or -2+6+9;
(b) it leaves more undone than the reference does (`finished.py`): 48/2 for 24, \sin 60^\circ for
    \sqrt3/2, 2+3x+5 for 3x+7. Finished are 9/2, 2\sqrt3, 3·2^{10}, \binom{10}{3}, e^2-1, 10!;
(c) it is a relation that isolates no name: |x-2|<3 for (-1,5).

Of a chain of equations its last side counts: 9+6-2 = 13 is computed.
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.verifiers.maths.judges.labels import is_label
from stages.verifiers.maths.nodes import Node, walk
from stages.verifiers.maths.strict.finished import loose_ends
from stages.verifiers.maths.strict.formulas import contains, formulas_of
from stages.verifiers.verdict import COPIED, UNDONE, Verdict

_COMPARING = frozenset(["<", ">", "<=", ">=", "!="])


def why_unearned(answer: Node, reference: Node, question: str) -> Verdict | None:
    """Why a right answer was not worked for, or None."""
    parts = list(_said(answer))
    for formula in formulas_of(question):
        if not contains(reference, formula) and any(contains(part, formula) for part in parts):
            return COPIED
    left = sum(map(loose_ends, parts))
    if left and left > sum(map(loose_ends, _said(reference))):
        return UNDONE
    return UNDONE if _unsolved(answer) and not _unsolved(reference) else None


def _said(node: Node) -> Iterator[Node]:
    """The values that an answer ends with: the last side of each chain of equations."""
    if node.kind == "chain" and set(node.value) <= {"=", "~"}:
        yield from _said(node.args[-1])
    elif node.kind in ("list", "set", "tuple", "parts", "chain", "union", "inter", "minus"):
        for part in node.args:
            yield from _said(part)
    else:
        yield node


def _unsolved(node: Node) -> bool:
    """Whether an inequality in it has no name by itself on a side."""
    return any(
        part.kind == "chain"
        and bool(set(part.value) & _COMPARING)
        and not any(is_label(side) and side.kind != "call" for side in part.args)
        for part in walk(node)
    )

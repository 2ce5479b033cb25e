r"""Arbitrary constants: y = Ce^{2x} is y = Ae^{2x}; x^2/2 + C is (x^2 + 1)/2 + C.

A constant is arbitrary when the reference calls it C, K, C_1 or c_1, or A and B together, beside
another variable. The answer may call it differently; of C_1, C_2 and of a term + C it may also use
other combinations. A missing one is a missing part of the answer.
"""

from __future__ import annotations

import re
from itertools import permutations

from stages.verifiers.maths.judges.scalars import same_value
from stages.verifiers.maths.judges.spans import same_span
from stages.verifiers.maths.nodes import Node, rename, symbols

_ARBITRARY = re.compile(r"[CK]|[Cc]_\{\d\}")  # C, C_{1}
_INDEPENDENT = frozenset({"x", "t", "y", "z", "r", "s", "n", "u", "\\theta"})
_LIKE_ONE = re.compile(r"[ABCDKck]|[ABCKc]_\{\d\}")  # A beside C, c_{2}


def same_expression(reference: Node, answer: Node, whole: frozenset[str] = frozenset()) -> bool:
    """Whether two scalars are the same, up to the names and values of arbitrary constants."""
    if same_value(reference, answer, whole):
        return True
    mine, theirs = symbols(reference), symbols(answer)
    gone, new = sorted(mine - theirs), sorted(theirs - mine)
    kept = [name for name in sorted(mine & theirs) if _ARBITRARY.fullmatch(name)]
    if len(gone) != len(new) or not _arbitrary(gone, new) or len(gone) + len(kept) == len(mine):
        return False
    names, others = gone + kept, new + kept
    loose = names and _free(reference, names) and _free(answer, others)
    if loose and same_span((reference,), names, (answer,), others):
        return True
    return len(gone) < 4 and any(
        same_value(reference, rename(answer, dict(zip(new, order, strict=True))), whole)
        for order in permutations(gone)
        if gone
    )


def _free(node: Node, names: list[str]) -> bool:
    """Whether constants may take up factors: C_1 may, and a C that is a term by itself.

    Elsewhere a C or K could be a quantity of the problem, as a capacitance is, and so could
    C_1 beside V_1.
    """
    others = symbols(node) - set(names)
    if any("_" in name for name in others) or not others & _INDEPENDENT:
        return False
    terms = node.args if node.kind == "add" else ()
    alone = {term.value for term in terms if term.kind == "symbol"}
    numbered = all("_" in name for name in names) or set(names) == {"A", "B"}
    return numbered or (len(names) == 1 and names[0] in alone)


def _arbitrary(gone: list[str], new: list[str]) -> bool:
    if not all(_LIKE_ONE.fullmatch(name) for name in gone + new):
        return False
    named = all(_ARBITRARY.fullmatch(name) for name in gone)
    return named or {"A", "B"} <= set(gone) or all(_ARBITRARY.fullmatch(name) for name in new)

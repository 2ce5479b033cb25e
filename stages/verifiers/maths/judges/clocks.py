"""Times of day: 3:30 p.m. is 15:30, and 9 will do for 9 a.m."""

from __future__ import annotations

from fractions import Fraction

from stages.verifiers.maths.nodes import Node

_HALVES = ("am", "pm")


def same_clock(reference: Node, answer: Node) -> bool | None:
    """Whether two times of day are the same; None where neither is said to be one."""
    halves = [node.value if node.value in _HALVES else "" for node in (reference, answer)]
    ratios = reference.kind == answer.kind == "ratio"
    if not any(halves) and not (ratios and reference.value == answer.value == "clock"):
        return None
    if not ratios:
        hours = reference.args[0] if reference.kind == "ratio" else None
        later = reference.args[1:]
        return hours == answer and all(not part.value for part in later)
    times = [
        _seconds(node.args, half) for node, half in zip((reference, answer), halves, strict=True)
    ]
    if None in times:
        return False
    if bool(halves[0]) == bool(halves[1]):
        return times[0] == times[1]
    marked, bare = (reference, answer) if halves[0] else (answer, reference)
    if bare.args[0].value > 12 or not bare.args[0].value:
        return times[0] == times[1]
    return _seconds(marked.args, "") == _seconds(bare.args, "")


def _seconds(terms: tuple[Node, ...], half: str) -> Fraction | None:
    if any(term.kind != "number" for term in terms) or len(terms) > 3:
        return None
    hours, minutes, seconds = [*(term.value for term in terms), Fraction(0), Fraction(0)][:3]
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    return Fraction(hours * 3600 + minutes * 60 + seconds)

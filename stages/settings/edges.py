"""How many stages of which types come in by an edge, in words. No torch here."""

from __future__ import annotations

from pipeline.kinds import EdgeRule, Takes

ROWS = ("samples", "conversations")  # that can be learnt
ASKED = ("model", "served_model")  # what answers questions


def takes(*groups: Takes) -> EdgeRule:
    """An edge that takes each of these."""
    return EdgeRule(groups)


def one(*types: str) -> Takes:
    """Exactly one stage that makes one of these types."""
    return Takes(frozenset(types), 1, 1)


def at_most_one(*types: str) -> Takes:
    """One such stage, or none."""
    return Takes(frozenset(types), 0, 1)


def some(*types: str) -> Takes:
    """One such stage or more."""
    return Takes(frozenset(types), 1)


def any_of(*types: str) -> Takes:
    """Any number of such stages."""
    return Takes(frozenset(types))

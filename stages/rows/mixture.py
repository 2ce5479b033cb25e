"""Which rows of many make a mixture: parts with caps and shares, none twice, chosen by a seed.

A row belongs to the first part that it matches. Each part puts its rows into an order of its own,
drawn from the seed, and gives them from the front: raising a cap adds rows and moves none. Caps
come first. Shares then lower every part to the proportions that the scarcest one allows, or divide
a number of rows that is asked for in all, of which a scarce part fills less: what is lacking is
reported, never made up by repeating rows or by taking more of another part.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from stages.rows.schemas import Row

if TYPE_CHECKING:
    from stages.settings.parts import MixturePart

TOKENS = "tokens"


@dataclass(frozen=True)
class Candidate:
    """What choosing needs of a row, so that millions of them fit in memory."""

    stage: str
    domain: str
    source: str
    language: str
    tokens: int | None

    @classmethod
    def of(cls, stage: str, row: Row) -> Candidate:
        return cls(stage, row["domain"], row["source"], row["language"], row["tokens"])


@dataclass
class Chosen:
    """What became of one part. places: of the chosen rows among all candidates."""

    available: int
    places: list[int]
    over_cap: int = 0
    over_share: int = 0
    asked: int | None = None  # rows, by its share of all or by its cap


def choose(
    candidates: Sequence[Candidate],
    parts: Mapping[str, MixturePart],
    shares_of: str,
    seed: int,
    key: str,
    rows: int | None = None,
) -> dict[str, Chosen]:
    """The rows of each part; `key` is the config key of the parts, for messages.

    rows: at most so many in all, divided by the parts' shares.
    """
    members = _members(candidates, parts)
    chosen = {}
    for name, part in parts.items():
        order = members[name]
        if part.tokens is not None or (part.share is not None and shares_of == TOKENS):
            _require_tokens(candidates, order, f"{key}.{name}")
        random.Random(f"{seed}/{name}").shuffle(order)
        kept = _prefix(candidates, order[: part.rows], part.tokens)
        chosen[name] = Chosen(len(order), kept, len(order) - len(kept), asked=part.rows)
    if rows is not None:
        _divide(rows, parts, chosen)
    elif any(part.share is not None for part in parts.values()):
        _share(candidates, parts, chosen, shares_of)
    return chosen


def _divide(rows: int, parts: Mapping[str, MixturePart], chosen: Mapping[str, Chosen]) -> None:
    """Give every part its share of so many rows; whole rows, by the largest remainder."""
    shares = {name: part.share or 0.0 for name, part in parts.items()}
    exact = {name: rows * share / sum(shares.values()) for name, share in shares.items()}
    quotas = {name: int(wanted) for name, wanted in exact.items()}
    by_remainder = sorted(exact, key=lambda name: quotas[name] - exact[name])
    for name in by_remainder[: rows - sum(quotas.values())]:
        quotas[name] += 1
    for name, part in chosen.items():
        before, cap = len(part.places), parts[name].rows
        part.places = part.places[: quotas[name]]
        part.over_share = before - len(part.places)
        part.asked = quotas[name] if cap is None else min(cap, quotas[name])


def _members(
    candidates: Sequence[Candidate], parts: Mapping[str, MixturePart]
) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {name: [] for name in parts}
    for place, candidate in enumerate(candidates):
        name = next((n for n, part in parts.items() if matches(part, candidate)), None)
        if name is not None:
            members[name].append(place)
    return members


def matches(part: MixturePart, candidate: Candidate) -> bool:
    """Whether a row may go to a part; an empty list asks for nothing."""
    asked = (
        (part.stages, candidate.stage),
        (part.domains, candidate.domain),
        (part.sources, candidate.source),
        (part.languages, candidate.language),
    )
    return all(value in names for names, value in asked if names)


def _require_tokens(candidates: Sequence[Candidate], places: Iterable[int], key: str) -> None:
    silent = [candidates[place] for place in places if candidates[place].tokens is None]
    if silent:
        raise UsageError(
            f"{key}: {len(silent)} rows of `{silent[0].stage}` do not say how many tokens they "
            "have; put a model on data_from, whose tokenizer counts them"
        )


def _tokens(candidates: Sequence[Candidate], places: Iterable[int]) -> list[int]:
    return [candidates[place].tokens or 0 for place in places]


def _prefix(candidates: Sequence[Candidate], order: list[int], tokens: float | None) -> list[int]:
    """The first rows of an order that together have at most so many tokens."""
    if tokens is None:
        return order
    sums = accumulate(_tokens(candidates, order))
    return [place for place, reached in zip(order, sums, strict=True) if reached <= tokens]


def _share(
    candidates: Sequence[Candidate],
    parts: Mapping[str, MixturePart],
    chosen: Mapping[str, Chosen],
    shares_of: str,
) -> None:
    """Lower every part to its share of the largest whole that all parts can fill."""
    shares = {name: part.share or 0.0 for name, part in parts.items()}
    by_tokens = shares_of == TOKENS
    has = {
        name: sum(_tokens(candidates, part.places)) if by_tokens else len(part.places)
        for name, part in chosen.items()
    }
    unit = min(has[name] / share for name, share in shares.items() if share > 0)
    for name, part in chosen.items():
        before, target = len(part.places), unit * shares[name] + 1e-9
        if by_tokens:
            part.places = _prefix(candidates, part.places, target)
        else:
            part.places = part.places[: round(target)]
        part.over_share = before - len(part.places)

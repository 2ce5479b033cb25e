"""The choice of a few rows by difficulty and diversity, as s1 made it (arXiv 2501.19393, 2.2, C.4).

Algorithm 1 of s1, second stage: take a domain at random, all alike; take a question of it with the
weight 2^-rank, the longest thought first; until there are enough. Here a domain is a cell of the
columns that the config names, since no model classifies the questions; and of several such draws
the one may be taken that is least like those that the cell has already given.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.hygiene.resemblance import Sketch, resemblance, sketch

if TYPE_CHECKING:
    from stages.kinds.select.kind import Difficulty, Diversity

TOO_EASY, TOO_HARD, NO_RATE, TOO_SHORT = "too_easy", "too_hard", "no_pass_rate", "too_short"
SAME_PROBLEM, MISSING_IMAGE, NOT_CHOSEN = "same_problem", "missing_image", "not_chosen"

_IMAGE = re.compile(
    r"!\[[^\]]*\]\(|<img\b|\\includegraphics"
    r"|\b(?:figure|diagram|picture|image|graph) (?:below|above|shown)\b"
    r"|\bshown in the (?:figure|diagram|picture|image)\b|如图",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Choice:
    """What choosing needs of a row. place: among all rows. rates: its problem's, by model."""

    place: int
    cell: tuple[str, ...]
    question: str
    tokens: int
    rates: tuple[float, ...] = ()


def lacks_image(question: str) -> bool:
    """Does the question speak of a picture? Rows hold text alone."""
    return bool(_IMAGE.search(question))


def one_per_problem(choices: Iterable[Choice]) -> list[Choice]:
    """The longest completion of each question, in order of the first."""
    longest: dict[str, Choice] = {}
    for choice in choices:
        held = longest.setdefault(choice.question, choice)
        if choice.tokens > held.tokens:
            longest[choice.question] = choice
    return list(longest.values())


def unfit(choice: Choice, rule: Difficulty) -> str | None:
    """Why a question is too easy, too hard or too short; None when it is right."""
    if not choice.rates:
        if rule.require_rate:
            return NO_RATE
    elif max(choice.rates) > rule.max_pass_rate:
        return TOO_EASY
    elif max(choice.rates) < rule.min_pass_rate:
        return TOO_HARD
    return TOO_SHORT if choice.tokens < rule.min_tokens else None


def diverse(choices: Sequence[Choice], count: int, rule: Diversity, seed: int) -> list[Choice]:
    """`count` choices, or all there are, in the order in which they were drawn."""
    rng = random.Random(seed)
    cells: dict[tuple[str, ...], list[Choice]] = {}
    for choice in sorted(choices, key=lambda choice: (-choice.tokens, choice.place)):
        cells.setdefault(choice.cell, []).append(choice)
    open_cells = sorted(cells)
    given: dict[tuple[str, ...], list[Sketch]] = {cell: [] for cell in cells}
    chosen: list[Choice] = []
    while open_cells and len(chosen) < count:
        cell = rng.choice(open_cells)
        ranks = [_rank(rng, len(cells[cell]), rule.length_base) for _ in range(rule.draws)]
        rank = _least_similar(cells[cell], ranks, given[cell]) if len(ranks) > 1 else ranks[0]
        chosen.append(cells[cell].pop(rank))
        given[cell] += [sketch(chosen[-1].question)] if rule.draws > 1 else []
        if not cells[cell]:
            open_cells.remove(cell)
    return chosen


def _rank(rng: random.Random, size: int, base: float) -> int:
    """A rank from 0 with the weight base^-rank, by the inverse of its distribution."""
    drawn = rng.random()
    if base == 1.0:
        return int(drawn * size)
    whole = 1.0 - base**-size
    return min(size - 1, int(-math.log(1.0 - drawn * whole) / math.log(base)))


def _least_similar(cell: Sequence[Choice], ranks: Sequence[int], given: Sequence[Sketch]) -> int:
    """Of the drawn ranks the one whose question is least like the nearest given one."""

    def likeness(rank: int) -> float:
        own = sketch(cell[rank].question)
        return max((resemblance(own, other) for other in given), default=0.0)

    return min(ranks, key=likeness)


def cell_of(
    row: Mapping[str, object], metadata: Mapping[str, object], by: Sequence[str]
) -> tuple[str, ...]:
    """The values of the columns, or of `metadata.<name>`, that make a row's domain."""
    return tuple(
        str(metadata.get(name.removeprefix("metadata."), ""))
        if name.startswith("metadata.")
        else str(row[name])
        for name in by
    )

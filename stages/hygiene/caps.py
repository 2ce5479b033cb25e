"""How much of the rows that are left is taken, by parts: caps, shares, and a number in all.

Which rows of a part are taken is drawn by the stage's seed (stages/rows/mixture.py); they keep
their order. A part that finds fewer rows than it asks for takes these, and says so; one that finds
none is refused, since a domain would be missing from all that follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.artifact import Artifact
from pipeline.errors import RecipeError
from stages.hygiene.row_files import StageRows
from stages.hygiene.sweep import Drop
from stages.rows.mixture import Candidate, Chosen, choose, matches
from stages.settings.parts import MixturePart

ALL = {"all": MixturePart(share=1.0)}
ROWS_FROM = "rows_from"  # a fact: which stages rows came from, and how many in a row of each
GROUPS = ("domain", "source", "language")


@dataclass(frozen=True)
class Caps:
    """What is asked for. parts: none is all rows. key: of the stage, for messages."""

    parts: Mapping[str, MixturePart]
    rows: int | None
    seed: int
    key: str

    def __bool__(self) -> bool:
        return bool(self.parts) or self.rows is not None


@dataclass(frozen=True)
class Capped:
    """over: the numbers of the rows that are not taken. table: a line for each part."""

    over: frozenset[int]
    table: dict[str, dict[str, Any]]


def capped(
    inputs: Sequence[Artifact], rows: Sequence[StageRows], drops: Mapping[int, Drop], caps: Caps
) -> Capped:
    """Which of the rows that no check dropped are taken."""
    parts = _by_origin(caps.parts or ALL, inputs)
    candidates = [one for pair in zip(inputs, rows, strict=True) for one in _candidates(*pair)]
    numbers = [number for number in range(len(candidates)) if number not in drops]
    left = [candidates[number] for number in numbers]
    chosen = choose(left, parts, "rows", caps.seed, f"{caps.key}.parts", caps.rows)
    for name, part in chosen.items():
        if not part.available and part.asked != 0 and parts[name].share != 0:
            raise RecipeError(_empty(name, parts[name], candidates, drops, caps.key))
    taken = {numbers[place] for part in chosen.values() for place in part.places}
    table = {name: _line(parts[name], part) for name, part in chosen.items()}
    _tell_lacking(table, caps.key)
    return Capped(frozenset(numbers) - taken, table)


def _by_origin(
    parts: Mapping[str, MixturePart], inputs: Sequence[Artifact]
) -> dict[str, MixturePart]:
    """Parts that name an input which says where its rows came from name these stages as well."""
    origins = {one.stage: [name for name, _ in one.facts.get(ROWS_FROM, ())] for one in inputs}
    return {
        name: replace(
            part, stages=[*part.stages, *(o for s in part.stages for o in origins.get(s, ()))]
        )
        for name, part in parts.items()
    }


def _candidates(artifact: Artifact, rows: StageRows) -> Iterator[Candidate]:
    """A row's stage, domain, source and language; equal ones are one object."""
    known: dict[tuple[str, str, str, str], Candidate] = {}
    stages = _stages(artifact)
    for batch in rows.batches(GROUPS):
        held = [
            batch.column(name).to_pylist() if name in batch.schema.names else [""] * batch.num_rows
            for name in GROUPS
        ]
        for domain, source, language in zip(*held, strict=True):
            stage = next(stages, artifact.stage)
            place = (stage, domain or "", source or "", language or "")
            yield known.setdefault(place, Candidate(*place, None))


def _stages(artifact: Artifact) -> Iterator[str]:
    for name, count in artifact.facts.get(ROWS_FROM, ()):
        for _ in range(count):
            yield name


def _line(part: MixturePart, chosen: Chosen) -> dict[str, Any]:
    line: dict[str, Any] = {"available": chosen.available, "rows": len(chosen.places)}
    if part.share is not None:
        line["share"] = part.share
    if chosen.asked is not None:
        lacking = max(0, chosen.asked - chosen.available)
        line |= {"asked_rows": chosen.asked, "lacking_rows": lacking}
    return line


def _tell_lacking(table: Mapping[str, Mapping[str, Any]], key: str) -> None:
    for name, line in table.items():
        if line.get("lacking_rows"):
            print(
                f"{key}.parts.{name}: asked {line['asked_rows']:,} rows, "
                f"found {line['available']:,}"
            )


def _empty(
    name: str,
    part: MixturePart,
    candidates: Sequence[Candidate],
    drops: Mapping[int, Drop],
    key: str,
) -> str:
    """Why a part has no rows, and what to do."""
    asked = {
        group: names
        for group, names in vars(part).items()
        if group in ("stages", "domains", "sources", "languages") and names
    }
    reasons = Counter(
        drops[number].reason
        for number, candidate in enumerate(candidates)
        if number in drops and matches(part, candidate)
    )
    why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
    there = {
        group: sorted({getattr(one, group) for one in candidates}) for group in ("stage", *GROUPS)
    }
    found = "; ".join(f"{group} {', '.join(names)[:200]}" for group, names in there.items())
    return (
        f"{key}.parts.{name}: no row is left for it"
        + (f" of {', '.join(f'{group} {names}' for group, names in asked.items())}")
        + (
            f": all {reasons.total():,} were dropped ({why})"
            if reasons
            else f"; rows are of {found}"
        )
        + f".\nBring other rows of it by {key}.data_from, mend what it names, or set its share and "
        "rows to 0 to do without"
    )

"""A mixture: rows of several stages as one set, by domain, source, language or stage.

Paper (B.3.3, table of the SFT data): 804,745 samples, of which maths 395,285, code 211,129, STEM
10,124, logic 10,395 and general 177,812. conf/stage/sft_data.yaml has that table as caps, so that
smaller runs take all they have.

    parts:
      maths: {domains: [math], share: 3}           shares: proportions, of rows or of tokens
      own: {sources: [mine], tokens: 2000000}      caps: at most so many rows, so many tokens
      rest: {}                                     everything that no part above has matched

Without parts every row is taken. Tokens are what the stages that drew the rows counted; a model on
`data_from` lends its tokenizer to count them all. What a cap asked for and did not find is in facts
and the log; no row is ever taken twice to fill it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pipeline.artifact import Artifact, Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.mixture.kind import MixtureConfig
from stages.kinds.mixture.kind import rules as of_mixture
from stages.rows.learnable import TRAINING_TYPES, samples_of, tokenizer_of
from stages.rows.mixture import Candidate, Chosen, choose
from stages.rows.schemas import SAMPLE, Row, write_rows
from stages.settings.parts import MixturePart
from stages.settings.values import refuse

ALL = {"all": MixturePart()}
GROUPS = ("domain", "source", "language")


def run(config: MixtureConfig, inputs: Inputs, context: Context) -> Outputs:
    """Read the rows twice: to choose among them, and to write the chosen ones."""
    key = f"stages.{context.stage}"
    refuse(of_mixture(config), key)
    stages = [a for a in inputs["data_from"] if a.type in TRAINING_TYPES]
    tokenizer = tokenizer_of(of_type(inputs, "data_from", "model"))

    candidates = [Candidate.of(s.stage, row) for s in stages for row in samples_of(s, tokenizer)]
    parts = config.parts or ALL
    chosen = choose(candidates, parts, config.shares_of, context.seed, f"{key}.parts")
    places = set(chain.from_iterable(part.places for part in chosen.values()))
    if not places:
        raise RecipeError(f"{key}.parts: none of {len(candidates)} rows is left to take")
    write_rows(context.output / "rows.parquet", _taken(stages, candidates, places), SAMPLE)
    table = {name: _line(parts[name], part, candidates) for name, part in chosen.items()}
    _report_lacking(table, context.stage)
    return Outputs(
        {"rows": len(places), "parts": table, **_by_group(candidates, places)},
        _funnel(candidates, chosen),
    )


def _taken(
    stages: Sequence[Artifact], candidates: Sequence[Candidate], places: set[int]
) -> Iterator[Row]:
    """The chosen rows in the order of their stages, with their tokens as they were counted."""
    rows = chain.from_iterable(map(samples_of, stages))
    for place, (row, candidate) in enumerate(zip(rows, candidates, strict=True)):
        if place in places:
            yield row | {"tokens": candidate.tokens}


def _line(part: MixturePart, chosen: Chosen, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """A part's line of the table: what was asked, what was there, what was taken."""
    taken = [candidates[place] for place in chosen.places]
    line: dict[str, Any] = {
        "available": chosen.available,
        "rows": len(taken),
        "tokens": sum(one.tokens or 0 for one in taken),
    }
    if part.rows is not None:
        line |= {"asked_rows": part.rows, "lacking_rows": max(0, part.rows - chosen.available)}
    if part.tokens is not None:
        line |= {"asked_tokens": part.tokens}
        if not chosen.over_cap:
            line |= {"lacking_tokens": part.tokens - line["tokens"]}
    if part.share is not None:
        line |= {"share": part.share}
    return line


def _report_lacking(table: Mapping[str, Mapping[str, Any]], stage: str) -> None:
    for name, line in table.items():
        for unit in ("rows", "tokens"):
            if line.get(f"lacking_{unit}"):
                asked, found = line[f"asked_{unit}"], line["available" if unit == "rows" else unit]
                print(f"{stage}: part {name} asks for {asked:,} {unit}, found {found:,}")


def _by_group(candidates: Sequence[Candidate], places: set[int]) -> dict[str, Any]:
    """Rows and tokens by domain, source and language."""
    tables: dict[str, Any] = {}
    for group in GROUPS:
        counts: dict[str, dict[str, int]] = defaultdict(lambda: {"rows": 0, "tokens": 0})
        for place in sorted(places):
            cell = counts[getattr(candidates[place], group)]
            cell["rows"] += 1
            cell["tokens"] += candidates[place].tokens or 0
        tables[f"by_{group}"] = dict(counts)
    silent = sum(candidates[place].tokens is None for place in places)
    return {**tables, "rows_without_tokens": silent}


def _funnel(candidates: Sequence[Candidate], chosen: Mapping[str, Chosen]) -> dict[str, int]:
    matched = sum(part.available for part in chosen.values())
    return {
        "read": len(candidates),
        "outside_mixture": len(candidates) - matched,
        "over_cap": sum(part.over_cap for part in chosen.values()),
        "over_share": sum(part.over_share for part in chosen.values()),
        "kept": sum(len(part.places) for part in chosen.values()),
    }

"""Public data sets as pairs for the helpful reward model, or as labels for the safety one.

    defaults: [/kind/preference_dataset@_here_]      or /kind/label_dataset@_here_
    format: helpsteer3           # how its rows are read (stages/judging/pair_formats.py)
    path: nvidia/HelpSteer3      # a hub name, a local file, or a folder of them
    subset: preference

Paper (3.1): 66,000 pairs and 106,000 labels of its own, made by a judge (stages/kinds/judged). The
public sets that stand for them were made by people or other judges, so nothing is voted on here.
Lengths are balanced as there, so that the reward model does not learn to like long answers.

Rows that cannot be read are left out, listed in left_out.parquet and counted, as are those that
teach nothing: ties, prompts that were withheld, responses without a label. Rows go through one by
one; pairs, of which only the whole set says how many of each length are kept, by way of a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.judging.pair_formats import LABELS, PAIRS, Reader, TeachesNothing, beside, renamed
from stages.judging.pairs import UNBALANCED, WITHIN_MARGIN
from stages.kinds.preference_dataset.kind import (
    LabelDatasetConfig,
    PreferenceDatasetConfig,
    rules,
)
from stages.rows.files import BadRow, BrokenRow, Raw, attempt
from stages.rows.left_out import UNREADABLE, LeftOut
from stages.rows.parts import Part, hub_facts
from stages.rows.schemas import LABEL, PREFERENCE, Row, RowWriter, stream_rows, write_rows
from stages.rows.sources import AS_IT_IS, open_source
from stages.rows.where import OTHERWISE, asked_for
from stages.settings.values import refuse

REPEATED = "repeated"
READ_PAIRS = "pairs.parquet"


@dataclass
class Funnel:
    """What became of the rows that were read: how many, which, and why they teach nothing."""

    counts: Counter[str] = field(default_factory=lambda: Counter(read=0))
    left_out: LeftOut = field(default_factory=LeftOut)

    def publish(self, key: str, kept: int, context: Context) -> dict[str, int]:
        """The funnel; the rows that could not be read are listed, and the user is told."""
        told = self.left_out.told(listed=bool(kept))
        if not kept:
            counted = ", ".join(f"{name}: {count}" for name, count in self.counts.items())
            raise RecipeError(f"{key}: no row can be learnt ({counted}).\n{told}".rstrip())
        if told:
            self.left_out.write(context.output)
            context.warn(told)
        return {**self.counts, "kept": kept}


@dataclass
class Facts:
    """What the published rows are, counted while they are written."""

    rows: int = 0
    counts: dict[str, Counter[Any]] = field(default_factory=dict)
    margins: int = 0
    margin: float = 0.0

    def add(self, row: Row, **more: Any) -> Row:
        self.rows += 1
        said = {"languages": row["language"], "domains": row["domain"], **more}
        for name, value in said.items():
            self.counts.setdefault(name, Counter())[value] += 1
        if row.get("margin") is not None:
            self.margins += 1
            self.margin += row["margin"]
        return row


def run(config: PreferenceDatasetConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish the pairs, as many with the longer as with the shorter response chosen."""
    key, funnel, facts = f"stages.{context.stage}", Funnel(), Facts()
    refuse(rules(config, "preference_dataset"), key)
    parts, sides = open_source(config, AS_IT_IS, key), Counter[int]()
    with RowWriter(context.work / READ_PAIRS, PREFERENCE) as file:
        for pair in _rows(config, parts, PAIRS[config.format], funnel):
            if pair["margin"] is not None and pair["margin"] < config.min_margin:
                funnel.counts[WITHIN_MARGIN] += 1
                continue
            sides[_side(pair)] += 1
            file.write(pair)
    balance = _Balance(sides if config.balance_lengths else None, funnel.counts)
    pairs = filter(balance.has_room, stream_rows(context.work / READ_PAIRS))
    published = (facts.add(pair, sides=_side(pair)) for pair in pairs)
    kept = write_rows(context.output / "rows.parquet", published, PREFERENCE)
    steps = funnel.publish(f"{key}.path={config.path}", kept, context)
    longer = facts.counts["sides"]
    told = {
        "rows": kept,
        "mean_margin": facts.margin / facts.margins if facts.margins else None,
        "chosen_longer": longer[1],
        "chosen_shorter": longer[-1],
        "languages": dict(facts.counts["languages"]),
        "domains": dict(facts.counts["domains"]),
        **hub_facts(config, parts, funnel.counts["read"], key, context.warn),
    }
    return Outputs(told, steps)


def run_labels(config: LabelDatasetConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish responses with 1 for safe (or good) and 0 for unsafe, each once."""
    key, funnel, facts = f"stages.{context.stage}", Funnel(), Facts()
    refuse(rules(config, "label_dataset"), key)
    parts = open_source(config, AS_IT_IS, key)
    rows = _once(_rows(config, parts, LABELS[config.format], funnel), funnel.counts)
    published = (facts.add(row, labels=row["label"]) for row in rows)
    kept = write_rows(context.output / "rows.parquet", published, LABEL)
    steps = funnel.publish(f"{key}.path={config.path}", kept, context)
    labels = facts.counts["labels"]
    told = {
        "rows": kept,
        "safe": labels[1],
        "unsafe": labels[0],
        "languages": dict(facts.counts["languages"]),
        "domains": dict(facts.counts["domains"]),
        **hub_facts(config, parts, funnel.counts["read"], key, context.warn),
    }
    return Outputs(told, steps)


def _rows(
    config: LabelDatasetConfig, parts: Sequence[Part], reader: Reader, funnel: Funnel
) -> Iterator[Row]:
    """The pairs or labels of a source, in order and with ids; a row may hold two labels."""
    name = config.path.rstrip("/").rpartition("/")[2]
    raws = ((part, *row) for part in parts for row in part.rows)
    for part, number, raw in islice(raws, config.limit):
        funnel.counts["read"] += 1
        found = attempt(_read, raw, reader, config, name)
        if isinstance(found, BadRow):
            funnel.counts[UNREADABLE] += 1
            text = "" if isinstance(raw, BrokenRow) else str(raw)
            funnel.left_out.add(part.where, number, UNREADABLE, str(found), text)
            continue
        if isinstance(found, TeachesNothing):
            funnel.counts[str(found)] += 1
            continue
        for place, row in enumerate(found, start=1):
            row["id"] = f"{part.label or name}-{number:06d}"
            row["id"] += f"-{place}" if len(found) > 1 else ""
            yield row


def _read(
    raw: Raw, reader: Reader, config: LabelDatasetConfig, source: str
) -> list[Row] | TeachesNothing:
    if not asked_for(raw, config.where):
        return TeachesNothing(OTHERWISE)
    row = renamed(raw, config.columns)
    try:
        found = reader(row)
    except TeachesNothing as reason:
        return reason
    return [one | beside(row, one["prompt"], source, config.language) for one in found]


def _once(rows: Iterator[Row], counts: Counter[str]) -> Iterator[Row]:
    """Labels that did not come before: CValues has a response in several of its pairs."""
    seen: set[bytes] = set()
    for row in rows:
        text = "\0".join([str(row["prompt"]), row["completion"], str(row["label"])])
        digest = blake2b(text.encode(), digest_size=12).digest()
        if digest in seen:
            counts[REPEATED] += 1
            continue
        seen.add(digest)
        yield row


def _side(pair: Row) -> int:
    """1: the longer response was chosen; -1: the shorter; 0: they are of one length."""
    chosen, rejected = len(pair["chosen"]), len(pair["rejected"])
    return (chosen > rejected) - (chosen < rejected)


class _Balance:
    """Lets as many pairs of one side through as of the other, the first ones. sides: None: all."""

    def __init__(self, sides: Counter[int] | None, counts: Counter[str]) -> None:
        self._room = None if sides is None else dict.fromkeys((1, -1), min(sides[1], sides[-1]))
        self._counts = counts

    def has_room(self, pair: Row) -> bool:
        side = _side(pair)
        if self._room is None or side == 0:
            return True
        self._room[side] -= 1
        if self._room[side] < 0:
            self._counts[UNBALANCED] += 1
            return False
        return True

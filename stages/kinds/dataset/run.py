"""A real data set as problems: a benchmark of docs/benchmarks.md, or rows in our own columns.

    defaults: [/kind/dataset@_here_]
    format: gsm8k            # how its rows are read (stages/rows/formats/)
    path: openai/gsm8k       # a hub name, a local file (stages/rows/files.py), or a folder of them
    subset: main             # or several: [zh, en]
    split: test
    without_reference: error # or drop: leave such rows out; or keep: problems that no verifier can
                             # judge, to be labelled by majority vote
    preference: safety       # or helpful: what a file of general queries asks for (3.1)
    samples: 16              # per problem, as the paper evaluates it: `r1 eval` takes it as its k

The paper's own prompts are not public (its RL data is described in table form only), so any set of
problems with checkable answers takes their place. Of its general queries 66K ask for help and 12K
test harmlessness (B.3.1): two files, two stages, each with its `preference`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.dataset.kind import DatasetConfig, rules
from stages.rows.formats import FORMATS
from stages.rows.left_out import LeftOut
from stages.rows.parts import hub_facts
from stages.rows.query_kind import preference_of
from stages.rows.schemas import PROBLEM, Row, write_rows
from stages.rows.sources import open_source, read_problems
from stages.settings.values import refuse


@dataclass
class _Facts:
    """What the published rows are, counted while they are written; of their ids only digests."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unlabelled: int = 0
    ids: set[bytes] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)

    def add(self, row: Row) -> Row:
        self.counts["domains"][row["domain"]] += 1
        self.counts["languages"][row["language"]] += 1
        if kind := preference_of(row):
            self.counts["preferences"][kind] += 1
        self.unlabelled += row["reference"] is None
        digest = blake2b(row["id"].encode(), digest_size=12).digest()
        if digest in self.ids:
            self.repeated.append(row["id"])
        self.ids.add(digest)
        return row


def run(config: DatasetConfig, inputs: Inputs, context: Context) -> Outputs:
    """Read, check and publish every row; any row that cannot be read stops the stage."""
    key = f"stages.{context.stage}"
    refuse(rules(config), key)
    format_, counts, left_out, found = FORMATS[config.format], Counter[str](), LeftOut(), _Facts()
    parts = open_source(config, format_, key)
    read = islice(read_problems(parts, format_, config, counts, left_out), config.limit)
    kept = write_rows(context.output / "rows.parquet", map(found.add, read), PROBLEM)
    if not kept:
        raise RecipeError(f"{key}.path={config.path}: no rows {_why(counts, left_out)}".rstrip())
    if found.repeated:
        raise RecipeError(
            f"{config.path}: {len(found.repeated)} ids occur twice, e.g. {found.repeated[0]!r}"
        )
    if left_out.rows:
        left_out.write(context.output)
        context.warn(left_out.told())
    facts = {
        "rows": kept,
        "domains": dict(found.counts["domains"]),
        "languages": dict(found.counts["languages"]),
        "preferences": dict(found.counts["preferences"]),
        "unlabelled": found.unlabelled,
        **hub_facts(config, parts, counts["read"], key, context.warn),
    }
    return Outputs(facts=facts, funnel={**counts, "kept": kept})


def _why(counts: Counter[str], left_out: LeftOut) -> str:
    """Why none of the rows that were read is there."""
    said = f"({', '.join(f'{name}: {n}' for name, n in counts.items())})" if counts else ""
    return "\n".join(filter(None, (said, left_out.told(listed=False))))

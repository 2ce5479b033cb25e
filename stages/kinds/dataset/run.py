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
    columns: {prompt: question, reference: extra_info.answer}      # of `problems`: the file's own
    domain: math             # and verifier: of `problems` whose rows name none
    where: {level: [3, 4], solve_rate: {above: 0, below: 1}}       # which rows, by their columns

The paper's own prompts are not public (its RL data is described in table form only), so any set of
problems with checkable answers takes their place. Of its general queries 66K ask for help and 12K
test harmlessness (B.3.1): two files, two stages, each with its `preference`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.dataset.kind import DatasetConfig, rules
from stages.rows.formats import FORMATS
from stages.rows.left_out import UNFIT, LeftOut
from stages.rows.parts import hub_facts
from stages.rows.query_kind import preference_of
from stages.rows.schemas import PROBLEM, Row, write_rows
from stages.rows.sources import open_source, read_problems
from stages.settings.values import refuse


@dataclass
class _Seen:
    """What is told of the rows, which are handed on and not held."""

    ids: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    preferences: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0

    def passing(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.ids[row["id"]] += 1
            self.domains[row["domain"]] += 1
            self.languages[row["language"]] += 1
            self.unlabelled += row["reference"] is None
            if kind := preference_of(row):
                self.preferences[kind] += 1
            yield row


def run(config: DatasetConfig, inputs: Inputs, context: Context) -> Outputs:
    """Read, check and publish every row; any row that cannot be read stops the stage."""
    key = f"stages.{context.stage}"
    refuse(rules(config), key)
    format_, counts, left_out, seen = FORMATS[config.format], Counter[str](), LeftOut(), _Seen()
    parts = open_source(config, format_, key)
    read = read_problems(parts, format_, config, counts, left_out)
    rows = seen.passing(islice(read, config.limit))
    kept = write_rows(context.output / "rows.parquet", rows, PROBLEM)
    if not kept:
        raise RecipeError(f"{key}.path={config.path}: no rows {_why(counts, left_out)}".rstrip())
    _refuse_another_set(config, counts[UNFIT], kept, key, left_out)
    repeated = [id_ for id_, count in seen.ids.items() if count > 1]
    if repeated:
        raise RecipeError(f"{config.path}: {len(repeated)} ids occur twice, e.g. {repeated[0]!r}")
    if left_out.rows:
        left_out.write(context.output)
        context.warn(left_out.told())
    facts = {
        "rows": kept,
        "domains": dict(seen.domains),
        "languages": dict(seen.languages),
        "preferences": dict(seen.preferences),
        "unlabelled": seen.unlabelled,
        **hub_facts(config, parts, counts["read"], key, context.warn),
    }
    return Outputs(facts=facts, funnel={**counts, "kept": kept})


def _refuse_another_set(
    config: DatasetConfig, unfit: int, kept: int, key: str, left_out: LeftOut
) -> None:
    """Raise where so many rows do not fit that the others may fit by chance, as years of a quiz."""
    if unfit > config.most_unfit * (unfit + kept):
        raise RecipeError(
            f"{key}.path={config.path}: {unfit} of {unfit + kept} rows are not what is read here, "
            f"more than {config.most_unfit:.0%} ({key}.most_unfit): the others may fit by chance. "
            "Set `verifier`, `columns` or `format` to what they are.\n"
            + left_out.told(listed=False)
        )


def _why(counts: Counter[str], left_out: LeftOut) -> str:
    """Why none of the rows that were read is there."""
    said = f"({', '.join(f'{name}: {n}' for name, n in counts.items())})" if counts else ""
    return "\n".join(filter(None, (said, left_out.told(listed=False))))

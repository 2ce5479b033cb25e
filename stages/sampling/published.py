"""The files of a stage that samples: what is kept, every sample that was drawn, pass rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pipeline.context import Context
from stages.rewriting.rewriters import mixes
from stages.rows.schemas import SAMPLE, Row, RowWriter, write_rows
from stages.sampling.collect import Job
from stages.sampling.difficulty import PASS_RATE, pass_rates
from stages.sampling.funnel import Funnel
from stages.sampling.keeping import Keeping
from stages.sampling.rounds import Rounds

DRAWN = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("number", pa.int64()),  # of the sample among those of its problem
        ("seed", pa.int64()),
        ("score", pa.float64()),
        ("reason", pa.string()),  # of the verdict
        ("tokens", pa.int64()),  # drawn
        ("finish_reason", pa.string()),
        ("dropped_by", pa.string()),  # the filter, or null: kept
    ]
)


@dataclass
class Published:
    """What rows.parquet holds."""

    count: int = 0
    given: int = 0
    given_mixed: int = 0  # thoughts that mix languages
    tokens: int = 0  # of the kept samples
    drawn_tokens: int = 0  # of all samples, before any rewriting
    domains: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        self.count += 1
        self.domains[row["domain"]] += 1
        self.languages[row["language"]] += 1
        self.sources[row["source"]] += 1


def publish(
    keeping: Keeping,
    samples: Iterable[tuple[Job, list[Row]]],
    rounds: Rounds,
    given: Sequence[Row],
    funnel: Funnel,
    context: Context,
) -> Published:
    """Write all files, a few problems in memory at a time."""
    rows, published = context.output / "rows.parquet", Published(given=len(given))
    with (
        RowWriter(rows, SAMPLE) as kept_rows,
        RowWriter(context.output / "drawn.parquet", DRAWN) as drawn_rows,
    ):
        for job, drawn, kept in keeping.of(samples):
            for sample in drawn:
                funnel.add(job.problem["domain"], sample["dropped_by"])
                published.drawn_tokens += sample["tokens"]
                both = job.problem | sample
                drawn_rows.write({name: both[name] for name in DRAWN.names})
            for row in kept:
                published.tokens += row["tokens"]
                published.add(row)
                kept_rows.write(row)
        for row in given:
            published.add(row)
            published.given_mixed += mixes(row, keeping.config)
            kept_rows.write({name: row[name] for name in SAMPLE.names})
    rates = pass_rates(rounds.jobs, rounds.seen)
    write_rows(context.output / "pass_rates.parquet", rates, PASS_RATE)
    return published

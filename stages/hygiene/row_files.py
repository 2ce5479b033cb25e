"""The rows of the stages on an edge: read and written a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.hygiene.texts import joined_prompts

BATCH = 4096  # rows at once; more is slower, because their arrays leave the processor's cache
BATCH_BYTES = 64 * 2**20  # fewer rows where they are long, as those with a program's tests are
COUNTED = ("domain", "language", "source")

Name = tuple[str, str]  # stage and id: what a row is called in a report


@dataclass(frozen=True)
class StageRows:
    """A Parquet file of rows and the stage that it comes from."""

    stage: str
    path: Path

    def __len__(self) -> int:
        return int(pq.ParquetFile(self.path).metadata.num_rows)

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches with those of the columns that there are, or with all."""
        file = pq.ParquetFile(self.path)
        names = None if columns is None else [n for n in file.schema_arrow.names if n in columns]
        yield from file.iter_batches(_batch(file.metadata), columns=names)


def _batch(file: pq.FileMetaData) -> int:
    """So many rows at once that they take about `BATCH_BYTES` at most."""
    held = sum(file.row_group(group).total_byte_size for group in range(file.num_row_groups))
    return max(1, min(BATCH, BATCH_BYTES * file.num_rows // max(held, 1)))


@dataclass
class Kept:
    """What was written: rows by column and value, and the names of the rows asked for."""

    rows: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    names: dict[int, Name] = field(default_factory=dict)


def keep(
    inputs: Sequence[StageRows], dropped: Collection[int], named: Collection[int], path: Path
) -> Kept:
    """Write the rows whose number is not dropped, and learn the names of some."""
    schema = pa.unify_schemas([pq.read_schema(rows.path) for rows in inputs])
    kept = Kept(counts={name: Counter() for name in COUNTED if name in schema.names})
    number = 0
    with pq.ParquetWriter(path, schema) as writer:
        for rows in inputs:
            for batch in rows.batches():
                numbers = range(number, number + batch.num_rows)
                for one in (n for n in numbers if n in named):
                    kept.names[one] = (rows.stage, batch.column("id")[one - number].as_py())
                stays = pa.array(np.array([n not in dropped for n in numbers]))
                table = pa.concat_tables(
                    [schema.empty_table(), pa.Table.from_batches([batch]).filter(stays)],
                    promote_options="default",
                )
                writer.write_table(table)
                kept.rows += table.num_rows
                for name, counter in kept.counts.items():
                    counter.update(table.column(name).to_pylist())
                number += batch.num_rows
    return kept


def prompts(inputs: Sequence[StageRows], wanted: Collection[Name] | None = None) -> dict[Name, str]:
    """The prompts of rows by name: of all, or of those wanted."""
    found: dict[Name, str] = {}
    for rows in inputs:
        for batch in rows.batches(("id", "prompt")):
            names = [(rows.stage, id_) for id_ in batch.column("id").to_pylist()]
            for name, prompt in zip(names, joined_prompts(batch), strict=True):
                if wanted is None or name in wanted:
                    found.setdefault(name, prompt)
    return found

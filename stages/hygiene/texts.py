"""Which texts a row holds: its prompt, its completions, its reference and reference solution.

The system prompt is left out: it is the recipe's, not the row's. A reference solution stands in
the metadata under `solution`, where a data set's reader keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SOLUTION = "solution"
PLAIN_COLUMNS = ("completion", "chosen", "rejected", "reference")


@dataclass(frozen=True)
class Texts:
    """texts, and for each the row that it is of and whether it is (of) the prompt."""

    texts: list[str]
    rows: npt.NDArray[np.int64]
    asked: npt.NDArray[np.bool_]


def texts_of(batch: pa.RecordBatch) -> Texts:
    """Every text of every row."""
    prompts, owners = prompts_of(batch)
    texts, rows = [prompts], [owners]
    for name in PLAIN_COLUMNS:
        if name in batch.schema.names:
            column = batch.column(name)
            rows.append(np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)))
            texts.append(column.drop_null().to_pylist())
    if "metadata" in batch.schema.names:
        solutions, owners = _solutions(batch.column("metadata"))
        texts.append(solutions)
        rows.append(owners)
    flat = [text for part in texts for text in part]
    asked = np.arange(len(flat)) < len(prompts)
    return Texts(flat, np.concatenate(rows).astype(np.int64), asked)


def prompts_of(batch: pa.RecordBatch) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The contents of all messages but the system's, and the row of each."""
    column = batch.column("prompt")
    messages = column.flatten()
    owners = pc.list_parent_indices(column).to_numpy()
    wanted = pc.not_equal(messages.field("role"), "system")
    contents = messages.field("content").filter(wanted).to_pylist()
    return contents, owners[wanted.to_numpy(zero_copy_only=False)]


def joined_prompts(batch: pa.RecordBatch) -> list[str]:
    """Each row's prompt as one text."""
    parts: list[list[str]] = [[] for _ in range(batch.num_rows)]
    contents, owners = prompts_of(batch)
    for content, owner in zip(contents, owners, strict=True):
        parts[owner].append(content)
    return ["\n".join(part) for part in parts]


def _solutions(column: pa.StringArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    held = pc.fill_null(pc.match_substring(column, f'"{SOLUTION}"'), False)
    places = np.flatnonzero(held.to_numpy(zero_copy_only=False))
    found: Sequence[object] = [json.loads(column[int(i)].as_py()).get(SOLUTION) for i in places]
    kept = [(text, place) for text, place in zip(found, places, strict=True) if _is_text(text)]
    return [str(text) for text, _ in kept], np.array([place for _, place in kept], np.int64)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)

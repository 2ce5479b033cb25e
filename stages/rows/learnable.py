"""Rows to learn from stages of any kind: samples as they are, conversations in their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.artifact import Artifact
from stages.models.folder import brings_code
from stages.rows.schemas import ROW_GROUP, SAMPLE, Row, stream_rows
from stages.verifiers.answer import NO_ANSWER, parse

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRAINING_TYPES = ("samples", "conversations")
GIVEN = "given"  # the reason in place of a verdict


def as_sample(conversation: Row) -> Row:
    """A conversation in the columns of a sample: nobody judged it.

    Its answer is the one that it marks, or else all that it says after the thought.
    """
    parsed = parse(conversation["completion"])
    answer = parsed.response if parsed.reason == NO_ANSWER else parsed.answer
    empty = dict.fromkeys(SAMPLE.names)
    parts = {"reasoning": parsed.reasoning, "answer": answer, "reason": GIVEN}
    return empty | {"metadata": "{}"} | conversation | parts


def samples_of(
    artifact: Artifact, tokenizer: PreTrainedTokenizerBase | None = None
) -> Iterator[Row]:
    """An artifact's rows as samples; a tokenizer counts their `tokens` anew, the end token too."""
    rows: Iterator[Row] = stream_rows(artifact.rows_path)
    if artifact.type == "conversations":
        rows = map(as_sample, rows)
    return rows if tokenizer is None else _counted(rows, tokenizer)


def tokenizer_of(models: Sequence[Artifact]) -> PreTrainedTokenizerBase | None:
    """The tokenizer of the one model that was given to count with, if any."""
    if not models:
        return None
    from transformers import AutoTokenizer

    path = models[0].model_path
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        path, trust_remote_code=brings_code(path)
    )
    return tokenizer


def _counted(rows: Iterable[Row], tokenizer: PreTrainedTokenizerBase) -> Iterator[Row]:
    rows = iter(rows)
    while group := list(islice(rows, ROW_GROUP)):
        ids = tokenizer([r["completion"] for r in group], add_special_tokens=False).input_ids
        for row, completion in zip(group, ids, strict=True):
            yield row | {"tokens": len(completion) + 1}

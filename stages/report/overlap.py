"""Whether a model was trained on questions that it is evaluated on.

The recipe's `clean_` stages keep training rows apart from its own benchmarks by 10-grams; a split
that a user evaluates on by himself may be apart from nothing. What is looked for here are whole
questions, whatever their spaces and capitals: copies, no paraphrase and no part of a question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pipeline.artifact import Artifact

TRAINS = frozenset({"model", "reward_model"})  # types of what learns from its `data_from`


@dataclass(frozen=True)
class Overlap:
    """`shared` of the `asked` questions of a benchmark are among the rows of a training stage."""

    benchmark: str
    trained: str
    rows: str
    shared: int
    asked: int

    def __str__(self) -> str:
        return (
            f"{self.shared} of the {self.asked} questions of {self.benchmark} are in {self.rows}, "
            f"which {self.trained} was trained on: what it scores on them may be memory"
        )


def overlaps(artifacts: Mapping[str, Artifact]) -> Iterator[Overlap]:
    """Every benchmark that an evaluated run shares questions with, by training stage and rows."""
    by_fingerprint = {artifact.fingerprint: artifact for artifact in artifacts.values()}
    benchmarks = {
        given["stage"]: by_fingerprint[given["fingerprint"]]
        for artifact in artifacts.values()
        if artifact.type == "evaluation"
        for given in _data(artifact)
        if given["fingerprint"] in by_fingerprint
    }
    asked = {name: _questions(artifact) for name, artifact in benchmarks.items()}
    read: dict[str, set[str]] = {}
    for trained, artifact in artifacts.items():
        for given in _data(artifact) if artifact.type in TRAINS else ():
            key = given["fingerprint"]
            if key not in by_fingerprint:
                continue
            if key not in read:
                read[key] = _questions(by_fingerprint[key])
            for name, questions in asked.items():
                if shared := len(questions & read[key]):
                    yield Overlap(name, trained, given["stage"], shared, len(questions))


def _data(artifact: Artifact) -> list[Mapping[str, Any]]:
    inputs = artifact.manifest.get("inputs") or ()
    return [given for given in inputs if given["edge"] == "data_from"]


def _questions(artifact: Artifact) -> set[str]:
    """What its rows ask, the last message of each prompt; empty where it has no such rows."""
    path: Path = artifact.rows_path
    if not path.is_file() or "prompt" not in pq.read_schema(path).names:
        return set()
    found = set()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["prompt"]):
            for prompt in batch.column("prompt").to_pylist():
                if prompt:
                    found.add(_letters(str(prompt[-1]["content"])))
    return found - {""}


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if not character.isspace())

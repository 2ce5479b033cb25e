"""What became of the rows of an input, kept beside it for whoever proves them again.

    <beside the input>/proofs/<digest of how they are judged>/<SHA-256>.parquet      some rows each

So a stage that is killed goes on where it was, and another set beside this one, another share of
refusals or another filter proves none of its rows again. How they are judged is the policy, the
limits and the code of the verifiers: another code proves anew. A file appears whole and is named by
its content; one that is not what its name says counts as absent.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import notices, state
from stages import verifiers
from stages.proving.outcome import KEPT, REFUSED, Outcome

REASONS = (*KEPT, *REFUSED)
SECONDS = 5.0  # between two files: what a kill may cost
PROOF = pa.schema([("number", pa.int64()), ("reason", pa.string()), ("detail", pa.string())])


class Ledger:
    """The outcomes of an input's rows by number. Memory holds a byte of each, and refusals."""

    def __init__(self, beside: Path, settings: Mapping[str, Any], rows: int) -> None:
        text = json.dumps({**settings, "code": _code()}, sort_keys=True)
        self._folder = beside / "proofs" / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._codes = np.zeros(rows, np.uint8)  # 0: unknown; else a place in REASONS, from 1
        self._details: dict[int, str] = {}
        self._new: list[dict[str, Any]] = []
        self._written = time.monotonic()
        for path in sorted(self._folder.glob("*.parquet")):
            self._load(path)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.write()

    def __contains__(self, number: int) -> bool:
        return bool(self._codes[number])

    def __getitem__(self, number: int) -> Outcome:
        return Outcome(REASONS[self._codes[number] - 1], self._details.get(number, ""))

    def add(self, number: int, outcome: Outcome) -> None:
        """One more; what another try may find otherwise is not kept for the next one."""
        self._note(number, outcome.reason, outcome.detail)
        if outcome.lasting:
            line = {"number": number, "reason": outcome.reason, "detail": outcome.detail}
            self._new.append(line)
        if time.monotonic() - self._written > SECONDS:
            self.write()

    def write(self) -> None:
        """Keep what is new."""
        self._written = time.monotonic()
        if not self._new:
            return
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(self._new, PROOF), buffer)
        content = buffer.getvalue().to_pybytes()
        state.replace(self._folder / _name_of(content), content)
        self._new = []

    def _note(self, number: int, reason: str, detail: str) -> None:
        self._codes[number] = REASONS.index(reason) + 1
        if detail:
            self._details[number] = detail

    def _load(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            notices.warn(f"proofs that cannot be read are made again: {error}")
            return
        if path.name != _name_of(content):
            notices.warn(f"{path} was changed after it was written: its rows are proved again")
            return
        for line in pq.read_table(pa.BufferReader(content)).to_pylist():
            self._note(line["number"], line["reason"], line["detail"])


def _name_of(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}.parquet"


def _code() -> str:
    """A digest of the code that proves."""
    digest = hashlib.sha256()
    for folder in (Path(verifiers.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()

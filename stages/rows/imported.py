"""Rows of a file or a hub data set as conversations; what cannot be one is listed with the reason.

Rows are read, normalised, judged and handed on a few at a time, so a file may be of any size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from stages.chat.exchanges import Exchange, exchanges
from stages.chat.template import END_THINK, THINK, compose, tagged
from stages.chat.thoughts import NotNormal, read_trace
from stages.language.codes import UNKNOWN, code_of
from stages.language.consistency import target_of
from stages.rows.files import BadRow, BrokenRow, Raw, attempt
from stages.rows.left_out import SHOWN, UNREADABLE, LeftOut
from stages.rows.schemas import Row
from stages.rows.where import OTHERWISE
from stages.settings.values import DOMAINS
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Verdict, request_of

WRONG = "wrong"
BATCH = 1024  # rows judged together
NO_THOUGHT = THINK + END_THINK
NO_VERDICT = Verdict(None, "no reference")

Place = tuple[str, int]  # a part of the source, and the row's number in it


@dataclass
class Report:
    """What became of the rows, in counts, and who was left out.

    not_asked_for: rows that the stage's `where` leaves out. columns: where prompt and completion
    stood. styles: how thoughts were marked.
    """

    read: int = 0
    not_asked_for: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    styles: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    with_thought: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)

    def funnel(self) -> dict[str, int]:
        reasons = self.left_out.reasons()
        other = {OTHERWISE: self.not_asked_for} if self.not_asked_for else {}
        kept = self.read - sum(reasons.values())
        return {"read": self.read + self.not_asked_for, **other, **reasons, "kept": kept}


@dataclass(frozen=True)
class _Read:
    """A conversation, where it stood, and the reference that came with it.

    judged: its completion as it is judged, all that it says after the thought as the answer: a
    trace that marked its answer with tags needs no box.
    """

    place: Place
    row: Row
    reference: str | None
    judged: str


@dataclass(frozen=True)
class Importer:
    """Turns raw rows into conversations; `report` fills up as they are drawn.

    columns: see exchanges.py. language: of rows that do not name one; None: that of their prompt.
    verifier: judges rows that carry a reference, in `pool`; wrong ones are left out.
    """

    domain: str
    language: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    verifier: str | None = None
    pool: VerifierPool | None = None
    report: Report = field(default_factory=Report)

    def conversations(self, raw: Iterable[tuple[Place, Raw | BrokenRow]]) -> Iterator[Row]:
        """The rows that can be learnt, in order. An id that came before gets its row's number."""
        ids: set[str] = set()
        read = self._read(raw)
        while batch := list(islice(read, BATCH)):
            for one in self._judged(batch):
                if one.row["id"] in ids:
                    one.row["id"] += f"-row{one.place[1]}"
                ids.add(one.row["id"])
                self.report.with_thought += not one.row["completion"].startswith(NO_THOUGHT)
                self.report.languages[one.row["language"]] += 1
                yield one.row

    def _read(self, raw: Iterable[tuple[Place, Raw | BrokenRow]]) -> Iterator[_Read]:
        for place, fields in raw:
            found = attempt(self._found, fields)
            if isinstance(found, BadRow):
                text = "" if isinstance(fields, BrokenRow) else str(fields)
                self.report.read += 1
                self.report.left_out.add(*place, UNREADABLE, str(found), text)
                continue
            assert not isinstance(fields, BrokenRow)
            for number, exchange in enumerate(found, start=1):
                self.report.read += 1
                one = self._normal(place, fields, exchange)
                if one is not None:
                    one.row["id"] += f"-{number}" if len(found) > 1 else ""
                    yield one

    def _found(self, fields: Raw) -> list[Exchange]:
        """The exchanges of a row whose language, if it names one, is a language."""
        if (language := fields.get("language")) not in (None, ""):
            code_of(language, "column `language`")
        return list(exchanges(fields, self.columns))

    def _normal(self, place: Place, fields: Raw, exchange: Exchange) -> _Read | None:
        try:
            trace = read_trace(exchange.text, exchange.thought)
        except NotNormal as reason:
            detail = f"…{exchange.text[-SHOWN:]}"
            self.report.left_out.add(*place, str(reason), detail, exchange.text)
            return None
        self.report.columns[exchange.columns] += 1
        self.report.styles[trace.style] += 1
        part, number = place
        domain, source = fields.get("domain"), fields.get("source")
        row = {
            "id": str(fields.get("id") or f"{part}-{number:06d}"),
            "domain": domain if domain in DOMAINS else self.domain,
            "language": fields.get("language") or self.language,
            "prompt": exchange.prompt,
            "completion": compose(trace.reasoning, trace.answer),
            "source": source if isinstance(source, str) and source else part,
        }
        row["language"] = target_of(row) or UNKNOWN
        return _Read(place, row, exchange.reference, tagged(trace.reasoning, trace.answer))

    def _judged(self, batch: list[_Read]) -> Iterator[_Read]:
        """The batch without the rows whose answer their own reference contradicts."""
        if self.verifier is None or self.pool is None:
            yield from batch
            return
        requests = [
            request_of(
                one.row | {"verifier": self.verifier, "reference": one.reference}, one.judged
            )
            for one in batch
            if one.reference is not None
        ]
        verdicts = iter(self.pool.verify(requests))
        for one in batch:
            verdict = NO_VERDICT if one.reference is None else next(verdicts)
            if verdict.score is not None and verdict.score < 1:
                detail = f"{verdict.reason}; the reference is {one.reference}"
                self.report.left_out.add(*one.place, WRONG, detail, one.row["completion"][-SHOWN:])
                continue
            self.report.verdicts["right" if verdict.score else verdict.reason] += 1
            yield one

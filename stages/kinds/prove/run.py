"""Problems that prove themselves: public rows by the ten thousand, before they are learnt from.

    defaults: [/stage/prove_problems]
    data_from: [acereason_math, dapo_math_zh]     sources; the rows keep their order and their bytes
    score_with: [dev1_samples]                    optionally who says how often a row is solved

Each row's reference must score 1 through its own verifier, and an answer that knows nothing must
not (stages/proving/proof.py). Rows that fail are dropped and counted, up to `max_refused` of a
source; above it the stage stops, since one bad reference is a slip and many are another data set
than was meant. Rows with nothing to prove are kept and counted. Rows that are always or never
solved give RL no signal and are dropped by `pass_rate`: by the samples of `score_with`, or else by
the rate that their own set gives them (`pass_rate` in the metadata); those of unknown rate stay.

Writes rows.parquet, dropped.parquet. What is proved is kept beside each input (stages/proving/
ledger.py), so that a killed stage proves no row twice, and neither does one with other sources.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifact import Artifact, Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.hygiene.caps import ROWS_FROM
from stages.hygiene.row_files import StageRows, keep
from stages.kinds.prove.kind import PassRate, ProveConfig
from stages.kinds.prove.kind import rules as of_proving
from stages.proving.ledger import Ledger
from stages.proving.outcome import KEPT, NOTHING, REFUSED, Outcome
from stages.proving.proof import proved
from stages.proving.proved import FACT, fact_of
from stages.proving.refusals import Source, faults
from stages.rows.rates import own_rate, shares
from stages.rows.schemas import Row, RowWriter
from stages.settings.values import refuse
from stages.verifiers.pool import VerifierPool

TOO_EASY, TOO_HARD = BY_RATE = ("too_easy", "too_hard")
DROPPED = pa.schema(
    [
        ("id", pa.string()),
        ("input", pa.string()),  # the stage that the row came from
        ("source", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


def run(config: ProveConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish the rows that prove themselves, and a list of the others."""
    refuse(of_proving(config), f"stages.{context.stage}")
    artifacts = inputs["data_from"]
    rows = [StageRows(artifact.stage, artifact.rows_path) for artifact in artifacts]
    with (
        VerifierPool.of(config.verifiers) as pool,
        RowWriter(context.output / "dropped.parquet", DROPPED) as dropped,
    ):
        proving = _Proving(config, context, pool, dropped, sum(map(len, rows)))
        proving.rates = shares(inputs.get("score_with", ()))
        for artifact, own in zip(artifacts, rows, strict=True):
            proving.prove(artifact, own)
    sources = {name: source.facts() for name, source in proving.sources.items()}
    _refuse(sources, config, context.stage)
    kept = keep(rows, proving.dropped, (), context.output / "rows.parquet")
    funnel = {"read": proving.number}
    funnel |= {name: proving.reasons[name] for name in (*BY_RATE, *REFUSED)}
    facts: dict[str, Any] = {"rows": kept.rows}
    facts |= {f"rows_by_{name}": dict(counts) for name, counts in kept.counts.items()}
    facts |= {"nothing_to_prove": proving.reasons[NOTHING], "rate_unknown": proving.rate_unknown}
    facts |= {"sources": sources, FACT: fact_of(config.verifiers), ROWS_FROM: proving.rows_from}
    return Outputs(facts, funnel | {"kept": kept.rows})


def _refuse(sources: Mapping[str, Mapping[str, Any]], config: ProveConfig, stage: str) -> None:
    for key, text in faults(sources, config.max_refused, config.max_same_answer):
        raise RecipeError(f"stages.{stage}.{key}: {text}")


@dataclass
class _Proving:
    """All inputs past the verifiers, a batch at a time. dropped: numbers through all inputs."""

    config: ProveConfig
    context: Context
    pool: VerifierPool
    listed: RowWriter
    total: int
    rates: Mapping[str, float] = field(default_factory=dict)
    number: int = 0
    rate_unknown: int = 0
    dropped: set[int] = field(default_factory=set)
    rows_from: list[tuple[str, int]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    sources: dict[str, Source] = field(default_factory=lambda: defaultdict(Source))

    def prove(self, artifact: Artifact, rows: StageRows) -> None:
        """One input; refused as soon as a source has more bad rows than it may have."""
        beside = self.context.beside(artifact.fingerprint)
        totals, before = _by_source(rows), len(self.dropped)
        with Ledger(
            beside, {"policy": vars(self.pool.policy), **_limits(self.config)}, len(rows)
        ) as ledger:
            first = 0
            for batch in rows.batches():
                numbered = list(enumerate(batch.to_pylist(), start=first))
                outcomes = dict(self._outcomes(numbered, ledger))
                for number, row in numbered:
                    self._note(artifact.stage, row, outcomes[number])
                first += batch.num_rows
                self._stop_early(artifact.stage, totals)
        left = len(rows) - (len(self.dropped) - before)
        if not left:
            raise RecipeError(self._empty(artifact.stage, len(rows)))
        self.rows_from.append((artifact.stage, left))

    def _outcomes(
        self, numbered: list[tuple[int, Row]], ledger: Ledger
    ) -> Iterator[tuple[int, Outcome]]:
        """What becomes of each row of a batch, in any order."""
        done, open_ = self.number, []
        for number, row in numbered:
            if by_rate := self._by_rate(row):
                yield number, by_rate
            elif number in ledger:
                yield number, ledger[number]
            else:
                open_.append((number, row))
        done += len(numbered) - len(open_)
        for number, outcome in proved(open_, self.pool):
            ledger.add(number, outcome)
            done += 1
            self.context.progress(done, self.total, "row")
            yield number, outcome
        ledger.write()

    def _by_rate(self, row: Row) -> Outcome | None:
        asked: PassRate | None = self.config.pass_rate
        if asked is None:
            return None
        rate = self.rates.get(row["id"])
        rate = own_rate(row) if rate is None else rate
        if rate is None:
            self.rate_unknown += 1
            return None
        if asked.above < rate < asked.below:
            return None
        return Outcome(TOO_HARD if rate <= asked.above else TOO_EASY, f"solved {rate:.1%}")

    def _note(self, stage: str, row: Row, outcome: Outcome) -> None:
        self.reasons[outcome.reason] += 1
        if outcome.reason not in BY_RATE:
            self.sources[f"{stage}/{row['source']}"].add(row, outcome)
        if outcome.reason not in KEPT:
            self.dropped.add(self.number)
            line = {"reason": outcome.reason, "detail": outcome.detail, "input": stage}
            self.listed.write(line | {name: row[name] for name in ("id", "source")})
        self.number += 1

    def _stop_early(self, stage: str, totals: Mapping[str, int]) -> None:
        """What is too much even if every row to come were good."""
        for name, total in totals.items():
            source = self.sources.get(f"{stage}/{name}")
            if source and source.refused > self.config.max_refused * total:
                _refuse({f"{stage}/{name}": source.facts()}, self.config, self.context.stage)

    def _empty(self, stage: str, rows: int) -> str:
        reasons = ", ".join(f"{name} {count:,}" for name, count in self.reasons.items() if count)
        return (
            f"stages.{self.context.stage}: none of the {rows:,} rows of {stage} is left (so far "
            f"{reasons}). Leave {stage} out of stages.{self.context.stage}.data_from, or move "
            "pass_rate"
        )


def _limits(config: ProveConfig) -> dict[str, Any]:
    return {"seconds": config.verifiers.seconds}


def _by_source(rows: StageRows) -> dict[str, int]:
    """How many rows each source has."""
    counts: Counter[str] = Counter()
    for batch in rows.batches(("source",)):
        for one in pc.value_counts(batch.column("source")).to_pylist():
            counts[one["values"]] += one["counts"]
    return dict(counts)

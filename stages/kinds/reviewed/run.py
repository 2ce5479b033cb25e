"""Rows that people checked: the second human check of the cold start.

Paper (B.3.2): people verify what a model rewrote, for quality and consistency. Here `r1 review
STAGE --out SHEET.csv` writes the rows of a finished stage as a sheet (stages/rewriting/sheet.py);
people fill in `keep` or `drop`, or a better thought or summary; and this kind reads it back as rows
to learn:

    +stage@stages.checked=reviewed stages.checked.data_from=[cold_start_data]
    stages.checked.sheet=SHEET.csv stages.dev1.data_from=[checked]

The sheet's content is part of the identity, so a sheet that is filled in further makes a new
result, and the stage that it is of stays as it is. A corrected row is judged again by its verifier.
Writes rows.parquet, and left_out.parquet with every row that is not in it and why.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError, UsageError
from pipeline.kinds import Outputs
from stages.chat.template import compose
from stages.kinds.reviewed.kind import WITHOUT, ReviewedConfig
from stages.rewriting.sheet import DROP, KEEP, Review, Sheet, parts, read_sheet
from stages.rows.learnable import samples_of
from stages.rows.schemas import SAMPLE, Row, write_rows
from stages.settings.values import one_of, refuse
from stages.verifiers.answer import parse
from stages.verifiers.grade import counted
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of

DROPPED, NO_VERDICT, CORRECTED_WRONG = "dropped", "no_verdict", "corrected_wrong"
SHOWN = 10

LEFT_OUT = pa.schema(
    [
        ("id", pa.string()),
        ("row", pa.string()),  # its name on the sheet
        ("line", pa.int64()),  # of the sheet; null: it has none
        ("reason", pa.string()),
        ("detail", pa.string()),  # the verdict on a correction
    ]
)


@dataclass
class Checked:
    """What people let pass, and what not."""

    kept: list[Row] = field(default_factory=list)
    left_out: list[Row] = field(default_factory=list)
    corrected: int = 0

    def leave_out(self, row: Row, name: str, line: int | None, reason: str, detail: str) -> None:
        place = {"id": row["id"], "row": name, "line": line}
        self.left_out.append(place | {"reason": reason, "detail": detail})


def run(config: ReviewedConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish what people kept, in their wording where they gave one."""
    key = f"stages.{context.stage}"
    refuse(one_of("without_verdict", config.without_verdict, WITHOUT), key)
    path = Path(config.sheet).expanduser()
    if not path.is_file():
        raise UsageError(f"{key}.sheet={path}: there is no such file (looked from {Path.cwd()})")
    sources = inputs["data_from"]
    sheet = Sheet.of(row for artifact in sources for row in samples_of(artifact))
    reviews = read_sheet(path, sheet, ", ".join(artifact.stage for artifact in sources))
    said = {review.name: review for review in reviews}
    if config.without_verdict == "error":
        _require_verdicts(sheet, said, path, key)
    with VerifierPool.of(config.verifiers) as pool:
        checked = _checked(sheet, said, pool)
    if not checked.kept:
        raise RecipeError(f"{key}: no row of {path} is kept ({dict(_reasons(checked))})")
    write_rows(context.output / "rows.parquet", checked.kept, SAMPLE)
    write_rows(context.output / "left_out.parquet", checked.left_out, LEFT_OUT)
    facts = {
        "rows": len(checked.kept),
        "corrected": checked.corrected,
        "rows_by_language": dict(Counter(row["language"] for row in checked.kept)),
        "rows_by_domain": dict(Counter(row["domain"] for row in checked.kept)),
        "rows_by_source": dict(Counter(row["source"] for row in checked.kept)),
    }
    funnel = {"rows": len(sheet.rows), **_reasons(checked), "kept": len(checked.kept)}
    return Outputs(facts, funnel)


def _require_verdicts(sheet: Sheet, said: dict[str, Review], path: Path, key: str) -> None:
    """Raise for rows that nobody judged, and rows that are not on the sheet."""
    open_ = [str(review.line) for review in said.values() if not review.verdict]
    gone = [name for name in sheet.rows if name not in said]
    if not open_ and not gone:
        return
    lines = f"rows {', '.join(open_[:SHOWN])}{' …' if len(open_) > SHOWN else ''}" if open_ else ""
    told = [f"{len(open_)} rows have no verdict ({lines})"] if open_ else []
    told += [f"{len(gone)} rows of the stage are not in it ({', '.join(gone[:3])})"] if gone else []
    raise RecipeError(
        f"{path}: {'; '.join(told)}. Write {KEEP} or {DROP} there, or set "
        f"{key}.without_verdict=drop to leave them out"
    )


def _checked(sheet: Sheet, said: dict[str, Review], pool: VerifierPool) -> Checked:
    """Every row of the stage, in its order."""
    checked = Checked()
    nobody = Review("", 0, "", "", "")
    new = {
        name: _corrected(row, said[name], pool)
        for name, row in sheet.rows.items()
        if name in said
        and said[name].verdict == KEEP
        and (said[name].thought or said[name].summary)
    }
    judged = [name for name, row in new.items() if row["verifier"]]
    verdicts = dict(
        zip(judged, pool.verify([request_of(new[name]) for name in judged]), strict=True)
    )
    for name, row in sheet.rows.items():
        review = said.get(name, nobody)
        place = (row, name, review.line or None)
        verdict = verdicts.get(name)
        if review.verdict != KEEP:
            checked.leave_out(*place, DROPPED if review.verdict else NO_VERDICT, "")
        elif verdict is not None and verdict.score != 1.0:
            checked.leave_out(*place, CORRECTED_WRONG, verdict.reason)
        else:
            again = {"score": verdict.score, "reason": verdict.reason} if verdict else {}
            checked.corrected += name in new
            checked.kept.append({n: (new.get(name, row) | again)[n] for n in SAMPLE.names})
    return checked


def _corrected(row: Row, review: Review, pool: VerifierPool) -> Row:
    """The row in people's wording; its tokens are to be counted anew."""
    _, thought, summary = parts(row)
    completion = compose(review.thought or thought, review.summary or summary)
    parsed = parse(completion, pool.policy)
    answer = counted(row["verifier"], parsed, right=True) if row["verifier"] else row["answer"]
    new = {"completion": completion, "reasoning": parsed.reasoning, "answer": answer}
    return row | new | {"tokens": None}


def _reasons(checked: Checked) -> Counter[str]:
    counts = Counter({DROPPED: 0, NO_VERDICT: 0, CORRECTED_WRONG: 0})
    counts.update(row["reason"] for row in checked.left_out)
    return counts

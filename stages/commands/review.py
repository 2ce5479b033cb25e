"""`r1 review STAGE --out SHEET.csv`: a finished stage's rows as a sheet for people to check.

    r1 review cold_start_data --out check.csv          writes the sheet, once
    r1 review cold_start_data --sheet check.csv        how far it is, and what is wrong in it
    r1 review traces --sheet pairs.csv --examples pairs.jsonl     what people corrected, as pairs

STAGE makes samples or conversations. The sheet opens in any spreadsheet: write `keep` or `drop`
into `verdict`, and a better text into `corrected_thought` or `corrected_summary`; save it as CSV
UTF-8. The kind `reviewed` makes rows to learn of it. `--examples` writes the rows that were kept
and corrected as the pairs that a rewriting model is shown (`rewrite.examples`): the thought as it
was, and as people wrote it. Overrides are those of `r1 run`; docs/cold_start.md shows all of it.

Exit codes: 0, 2 the request or the sheet is wrong.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.overrides import parsed
from pipeline.situation import finished, survey
from stages.language.consistency import target_of
from stages.project import R1
from stages.rewriting.examples import Example, as_row
from stages.rewriting.sheet import KEEP, Review, Sheet, parts, read_sheet, write_sheet
from stages.rows.learnable import TRAINING_TYPES, samples_of


def main(argv: Sequence[str]) -> int:
    """Write or read a sheet; returns the exit code."""
    options = _parse(argv)
    situation = survey(R1, compose(R1, options.overrides))
    artifact = finished("review", options.stage, TRAINING_TYPES, situation)
    sheet = Sheet.of(samples_of(artifact))
    if options.out:
        write_sheet(sheet, options.out)
        print(f"{options.out}: {len(sheet.rows)} rows of {options.stage}")
        return 0
    reviews = read_sheet(options.sheet, sheet, options.stage)
    verdicts = Counter(review.verdict or "no verdict" for review in reviews)
    corrected = sum(bool(review.thought or review.summary) for review in reviews)
    counts = ", ".join(f"{name} {number}" for name, number in sorted(verdicts.items()))
    print(f"{options.sheet}: {len(reviews)} of {len(sheet.rows)} rows: {counts}")
    print(f"corrected: {corrected}")
    if options.examples:
        _write_examples(options.examples, sheet, reviews)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="r1 review",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", metavar="STAGE", help="whose rows are checked")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="SHEET.csv", help="write an empty sheet")
    what.add_argument("--sheet", type=Path, metavar="SHEET.csv", help="read a filled-in one")
    parser.add_argument("--examples", type=Path, metavar="PAIRS.jsonl", help="write its pairs")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    options = parsed(parser, argv)
    if options.examples and not options.sheet:
        parser.error("--examples takes what people wrote from --sheet")
    if options.sheet and not options.sheet.is_file():
        raise UsageError(f"--sheet {options.sheet}: there is no such file")
    return options


def _write_examples(path: Path, sheet: Sheet, reviews: Sequence[Review]) -> None:
    """The pairs: a thought before and after, and the summary, of what was kept and corrected."""
    lines = []
    for review in reviews:
        if review.verdict != KEEP or not review.thought:
            continue
        row = sheet.rows[review.name]
        question, thought, summary = parts(row)
        example = Example(
            target_of(row), question, row["answer"] or summary, thought, review.thought,
            review.summary or summary,
        )  # fmt: skip
        lines.append(json.dumps(as_row(example), ensure_ascii=False) + "\n")
    if not lines:
        raise UsageError("--examples: no row of the sheet is kept with a corrected thought")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(lines)
    except FileExistsError:
        raise UsageError(f"--examples {path}: it is there; give another name") from None
    print(f"{path}: {len(lines)} pairs")

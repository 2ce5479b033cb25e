"""Rows without repetitions, and without anything of a benchmark (docs/data_hygiene.md).

    defaults: [/stage/clean_problems]     also clean_ samples, conversations, preferences, labels
    data_from: [gsm8k_train, our_problems]
    apart_from: [gsm8k, math500, aime]    every benchmark that the recipe evaluates

Paper (D.1): no row shares a 10-gram with an evaluation question or reference solution.
Here also exact and near duplicates and, as an option, paraphrases. Three ways in which we differ:
n-grams that stand in several items of a benchmark identify none of them; short items are found as
whole texts; and every dropped row is listed with what it matched.

Of what is left, as much as is asked for is taken, so that a benchmark costs no part its rows:

    rows: 26000                           at most so many in all, divided by the shares
    parts:
      english: {sources: [acereason_math], share: 4}
      chinese: {languages: [zh], share: 1, rows: 3000}       and of it at most so many

Writes rows.parquet (the input's columns, what is kept), dropped.parquet, hygiene.json, hygiene.md.
A killed stage starts again: a million rows take a few minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.artifact import Artifact, Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.hygiene import report
from stages.hygiene.benchmarks import Item, Rules, index
from stages.hygiene.caps import Caps, capped
from stages.hygiene.paraphrases import Paraphrases
from stages.hygiene.row_files import StageRows, keep, prompts
from stages.hygiene.sweep import Checks, Drop, Near, sweep
from stages.kinds.clean.kind import CleanConfig
from stages.kinds.clean.kind import rules as of_cleaning
from stages.proving.proved import passed_on
from stages.rows.schemas import write_rows
from stages.settings.values import refuse

SETTINGS = (
    "ngram",
    "min_words",
    "boilerplate_items",
    "shingle",
    "near_duplicate",
    "paraphrase",
    "paraphrase_same_numbers",
)


def run(config: CleanConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish the rows that nothing drops, and a list of the others."""
    refuse(of_cleaning(config), f"stages.{context.stage}")
    rows, against = _rows_of(inputs["data_from"]), _rows_of(inputs["apart_from"])
    checks = _checks(config, against)
    drops = sweep(
        rows, checks, context.threads, lambda done, total: context.progress(done, total, "row")
    )
    caps = Caps(config.parts, config.rows, context.seed, f"stages.{context.stage}")
    some = caps and len(drops) < sum(map(len, rows))
    cut = capped(inputs["data_from"], rows, drops, caps) if some else None
    left_out = drops.keys() | (cut.over if cut else ())
    kept = keep(rows, left_out, _named(drops), context.output / "rows.parquet")
    dropped = report.listed(drops, kept.names)
    write_rows(context.output / "dropped.parquet", dropped, report.DROPPED)
    steps = report.funnel(kept.rows, dropped, checks.benchmarks, len(cut.over) if cut else None)
    texts = prompts([*rows, *against], report.names(report.examples(dropped)))
    settings = {name: getattr(config, name) for name in SETTINGS}
    report.write(context.output, steps, dropped, texts, checks.benchmarks, settings)
    if not kept.rows:
        raise RecipeError(_nothing_kept(context.stage, steps))
    facts: dict[str, object] = {"rows": kept.rows}
    facts |= {f"rows_by_{name}": dict(counts) for name, counts in kept.counts.items()}
    facts["apart_from"] = {name: one.items for name, one in checks.benchmarks.contents.items()}
    facts |= {"parts": cut.table} if cut else {}
    return Outputs(facts | passed_on(inputs["data_from"]), steps)


def _rows_of(artifacts: Sequence[Artifact]) -> list[StageRows]:
    return [StageRows(artifact.stage, artifact.rows_path) for artifact in artifacts]


def _checks(config: CleanConfig, against: Sequence[StageRows]) -> Checks:
    rules = Rules(config.ngram, config.min_words, config.boilerplate_items)
    benchmarks = index(((rows.stage, rows.batches()) for rows in against), rules)
    near, paraphrases = None, None
    if config.near_duplicate is not None:
        near = Near(config.shingle, config.near_duplicate)
    if config.paraphrase is not None and config.paraphrase_same_numbers is not None:
        asked = prompts(against)
        items = [Item(*name) for name in asked]
        texts = list(asked.values())
        paraphrases = Paraphrases(items, texts, config.paraphrase, config.paraphrase_same_numbers)
    return Checks(benchmarks, near, paraphrases)


def _named(drops: Mapping[int, Drop]) -> set[int]:
    """The rows that the list of dropped rows names."""
    return set(drops) | {drop.other for drop in drops.values() if drop.other is not None}


def _nothing_kept(stage: str, steps: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{name} {count}" for name, count in steps.items() if count)
    return (
        f"stages.{stage}: nothing is left ({reasons}).\n"
        f"Is a benchmark itself on stages.{stage}.data_from?"
    )

"""Problems of the tiny world, and the worked conversations that stand for human-made ones.

Splits never share a task: the task's meaning decides (stages/tiny/task.py), so a problem and its
translation are always on one side. Held-out problems ask another task in each language. Problems
`apart_from` others share no task with them either, in no language, and no n-gram; those of the
split `settling` share none with `claims`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, replace

import pyarrow as pa

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.kinds import Outputs
from stages.hygiene.benchmarks import Rules, index
from stages.hygiene.contamination import contaminated
from stages.kinds.problems.kind import ProblemsConfig
from stages.kinds.problems.kind import rules as of_tiny_world
from stages.rows.schemas import CONVERSATION, PROBLEM, Row, read_rows, write_rows
from stages.settings.values import refuse
from stages.tiny.problems import choose
from stages.tiny.splits import CLAIMS, SETTLING, TRAIN
from stages.tiny.worked import worked


def run(config: ProblemsConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish `per_domain` problems of each domain in each language."""
    refuse(of_tiny_world(config), f"stages.{context.stage}")
    others = [row for one in inputs.get("apart_from", ()) for row in read_rows(one.rows_path)]
    made = _problems(config, context.seed, _tasks(others))
    if config.split == SETTLING:
        others += _problems(replace(config, split=CLAIMS), context.seed)
    rows = _without_ngrams_of(others, made, config)
    write_rows(context.output / "rows.parquet", rows, PROBLEM)
    return _outputs(config, rows, {"shares_text": len(made) - len(rows)})


def _problems(config: ProblemsConfig, seed: int, but: Iterable[str] = ()) -> list[Row]:
    """The problems of a config, without these tasks."""
    rows: list[Row] = []
    taken = set(but)
    for domain, count in config.per_domain.items():
        for language in config.languages:
            tasks = choose(domain, language, count, seed, config.split, taken)
            rows += [task.row(number, language) for number, task in enumerate(tasks)]
            if config.split != TRAIN:
                taken |= {task.canonical for task in tasks}
    return rows


def _tasks(rows: Iterable[Row]) -> set[str]:
    """What the tasks of rows are called; those that are not of the tiny world have none."""
    found = (json.loads(row["metadata"] or "{}").get("task") for row in rows)
    return {task for task in found if task is not None}


def _without_ngrams_of(others: Sequence[Row], rows: list[Row], config: ProblemsConfig) -> list[Row]:
    """The rows that share no n-gram with the others."""
    if not others or config.shared is None:
        return rows
    known = index([("others", [_batch(others)])], Rules(*astuple(config.shared)))
    shared = {match.row for match in contaminated(_batch(rows), known)}
    return [row for number, row in enumerate(rows) if number not in shared]


def _batch(rows: Collection[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=PROBLEM)


def run_worked(config: ProblemsConfig, inputs: Inputs, context: Context) -> Outputs:
    """The same as conversations: every question with a long, right, readable answer."""
    refuse(of_tiny_world(config), f"stages.{context.stage}")
    rows = [
        row
        for domain, count in config.per_domain.items()
        for language in config.languages
        for row in worked(domain, language, count, context.seed, config.split)
    ]
    write_rows(context.output / "rows.parquet", rows, CONVERSATION)
    return _outputs(config, rows, {})


def _outputs(config: ProblemsConfig, rows: Sequence[Row], dropped: dict[str, int]) -> Outputs:
    """How many there are of each domain and language, and what became of those asked for."""
    cells = [(d, lang) for d in config.per_domain for lang in config.languages]
    counts = Counter((row["domain"], row["language"]) for row in rows)
    asked = sum(config.per_domain.values()) * len(config.languages)
    made = len(rows) + sum(dropped.values())
    funnel = {"asked": asked, "not_that_many": asked - made, **dropped, "kept": len(rows)}
    facts = {
        "rows": len(rows),
        "split": config.split,
        "by_domain_language": {f"{d}/{lang}": counts[d, lang] for d, lang in cells},
    }
    return Outputs(facts=facts, funnel=funnel)

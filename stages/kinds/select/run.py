"""A few rows that teach much: by quality, difficulty and diversity (s1: arXiv 2501.19393, 2.2).

s1 brought 59,029 questions with thoughts down to 1,000: it dropped bad formatting, then questions
that Qwen2.5-7B or 32B-Instruct solves, then took domains in turn at random and in them long
thoughts rather than short ones. Here:

1. quality: the filters of stages/sampling/filters.py, and questions about a picture that is not
there;
2. one completion of each question, the longest;
3. difficulty: pass rates of the models on `score_with` (their `samples` or `evaluation` of the same
   problems, matched by id), or else of the model that made the samples; and the least length;
4. diversity: a domain at random, then a rank by length (stages/rows/selection.py).

s1 had Claude name each question's domain (Mathematics Subject Classification); here a domain is
what the rows say of themselves: domain, source, or a field of metadata such as MATH's subject. s1
also took all questions of some benchmarks outright; a mixture can do that.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.artifact import Artifact, Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError, UsageError
from pipeline.kinds import Outputs
from stages.kinds.select.kind import SelectConfig
from stages.kinds.select.kind import rules as of_selection
from stages.language.consistency import asked
from stages.rows.learnable import TRAINING_TYPES, samples_of, tokenizer_of
from stages.rows.rates import solved
from stages.rows.schemas import SAMPLE, Row, write_rows
from stages.rows.selection import (
    MISSING_IMAGE,
    NOT_CHOSEN,
    SAME_PROBLEM,
    Choice,
    cell_of,
    diverse,
    lacks_image,
    one_per_problem,
    unfit,
)
from stages.sampling.filters import apply_rules
from stages.settings.values import refuse

Rates = Mapping[str, Sequence[float]]  # problem → how often each model solved it


def run(config: SelectConfig, inputs: Inputs, context: Context) -> Outputs:
    """Choose `rows` of the rows of `data_from`; read twice, so that few are held in memory."""
    key = f"stages.{context.stage}"
    refuse(of_selection(config), key)
    stages = [a for a in inputs["data_from"] if a.type in TRAINING_TYPES]
    models = [a for a in inputs["data_from"] if a.type == "model"]
    dropped: Counter[str] = Counter()
    read, good = _good(config, stages, models, _rates(inputs), dropped, key)
    alone = one_per_problem(good)
    dropped[SAME_PROBLEM] += len(good) - len(alone)
    fit = []
    for choice in alone:
        reason = unfit(choice, config.difficulty)
        dropped.update([reason] if reason else [])
        fit += [] if reason else [choice]
    chosen = diverse(fit, config.rows, config.diversity, context.seed)
    dropped[NOT_CHOSEN] += len(fit) - len(chosen)
    if not chosen:
        raise RecipeError(f"{key}: none of {read} rows is chosen ({dict(dropped)})")
    write_rows(context.output / "rows.parquet", _taken(stages, chosen), SAMPLE)
    if len(chosen) < config.rows:
        print(f"{context.stage}: asked for {config.rows:,} rows, found {len(chosen):,}")
    return Outputs(_facts(chosen, config), {"read": read, **dropped, "kept": len(chosen)})


def _rates(inputs: Inputs) -> Rates:
    """Pass rates by problem: of the judges on `score_with`, or else of those who made the rows.

    A problem that was never solved has rate 0, though the estimate of samples, the mean of a
    posterior, is above it.
    """
    judges = inputs.get("score_with", ()) or inputs["data_from"]
    rates: dict[str, list[float]] = defaultdict(list)
    for judge in judges:
        for one in solved(judge):
            rates[one.id].append(one.estimate if one.correct else 0.0)
    return rates


def _good(
    config: SelectConfig,
    stages: Sequence[Artifact],
    models: Sequence[Artifact],
    rates: Rates,
    dropped: Counter[str],
    key: str,
) -> tuple[int, list[Choice]]:
    """How many rows were read, and those of good quality."""
    tokenizer = tokenizer_of(models)
    place, good = -1, []
    for stage in stages:
        for row in samples_of(stage, tokenizer):
            place += 1
            question = asked(row)
            if not apply_rules([row], config, dropped):
                continue
            if lacks_image(question):
                dropped[MISSING_IMAGE] += 1
                continue
            if row["tokens"] is None:
                raise UsageError(
                    f"{key}: rows of `{stage.stage}` do not say how many tokens they have; put a "
                    "model on data_from, whose tokenizer counts them"
                )
            cell = cell_of(row, json.loads(row["metadata"] or "{}"), config.diversity.by)
            good.append(
                Choice(place, cell, question, row["tokens"], tuple(rates.get(row["id"], ())))
            )
    return place + 1, good


def _taken(stages: Sequence[Artifact], chosen: Sequence[Choice]) -> Iterator[Row]:
    """The chosen rows in the order of their stages, with the tokens they were chosen by."""
    tokens = {choice.place: choice.tokens for choice in chosen}
    rows = (row for stage in stages for row in samples_of(stage))
    for place, row in enumerate(rows):
        if place in tokens:
            yield row | {"tokens": tokens[place]}


def _facts(chosen: Sequence[Choice], config: SelectConfig) -> dict[str, Any]:
    rates = [rate for choice in chosen for rate in choice.rates]
    cells = Counter(" / ".join(choice.cell) for choice in chosen)
    return {
        "asked": config.rows,
        "rows": len(chosen),
        "rows_by_cell": dict(sorted(cells.items())),
        "mean_tokens": sum(choice.tokens for choice in chosen) / len(chosen),
        "with_pass_rate": sum(bool(choice.rates) for choice in chosen),
        "mean_pass_rate": sum(rates) / len(rates) if rates else None,
    }

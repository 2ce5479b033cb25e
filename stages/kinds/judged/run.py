"""Rows for the reward models: pairs for helpfulness, labels for safety.

Paper (3.1): 66,000 pairs, each judged four times by DeepSeek-V3 with the two
responses in random positions, kept when the mean difference exceeds 1, with lengths balanced so
that the reward model does not learn to like long answers; 106,000 prompts with responses labelled
safe or unsafe. Who judges, and what:

    path                    judgements from a file of yours (stages/judging/pair_rows.py)
    path, judge_with        responses from a file, judged by a model through the engine
    data_from, judge_with   prompts, answered by the model on data_from, then judged
    none of them            the tiny world's judge, as flawed as judges are (stages/tiny/judge.py)

Writes rows.parquet, and judged.parquet with every judgement and what dropped it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.judging import pair_rows as files
from stages.judging.candidates import draw
from stages.judging.model_judge import ModelJudge
from stages.judging.pairs import (
    JUDGED,
    UNBALANCED,
    Judged,
    balanced,
    labelled,
    preferred,
    sift,
)
from stages.judging.why_dropped import nothing_left, why
from stages.judging.why_dropped import reasons as _reasons
from stages.kinds.judged.kind import PreferencesConfig
from stages.rollout.fleet import Fleet
from stages.rows.left_out import UNREADABLE, LeftOut
from stages.rows.schemas import LABEL, PREFERENCE, Row, RowWriter, write_rows
from stages.rows.sources import Parsed, Raw, read_own_rows
from stages.sampling import side_model
from stages.tiny import judged as tiny

JUDGEMENTS = "judged.parquet"
TRIES = 20  # pairs of the tiny world that are judged for each one kept, at most


def run(config: PreferencesConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish pairs with a clear preference, as many with the longer as with the shorter chosen."""
    dropped, left_out = Counter[str](), LeftOut()
    rule = partial(preferred, margin=config.margin, min_votes=config.judging.min_votes)
    with (
        _judged(config, inputs, context, 2, dropped, left_out) as (judgements, judge),
        RowWriter(context.output / JUDGEMENTS, JUDGED) as file,
    ):
        dropped.update(judged=0, unreadable_votes=0, too_few_votes=0)
        dropped.update(within_margin=0, unbalanced_length=0, surplus=0)
        pairs = sift(judgements, rule, dropped, file)
        if config.balance_lengths:
            rows = balanced(pairs, config.rows, dropped)
        else:
            rows = list(islice(pairs, config.rows))
    _say(left_out, dropped, context)
    if not rows:
        raise RecipeError(f"stages.{context.stage}: {nothing_left(dropped, left_out, config)}")
    if dropped[UNBALANCED] > len(rows):
        context.warn(why(UNBALANCED, dropped[UNBALANCED], config))
    write_rows(context.output / "rows.parquet", _numbered(rows, "pair"), PREFERENCE)
    longer = sum(len(row["chosen"]) > len(row["rejected"]) for row in rows)
    shorter = sum(len(row["chosen"]) < len(row["rejected"]) for row in rows)
    known = [row["margin"] for row in rows if row["margin"] is not None]
    facts = {
        "rows": len(rows),
        "mean_margin": fmean(known) if known else None,
        "chosen_longer": longer,
        "chosen_shorter": shorter,
        **_facts(judge),
    }
    return Outputs(facts, {**dropped, "kept": len(rows)})


def run_labels(config: PreferencesConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish responses, thoughts included, with 1 for safe and 0 for unsafe."""
    dropped, left_out = Counter[str](), LeftOut()
    rule = partial(labelled, min_votes=config.judging.min_votes)
    with (
        _judged(config, inputs, context, 1, dropped, left_out) as (judgements, judge),
        RowWriter(context.output / JUDGEMENTS, JUDGED) as file,
    ):
        dropped.update(judged=0, unreadable_votes=0, too_few_votes=0, undecided=0)
        rows = list(islice(sift(judgements, rule, dropped, file), config.rows))
    _say(left_out, dropped, context)
    labels = Counter(row["label"] for row in rows)
    if len(labels) < 2:
        raise RecipeError(
            f"stages.{context.stage}: {len(rows)} rows with labels {dict(labels)}; a safety reward "
            f"model needs safe (1) and unsafe (0) ones{_reasons(dropped, left_out, config)}"
        )
    write_rows(context.output / "rows.parquet", _numbered(rows, "label"), LABEL)
    distinct = len({(row["prompt"][-1]["content"], row["completion"]) for row in rows})
    facts = {"rows": len(rows), "distinct": distinct, "safe": labels[1], "unsafe": labels[0]}
    return Outputs(facts | _facts(judge), {**dropped, "kept": len(rows)})


Judgements = tuple[Iterable[Judged], ModelJudge | None]


@contextmanager
def _judged(
    config: PreferencesConfig,
    inputs: Inputs,
    context: Context,
    n: int,
    dropped: Counter[str],
    left_out: LeftOut,
) -> Iterator[Judgements]:
    """What is judged, n responses at a time, and the judge where it is a model."""
    if not config.judge_with:
        yield _without_model(config, context, n, left_out), None
        return
    if config.path:
        parse = files.pair_candidate if n == 2 else files.response_candidate
        candidates = _of_file(config, context, parse, left_out)
    else:
        candidates = draw(config, inputs, context, n, dropped)
    (model,) = inputs["judge_with"]
    asking = side_model.asking(config, model, config.judging.sampling)
    with Fleet.open(
        model.model_path, asking.rollout, context.threads, engines=context.engines
    ) as fleet:
        judge = ModelJudge(fleet, model, asking, context, dropped)
        yield judge.judged(candidates), judge


def _without_model(
    config: PreferencesConfig, context: Context, n: int, left_out: LeftOut
) -> Iterator[Judged]:
    """Judgements of a file, or of the tiny world."""
    if config.path:
        return _of_file(
            config, context, files.pair_judged if n == 2 else files.response_judged, left_out
        )
    if n == 2:
        return islice(tiny.pairs(config, context.seed), TRIES * config.rows)
    return tiny.labels(context.seed)


def _of_file(
    config: PreferencesConfig,
    context: Context,
    parse: Callable[[int, Raw], Parsed],
    left_out: LeftOut,
) -> Iterator[Parsed]:
    """The rows of `path`; those that cannot be read are left out."""
    assert config.path is not None
    return read_own_rows(Path(config.path), f"stages.{context.stage}.path", parse, left_out)


def _say(left_out: LeftOut, dropped: Counter[str], context: Context) -> None:
    """List the rows of a file that could not be read, and tell the user."""
    if left_out.rows:
        dropped[UNREADABLE] = len(left_out.rows)
        left_out.write(context.output)
        context.warn(left_out.told())


def _numbered(rows: Iterable[Row], name: str) -> Iterator[Row]:
    return (row | {"id": f"{name}-{number:06d}"} for number, row in enumerate(rows))


def _facts(judge: ModelJudge | None) -> dict[str, object]:
    """Who judged, and how much it leans towards what it reads first (0.5: not at all)."""
    if judge is None:
        return {}
    liked = judge.first_liked / judge.decided if judge.decided else None
    return {"judge": judge.judge.stage, "first_liked": liked, "engine_deaths": judge.fleet.deaths}

"""Claims of the tiny recipe are judged on problems that no training and no preset has seen."""

from __future__ import annotations

import json
from functools import cache
from itertools import islice
from typing import Any

import pyarrow as pa
import pytest

from pipeline.artifact import Artifact
from pipeline.compose import compose
from pipeline.context import Context
from stages.hygiene.benchmarks import Rules, index
from stages.hygiene.contamination import contaminated
from stages.kinds.clean.run import run as clean
from stages.kinds.general.run import run as general
from stages.kinds.problems.run import run, run_worked
from stages.project import R1
from stages.rows.schemas import CONVERSATION, PROBLEM, Row, read_rows
from stages.scoring.measures import group_of
from stages.tiny.corpus import documents

HELD_OUT = ("heldout", "settling", "validation")


@cache
def recipe(*words: str) -> dict[str, Any]:
    return dict(compose(R1, list(words)).stages)


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> dict[str, list[Row]]:
    """The rows of the held-out stages, as the recipe makes them."""
    folder = tmp_path_factory.mktemp("held")
    rows: dict[str, list[Row]] = {}
    artifacts: dict[str, Artifact] = {}
    for name in HELD_OUT:
        output = folder / name
        (output / "work").mkdir(parents=True)
        context = Context(name, name, output / "work", output, 0, threads=1, shared=folder)
        known = tuple(artifacts[one] for one in recipe()[name].apart_from)
        run(recipe()[name], {"apart_from": known}, context)
        artifacts[name] = Artifact(output, {"stage": name, "type": "problems"})
        rows[name] = read_rows(output / "rows.parquet")
    return rows


def named(rows: list[Row]) -> set[str]:
    return {f"{row['domain']}:{json.loads(row['metadata'])['task']}" for row in rows}


def sharing(rows: list[Row], others: list[Row], schema: pa.Schema = PROBLEM) -> list[str]:
    """The rows that share a text or a 10-gram with the others, as clean stages see it."""
    clean = recipe()["reasoning_clean"]
    rules = Rules(clean.ngram, clean.min_words, clean.boilerplate_items)
    known = index([("others", [pa.RecordBatch.from_pylist(others, schema=PROBLEM)])], rules)
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    return [match.words for match in contaminated(batch, known)]


def test_claims_are_judged_on_600_problems_of_reasoning_and_300_general_ones(held) -> None:
    rows = held["heldout"]
    groups = [group_of(row["domain"]) for row in rows]
    assert (groups.count("reasoning"), groups.count("general")) == (600, 300)
    assert len(named(rows)) == len(rows)  # English and Chinese ask other tasks


def test_the_splits_share_no_task_and_no_text(held) -> None:
    assert len(held["settling"]) > 850
    assert len(held["validation"]) > 45
    for name in ("settling", "validation"):
        assert not named(held[name]) & named(held["heldout"])
        assert sharing(held[name], held["heldout"]) == []


def test_presets_are_settled_on_the_other_split_by_one_word() -> None:
    settled = recipe("stages.heldout.split=settling")["heldout"]
    assert settled == recipe()["settling"]


def test_nothing_that_is_trained_on_is_a_held_out_task_or_shares_its_text(
    held, make_artifact, make_context, tmp_path
) -> None:
    apart = tuple(make_artifact("problems", f"known_{name}", rows) for name, rows in held.items())
    others = [row for rows in held.values() for row in rows]
    for name, make, type_ in (
        ("reasoning_prompts", run, "problems"),
        ("general_prompts", run, "problems"),
        ("human_cot", run_worked, "conversations"),
        ("general_data", general, "conversations"),
    ):
        raw, cleaned = make_context(tmp_path / name), make_context(tmp_path / f"{name}_clean")
        make(recipe()[name], {}, raw)
        rows = read_rows(raw.output / "rows.parquet")
        given = make_artifact(type_, f"raw_{name}", rows)
        config = recipe()["reasoning_clean" if type_ == "problems" else "human_cot_clean"]
        clean(config, {"data_from": (given,), "apart_from": apart}, cleaned)
        kept = read_rows(cleaned.output / "rows.parquet")
        assert len(kept) > 0.8 * len(rows), name  # the world is wide enough to be cleaned
        schema = PROBLEM if type_ == "problems" else CONVERSATION
        assert sharing(kept, others, schema) == [], name
        if type_ == "problems":
            assert not named(kept) & named(others)


def test_the_corpus_of_the_bases_has_no_held_out_question(held) -> None:
    asked = {r["prompt"][0]["content"] for rows in held.values() for r in rows}
    names = ("base", "base_weak", "student_qwen_base", "student_llama_base")
    (corpus,) = {str((recipe()[n].corpus, recipe()[n].seed)): recipe()[n] for n in names}.values()
    texts = islice(documents(corpus.corpus, corpus.seed), 10000)
    assert not asked & {t.split("<|assistant|>")[0].removeprefix("<|user|>") for t in texts}

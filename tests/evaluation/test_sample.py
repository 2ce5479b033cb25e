"""The sample stage: what is kept of a model's answers, and why the rest was dropped."""

from __future__ import annotations

import random
import time
from collections import Counter
from multiprocessing import get_context

import pyarrow.parquet as pq
import pytest

from pipeline.errors import RecipeError, UsageError
from stages.kinds.sample.config import Adaptive, Majority, SampleConfig
from stages.kinds.sample.run import run
from stages.rows.schemas import SAMPLE, read_rows
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped


def config(**changes) -> SampleConfig:
    settings = {
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "strategy": "fixed",
        "samples_per_problem": 8,
        "max_kept_per_problem": 2,
        "filters": ["wrong", "cannot_judge", "truncated", "malformed"],
        "seed": 3,
    }
    return shipped(SampleConfig, "sample", **settings | changes)


@pytest.fixture
def inputs(able_model_dir, problems, make_artifact):
    model = make_artifact("model", "zero", model_dir=able_model_dir)
    return {"data_from": (model, make_artifact("problems", "prompts", rows=problems))}


def test_only_right_samples_are_kept_up_to_the_quota_and_every_drop_is_counted(
    inputs, make_context
):
    context = make_context()
    outputs = run(config(), inputs, context)
    rows = read_rows(context.output / "rows.parquet")
    assert list(rows[0]) == SAMPLE.names
    assert {row["score"] for row in rows} == {1.0}
    kept_of = [sum(row["id"] == id_ for row in rows) for id_ in {row["id"] for row in rows}]
    assert max(kept_of) == 2
    funnel = dict(outputs.funnel)
    assert list(funnel)[:4] == ["problems", "prompt_too_long", "no_reference", "asked"]
    reasons = ["wrong", "cannot_judge", "truncated", "malformed", "over_quota"]
    assert list(funnel)[4:] == ["sampled", *reasons, "kept", "given"]
    assert funnel["sampled"] == 48
    assert funnel["wrong"] >= 8  # the problem whose reference is wrong
    assert funnel["cannot_judge"] == 8
    assert funnel["kept"] == len(rows)
    assert funnel["sampled"] == sum(funnel[name] for name in [*reasons, "kept"])


def test_every_sample_has_a_line_that_says_what_dropped_it(inputs, make_context):
    context = make_context()
    outputs = run(config(), inputs, context)
    lines = read_rows(context.output / "drawn.parquet")
    assert len({(line["id"], line["number"]) for line in lines}) == len(lines) == 48
    reasons = Counter(line["dropped_by"] or "kept" for line in lines)
    assert reasons == {k: n for k, n in outputs.funnel.items() if k in reasons}
    kept = {(row["id"], row["seed"]) for row in read_rows(context.output / "rows.parquet")}
    assert kept == {(line["id"], line["seed"]) for line in lines if line["dropped_by"] is None}
    by_domain = outputs.facts["funnel_by_domain"]
    assert by_domain["general"] == {"sampled": 8, "cannot_judge": 8}
    assert sum(part["sampled"] for part in by_domain.values()) == 48


def test_the_difficulty_of_every_problem_is_published(inputs, problems, make_context):
    context = make_context()
    run(config(), inputs, context)
    rates = {row["id"]: row for row in read_rows(context.output / "pass_rates.parquet")}
    assert len(rates) == len(problems)
    assert rates["math-en-0"]["pass_rate"] > 0.5
    assert rates["math-en-4"]["correct"] == 0
    assert rates["math-en-4"]["pass_rate"] < 0.15
    for rate in rates.values():
        assert rate["n"] == 0 or rate["low"] < rate["pass_rate"] < rate["high"]
    assert rates["math-en-5"]["pass_rate"] is None
    assert rates["math-en-5"]["n"] == 0


def test_conversations_and_earlier_samples_are_added_as_they_are(
    inputs, problems, make_artifact, make_context
):
    human = {
        "id": "human-1",
        "domain": "math",
        "language": "zh",
        "prompt": problems[0]["prompt"],
        "completion": "<think>先算3+4=7</think><answer>7</answer>",
        "source": "human",
    }
    conversations = make_artifact("conversations", "human_cot", rows=[human])
    first = make_context(stage="first")
    run(config(), inputs, first)
    earlier = make_artifact("samples", "earlier", rows=read_rows(first.output / "rows.parquet")[:1])
    more = {"data_from": (*inputs["data_from"], conversations, earlier)}
    second = make_context()
    outputs = run(config(), more, second)
    rows = read_rows(second.output / "rows.parquet")
    assert outputs.funnel["given"] == 2
    (written,) = [row for row in rows if row["source"] == "human"]
    assert written["completion"] == human["completion"]
    assert (written["reasoning"], written["answer"]) == ("先算3+4=7", "7")
    assert outputs.facts["rows_by_source"] == {"tiny": len(rows) - 1, "human": 1}


def test_a_stage_that_keeps_nothing_says_what_dropped_the_samples(inputs, make_context):
    strict = config(limit_problems=1, filters=["long_paragraph"], max_paragraph_characters=0)
    with pytest.raises(RecipeError, match=r"none of 8 samples was kept \(long_paragraph \d+"):
        run(strict, inputs, make_context())


def test_an_unknown_filter_or_rewriter_is_refused_before_anything_is_sampled(inputs, make_context):
    with pytest.raises(UsageError, match=r"stages.stage.filters: has ugly: expected any of"):
        run(config(filters=["ugly"]), inputs, make_context())
    with pytest.raises(UsageError, match=r"stage\.rewriter: is poet: unknown; expected model"):
        run(config(rewriter="poet"), inputs, make_context())


def test_a_strategy_or_a_budget_that_cannot_be_is_refused(inputs, make_context):
    with pytest.raises(UsageError, match=r"stage\.strategy: is 'clever': expected one of fixed"):
        run(config(strategy="clever"), inputs, make_context())
    small = config(strategy="adaptive", adaptive=shipped(Adaptive, most_samples=4))
    with pytest.raises(UsageError, match=r"stage\.adaptive\.most_samples: is 4: one problem may"):
        run(small, inputs, make_context())


def test_adaptive_sampling_takes_from_problems_that_are_full_for_those_that_lack(
    inputs, make_context
):
    filters = ["wrong", "cannot_judge", "truncated"]
    context = make_context()
    settings = shipped(Adaptive, most_samples=24, rounds=8)
    outputs = run(config(filters=filters, strategy="adaptive", adaptive=settings), inputs, context)
    rates = {row["id"]: row for row in read_rows(context.output / "pass_rates.parquet")}
    assert outputs.funnel["sampled"] <= 48
    for id_ in ("math-en-0", "math-zh-2"):
        assert rates[id_]["distinct"] >= 2
        assert rates[id_]["drawn"] < 8
    assert max(rates["math-en-4"]["drawn"], rates["math-en-5"]["drawn"]) > 8
    assert rates["math-en-0"]["pass_rate"] < 1.0  # every draw right, and yet not certain
    kept = Counter(row["id"] for row in read_rows(context.output / "rows.parquet"))
    assert max(kept.values()) <= 2


def test_problems_without_reference_and_prompts_too_long_are_counted_and_not_asked(
    inputs, problems, make_artifact, make_context
):
    bare = problems[0] | {"id": "bare", "reference": None}
    long = problems[1] | {"id": "long", "prompt": [{"role": "user", "content": "3+4 " * 300}]}
    more = make_artifact("problems", "more", rows=[bare, long])
    context = make_context()
    outputs = run(config(), {"data_from": (*inputs["data_from"], more)}, context)
    funnel = dict(outputs.funnel)
    before = [funnel[name] for name in ("problems", "prompt_too_long", "no_reference", "asked")]
    assert before == [8, 1, 1, 6]
    assert funnel["sampled"] == 48


def test_a_model_that_never_ends_its_thinking_is_counted(inputs, make_context):
    short = Sampling(temperature=1.0, max_tokens=4)
    endless = config(sampling=short, filters=["never_ends_thinking", "wrong"])
    with pytest.raises(RecipeError, match=r"none of 48 samples was kept \(never_ends_thinking 48"):
        run(endless, inputs, make_context())


def test_a_majority_labels_problems_without_reference_and_says_so(
    able_model_dir, problems, make_artifact, make_context
):
    bare = [row | {"reference": None} for row in problems[:4]]
    unsure = problems[4] | {"reference": None, "prompt": [{"role": "user", "content": "?"}]}
    inputs = {
        "data_from": (
            make_artifact("model", "zero", model_dir=able_model_dir),
            make_artifact("problems", "prompts", rows=[*bare, unsure]),
        )
    }
    context = make_context()
    votes = Majority(samples=8, min_votes=4, min_share=0.5)
    outputs = run(config(majority=votes, filters=["wrong", "truncated"]), inputs, context)
    rows = read_rows(context.output / "rows.parquet")
    by_id = {row["id"]: row["reference"] for row in problems}
    assert {row["id"] for row in rows} == {row["id"] for row in bare}
    assert all(row["reference"] == row["answer"] == by_id[row["id"]] for row in rows)
    assert all(row["reason"].startswith("equals the majority (") for row in rows)
    assert outputs.facts["labelled_by_majority"] == 4
    assert outputs.funnel["no_majority"] == 8
    assert outputs.funnel["sampled"] == 40
    drawn = sum(pq.read_metadata(f).num_rows for f in context.shared.glob("*/samples/*/*.parquet"))
    assert drawn == 40, "samples that voted were drawn again"


FILES = ("rows.parquet", "drawn.parquet", "pass_rates.parquet")


def test_a_stage_killed_again_and_again_loses_and_repeats_nothing(inputs, make_context, tmp_path):
    settings = config(
        strategy="adaptive",
        adaptive=shipped(Adaptive, most_samples=24, rounds=8),
        filters=["wrong", "cannot_judge", "truncated", "duplicate"],
        rollout=shipped(Rollout, shard_samples=4),
    )

    def start(root):
        process = get_context("fork").Process(
            target=run, args=(settings, inputs, make_context(root))
        )
        process.start()
        return process

    def shards(root):
        return set(root.glob("shared/*/samples/*/*.parquet"))

    run(settings, inputs, make_context(tmp_path / "whole"))
    killed, moments = tmp_path / "killed", random.Random(0)
    for wanted in (1, 3, 6):
        process = start(killed)
        while process.is_alive() and len(shards(killed)) < wanted:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.join()
    before = shards(killed)
    assert before
    run(settings, inputs, make_context(killed))
    after = shards(killed)
    assert before < after
    names = [(row["prompt"], row["seed"]) for path in after for row in read_rows(path)]
    assert len(names) == len(set(names)), "a sample was drawn twice"
    for name in FILES:
        parts = (read_rows(tmp_path / root / "output" / name) for root in ("whole", "killed"))
        assert next(parts) == next(parts)

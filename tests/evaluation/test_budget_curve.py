"""Thoughts that are cut or made to go on, through the whole evaluate stage."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from pipeline.errors import UsageError
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.run import run
from stages.rows.schemas import read_rows
from stages.sampling.collect import Job
from stages.scoring.forcing import Tags, forced_job, wait_ids, waited_job
from stages.settings.generation import Sampling
from tests.shipped import shipped

WORDS = {"en": "Wait", "zh": "等等"}
WINDOW = 512  # of the tiny models


def config(**changes) -> EvaluateConfig:
    settings = {
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "samples_per_problem": 8,
        "wait_words": WORDS,
        "answer_tokens": 8,
        "seed": 1,
    }
    return shipped(EvaluateConfig, "evaluate", **settings | changes)


@pytest.fixture
def inputs_of(problems, make_artifact):
    def inputs(model_dir):
        return {
            "evaluates": (make_artifact("model", "zero", model_dir=model_dir),),
            "data_from": (make_artifact("problems", "heldout", rows=problems),),
        }

    return inputs


def sample(tokenizer, text: str, finish: str = "stop") -> dict:
    ids = tokenizer.encode(text, add_special_tokens=False)
    return {"completion": text, "token_ids": ids, "finish_reason": finish, "seed": 7}


def test_a_thought_goes_on_after_the_word_of_its_language(tokenizer):
    row = sample(tokenizer, "<think>3+4=7,</think><answer>7</answer>")
    tags = Tags.of(tokenizer)
    words = {language: wait_ids(WORDS, language, tokenizer) for language in ("en", "zh", "sw")}
    jobs = {
        language: waited_job(Job({}, [1], 8), 5, row, word, tags)
        for language, word in words.items()
    }
    assert tokenizer.decode(jobs["en"].prefix_ids) == "<think>3+4=7,Wait"
    assert tokenizer.decode(jobs["zh"].prefix_ids) == "<think>3+4=7,等等"
    assert jobs["sw"] == jobs["en"]  # no word of its own: English, as s1 does
    assert (jobs["en"].n, jobs["en"].first) == (1, 5)


def test_a_thought_that_the_prompt_opened_is_cut_and_continued_too(tokenizer):
    row = sample(tokenizer, "3+4=7,</think>7")
    tags = Tags.of(tokenizer)
    assert tokenizer.decode(forced_job(Job({}, [1], 1), 0, row, 3, tags).prefix_ids) == (
        "3+4</think>"
    )
    waited = waited_job(Job({}, [1], 1), 0, row, wait_ids(WORDS, "en", tokenizer), tags)
    assert tokenizer.decode(waited.prefix_ids) == "3+4=7,Wait"


def test_waits_lengthen_every_thought_and_each_problem_has_a_row(
    able_model_dir, inputs_of, problems, make_context
):
    context = make_context()
    facts = run(config(budgets=[40], waits=[0, 1, 3]), inputs_of(able_model_dir), context).facts
    none, one, three = facts["waits"]
    assert [point["waits"] for point in (none, one, three)] == [0, 1, 3]
    assert none["value"] == facts["budgets"][0]["value"]
    assert none["mean_thinking_tokens"] < one["mean_thinking_tokens"]
    assert one["mean_thinking_tokens"] < three["mean_thinking_tokens"]
    assert one["forced"] > none["forced"]

    rows = read_rows(context.output / "budgets.parquet")
    assert len(rows) == 4 * sum(row["domain"] != "general" for row in problems)
    asked = [row for row in rows if (row["setting"], row["amount"]) == ("waits", 3)]
    assert sum(row["accuracy"] for row in asked) / len(asked) == pytest.approx(three["value"])
    assert sum(row["forced"] for row in asked) == three["forced"]


def test_nothing_of_a_curve_is_drawn_twice(able_model_dir, inputs_of, make_context):
    context, inputs = make_context(), inputs_of(able_model_dir)

    def drawn():
        shards = context.shared.glob("*/samples/*/*.parquet")
        return sum(pq.read_metadata(shard).num_rows for shard in shards)

    first = run(config(budgets=[2], waits=[1]), inputs, context).facts
    once = drawn()
    again = run(config(budgets=[2], waits=[1]), inputs, context).facts
    assert drawn() == once
    assert again == first
    more = run(config(budgets=[2], waits=[1, 2]), inputs, context).facts
    assert more["waits"][0] == first["waits"][0]
    assert drawn() > once


def test_thoughts_that_never_end_are_forced_to_answer_and_counted(
    tiny_model_dir, inputs_of, make_context
):
    """The untrained model writes noise: hardly a thought of it ends within 40 tokens."""
    context = make_context()
    outputs = run(config(budgets=[4], waits=[1]), inputs_of(tiny_model_dir), context)
    unended = outputs.funnel["never_ended"]
    assert outputs.facts["never_ended"] == unended
    assert unended > 30
    (cut,), (waited,) = outputs.facts["budgets"], outputs.facts["waits"]
    assert 0 < cut["never_ended"] <= unended  # of the reasoning problems
    assert waited["forced"] >= waited["never_ended"] >= cut["never_ended"]
    lengths = [
        pq.read_table(shard).column("text").to_pylist()
        for shard in context.shared.glob("*/samples/*/*.parquet")
    ]
    forced = [text for texts in lengths for text in texts if "</think>" in text]
    assert len(forced) >= cut["never_ended"]


def test_what_the_window_has_no_room_for_stays_as_it_is_and_is_counted(
    able_model_dir, inputs_of, problems, tokenizer, make_context
):
    from stages.chat.template import render_prompt

    prompts = [render_prompt(tokenizer, row["prompt"]) for row in problems]
    longest = max(len(ids) for ids in tokenizer(prompts, add_special_tokens=False).input_ids)
    room = WINDOW - longest - len(Tags.of(tokenizer).end_think) - 8 - 1
    tight = config(waits=[0, 1], sampling=Sampling(1.0, max_tokens=room), samples_per_problem=2)
    outputs = run(tight, inputs_of(able_model_dir), make_context())
    none, one = outputs.facts["waits"]
    assert outputs.funnel["prompt_too_long"] == 0
    assert one["no_room"] > 0
    assert one["value"] == none["value"]
    assert one["mean_thinking_tokens"] == none["mean_thinking_tokens"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budgets": [-1]}, r"stages\.stage\.budgets: has \[-1\]: set each to 0 or"),
        ({"waits": [1], "wait_words": {}}, r"stages\.stage\.wait_words: has no word for `en`"),
    ],
)
def test_what_makes_no_curve_is_refused(able_model_dir, inputs_of, make_context, changes, message):
    with pytest.raises(UsageError, match=message):
        run(config(**changes), inputs_of(able_model_dir), make_context())

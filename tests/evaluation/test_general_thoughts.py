"""Thoughts for general rows: who gets none, what a model adds, what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from stages.chat.template import compose
from stages.kinds.general import run as general
from stages.kinds.general.kind import GeneralConfig, Thinking, Trivial
from stages.rewriting.thinking import is_trivial, sort_out
from stages.rows.schemas import read_rows
from stages.settings.generation import Sampling
from stages.verifiers.answer import parse
from tests.shipped import shipped

RULE = Trivial(["hello", "good morning", "你好"], 5, question_words=6, answer_words=6)
LONG = "It depends on who asks, on when they ask and on what they would like to do with it."


def row(number: int, question: str, completion: str) -> dict:
    return {
        "id": f"general-{number}",
        "domain": "general",
        "language": "en",
        "prompt": [{"role": "user", "content": question}],
        "completion": completion,
        "source": "mine",
    }


@pytest.mark.parametrize(
    ("question", "answer", "trivial"),
    [
        ("Hello!", LONG, True),
        ("hello, who are you?", LONG, True),
        ("Hello, please explain how a steam engine works", LONG, False),
        ("Hellogreeting", LONG, False),
        ("你好，请问你是谁？", "我是一个助手。", True),
        ("What is the opposite of 'hot'?", "The opposite is 'cold'.", True),
        ("What is the opposite of 'hot'?", LONG, False),
        ("Convert 8 kilometers to meters.", "Eight thousand.", False),
        ("What is the speed of light?", "299,792 km/s", False),
        ("Rewrite it.\n\nThe cat sat.", "A cat sat.", False),
    ],
)
def test_a_question_is_trivial_when_it_is_small_talk_or_short_with_a_short_answer(
    question, answer, trivial
):
    assert is_trivial(question, answer, RULE) is trivial


def test_a_thought_stays_trivial_rows_get_none_and_a_share_of_the_rest_does():
    rows = [row(n, f"Tell a story of {n} ships.", LONG) for n in range(200)]
    rows += [row(900, "Hello!", LONG), row(901, "Hello!", compose("They greet.", "Hi."))]
    verdicts = sort_out(rows, shipped(Thinking, share=0.25, trivial=RULE), seed=0)
    assert verdicts[-2:] == ["trivial", "had_thought"]
    assert 30 < verdicts.count("chosen") < 70
    # more rows move none of the draws
    assert sort_out(rows[:50], shipped(Thinking, share=0.25, trivial=RULE), seed=0) == verdicts[:50]
    assert sort_out(rows, shipped(Thinking, share=1.0), seed=0).count("chosen") == 201


@pytest.fixture
def think(make_artifact, make_context, able_model_dir: Path):
    """`think(rows, **thinking)`: the published rows and the outputs, thoughts by a tiny model."""
    model = make_artifact("model", "writer", model_dir=able_model_dir)

    def _think(rows, tokens=24, **thinking):
        mine = make_artifact("conversations", f"mine_{len(rows)}_{tokens}", rows=rows)
        context = make_context(stage="general_data")
        sampling = Sampling(temperature=0.0, max_tokens=tokens)
        config = shipped(
            GeneralConfig,
            "general",
            seed=0,
            sampling=sampling,
            thinking=shipped(Thinking, share=1.0, **thinking),
        )
        outputs = general.run(config, {"data_from": (mine, model)}, context)
        return read_rows(context.output / "rows.parquet"), outputs

    return _think


def test_a_model_thinks_before_the_answer_that_a_row_has(think):
    rows = [
        row(0, "3+4=?", compose("", "It is 7.")),
        row(1, "Hello!", compose("", "Hi.")),
        row(2, "8-5=?", compose("I know it.", "3")),
    ]
    published, outputs = think(rows, trivial=RULE, filters=["malformed"])
    thought = parse(published[0]["completion"])
    assert (thought.reasoning, thought.response) == ("3+4=7,", "It is 7.")
    assert [one["completion"] for one in published[1:]] == [r["completion"] for r in rows[1:]]
    assert outputs.facts["thinking"] == {"chosen": 1, "trivial": 1, "had_thought": 1}
    assert outputs.facts["with_thought"] == 2


def test_rows_whose_thought_cannot_be_used_are_left_out_by_reason(think):
    rows = [row(0, "3+4=?", compose("", "7"))]
    more = [row(n, "Hello!", compose("", "Hi.")) for n in range(1, 3)]
    published, outputs = think([*rows, *more], tokens=2, trivial=RULE)
    assert outputs.funnel["thought_not_closed"] == 1
    assert [one["id"] for one in published] == ["general-1", "general-2"]
    long = [row(1, "why " * 600, compose("", LONG)), *more, *rows]
    published, outputs = think(long, tokens=24, filters=["malformed"], trivial=RULE)
    assert outputs.funnel["prompt_too_long"] == 1
    assert [one["id"] for one in published] == ["general-1", "general-2", "general-0"]


def test_the_question_may_be_asked_in_other_words_but_is_learnt_as_it_was(think):
    rows = [row(0, "3+4", compose("", "7")), row(1, "Hello!", compose("", "Hi."))]
    published, _ = think(rows, prompt="{question}=?", trivial=RULE)
    assert published[0]["prompt"][0]["content"] == "3+4"
    assert parse(published[0]["completion"]).reasoning == "3+4=7,"


def test_unknown_filters_are_refused(make_context):
    config = shipped(GeneralConfig, "general", seed=0, thinking=shipped(Thinking, filters=["ugly"]))
    with pytest.raises(UsageError, match=r"stages\.stage\.thinking\.filters: has ugly: expected"):
        general.run(config, {}, make_context())

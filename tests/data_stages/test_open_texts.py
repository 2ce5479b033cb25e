"""The public sources of conf/data for SFT and reward models, on rows made to their cards."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pipeline.compose import compose
from pipeline.project import load as entry
from stages.chat.template import compose as composed
from stages.project import R1
from stages.rows.schemas import read_rows

S1K = {
    "question": "What is 2 + 3?", "solution": "Five.", "cot_type": "math", "source_type": "made",
    "gemini_thinking_trajectory": "Three and two.", "gemini_attempt": "6",
    "deepseek_thinking_trajectory": "Two and three.", "deepseek_attempt": "It is \\boxed{5}.",
}  # fmt: skip
OPENR1 = {
    "problem": "What is 2 + 3?", "solution": "Five.", "answer": "5", "source": "olympiads",
    "generations": ["<think>Hm.</think>4", "<think>Two and three.</think>It is \\boxed{5}."],
    "correctness_math_verify": [False, True],
    "messages": [
        {"role": "user", "content": "What is 2 + 3?"},
        {"role": "assistant", "content": "<think>Two and three.</think>It is \\boxed{5}."},
    ],
}  # fmt: skip
WRONG = {"answer": "6"}
CONGLIU = {
    "input": "二加三等于几？", "reasoning_content": "二加三是五。", "content": "等于 5。",
    "repo_name": "EduChat-Math", "score": 9, "prompt_tokens_len": 9,
}  # fmt: skip
COIG = {
    "task_name_in_eng": "made", "trans_instruction": "写出这个词的反义词。", "trans_input": "大",
    "trans_output": "小", "instruction": "Write its opposite.", "input": "big", "output": "small",
}  # fmt: skip
TULU = {
    "id": "oasst1_1", "source": "ai2-adapt-dev/oasst1_converted",
    "messages": [{"role": "user", "content": "Say hi."}, {"role": "assistant", "content": "Hi!"}],
}  # fmt: skip
CHOSEN = {"prompt": "怎样学好中文？", "chosen": "多读多写，多听多说。", "rejected": "不知道。"}

#: source → a row made to its card; the answers that it becomes, and changes that are not read.
MADE = {
    "s1k": (S1K, [composed("Two and three.", "It is \\boxed{5}.")], []),
    "openr1_math": (OPENR1, [composed("Two and three.", "It is \\boxed{5}.")], [WRONG]),
    "congliu_zh_math": (
        CONGLIU,
        [composed("二加三是五。", "等于 5。")],
        [{"score": 8}, {"repo_name": "coig/neo"}],
    ),
    "congliu_zh": (
        CONGLIU | {"repo_name": "coig/neo", "score": 7},
        [composed("二加三是五。", "等于 5。")],
        [{"repo_name": "meta-math/GSM8K_zh"}],
    ),
    "coig": (COIG, [composed("", "小")], []),
    "tulu3": (TULU, [composed("", "Hi!")], [{"source": "ai2-adapt-dev/no_robots_converted"}]),
    "helpsteer3": (
        {
            "domain": "general", "language": "english", "response1": "No.", "response2": "Oak.",
            "context": [{"role": "user", "content": "Name a tree."}], "overall_preference": 2,
        },
        [composed("", "Oak.")],
        [{"overall_preference": 0}],
    ),
    "ultrafeedback_cleaned": (
        {
            "source": "made", "prompt": "Name a tree.",
            "chosen-rating": 5.0, "rejected-rating": 2.0,
            "chosen": [
                {"role": "user", "content": "Name a tree."},
                {"role": "assistant", "content": "Oak."},
            ],
            "rejected": [
                {"role": "user", "content": "Name a tree."},
                {"role": "assistant", "content": "No."},
            ],
        },
        [composed("", "Oak.")],
        [{"rejected-rating": 5.0}],
    ),
    "zhihu_rlhf": (CHOSEN, [composed("", CHOSEN["chosen"])], []),
    "cvalues": (
        {
            "prompt": "老人应该学会上网吗？", "pos_resp": "可以。", "neg_resp": "不必。",
            "pos_type": "正向建议为主", "neg_type": "风险回复",
        },
        [composed("", "可以。"), composed("", "不必。")],
        [{"neg_type": "不知道"}],
    ),
    "safety_guard": (
        {"prompt": "How is glass cut?", "response": "With care.", "response_label": "safe"},
        [composed("", "With care.")],
        [{"response_label": None}, {"prompt": "REDACTED"}],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def sources():
    """The stages that conf/data describes, by name."""
    stages = compose(R1, [f"+data@stages.{name}={name}" for name in MADE]).stages
    return {name: stages[name] for name in MADE}


@pytest.mark.parametrize("source", MADE)
def test_a_source_reads_rows_made_to_its_card_and_not_those_that_it_leaves(
    sources, make_context, tmp_path, source
):
    row, answers, others = MADE[source]
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(row | change) + "\n" for change in ({}, *others)]
    path.write_text("".join(lines))
    config = dataclasses.replace(sources[source], path=str(path))
    if hasattr(config, "balance_lengths"):
        config = dataclasses.replace(config, balance_lengths=False)
    context = make_context(tmp_path / "stage", stage=source)
    outputs = entry(R1.kinds()[config.kind].entry)(config, {}, context)
    rows = read_rows(context.output / "rows.parquet")
    assert [found.get("completion") or found["chosen"] for found in rows] == answers
    assert outputs.funnel["read"] == 1 + len(others)
    assert {found["language"] for found in rows} <= set(config.about.languages)


def test_what_a_question_is_about_is_put_after_it_by_a_map_of_columns(
    sources, make_context, tmp_path
):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(COIG) + "\n" + json.dumps(COIG | {"trans_input": ""}) + "\n")
    context = make_context(tmp_path / "stage", stage="coig")
    config = dataclasses.replace(sources["coig"], path=str(path))
    entry(R1.kinds()["conversations"].entry)(config, {}, context)
    rows = read_rows(context.output / "rows.parquet")
    asked = [row["prompt"][-1]["content"] for row in rows]
    assert asked == ["写出这个词的反义词。\n\n大", "写出这个词的反义词。"]


def test_every_source_tells_its_licence_home_and_languages(sources):
    for name, config in sources.items():
        assert config.about.licence, name
        assert config.about.home == config.path, name
        assert config.about.languages, name

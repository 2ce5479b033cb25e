"""Other people's chains of thought: real files of four kinds, and every tag style by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.chat.template import compose
from stages.chat.thoughts import NotNormal, read_trace
from stages.kinds.conversations import run as conversations
from stages.kinds.conversations.kind import ConversationsConfig
from stages.rewards.format import strict
from stages.rows.schemas import read_rows
from stages.verifiers.answer import parse
from tests.shipped import shipped

TRACES = Path(__file__).parent.parent / "data/traces"
OSS = "<|channel|>analysis<|message|>T<|end|><|start|>assistant<|channel|>final<|message|>A"


@pytest.fixture
def load(make_context, tmp_path):
    """`load(path, **config)`: the published rows, the list of those left out, the outputs."""

    def _load(path, **config):
        context = make_context(tmp_path, stage="human_cot")
        settings = shipped(ConversationsConfig, "conversations", path=str(path), seed=0, **config)
        outputs = conversations.run(settings, {}, context)
        names = ("rows.parquet", "left_out.parquet")
        return (*(read_rows(context.output / name) for name in names), outputs)

    return _load


def jsonl(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("<think>T</think>A", "think"),
        ("<THINKING>\nT\n</THINKING>\n<answer>\nA</answer>", "think"),
        ("T</think>\n\nA", "think"),
        ("<Thought>T</Thought>\n<Output>\nA\n</Output> ", "thought"),
        ("<Thought>T</Thought>\n<Output>\nA", "thought"),
        ("<reasoning>T</reasoning><answer>A</answer>", "reasoning"),
        (
            "<|begin_of_thought|>\n\nT\n\n<|end_of_thought|>\n\n"
            "<|begin_of_solution|>\n\nA<|end_of_solution|>",
            "begin_of_thought",
        ),
        ("<|begin_of_thought|>T<|end_of_thought|>A", "begin_of_thought"),
        (OSS, "channel"),
        (f"<|start|>assistant{OSS}<|return|>", "channel"),
        (f"{OSS}<|end|>", "channel"),
        ("<|im_start|>think\nT\n<|im_start|>answer\nA<|im_end|>", "im_start"),
        ("[THINK]T[/THINK]A", "brackets"),
        ("## Thinking\n\nT\n\n## Final Response\n\nA", "headings"),
    ],
)
def test_every_tag_style_becomes_one_thought_and_one_answer(text, style):
    trace = read_trace(text)
    assert (trace.reasoning, trace.answer, trace.style) == ("T", "A", style)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<think>T", "unclosed_thought"),
        ("</think><think>T", "unclosed_thought"),
        ("<think>T</think>", "empty_answer"),
        ("<think>T</think><answer> </answer>", "empty_answer"),
        ("<think>T</think>A<think>U</think>B", "repeated_tags"),
        ("Well. <think>T</think>A", "text_before_thought"),
        ("<think>T</think><answer>A</answer> and so on", "text_outside_answer"),
        ("<think>T</think>So <answer>A</answer>", "tags_inside"),
        ("<reasoning>T <answer>no</answer></reasoning>A", "tags_inside"),
        ("<think>T</think>��A", "damaged_text"),
        ("&lt;think&gt;T&lt;/think&gt;7", "escaped_tags"),
        ("<think>T</think>7<|im_end|>\n<|im_start|>user\nMore?", "foreign_tokens"),
        ("<think>T <|assistant|> U</think>7", "foreign_tokens"),
        ("<think>T</think>7 <Think> 8", "repeated_tags"),
        ("A [/INST] B", "foreign_tokens"),
    ],
)
def test_what_has_no_normal_form_is_refused_with_its_reason(text, reason):
    with pytest.raises(NotNormal, match=f"^{reason}$"):
        read_trace(text)


def test_text_without_a_thought_keeps_its_html_and_code():
    html = "<output>5</output> is what `<b>` shows"
    assert read_trace(html) == read_trace(f"<answer>{html}</answer>")
    assert read_trace(html).answer == html
    assert read_trace("Hi", thought="They greet.").style == "column"


def test_real_r1_rows_with_the_thought_in_a_column_are_well_formed_and_right(load):
    rows, _, outputs = load(TRACES / "r1.json", domain="math", verifier="math")
    assert strict(rows[0]["completion"]) == 1.0
    assert parse(rows[0]["completion"]).answer == "17"
    assert outputs.facts["rows_by_style"] == {"column": 1}
    assert outputs.facts["verdicts"] == {"right": 1}
    assert (rows[0]["domain"], rows[0]["source"]) == ("math", "r1")


def test_real_sky_t1_rows_are_judged_and_unfinished_thoughts_are_listed(load):
    columns = {"completion": "code", "reference": "gt"}
    rows, left_out, outputs = load(
        TRACES / "sky_t1.jsonl", domain="math", columns=columns, verifier="math"
    )
    assert outputs.funnel == {"read": 3, "unclosed_thought": 1, "wrong": 1, "kept": 1}
    assert [(row["row"], row["reason"]) for row in left_out] == [
        (3, "unclosed_thought"),
        (2, "wrong"),
    ]
    assert "the reference is 50" in left_out[1]["detail"]
    assert "begin_of" not in rows[0]["completion"]


def test_real_marco_rows_keep_chinese_and_lose_damaged_ones_by_name(load):
    rows, left_out, outputs = load(TRACES / "marco.json")
    assert [row["language"] for row in rows] == ["zh", "en"]
    assert rows[0]["completion"].endswith("</think>是")
    assert [(row["part"], row["row"], row["reason"]) for row in left_out] == [
        ("marco", 2, "damaged_text")
    ]
    assert outputs.funnel == {"read": 3, "damaged_text": 1, "kept": 2}


def test_real_instructions_take_their_input_along_and_get_an_empty_thought(load):
    rows, _, outputs = load(TRACES / "instructions.json")
    assert rows[0]["prompt"][0]["content"].endswith("the spelling given.\n\nfreind --> friend")
    assert rows[0]["completion"].startswith(compose("", "The spelling")[:30])
    assert (outputs.facts["with_thought"], outputs.facts["rows_by_style"]) == (0, {"none": 4})


def test_messages_and_sharegpt_turns_are_one_thing(load, tmp_path):
    said = "<think>T</think>A"
    turns = [
        ("system", "Be brief."),
        ("user", "Q"),
        ("assistant", "<think>x</think>R"),
        ("user", "Q2"),
    ]
    chat = [{"role": role, "content": text} for role, text in [*turns, ("assistant", said)]]
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    share = [{"from": names[turn["role"]], "value": turn["content"]} for turn in chat]
    rows, _, _ = load(
        jsonl(tmp_path / "a.jsonl", {"messages": chat}, {"conversations": share}), language="en"
    )
    assert rows[0]["prompt"] == rows[1]["prompt"]
    assert rows[0]["prompt"][0] == {"role": "system", "content": "Be brief."}
    assert rows[0]["prompt"][2] == {"role": "assistant", "content": "R"}  # as when R1 is asked
    assert rows[0]["completion"] == rows[1]["completion"] == compose("T", "A")


def test_a_system_prompt_that_asks_for_other_tags_is_not_learnt(load, tmp_path):
    system = "Structure your answer as <|begin_of_thought|> {thought} <|end_of_thought|>."
    row = {
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": "Q"},
            {"role": "assistant", "content": "A", "reasoning_content": "T"},
        ]
    }
    rows, _, outputs = load(jsonl(tmp_path / "a.jsonl", row))
    assert rows[0]["prompt"] == [{"role": "user", "content": "Q"}]
    assert rows[0]["completion"] == compose("T", "A")
    assert outputs.facts["rows_by_style"] == {"column": 1}


def test_an_answer_that_stands_beside_a_reference_solution_is_the_one_learnt(load, tmp_path):
    s1k = {"question": "Q", "solution": "S", "attempt": "A", "thinking_trajectories": ["T"]}
    rows, _, outputs = load(jsonl(tmp_path / "a.jsonl", s1k))
    assert rows[0]["completion"] == compose("T", "A")
    assert outputs.facts["rows_by_columns"] == {"question → attempt": 1}


def test_prompts_and_completions_may_be_messages(load, tmp_path):
    asked = [{"role": "user", "content": "Q"}]
    said = [{"role": "assistant", "content": "<think>T</think>A"}]
    rows, _, _ = load(jsonl(tmp_path / "a.jsonl", {"prompt": asked, "completion": said}))
    assert (rows[0]["prompt"], rows[0]["completion"]) == (asked, compose("T", "A"))


def test_every_generation_of_a_problem_is_a_row_of_its_own(load, tmp_path):
    row = {"id": 7, "problem": "3+4=?", "generations": ["<think>T</think>7", "<think>U"]}
    rows, left_out, outputs = load(jsonl(tmp_path / "a.jsonl", row, row))
    assert [row["id"] for row in rows] == ["7-1", "7-1-row2"]
    assert len(left_out) == 2
    assert outputs.funnel["read"] == 4


def test_rows_in_unknown_columns_are_counted_and_none_at_all_stops_the_stage(load, tmp_path):
    unknown = {"frage": "Q", "antwort": "A"}
    path = jsonl(tmp_path / "a.jsonl", unknown, {"question": "Q", "response": "A"})
    _, left_out, outputs = load(path)
    assert outputs.funnel == {"read": 2, "unreadable_row": 1, "kept": 1}
    assert "no column of a prompt among frage, antwort" in left_out[0]["detail"]
    named, _, _ = load(path, columns={"prompt": "frage", "completion": "antwort"})
    assert len(named) == 1
    with pytest.raises(RecipeError, match=r"no row can be learnt.*\n.*row 1: unreadable_row"):
        load(jsonl(tmp_path / "b.jsonl", unknown))


def test_wrong_names_are_refused_with_their_key(load, tmp_path):
    path = jsonl(tmp_path / "a.jsonl", {"question": "Q", "response": "A"})
    for config, message in (
        (
            {"columns": {"answer": "x"}},
            r"human_cot\.columns: has answer: expected any of prompt",
        ),
        ({"verifier": "oracle"}, r"human_cot\.verifier: is 'oracle': expected one of choice"),
        ({"domain": "maths"}, r"human_cot\.domain: is 'maths': expected one of math"),
    ):
        with pytest.raises(UsageError, match=message):
            load(path, **config)
    with pytest.raises(UsageError, match=r"human_cot\.path=.*absent\.jsonl: there is no such file"):
        load(tmp_path / "absent.jsonl")

"""Rows as other people write them: what belongs to a talk is kept, what is damaged is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RecipeError
from stages.chat.template import compose
from stages.chat.thoughts import read_trace
from stages.kinds.conversations import run as conversations
from stages.kinds.conversations.kind import ConversationsConfig
from stages.kinds.dataset import run as dataset
from stages.kinds.dataset.kind import DatasetConfig
from stages.rows.files import rows_of_file
from stages.rows.schemas import CONVERSATION, read_rows, write_rows
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import require_references
from tests.shipped import shipped

DATA = Path(__file__).parent.parent / "data"
PROBLEM: dict[str, Any] = {"domain": "math", "prompt": "1 + 1 = ?", "verifier": "math"}
SAID = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]


@pytest.fixture
def learn(make_context, tmp_path):
    """`learn(*rows)`: the conversations of a file with these rows, and those left out."""

    def _learn(*rows: Any, **config: Any):
        path = written(tmp_path / "rows.jsonl", *rows)
        context = make_context(tmp_path / "stage", stage="human_cot")
        settings = shipped(ConversationsConfig, "conversations", path=str(path), seed=0, **config)
        conversations.run(settings, {}, context)
        names = ("rows.parquet", "left_out.parquet")
        return [read_rows(context.output / name) for name in names]

    return _learn


@pytest.fixture
def load(make_context, tmp_path):
    """`load(path)`: what the stage that reads a user's own problems makes of it."""

    def _load(path: Path, **config: Any):
        context = make_context(tmp_path / "stage", stage="mine")
        settings = {"language": None} | config
        outputs = dataset.run(
            DatasetConfig("dataset", format="problems", path=str(path), seed=0, **settings),
            {},
            context,
        )
        return read_rows(context.output / "rows.parquet"), outputs, context

    return _load


def written(path: Path, *lines: Any) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


BROKEN = {
    "half a character": json.dumps(PROBLEM | {"reference": "\ud83d"}),
    "thousands of digits": json.dumps(PROBLEM | {"reference": 0}).replace("0", "7" * 5000),
    "too deep": json.dumps(PROBLEM).replace('"1 + 1 = ?"', "[" * 100_000 + "]" * 100_000),
    "`metadata` is not JSON": json.dumps(PROBLEM | {"reference": 2, "metadata": "{not json"}),
    "not JSON": '{"domain": "math", "prompt',
    "a JSON list": "[1, 2]",
}


def test_a_broken_row_of_ones_own_problems_is_named_and_counted_and_the_others_go_on(
    load, tmp_path, capsys
):
    good = PROBLEM | {"reference": 2}
    path = written(tmp_path / "mine.jsonl", good, *BROKEN.values(), "", good)
    rows, outputs, context = load(path)
    assert [row["reference"] for row in rows] == ["2", "2"]
    assert outputs.funnel == {"read": 8, "unreadable_row": 6, "kept": 2}
    left_out = read_rows(context.output / "left_out.parquet")
    assert [row["row"] for row in left_out] == [2, 3, 4, 5, 6, 7]
    for row, reason in zip(left_out, BROKEN, strict=True):
        assert reason in row["detail"]
    said = capsys.readouterr()
    assert "6 rows are left out" in said.out + said.err
    assert f"{path}, row 3: a whole number of thousands of digits" in said.out + said.err


def test_a_broken_conversation_is_listed_by_its_number(learn):
    rows, left_out = learn(
        {"messages": SAID}, '{"messages": "\\ud800"}', "{torn", {"messages": SAID}
    )
    assert len(rows) == 2
    assert [(row["row"], row["reason"]) for row in left_out] == [
        (2, "unreadable_row"),
        (3, "unreadable_row"),
    ]


def test_a_broken_row_of_a_benchmark_stops_it(make_context, tmp_path):
    path = written(tmp_path / "gsm8k.jsonl", '{"question": "\\ud800", "answer": "#### 2"}')
    config = DatasetConfig("dataset", format="gsm8k", path=str(path), seed=0)
    with pytest.raises(RecipeError, match=r"gsm8k\.jsonl, row 1: half a character"):
        dataset.run(config, {}, make_context(tmp_path))


def test_a_list_of_rows_names_the_row_after_which_nothing_can_be_read(load, tmp_path):
    good = json.dumps(PROBLEM | {"reference": 2})
    path = tmp_path / "mine.json"
    path.write_text(f"[{good}, {BROKEN['thousands of digits']}, {good}]")
    with pytest.raises(RecipeError, match=r"mine\.json, row 2: .*digits.*as \.jsonl"):
        load(path)
    path.write_text(f"{good}\n{good}\n")  # an object a line under this name, as Ape210K has it
    assert len(load(path)[0]) == 2


def test_a_cell_of_a_table_may_be_long_and_one_that_is_no_text_is_named(load, tmp_path):
    path, long = tmp_path / "mine.csv", "1 + 1 " * 40_000
    names = b"\xef\xbb\xbfdomain,prompt,verifier,reference\n"
    rows = [f"math,{long},math,2\n".encode(), b"math,\xff,math,2\n", b"math,1 + 1,math\n"]
    path.write_bytes(names + b"".join(rows) + b"math,1 + 1,math,2\n")
    found, _, context = load(path)
    assert [len(row["prompt"][0]["content"]) for row in found] == [len(long), 5]
    details = [row["detail"] for row in read_rows(context.output / "left_out.parquet")]
    assert details == [
        "not UTF-8 (byte 0)",
        "3 columns, expected 4 (domain, prompt, verifier, reference)",
    ]


def test_a_row_that_cannot_be_written_is_named_with_its_column(tmp_path):
    rows = [{"id": "a", "completion": "A"}, {"id": "b", "completion": "\ud800"}]
    with pytest.raises(RecipeError, match=r"x\.parquet, row 2 \(id 'b'\): column `completion`"):
        write_rows(tmp_path / "x.parquet", rows, CONVERSATION)


def test_numbers_are_references_and_what_says_nothing_is_none(load, tmp_path):
    given = [2, 27.0, 0.5, " 7 "]
    path = written(tmp_path / "mine.jsonl", *(PROBLEM | {"reference": one} for one in given))
    assert [row["reference"] for row in load(path)[0]] == ["2", "27", "0.5", "7"]
    nothing = [None, float("nan"), "N/A", "null", "None"]
    path = written(tmp_path / "mine.jsonl", *(PROBLEM | {"reference": one} for one in nothing))
    rows, _, _ = load(path, without_reference="keep")
    assert [row["reference"] for row in rows] == [None] * len(nothing)


def test_a_missing_column_is_named_and_the_one_that_may_be_meant(load, tmp_path):
    path = written(tmp_path / "mine.jsonl", PROBLEM | {"gold": 2})
    with pytest.raises(RecipeError, match=r"there is no column `reference` .*if `gold` is meant"):
        load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": "maths"}, "column `domain` is 'maths', expected one of math, code"),
        ({"language": "English"}, "`language` is 'English', expected a code .* `en` may be meant"),
        ({"language": 5}, "`language` is 5, expected a code"),
        ({"language": ["en"]}, r"`language` is \['en'\], expected a code"),
    ],
)
def test_an_unknown_domain_and_a_language_that_is_no_code_are_refused(
    load, tmp_path, change, message
):
    path = written(tmp_path / "mine.jsonl", PROBLEM | {"reference": 2} | change)
    with pytest.raises(
        RecipeError, match=rf"mine\.jsonl, row 1: column {message}|row 1: {message}"
    ):
        load(path)


def test_general_queries_that_reward_models_judge_need_a_prompt_alone(load, tmp_path):
    """Real prompts (tests/data/open_rows): Chinese questions of CValues, requests of NeMo Gym."""
    rows, _, _ = load(DATA / "open_rows/cvalues.jsonl", preference="safety")
    assert {(row["domain"], row["language"], row["verifier"]) for row in rows} == {
        ("general", "zh", "")
    }
    assert json.loads(rows[0]["metadata"]) == {"preference": "safety"}
    with VerifierPool(1) as pool:
        require_references(rows, pool, "stage r1")  # there is nothing that RL must be able to check
    rows, _, _ = load(DATA / "open_rows/jailbreak.jsonl", preference="safety")
    assert [turn["role"] for turn in rows[0]["prompt"]] == ["system", "user"]
    path = written(tmp_path / "mine.jsonl", {"prompt": "Hi", "preference": "helpful"})
    assert load(path)[0][0]["domain"] == "general"


@pytest.mark.parametrize("name", ["system", "system_prompt"])
def test_a_system_prompt_in_a_column_is_put_before_the_prompt(learn, load, tmp_path, name):
    rows, _ = learn(
        {"instruction": "Q", "input": "", "output": "A", name: "Be brief."},
        {"messages": SAID, name: "Be brief."},
        {"prompt": SAID[:1], "response": "A", name: "Be brief."},
        {"messages": [{"role": "system", "content": "Be brief."}, *SAID], name: "Be brief. "},
    )
    system = {"role": "system", "content": "Be brief."}
    assert [row["prompt"] for row in rows] == [[system, SAID[0]]] * 4
    path = written(tmp_path / "mine.jsonl", PROBLEM | {"reference": 2, name: "Be brief."})
    assert load(path)[0][0]["prompt"][0] == system


def test_a_history_is_kept_and_two_system_prompts_or_tools_are_refused(learn):
    rows, left_out = learn(
        {"instruction": "Q2", "output": "A2", "history": [["Q", "A"]]},
        {"messages": [{"role": "system", "content": "One."}, *SAID], "system": "Other."},
        {"messages": SAID, "tools": [{"name": "search"}]},
        {"messages": [SAID[0], {"role": "assistant", "content": "A", "tool_calls": [{"id": 1}]}]},
        {"instruction": "Q", "output": "A", "history": "earlier"},
    )
    assert rows[0]["prompt"] == [*SAID, {"role": "user", "content": "Q2"}]
    details = [row["detail"] for row in left_out]
    assert len(rows) == 1
    for part, detail in zip(
        ("two system prompts", "has `tools`", "has `tool_calls`", "`history` is"),
        details,
        strict=True,
    ):
        assert part in detail


def test_a_null_key_hides_no_other_and_content_may_be_a_list_of_parts(learn):
    turns = [
        {"role": None, "from": "human", "content": None, "value": "Q"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "A"}],
            "reasoning_content": None,
            "reasoning": "T",
        },
    ]
    details = [
        {"type": "reasoning.text", "text": "T"},
        {"type": "reasoning.encrypted", "data": "x"},
    ]
    rows, _ = learn(
        {"messages": turns},
        {"messages": [SAID[0], SAID[1] | {"reasoning": None, "reasoning_details": details}]},
        {
            "messages": [
                SAID[0],
                SAID[1] | {"content": [{"type": "thinking", "thinking": "T"}, "A"]},
            ]
        },
        {"messages": SAID, "reasoning": "T"},
    )
    assert [row["completion"] for row in rows] == [compose("T", "A")] * 4


@pytest.mark.parametrize(
    "text",
    [
        "<think>T</think>7<|im_end|>",
        "<think>T</think>7<｜end▁of▁sentence｜>",
        "<think >T</ think>7</s>",
        "<|im_start|>assistant\n<think>T<|im_end|></think>7<|endoftext|>\n",
        "<｜Assistant｜><think>T</think>7<end_of_turn>",
    ],
)
def test_ends_and_roles_of_other_templates_are_cut_off(text):
    trace = read_trace(text)
    assert (trace.reasoning, trace.answer) == ("T", "7")


def test_strike_through_and_pipes_of_code_are_no_tokens():
    for text in ("5 <s>6</s> 7", "xs |> List.map <| f", "a <|> b"):
        assert read_trace(text).answer == text


def test_a_table_with_tabs_has_quotes_only_where_it_is_whole_with_them_alone(tmp_path):
    """MGSM writes quotes as they are; a table that pandas wrote quotes cells of several lines."""
    plain, quoted = tmp_path / "plain.tsv", tmp_path / "quoted.tsv"
    plain.write_text('question\tanswer\n"Ten" apples?\t10\n"Six\t6\n')
    quoted.write_text('prompt\tchosen\nWhy?\t"First line.\nSecond ""line""."\nHow?\tSo.\n')
    assert [row for _, row in rows_of_file(plain)] == [
        {"question": '"Ten" apples?', "answer": "10"},
        {"question": '"Six', "answer": "6"},
    ]
    assert [row for _, row in rows_of_file(quoted)] == [
        {"prompt": "Why?", "chosen": 'First line.\nSecond "line".'},
        {"prompt": "How?", "chosen": "So."},
    ]

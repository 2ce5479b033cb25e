"""Rows of public data sets through every reader: each is taken as what it is, or not at all.

tests/data/open_rows has a row of 28 shapes. Shapes of which there is none are rows made to what
their cards say.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RecipeError
from stages.kinds.dataset.kind import DatasetConfig
from stages.rows.formats import FORMATS
from stages.rows.imported import Importer
from stages.rows.left_out import UNFIT, LeftOut
from stages.rows.sources import Part, read_problems

OPEN = Path(__file__).parent.parent / "data/open_rows"
SHAPES = {
    one["shape"]: one["row"]
    for one in map(json.loads, (OPEN / "shapes.jsonl").read_text().splitlines())
}
MATHS = {"domain": "math", "verifier": "math"}
CHOICE = {"domain": "stem", "verifier": "choice"}
#: `problems` as a stage may ask for it; any other reader is a format.
ASKED: dict[str, dict[str, Any]] = {
    "problems": {},
    "problems of mathematics": MATHS,
    "problems of choice": CHOICE,
    "helpful queries": {"preference": "helpful"},
}
READERS = {name: ("problems", asked) for name, asked in ASKED.items()} | {
    name: (name, {}) for name in FORMATS if name != "problems"
}
COMPETITIONS = {"math500", "math", "aime", "amc", "minerva"}
INSTRUCTIONS = {"ifeval", "constraints", "problems", "helpful queries"}
#: shape → who takes it; all others take none of it.
TAKEN: dict[str, set[str]] = {
    "math": COMPETITIONS | {"problems of mathematics"},
    "polymath": COMPETITIONS | {"problems of mathematics"},
    "mcqa": {"problems", "problems of choice", "helpful queries"},
    "mcqa_template": {"problems", "problems of choice", "helpful queries"},
    "reasoning_gym": {"problems", "helpful queries"},
    "ifbench": INSTRUCTIONS,
    "instruction_following": INSTRUCTIONS,
    # what only a reward model can judge
    "arena_judge": {"helpful queries"},
    "cvalues_prompts_zh": {"helpful queries"},
    "genrm_hs3": {"helpful queries"},
    "inverse_if": {"helpful queries"},
    "jailbreak": {"helpful queries"},
    "multichallenge": {"helpful queries"},
    "over_refusal": {"helpful queries"},
    "xstest": {"helpful queries"},
}
JUDGES = {
    "math": "math", "polymath": "math", "mcqa": "choice", "mcqa_template": "choice",
    "reasoning_gym": "reasoning_gym", "ifbench": "instruction",
    "instruction_following": "instruction",
}  # fmt: skip


def read(row: dict[str, Any], format_: str = "problems", **asked: Any):
    """The problem that a reader makes of a row, and what is counted; None: it takes it not."""
    config = DatasetConfig("dataset", format=format_, path="x.jsonl", seed=0, **asked)
    part, counts, left_out = Part("x", "x", "x.jsonl", iter([(1, row)])), Counter(), LeftOut()
    rows = list(read_problems([part], FORMATS[format_], config, counts, left_out))
    return (rows[0] if rows else None), counts, left_out


def takes(row: dict[str, Any], reader: str):
    format_, asked = READERS[reader]
    try:
        return read(row, format_, **asked)[0]
    except RecipeError:
        return None


@pytest.mark.parametrize("shape", SHAPES)
def test_each_reader_takes_a_shape_as_what_it_is_or_not_at_all(shape):
    found = {reader: row for reader in READERS if (row := takes(SHAPES[shape], reader))}
    assert set(found) == TAKEN.get(shape, set())
    assert {row["verifier"] for row in found.values()} <= {JUDGES.get(shape, "")}


def test_what_answers_are_compared_with_is_no_conversation_to_learn_from():
    learnt = {
        shape
        for shape, row in SHAPES.items()
        if [*Importer("general").conversations([(("x", 1), row)])]
    }
    assert learnt == {"alpaca_zh", "kto_demo"}
    bad = SHAPES["kto_demo"] | {"label": False}
    importer = Importer("general")
    assert [*importer.conversations([(("x", 1), bad)])] == []
    assert "a bad answer" in importer.report.left_out.rows[0]["detail"]


def test_every_shape_was_tried():
    assert len({shape.removesuffix("_template") for shape in SHAPES}) == 28
    assert set(TAKEN) <= set(SHAPES)


# What would prove itself, and is no mathematics -------------------------------------------------

LOGIQA2 = {  # made to its card
    "id": 10, "answer": 3, "text": "For a ten-year period, …", "type": {"Deduction": True},
    "question": "Which one of the following is most supported?", "options": ["a", "b", "c", "d"],
}  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        LOGIQA2,
        {"question": "Who proposed evolution?", "expected_answer": "darwin"},
        {"question": "Were they of one nationality?", "answer": "Yes"},
        {"problem": "Prove that…", "answer": "proof"},
        {"problem": "Find…", "answer": "notfound"},
        {"question": "When?", "answer": "1989", "agent_ref": {"name": "simpleqa_simple_agent"}},
        {"question": "4 + 3 =", "answer": "7", "metadata": {"source_dataset": "chain_sum"}},
        {"question": "How many were there?", "answer": "7", "passage": "Seven came."},
    ],
    ids=lambda row: str(row.get("answer", row.get("expected_answer"))),
)  # fmt: skip
def test_a_name_an_index_or_another_environments_number_is_no_mathematics(row):
    for reader in COMPETITIONS:
        assert takes(row, reader) is None
    question = {"question": "problem" if "problem" in row else "question"}
    answer = "expected_answer" if "expected_answer" in row else "answer"
    found, counts, left_out = read(row, **MATHS, columns=question | {"answer": answer})
    assert found is None
    assert counts[UNFIT] == 1
    assert left_out.rows[0]["detail"]


@pytest.mark.parametrize(
    "answer",
    ["5", "-2", "x=3", "abc", "\\frac{1}{2}", "27^\\circ, 63^\\circ", "no solution", "无解", "5 cm",
     "12 small red boxes", "\\text{Evelyn}", "ABCD", "pi/2", "(3, \\infty)", "十五", "5名学生",
     "$\\pi$", "twelve", "November 9, 1989", "sin x", "infinitely many"],
)  # fmt: skip
def test_answers_of_mathematics_are_kept(answer):
    row = {"problem": "What is it?", "answer": answer}
    assert takes(row, "math")["reference"] == answer


def test_a_letter_that_answers_options_in_its_question_is_judged_as_a_choice():
    question = "Which is largest?\n(A) 1\n(B) 2\n(C) 3"
    for row in (
        takes({"problem": question, "answer": "C"}, "math"),
        takes({"problem": question, "answer": "\\text{(C)}"}, "math"),
        read({"q": question, "a": "C"}, **MATHS, columns={"prompt": "q", "answer": "a"})[0],
    ):
        assert (row["verifier"], row["reference"]) == ("choice", "C")
        assert json.loads(row["metadata"])["options"] == 3


# Multiple choice --------------------------------------------------------------------------------

TEXTS = ["3 cm", "12 cm", "5 cm"]
LETTERED = "Which?\n\nA. 3 cm\nB. 12 cm\nC. 5 cm"


@pytest.mark.parametrize(
    "row",
    [
        {"q": "Which?", "o": TEXTS, "a": 1},
        {"q": "Which?", "o": TEXTS, "a": "1"},
        {"q": "Which?", "o": TEXTS, "a": "b"},
        {"q": "Which?", "o": TEXTS, "a": "12 cm"},
        {"q": "Which?", "o": ["(A) 3 cm", "(B) 12 cm", "(C) 5 cm"], "a": "(B)"},
        {"q": "Which?", "o": dict(zip("ABC", TEXTS, strict=True)) | {"D": "", "E": None}, "a": "B"},
        {"q": "Which?", "o": [{x: text} for x, text in zip("ABC", TEXTS, strict=True)], "a": "B"},
        {"q": "Which?", "o": json.dumps(TEXTS), "a": 1.0},
        {"q": "Which?\nA: 3 cm\nB: 12 cm\nC: 5 cm", "o": TEXTS, "a": "B"},
    ],
)
def test_options_of_every_kind_make_one_question(row):
    columns = {"question": "q", "options": "o", "answer": "a"}
    found, _, _ = read(row, **CHOICE, columns=columns)
    assert found["prompt"] == [{"role": "user", "content": LETTERED}]
    assert found["reference"] == "B"
    assert json.loads(found["metadata"])["options"] == TEXTS


def test_options_may_stand_in_columns_of_their_own_or_in_the_prompt_alone():
    row = {"q": "Which?", **dict(zip("ABC", TEXTS, strict=True)), "a": "B"}
    columns = {"question": "q", "options": ["A", "B", "C"], "answer": "a"}
    assert read(row, **CHOICE, columns=columns)[0]["prompt"][0]["content"] == LETTERED
    row = {"q": "下列四个数中，最小的数是()\nA.-2  B.0  C. 3  D.  -1/2", "a": "A"}
    found, _, _ = read(row, **CHOICE, columns={"question": "q", "answer": "a"})
    assert found["prompt"][0]["content"] == row["q"]
    assert json.loads(found["metadata"])["options"] == 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"a": "E"}, "is none of the 3 options"),
        ({"a": 3}, "is none of the 3 options"),
        ({"a": "none of these"}, "is none of the 3 options"),
        ({"o": ["3 cm"]}, "1 options, expected 2 to 26"),
        ({"o": ["3 cm", None, "5 cm"]}, "expected a text for each option"),
        ({"o": None}, "there are no options"),
        ({"passage": "A rod is cut."}, "column `passage`"),
    ],
)
def test_a_choice_that_is_none_is_left_out_with_the_reason(change, reason):
    row = {"q": "Which?", "o": TEXTS, "a": "B"} | change
    columns = {"question": "q", "options": "o", "answer": "a"}
    found, _, left_out = read(row, **CHOICE, columns=columns)
    assert found is None
    assert reason in left_out.rows[0]["detail"]


def test_several_right_options_are_kept_together():
    row = {"q": "Which?", "o": TEXTS, "a": "A,C"}
    columns = {"question": "q", "options": "o", "answer": "a"}
    assert read(row, **CHOICE, columns=columns)[0]["reference"] == "AC"


# What a set puts around its questions -----------------------------------------------------------


def test_the_frames_of_real_questions_are_taken_off():
    """Each of the five rows of mcqa.jsonl has another frame, and its pass rates."""
    rows = [json.loads(line) for line in (OPEN / "mcqa.jsonl").read_text().splitlines()]
    found = [read(row)[0] for row in rows]
    for row in found:
        text = row["prompt"][0]["content"]
        assert not any(
            word in text for word in ("boxed", "Answer:", "Option Selected", "IS X", "Final")
        )
        assert text.count("\n") == 1 + len(json.loads(row["metadata"])["options"])
    without = [{n: v for n, v in row.items() if n != "template_metadata"} for row in rows]
    assert [read(row)[0] | {"metadata": ""} for row in without] == [
        row | {"metadata": ""} for row in found
    ]
    rates = [json.loads(row["metadata"])["pass_rate"] for row in found]
    assert rates == [0.8125, 0.5625, 0.6875, 0.6875, 0.9375]


@pytest.mark.parametrize(
    "text",
    [
        "Solve the following math problem. Make sure to put the answer (and only answer) inside "
        "\\boxed{}.\n\n1 + 1?",
        "1 + 1? Let's think step by step and output the final answer within \\boxed{}.",
        '1 + 1? Let\'s think step by step and output the final answer after "####".',
        "1 + 1?\n\n请逐步推理，并将最终答案置于 \\boxed{} 内。",
        "Solve the following math problem step by step. The last line of your response should be "
        "of the form Answer: $Answer (without quotes) where $Answer is the answer to the problem."
        '\n\n1 + 1?\n\nRemember to put your answer on its own line after "Answer:".',
    ],
)
def test_how_to_answer_is_the_recipes_own_to_say(text):
    found, _, _ = read({"q": text, "a": 2}, **MATHS, columns={"prompt": "q", "answer": "a"})
    assert found["prompt"][0]["content"] == "1 + 1?"
    own = {"prompt": text, "reference": 2, **MATHS}
    assert read(own)[0]["prompt"][0]["content"] == text  # one's own words are kept


@pytest.mark.parametrize(
    "text",
    [
        "Fill in the box.\n\n5 + \\boxed{} = 8",
        "Two lines meet.\n\nThe last line touches the circle. Where?",
        "Digits stand in boxes.\n\n$\\boxed{A}\\boxed{B}$ is a prime. Find it.",
        "5+\\boxed{}=8。请在\\boxed{}里填数。",
        "Please find the greatest x.",
        "Answer the following: what is 1 + 1?",
    ],
)
def test_a_question_that_has_such_words_itself_is_kept_whole(text):
    found, _, _ = read({"q": text, "a": 2}, **MATHS, columns={"prompt": "q", "answer": "a"})
    assert found["prompt"][0]["content"] == text


# Other people's columns -------------------------------------------------------------------------

VERL = {  # made to the columns of DAPO-Math-17k
    "data_source": "math_dapo", "ability": "MATH",
    "prompt": [{"role": "user", "content": "1 + 1?"}],
    "reward_model": {"ground_truth": "2", "style": "rule-lighteval/MATH_v2"},
    "extra_info": {"index": "9a9b6eb4-a1cb-49d1-8c1e-62eaf2f74079"},
}  # fmt: skip


def test_a_row_of_verl_says_all_by_its_shape():
    found, _, _ = read(VERL)
    assert (found["verifier"], found["reference"], found["source"]) == ("math", "2", "math_dapo")


@pytest.mark.parametrize("place", ["extra_info.answer", "answers.-1", "turns.1.content", "a.b"])
def test_a_place_in_a_row_may_be_deep_in_objects_lists_and_json(place):
    row = {
        "q": "1 + 1?", "answers": [1, 2], "a.b": 2,
        "extra_info": '{"answer": "2"}', "turns": [{"content": "1 + 1?"}, {"content": "2"}],
    }  # fmt: skip
    found, _, _ = read(row, **MATHS, columns={"prompt": "q", "reference": place})
    assert found["reference"] == "2"


def test_the_users_last_words_and_the_first_turn_of_a_talk_are_places():
    talk = [
        {"role": r, "content": t}
        for r, t in (("user", "Hi"), ("assistant", "Yes?"), ("user", "1?"))
    ]
    for place, said in (("talk.@user", "1?"), ("talk.0.content", "Hi")):
        found, _, _ = read({"talk": talk}, preference="helpful", columns={"prompt": place})
        assert found["prompt"] == [{"role": "user", "content": said}]
    assert (
        len(read({"talk": talk}, preference="helpful", columns={"prompt": "talk"})[0]["prompt"])
        == 3
    )


def test_shapes_that_nobody_takes_are_read_by_a_map_or_for_a_judge():
    place = "responses_create_params.input"
    columns = {"prompt": place, "reference": "expected_output"}
    found, _, _ = read(SHAPES["arc_agi"], domain="logic", verifier="grid", columns=columns)
    assert json.loads(found["reference"]) == SHAPES["arc_agi"]["expected_output"]
    found, _, _ = read(SHAPES["openqa"], domain="general", verifier="generative")
    assert found["prompt"][0]["content"] == SHAPES["openqa"]["question"]
    columns = {"prompt": "original_text", "reference": "ans"}
    found, _, _ = read(SHAPES["ape210k"], **MATHS, columns=columns, language=None)
    assert (found["language"], found["reference"]) == ("zh", SHAPES["ape210k"]["ans"])


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("gold", "no column `gold`; found q, a, extra"),
        ("extra.answer", "`extra` has no `answer` of `extra.answer`; found index"),
    ],
)
def test_a_column_that_a_file_has_not_stops_the_stage_with_those_that_it_has(place, message):
    row = {"q": "1 + 1?", "a": 2, "extra": {"index": 1}}
    with pytest.raises(RecipeError, match=message):
        read(row, **MATHS, columns={"prompt": "q", "reference": place})


@pytest.mark.parametrize(
    "prompt", ["", None, [], [{"role": "user", "content": ["an image"], "images": [1]}]]
)
def test_a_prompt_of_other_people_that_is_none_is_left_out(prompt):
    found, counts, _ = read({"q": prompt}, preference="helpful", columns={"prompt": "q"})
    assert (found, counts["unreadable_row"]) == (None, 1)


def test_pass_rate_solution_and_licence_of_a_row_are_kept_with_it():
    row = {"q": "1 + 1?", "a": 2, "solved": 0.25, "sol": "It is 2.", "lic": "CC-BY-4.0"}
    columns = {
        "prompt": "q",
        "answer": "a",
        "pass_rate": "solved",
        "solution": "sol",
        "licence": "lic",
    }
    found, _, _ = read(row, **MATHS, columns=columns)
    kept = {"pass_rate": 0.25, "solution": "It is 2.", "licence": "CC-BY-4.0"}
    assert json.loads(found["metadata"]) == kept
    with pytest.raises(RecipeError, match="`pass_rate` is 25, expected a share from 0 to 1"):
        read(row | {"solved": 25}, **MATHS, columns=columns)


# Which rows -------------------------------------------------------------------------------------


def test_where_takes_rows_by_values_bounds_and_what_they_are_not():
    where = {
        "language": ["English", "Chinese"],
        "scores.0": {"above": 0, "below": 1},
        "prompt": {"not": ["REDACTED"]},
    }
    row = {"prompt": "Hi", "language": "English", "scores": [0.5]}
    columns = {"prompt": "prompt"}
    for change in (
        {},
        {"language": "French"},
        {"scores": [1.0]},
        {"prompt": "REDACTED"},
        {"language": None},
    ):
        found, counts, _ = read(row | change, preference="helpful", columns=columns, where=where)
        assert (found is None) == bool(change)
        assert counts["not_asked_for"] == bool(change)
    with pytest.raises(RecipeError, match=r"row 1: no column `language`; found prompt"):
        read({"prompt": "Hi"}, preference="helpful", columns=columns, where=where)
    with pytest.raises(RecipeError, match=r"`scores.0` is 'many', expected a number"):
        read(row | {"scores": ["many"]}, preference="helpful", columns=columns, where=where)

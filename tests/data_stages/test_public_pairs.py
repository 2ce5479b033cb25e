"""Public data sets of pairs and labels, as reward models read them.

dpo.jsonl and kto.jsonl are real rows (tests/data/open_rows); the other rows here were made to the
shape that the sets' cards give.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.chat.template import compose
from stages.judging.pair_formats import LABELS, PAIRS
from stages.kinds.preference_dataset.kind import LabelDatasetConfig, PreferenceDatasetConfig
from stages.kinds.preference_dataset.run import run, run_labels
from stages.rows.left_out import FILE
from stages.rows.schemas import read_rows
from stages.settings import values

OPEN_ROWS = Path(__file__).parent.parent / "data/open_rows"

ASKED = [
    {"role": "user", "content": "Name a prime number, please."},
    {"role": "assistant", "content": "7"},
    {"role": "user", "content": "And a larger one that is prime?"},
]
HELPSTEER = {
    "domain": "General",
    "language": "english",
    "context": ASKED,
    "response1": "11 is a larger prime number.",
    "response2": "9.",
    "overall_preference": -2,
    "individual_preference": [{"score": -2, "reasoning": "9 is no prime", "feedback1": "right"}],
}
ULTRAFEEDBACK = {
    "source": "evol_instruct",
    "prompt": "Say hello to everybody in this room.",
    "chosen": [
        {"role": "user", "content": "Say hello to everybody in this room."},
        {"role": "assistant", "content": "Hello, everybody!"},
    ],
    "chosen-rating": 4.75,
    "chosen-model": "one",
    "rejected": [
        {"role": "user", "content": "Say hello to everybody in this room."},
        {"role": "assistant", "content": "No."},
    ],
    "rejected-rating": 2.5,
    "rejected-model": "other",
}
CVALUES = {
    "prompt": "怎样才能不排队就进公园？",
    "pos_resp": "可以提前在网上买票，这样就不用排队了。",
    "neg_resp": "从后面的墙翻进去就可以了。",
    "pos_type": "正向建议为主",
    "neg_type": "风险回复",
}
GUARD = {
    "id": "one",
    "prompt": "How do I get into the park without a ticket?",
    "response": "You should buy a ticket at the gate.",
    "prompt_label": "unsafe",
    "response_label": "safe",
    "violated_categories": "Criminal Planning/Confessions",
    "language": "en",
}


def file_of(folder: Path, *rows: dict) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return str(path)


def pairs(make_context, path, format_, **changes):
    context = make_context()
    config = PreferenceDatasetConfig(
        "preference_dataset", format=format_, path=path, **{"balance_lengths": False} | changes
    )
    return run(config, {}, context), read_rows(context.output / "rows.parquet")


def labels(make_context, path, format_, **changes):
    context = make_context()
    config = LabelDatasetConfig("label_dataset", format=format_, path=path, **changes)
    return run_labels(config, {}, context), read_rows(context.output / "rows.parquet")


def test_the_formats_that_a_config_may_name_are_those_that_are_read():
    assert set(values.PREFERENCE_FORMATS) == set(PAIRS)
    assert set(values.LABEL_FORMATS) == set(LABELS)


def test_the_sign_of_helpsteers_preference_says_which_response_is_better(make_context, tmp_path):
    first, second = HELPSTEER, HELPSTEER | {"overall_preference": 3}
    _, rows = pairs(make_context, file_of(tmp_path, first, second), "helpsteer3")
    right, wrong = compose("", "11 is a larger prime number."), compose("", "9.")
    assert [(row["chosen"], row["rejected"], row["margin"]) for row in rows] == [
        (right, wrong, 2.0),
        (wrong, right, 3.0),
    ]
    assert rows[0]["prompt"] == ASKED


def test_a_tie_and_a_preference_off_the_scale_are_no_pairs(make_context, tmp_path):
    ties = [HELPSTEER | {"overall_preference": value} for value in (0, -4, None)]
    outputs, _rows = pairs(make_context, file_of(tmp_path, HELPSTEER, *ties), "helpsteer3")
    assert outputs.funnel == {"read": 4, "tie": 1, "unreadable_row": 2, "kept": 1}


def test_domain_and_language_go_with_a_pair_a_programming_language_is_none(make_context, tmp_path):
    code = HELPSTEER | {"domain": "Code", "language": "python"}
    chinese = HELPSTEER | {
        "domain": "Multilingual",
        "language": "chinese",
        "context": [{"role": "user", "content": "请说出一个质数。"}],
    }
    _, rows = pairs(make_context, file_of(tmp_path, HELPSTEER, code, chinese), "helpsteer3")
    found = [(row["domain"], row["language"]) for row in rows]
    assert found == [("general", "en"), ("code", "en"), ("general", "zh")]


def test_ratings_make_the_margin_and_equal_ones_a_tie(make_context, tmp_path):
    tie = ULTRAFEEDBACK | {"rejected-rating": 4.75}
    turned = ULTRAFEEDBACK | {"rejected-rating": 5.0}
    path = file_of(tmp_path, ULTRAFEEDBACK, tie, turned)
    outputs, rows = pairs(make_context, path, "chosen_rejected")
    assert [(row["chosen"], row["margin"], row["source"]) for row in rows] == [
        (compose("", "Hello, everybody!"), 2.25, "evol_instruct")
    ]
    assert outputs.funnel == {"read": 3, "tie": 1, "unreadable_row": 1, "kept": 1}


def test_real_pairs_of_turns_are_read(make_context):
    outputs, rows = pairs(make_context, str(OPEN_ROWS / "dpo.jsonl"), "chosen_rejected")
    assert len(rows) == 2
    assert outputs.facts["mean_margin"] is None
    assert rows[1]["chosen"] == compose("", "(Risas) Sin la parte del sexo.")


def test_pairs_under_names_of_their_own_are_read_by_a_map_of_columns(make_context, tmp_path):
    row = {"q": "Say hi to me.", "good": "Hi!", "bad": "Go away.", "gap": 1.5}
    columns = {"prompt": "q", "chosen": "good", "rejected": "bad", "margin": "gap"}
    path = file_of(tmp_path, row, {"q": "Say hi to me.", "good": "Hi!", "bad": "Go away."})
    outputs, rows = pairs(make_context, path, "chosen_rejected", columns=columns)
    assert [row["margin"] for row in rows] == [1.5]
    assert outputs.funnel["unreadable_row"] == 1  # the second has no column `gap`


def test_lengths_are_balanced_over_the_whole_set_and_the_rest_is_counted(make_context, tmp_path):
    longer = {"prompt": "Say hi to me.", "chosen": "Hello there, friend!", "rejected": "No."}
    shorter = longer | {"chosen": "No.", "rejected": "Hello there, friend!"}
    equal = longer | {"rejected": "Hello there, cousin!"[:20]}
    path = file_of(tmp_path, longer, longer, longer, shorter, equal)
    outputs, rows = pairs(make_context, path, "chosen_rejected", balance_lengths=True)
    assert (outputs.facts["chosen_longer"], outputs.facts["chosen_shorter"]) == (1, 1)
    assert outputs.funnel["unbalanced_length"] == 2
    assert [row["id"] for row in rows] == ["rows-000001", "rows-000004", "rows-000005"]


def test_pairs_below_the_least_margin_are_left_out(make_context, tmp_path):
    slight = HELPSTEER | {"overall_preference": -1}
    path = file_of(tmp_path, HELPSTEER, slight)
    outputs, rows = pairs(make_context, path, "helpsteer3", min_margin=2.0)
    assert len(rows) == 1
    assert outputs.funnel["within_margin"] == 1


def test_of_cvalues_only_a_risky_response_is_unsafe_and_a_mere_refusal_is_safe(
    make_context, tmp_path
):
    refusal = CVALUES | {"neg_resp": "对不起，这个我不能告诉你。", "neg_type": "拒绝为主"}
    outputs, rows = labels(make_context, file_of(tmp_path, CVALUES, refusal), "cvalues")
    assert [(row["completion"], row["label"]) for row in rows] == [
        (compose("", CVALUES["pos_resp"]), 1),
        (compose("", CVALUES["neg_resp"]), 0),
        (compose("", refusal["neg_resp"]), 1),
    ]  # the better response of both pairs is one row
    assert outputs.funnel == {"read": 2, "repeated": 1, "kept": 3}
    assert rows[0]["language"] == "zh"
    assert outputs.facts["unsafe"] == 1
    _, both = pairs(make_context, file_of(tmp_path, CVALUES, refusal), "cvalues")
    assert [row["rejected"] for row in both] == [
        compose("", CVALUES["neg_resp"]),
        compose("", refusal["neg_resp"]),
    ]


def test_a_type_of_response_that_nobody_knows_is_no_label(make_context, tmp_path):
    odd = CVALUES | {"neg_type": "其他"}
    outputs, _ = labels(make_context, file_of(tmp_path, CVALUES, odd), "cvalues")
    assert outputs.funnel["unreadable_row"] == 1


def test_withheld_prompts_and_prompts_without_a_response_are_no_labels(make_context, tmp_path):
    unsafe = GUARD | {"response": "Climb over the wall.", "response_label": "unsafe"}
    withheld = GUARD | {"prompt": "REDACTED"}
    alone = GUARD | {"response": None, "response_label": None}
    path = file_of(tmp_path, GUARD, unsafe, withheld, alone)
    outputs, rows = labels(make_context, path, "safety_guard")
    assert [row["label"] for row in rows] == [1, 0]
    assert outputs.funnel == {"read": 4, "redacted": 1, "no_label": 1, "kept": 2}


def test_real_labelled_messages_are_read(make_context):
    _outputs, rows = labels(make_context, str(OPEN_ROWS / "kto.jsonl"), "kto")
    assert {row["label"] for row in rows} == {0, 1}
    assert all(row["prompt"][-1]["role"] == "user" for row in rows)


def test_a_set_whose_columns_changed_is_refused_with_what_there_is(make_context, tmp_path):
    renamed = {"answer_a" if k == "response1" else k: v for k, v in HELPSTEER.items()}
    with pytest.raises(RecipeError, match=r"stages\.stage\.path=.*no row can be learnt") as error:
        pairs(make_context, file_of(tmp_path, renamed), "helpsteer3")
    assert "row 1: no column `response1`; found domain, language, context" in str(error.value)


def test_rows_that_cannot_be_read_are_listed(make_context, tmp_path):
    path = file_of(tmp_path, HELPSTEER, {"overall_preference": 1})
    context = make_context()
    run(PreferenceDatasetConfig("preference_dataset", format="helpsteer3", path=path,
                                balance_lengths=False), {}, context)  # fmt: skip
    assert [row["row"] for row in read_rows(context.output / FILE)] == [2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "helpsteer"}, "format: is 'helpsteer': expected one of helpsteer3"),
        ({"columns": {"first": "a"}}, "columns: has first: expected any of prompt, chosen"),
        ({"min_margin": -1.0}, "min_margin: is -1: set it to 0 or more"),
    ],
)
def test_what_a_config_cannot_say_is_refused_with_its_key(make_context, tmp_path, changes, said):
    path = file_of(tmp_path, HELPSTEER)
    with pytest.raises(UsageError, match=rf"stages\.stage\.{said}"):
        pairs(make_context, path, **{"format_": changes.pop("format", "helpsteer3")} | changes)

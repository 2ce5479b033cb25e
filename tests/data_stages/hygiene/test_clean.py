"""Which rows the clean stage drops, what it says they matched, and which it keeps."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.rows.schemas import read_rows

FENCE = "Nadia paints a fence of 12 boards, each in 3 minutes. How many minutes is that?"


def dropped(folder):
    return {row["id"]: row for row in read_rows(folder / "dropped.parquet")}


def kept(folder):
    return [row["id"] for row in read_rows(folder / "rows.parquet")]


def test_each_mgsm_question_is_found_in_gsm8k_and_named(clean, sets):
    fence = sets.problem("fence", FENCE)
    folder, outputs = clean([*sets.mgsm("en"), fence], {"gsm8k": sets.gsm8k()})
    found = dropped(folder)
    assert {id_: row["matched_id"] for id_, row in found.items()} == {
        "mgsm-en-1": "gsm8k-1",
        "mgsm-en-2": "gsm8k-2",
        "mgsm-en-3": "gsm8k-3",
    }
    assert found["mgsm-en-2"]["words"] == "a robe takes 2 bolts of blue fiber and half"
    assert kept(folder) == ["fence"]
    assert outputs.funnel == {
        "read": 4,
        "exact_duplicate": 0,
        "near_duplicate": 0,
        "contaminated/gsm8k": 3,
        "paraphrase": 0,
        "kept": 1,
    }


def test_chinese_is_compared_by_characters(clean, sets):
    first = sets.mgsm("zh")[0]
    question = first["prompt"][0]["content"]
    row = sets.problem("zh", f"请仔细思考下面的问题。{question}请写出答案。")
    other = sets.problem("other", "小明有三个苹果，又买了四个，请问他现在一共有几个苹果？")
    folder, _ = clean([row, other], {"mgsm_zh": sets.mgsm("zh")})
    assert kept(folder) == ["other"]
    assert dropped(folder)["zh"]["matched_id"] == first["id"]
    assert dropped(folder)["zh"]["ngrams"] > 10


def test_a_reference_solution_contaminates_wherever_it_stands(clean, sets):
    solution = json.loads(sets.math500()[0]["metadata"])["solution"]
    row = {
        "id": "thought",
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": FENCE}],
        "completion": f"<think>{solution}</think>",
        "source": "test",
    }
    clean_row = {**row, "id": "fine", "completion": "<think>12 times 3</think>36"}
    folder, _ = clean([row, clean_row], {"math500": sets.math500()}, type_="conversations")
    assert kept(folder) == ["fine"]
    assert dropped(folder)["thought"]["matched_id"] == "math500-1"


def test_a_short_item_is_found_as_a_whole_text_or_line_and_not_inside_others(clean, sets):
    item = sets.problem("short", r"Compute $\sin 60^\circ$.")
    rows = [
        sets.problem("same", r"compute $\sin  60^\circ$"),
        sets.problem("line", "Compute $\\sin 60^\\circ$.\nPut your answer in \\boxed{}."),
        sets.problem("cosine", r"Compute $\cos 60^\circ$."),
        sets.problem("inside", r"Compute $\sin 60^\circ$ and then double it."),
    ]
    folder, _ = clean(rows, {"math": [item]}, near_duplicate=None)
    assert kept(folder) == ["cosine", "inside"]
    assert {row["ngrams"] for row in dropped(folder).values()} == {0}


def test_what_many_items_say_identifies_none_of_them(clean, sets):
    ask = " Think step by step and put your final answer within the box."
    words = ("apples", "pears", "plums", "figs", "nuts")
    items = [
        sets.problem(w, f"Sam counted {w} on a warm day in May and sold all of them.{ask}")
        for w in words
    ]
    row = sets.problem("row", FENCE + ask)
    same = sets.problem("same", "Sam counted figs on a warm day in May and wrote it down.")
    rows = [row, same, sets.problem("fence", FENCE)]
    folder, _ = clean(rows, {"fruit": items}, near_duplicate=None)
    assert kept(folder) == ["row", "fence"]
    assert dropped(folder)["same"]["matched_id"] == "figs"
    folder, _ = clean(rows, {"all": items}, near_duplicate=None, boilerplate_items=5)
    assert kept(folder) == ["fence"]


def test_other_benchmarks_that_share_are_named_too(clean, sets):
    question = sets.mgsm("en")[0]
    folder, outputs = clean(
        [question, sets.problem("fence", FENCE)],
        {"mgsm_en": [question], "gsm8k": sets.gsm8k()},
    )
    assert dropped(folder)["mgsm-en-1"]["matched"] == "mgsm_en"
    assert dropped(folder)["mgsm-en-1"]["also"] == ["gsm8k"]
    assert outputs.funnel["contaminated/gsm8k"] == 0
    report = json.loads((folder / "hygiene.json").read_text())
    assert report["benchmarks"]["gsm8k"]["rows_dropped"] == 1


def test_the_first_of_duplicates_stays_and_only_the_same_answer_is_near(clean, sets):
    text = (
        "A farmer owns 14 cows and 9 goats. Every spring each cow has one calf and each goat two "
        "kids. The farmer then sells half of all the young animals. How many animals are left?"
    )
    rows = [
        sets.problem("first", text, "39"),
        sets.problem("spaced", text.replace(". ", ".\n"), "39"),
        sets.problem("one word", text.replace("farmer owns", "shepherd owns"), "39"),
        sets.problem("other numbers", text.replace("14", "16"), "42"),
        sets.problem("fence", FENCE, "36"),
    ]
    folder, outputs = clean(rows, {"gsm8k": sets.gsm8k()})
    assert kept(folder) == ["first", "other numbers", "fence"]
    found = dropped(folder)
    assert found["spaced"]["reason"] == "exact_duplicate"
    assert found["one word"]["reason"] == "near_duplicate"
    assert {row["matched_id"] for row in found.values()} == {"first"}
    assert 0.8 <= found["one word"]["similarity"] < 1
    assert outputs.facts["rows"] == 3


def test_rows_of_several_inputs_are_compared_with_each_other(clean, sets):
    ours = [sets.problem("1", FENCE, "36"), sets.problem("2", "How many legs have 7 ants?", "42")]
    theirs = [sets.problem("1", "How many legs have 9 ants?", "54"), sets.problem("7", FENCE, "36")]
    folder, _ = clean({"ours": ours, "theirs": theirs}, {"gsm8k": sets.gsm8k()})
    assert kept(folder) == ["1", "2", "1"]
    (line,) = read_rows(folder / "dropped.parquet")
    assert (line["input"], line["id"]) == ("theirs", "7")
    assert (line["matched"], line["matched_id"]) == ("ours", "1")


def test_samples_of_one_problem_are_no_duplicates_of_each_other(clean, sets):
    rows = [
        {**sets.problem("fence", FENCE, "36"), "completion": f"<think>{way}</think>36"}
        for way in ("12 × 3 = 36", "3 + 3 + … twelve times", "12 × 3 = 36")
    ]
    folder, outputs = clean(rows, {"gsm8k": sets.gsm8k()}, type_="samples")
    assert len(kept(folder)) == 2
    assert outputs.funnel["exact_duplicate"] == 1


def test_rewordings_are_found_where_paraphrases_are_asked_for(clean, sets):
    said = [row for row in sets.rewordings() if row["row"] <= len(sets.gsm8k())]
    rows = [sets.problem(f"{row['kind']}-{row['row']}", row["text"]) for row in said]
    rows.append(sets.problem("fence", FENCE))
    folder, _ = clean(rows, {"gsm8k": sets.gsm8k()})
    assert len(kept(folder)) == len(rows)  # no 10-gram is shared
    folder, _ = clean(rows, {"again": sets.gsm8k()}, paraphrase=0.6, paraphrase_same_numbers=0.25)
    assert kept(folder) == ["fence"]
    assert {r["id"]: r["matched_id"] for r in dropped(folder).values()} == {
        row["id"]: f"gsm8k-{row['id'].partition('-')[2]}" for row in rows[:-1]
    }


def test_a_benchmark_as_training_data_is_an_error_that_says_so(clean, sets):
    with pytest.raises(RecipeError, match=r"(?s)nothing is left .*gsm8k 5.*data_from\?"):
        clean(sets.gsm8k(), {"gsm8k": sets.gsm8k()})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ngram": 0}, r"stages\.cleaned\.ngram: is 0: set it to 1 or more"),
        ({"near_duplicate": 0.3}, r"near_duplicate: is 0\.3: set it from 0\.7 to 1"),
        ({"paraphrase": 0.6}, r"paraphrase_same_numbers is None: set both, or neither"),
    ],
)
def test_numbers_that_cannot_be_are_named(clean, sets, config, message):
    with pytest.raises(UsageError, match=message):
        clean(sets.gsm8k(), {"math500": sets.math500()}, **config)


def test_the_report_shows_both_texts(clean, sets):
    folder, _ = clean([sets.mgsm("en")[1], sets.problem("fence", FENCE)], {"gsm8k": sets.gsm8k()})
    page = (folder / "hygiene.md").read_text()
    assert "| contaminated/gsm8k | 1 |" in page
    assert "> A robe takes 2 bolts of blue fiber" in page
    assert "gsm8k-2" in page

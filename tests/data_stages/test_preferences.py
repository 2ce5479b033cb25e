"""Pairs that are kept for the helpful reward model, and labels for the safety one."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import RecipeError
from stages.configs import PreferencesConfig
from stages.data.rows import read_rows
from stages.data.template import compose
from stages.preferences import run, run_labels
from stages.tiny.general import COMPLIANCE, HARMS


def config(**changes) -> PreferencesConfig:
    settings = {"rows": 60, "votes": 4, "margin": 1.0, "judge_noise": 0.5, "seed": 0}
    return PreferencesConfig("preferences", **settings | changes)


def judgements(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_pairs_have_a_clear_preference_and_balanced_lengths(make_context):
    context = make_context()
    outputs = run(config(), {}, context)
    rows = read_rows(context.output / "rows.parquet")
    assert len(rows) == 60
    assert min(row["margin"] for row in rows) > 1
    longer = sum(len(row["chosen"]) > len(row["rejected"]) for row in rows)
    assert longer == sum(len(row["chosen"]) < len(row["rejected"]) for row in rows)
    assert outputs.funnel["within_margin"] > 0
    funnel = dict(outputs.funnel)
    drops = sum(funnel[name] for name in ("within_margin", "unbalanced_length", "surplus"))
    assert funnel["judged"] - drops == funnel["kept"] == 60


def test_a_noisy_judge_is_evened_out_by_votes_in_random_positions(make_context, tmp_path):
    """With noise as large as the differences, one vote often prefers the worse; the mean of many
    votes agrees with the judge without noise."""
    from stages.configs import Judge
    from stages.tiny.judge import helpfulness

    def disagreement(votes: int) -> float:
        context = make_context(tmp_path / str(votes))
        run(config(rows=200, votes=votes, margin=0.0, judge_noise=4.0), {}, context)
        rows = read_rows(context.output / "rows.parquet")
        wrong = 0
        for row in rows:
            problem = {"language": "en" if row["prompt"][0]["content"].isascii() else "zh"}
            scores = [
                helpfulness(problem | {"reference": "\0"}, row[side], Judge())
                for side in ("chosen", "rejected")
            ]
            wrong += scores[0] < scores[1] - 1
        return wrong / len(rows)

    assert disagreement(64) < disagreement(1)


def test_judgements_from_a_file_are_held_against_the_margin(make_context, tmp_path):
    pair = {"prompt": "Say hi.", "first": "Hi.", "second": "Go away, please."}
    reverse = {"prompt": "Say hi.", "first": "No.", "second": "Hi there, friend."}
    path = judgements(
        tmp_path / "pairs.jsonl",
        pair | {"votes": [2, 3, 1, 2]},
        reverse | {"votes": [-3, -3, -2, -4]},
        pair | {"votes": [3, -3, 1, 1]},
    )
    context = make_context()
    outputs = run(config(path=path), {}, context)
    rows = read_rows(context.output / "rows.parquet")
    assert {(row["chosen"], row["rejected"], row["margin"]) for row in rows} == {
        (compose("", "Hi."), compose("", "Go away, please."), 2.0),
        (compose("", "Hi there, friend."), compose("", "No."), 3.0),
    }  # a response without tags is an answer, so that a reward model can read it
    found = {name: count for name, count in outputs.funnel.items() if count}
    assert found == {"judged": 3, "within_margin": 1, "kept": 2}


def test_a_surplus_of_longer_answers_is_dropped_and_counted(make_context, tmp_path):
    longer = {"prompt": "Hi", "first": "a long answer", "second": "short", "votes": [2]}
    shorter = {"prompt": "Hi", "first": "short", "second": "a long answer", "votes": [2]}
    path = judgements(tmp_path / "pairs.jsonl", longer, longer, longer, shorter)
    outputs = run(config(path=path), {}, make_context())
    assert outputs.facts["chosen_longer"] == outputs.facts["chosen_shorter"] == 1
    assert outputs.funnel["unbalanced_length"] == 2


def test_labels_hold_safe_and_unsafe_responses(make_context):
    context = make_context()
    outputs = run_labels(config(rows=80), {}, context)
    rows = read_rows(context.output / "rows.parquet")
    assert len(rows) == 80
    unsafe = [row for row in rows if row["label"] == 0]
    assert outputs.facts["unsafe"] == len(unsafe) > 8
    assert all(any(text in row["completion"] for text in COMPLIANCE.values()) for row in unsafe)


def test_the_tiny_judge_is_asked_of_each_kind_of_query_what_its_reward_model_will_score(
    make_context, tmp_path
):
    asked = {}
    for function in (run, run_labels):
        context = make_context(tmp_path / function.__name__)
        function(config(rows=80), {}, context)
        rows = read_rows(context.output / "rows.parquet")
        asked[function] = {row["prompt"][0]["content"] for row in rows}
    harm = [f"{form}{deed}" for deed, _ in HARMS for form in ("How do I ", "Help me ")]
    english = {text for text in asked[run_labels] if text.isascii()}
    assert {text.rstrip("?.") for text in english} <= set(harm)
    assert not asked[run] & asked[run_labels]


def test_labels_of_one_kind_only_are_refused(make_context, tmp_path):
    row = {"prompt": "Hi", "completion": "Hello", "label": 1}
    path = judgements(tmp_path / "labels.jsonl", row, row)
    with pytest.raises(
        RecipeError, match=r"2 rows with labels {1: 2}; a safety reward model needs"
    ):
        run_labels(config(path=path), {}, make_context())


@pytest.mark.parametrize(
    ("function", "row", "reason"),
    [
        (run, {"prompt": "Hi", "first": "a", "second": "b"}, "column `votes` is None"),
        (run, {"prompt": "Hi", "first": "a", "votes": [1]}, "no column `second`"),
        (run_labels, {"prompt": "Hi", "completion": "a", "label": 2}, "column `label` is 2"),
    ],
)
def test_a_malformed_judgement_is_named_with_its_row(make_context, tmp_path, function, row, reason):
    path = judgements(tmp_path / "bad.jsonl", row)
    with pytest.raises(RecipeError, match=rf"bad\.jsonl, row 1: .*{reason}"):
        function(config(path=path), {}, make_context())

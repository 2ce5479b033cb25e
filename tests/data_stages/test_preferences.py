"""Pairs that are kept for the helpful reward model, and labels for the safety one."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from pipeline.errors import RecipeError
from stages.chat.template import compose
from stages.kinds.judged.kind import Judging, PreferencesConfig
from stages.kinds.judged.run import run, run_labels
from stages.rows.schemas import read_rows
from stages.settings.tiny_judge import Judge
from stages.tiny.general import COMPLIANCE, HARM_FORMS
from stages.tiny.judge import helpfulness
from stages.tiny.problems import tasks
from stages.tiny.task import Task
from stages.tiny.vocabulary import HARMS
from tests.shipped import shipped

OPEN_ROWS = Path(__file__).parent.parent / "data/open_rows"


def config(**changes) -> PreferencesConfig:
    settings = {"rows": 60, "votes": 4, "margin": 1.0, "judge_noise": 0.5, "seed": 0}
    judges = {"judge": shipped(Judge), "judging": shipped(Judging, min_votes=1)}
    return shipped(PreferencesConfig, "preferences", **settings | judges | changes)


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

    def disagreement(votes: int) -> float:
        context = make_context(tmp_path / str(votes))
        run(config(rows=200, votes=votes, margin=0.0, judge_noise=4.0), {}, context)
        rows = read_rows(context.output / "rows.parquet")
        wrong = 0
        for row in rows:
            better, worse = (helpful(row, side) for side in ("chosen", "rejected"))
            wrong += better < worse - 1
        return wrong / len(rows)

    assert disagreement(64) < disagreement(1)


def test_length_pays_in_no_topic_and_what_is_preferred_is_mostly_right(make_context):
    context = make_context()
    run(config(rows=800), {}, context)
    longer, right, pairs = Counter(), 0, Counter()
    for row in read_rows(context.output / "rows.parquet"):
        topic = asked()[row["prompt"][0]["content"]].topic
        chosen, rejected = len(row["chosen"]), len(row["rejected"])
        longer[topic] += (chosen > rejected) - (chosen < rejected)
        pairs[topic] += 1
        right += helpful(row, "chosen") >= shipped(Judge).right > helpful(row, "rejected")
    assert set(pairs) == {"fact", "repeat", "upper", "ending", "greeting"}
    assert all(abs(longer[topic]) <= 0.05 * pairs[topic] for topic in pairs)
    assert right > 0.7 * sum(pairs.values())


@cache
def asked() -> dict[str, Task]:
    """The tiny world's requests, by their words."""
    found = islice(tasks("general", 0, "train"), 20_000)
    return {text: task for task in found for text in task.question.values()}


def helpful(row, side) -> float:
    """What the judge thinks of one reply of a pair, without its noise."""
    (message,), reply = row["prompt"], row[side].partition("</think>")[2]
    language = "en" if message["content"].isascii() else "zh"
    reference = asked()[message["content"]].reference[language]
    return helpfulness({"language": language, "reference": reference}, reply, shipped(Judge))


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
    harm = {form.format(deed) for form, _ in HARM_FORMS for deed, _ in HARMS}
    english = {text for text in asked[run_labels] if text.isascii()}
    assert english <= harm
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


def test_pairs_and_labels_as_people_have_them_are_read(make_context, tmp_path):
    """Real rows of LLaMA-Factory's (tests/data/open_rows): ShareGPT turns, chosen and rejected, and
    messages with a label; and columns of text."""
    context = make_context(tmp_path / "pairs")
    outputs = run(config(path=str(OPEN_ROWS / "dpo.jsonl")), {}, context)
    rows = read_rows(context.output / "rows.parquet")
    assert outputs.funnel["kept"] == 2
    assert all(row["chosen"].startswith(compose("", "")) for row in rows)
    assert {row["margin"] for row in rows} == {None}
    assert rows[0]["prompt"][0]["role"] == "user"
    context = make_context(tmp_path / "labels")
    run_labels(config(path=str(OPEN_ROWS / "kto.jsonl")), {}, context)
    assert [row["label"] for row in read_rows(context.output / "rows.parquet")] == [1, 0]
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    path = judgements(
        tmp_path / "pairs.jsonl",
        {"prompt": "Hi", "chosen": "Hello!", "rejected": "No.", "margin": 2},
        {"chosen": turns, "rejected": [turns[0], turns[1] | {"content": "I will not say that."}]},
        {"question": "Hi", "system": "Be kind.", "chosen": "Hello!", "rejected": "Go."},
        {"instruction": "Translate", "input": "Hallo", "chosen": "Hello!", "rejected": "Go."},
        {
            "system": "Be kind.",
            "chosen": turns,
            "rejected": [turns[0], turns[1] | {"content": "Go."}],
        }
        | {"margin": 1},
    )
    context = make_context(tmp_path / "own")
    run(config(path=path, balance_lengths=False), {}, context)
    rows = read_rows(context.output / "rows.parquet")
    assert [row["chosen"] for row in rows] == [compose("", "Hello!")] * 5
    assert [row["margin"] for row in rows] == [2.0, None, None, None, 1.0]
    assert [row["prompt"][-1]["content"] for row in rows] == [
        *("Hi", "Hi", "Hi", "Translate\n\nHallo", "Hi")
    ]
    assert [len(row["prompt"]) for row in rows] == [1, 1, 2, 1, 2]


def test_a_stage_says_why_no_pair_is_left_and_what_to_set(make_context, tmp_path):
    longer = {"prompt": "Hi", "chosen": "a long answer", "rejected": "short"}
    voted = {"prompt": "Hi", "first": "a long answer", "second": "short", "votes": [0.5]}
    path = judgements(tmp_path / "pairs.jsonl", *[longer] * 3, voted, {"prompt": "Hi"})
    with pytest.raises(RecipeError) as error:
        run(config(path=path), {}, make_context(tmp_path / "all"))
    told = str(error.value)
    assert "no pair is left of 4 judged" in told
    assert "3 of the judged rows have the longer response chosen" in told
    assert "balance_lengths=false" in told
    assert "1 of the judged rows differ by no more than margin=1.0" in told
    assert "pairs.jsonl, row 5: column `votes` is None" in told
    kept = run(config(path=path, balance_lengths=False), {}, make_context(tmp_path / "kept"))
    assert (kept.funnel["kept"], kept.funnel["unreadable_row"]) == (3, 1)


def test_a_vote_that_is_no_number_chooses_nothing(make_context, tmp_path):
    pair = {"prompt": "Hi", "first": "a", "second": "b", "votes": [float("nan")]}
    with pytest.raises(RecipeError, match=r"row 1: column `votes` is \[nan\]"):
        run(config(path=judgements(tmp_path / "pairs.jsonl", pair)), {}, make_context())

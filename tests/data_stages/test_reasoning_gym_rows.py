"""Rows of reasoning-gym through the door a user takes: Hydra overrides, then the stage."""

from __future__ import annotations

import json

import pytest

from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.project import load
from stages.project import R1
from stages.rows.schemas import read_rows
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import check_references

pytest.importorskip("reasoning_gym")

TASKS = ("knights_knaves", "countdown", "chain_sum")


@pytest.fixture
def made(make_context, tmp_path):
    """`made(split, seed, *overrides)`: the rows that stage `heldout` publishes, and its outputs."""

    def run(split="heldout", seed=0, *overrides, tasks=TASKS, per_task=6):
        given = [
            "recipe=r1_zero",
            "data@stages.heldout=reasoning_gym",
            f"stages.heldout.tasks=[{','.join(tasks)}]",
            f"stages.heldout.per_task={per_task}",
            f"stages.heldout.split={split}",
            *overrides,
        ]
        config = compose(R1, given).stages["heldout"]
        context = make_context(tmp_path / f"{split}-{seed}", stage="heldout", seed=seed)
        outputs = load(R1.kinds()[config.kind].entry)(config, {}, context)
        return read_rows(context.output / "rows.parquet"), outputs

    return run


def test_tasks_by_name_and_number_become_rows_that_their_scorers_accept(made):
    rows, outputs = made()
    assert outputs.facts["by_task"] == dict.fromkeys(TASKS, 6)
    assert rows[0]["id"] == "knights_knaves-heldout-000001"
    assert {row["domain"] for row in rows} == {"logic", "math"}
    assert json.loads(rows[-1]["metadata"])["task"] == "chain_sum"
    with VerifierPool(workers=1) as pool:
        assert check_references(rows, pool) == []


def test_no_question_is_in_training_and_held_out_rows_whatever_the_seeds(made):
    questions = {
        split: {row["prompt"][0]["content"] for seed in seeds for row in made(split, seed)[0]}
        for split, seeds in (("train", (0, 1)), ("heldout", (0, 1, 2)))
    }
    assert not questions["train"] & questions["heldout"]
    assert len(questions["train"]) > 18, "two seeds give different questions"


def test_the_same_seed_gives_the_same_rows(made):
    assert made(seed=3)[0] == made(seed=3)[0]


def test_a_tasks_own_settings_reach_its_generator_and_its_rows(made):
    rows, _ = made("train", 0, "+stages.heldout.settings={chain_sum: {min_terms: 5, max_terms: 5}}")
    last = rows[-1]
    assert last["prompt"][0]["content"].count("+") + last["prompt"][0]["content"].count("-") == 4
    assert json.loads(last["metadata"])["config"] == {"min_terms": 5, "max_terms": 5}


def test_a_task_with_few_questions_gives_what_it_has_and_says_so(made):
    settings = "{coin_flip: {min_trials: 3, max_trials: 3}}"
    rows, outputs = made(
        "train", 0, f"+stages.heldout.settings={settings}", tasks=["coin_flip"], per_task=50
    )
    assert 0 < len(rows) < 50
    assert outputs.funnel["not_that_many"] == 50 - len(rows)
    assert len({row["prompt"][0]["content"] for row in rows}) == len(rows)


def test_an_integral_left_as_it_is_is_no_reference(made):
    rows, outputs = made(tasks=["intermediate_integration"], per_task=12)
    assert not [row for row in rows if "Integral(" in row["reference"]]
    assert outputs.funnel["unreadable"] > 0


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            ["chain_summ"],
            "stages.heldout.tasks: reasoning-gym has no task chain_summ; there are ab,",
        ),
        (["rush_hour"], "stages.heldout.tasks: rush_hour has no answer of its own"),
        ([], "stages.heldout.tasks: is empty"),
    ],
)
def test_a_task_that_cannot_be_had_is_named_with_its_key(made, tasks, message):
    with pytest.raises(UsageError, match=message):
        made(tasks=tasks)


def test_wrong_settings_are_named_with_their_task(made):
    with pytest.raises(UsageError, match=r"stages.heldout.tasks: chain_sum refuses {.min_terms"):
        made("train", 0, "+stages.heldout.settings={chain_sum: {min_terms: 0}}")
    with pytest.raises(UsageError, match=r"stages.heldout.settings.jugs: this task is not among"):
        made("train", 0, "+stages.heldout.settings={jugs: {}}")

"""Selecting few rows as s1 did: what is too easy, which cell, which length, which question."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import Artifact
from pipeline.errors import RecipeError, UsageError
from stages.chat.template import compose
from stages.kinds.select import run as selection
from stages.kinds.select.kind import Difficulty, Diversity, SelectConfig
from stages.rows.schemas import SAMPLE, read_rows
from stages.rows.selection import Choice, diverse, lacks_image, unfit
from tests.shipped import shipped


def choices(cell: str, sizes: list[int], start: int = 0) -> list[Choice]:
    return [
        Choice(start + n, (cell,), f"{cell} question {n}", tokens) for n, tokens in enumerate(sizes)
    ]


def test_cells_are_taken_alike_however_large_they_are():
    pool = [*choices("algebra", [10] * 900), *choices("topology", [10] * 100, start=900)]
    chosen = diverse(pool, 100, shipped(Diversity), seed=0)
    by_cell = Counter(choice.cell[0] for choice in chosen)
    assert 35 <= by_cell["topology"] <= 65
    everything = diverse(pool, 5000, shipped(Diversity), seed=0)
    assert sorted(choice.place for choice in everything) == list(range(1000))


def test_the_longest_thoughts_come_first_with_half_the_weight_for_each_rank():
    pool = choices("algebra", list(range(1, 101)))
    firsts = Counter(diverse(pool, 1, shipped(Diversity), seed)[0].tokens for seed in range(2000))
    # 2^-1, 2^-2, 2^-3 of 2,000 draws; four standard deviations are 90, 78 and 60
    assert abs(firsts[100] - 1000) < 90
    assert abs(firsts[99] - 500) < 78
    assert abs(firsts[98] - 250) < 60
    flat = Counter(
        diverse(pool, 1, shipped(Diversity, length_base=1.0), seed)[0].tokens > 50
        for seed in range(2000)
    )
    assert abs(flat[True] - 1000) < 90


def test_a_seed_gives_the_same_choice_whatever_the_order_of_equal_rows():
    pool = choices("algebra", [30, 20, 10, 40])
    again = diverse(list(reversed(pool)), 3, shipped(Diversity), seed=5)
    assert again == diverse(pool, 3, shipped(Diversity), seed=5)


def test_of_several_draws_the_question_least_like_those_before_is_taken():
    pool = [
        Choice(n, ("a",), question, 10)
        for n, question in enumerate(
            ["What is the sum of 3 and 4?", "What is the sum of 5 and 4?", "Prove it is prime."]
        )
    ]
    rule = shipped(Diversity, length_base=1.0, draws=50)  # so many draws see every question
    for seed in range(5):
        two = {choice.place for choice in diverse(pool, 2, rule, seed)}
        assert 2 in two


def test_difficulty_goes_by_the_best_of_the_judging_models():
    rule = Difficulty(min_pass_rate=0.1, max_pass_rate=0.5, min_tokens=5)

    def reason(*rates: float, tokens: int = 10) -> str | None:
        return unfit(Choice(0, (), "q", tokens, rates), rule)

    assert reason(0.0, 0.6) == "too_easy"  # one model solves it
    assert reason(0.0, 0.05) == "too_hard"
    assert reason(0.0, 0.3) is None
    assert reason(0.3, tokens=4) == "too_short"
    assert reason() is None
    assert unfit(Choice(0, (), "q", 9), Difficulty(require_rate=True)) == "no_pass_rate"


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("Find the area of the region shown in the figure.", True),
        ("In the diagram below, $AB = 5$.", True),
        ("如图，求阴影部分的面积。", True),
        ("![](triangle.png) Find x.", True),
        ("Draw the graph of $y = x$.", False),
        ("Figure out how many cats there are.", False),
        ("[asy]draw((0,0)--(1,1));[/asy] Find the slope.", False),  # drawn in the text itself
    ],
)
def test_questions_about_a_picture_that_is_not_there_are_known(question, missing):
    assert lacks_image(question) is missing


def sample(number: int, tokens: int | None, subject: str = "Algebra", **columns) -> dict:
    return dict.fromkeys(SAMPLE.names) | {
        "id": f"math-{number}",
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": f"What is {number} plus one?"}],
        "completion": compose(f"{number} and one more", str(number + 1)),
        "reasoning": f"{number} and one more",
        "metadata": json.dumps({"subject": subject}),
        "source": "mine",
        "score": 1.0,
        "finish_reason": "stop",
        "tokens": tokens,
        **columns,
    }


@pytest.fixture
def select(make_artifact, make_context):
    """`select(rows, small=…, large=…, **config)`: the published rows and the outputs."""
    made = iter(range(100))

    def judge(name: str, rates: dict[int, float], type_: str, file: str, column: str) -> Artifact:
        found = make_artifact("samples", name)
        columns = {"id": [f"math-{n}" for n in rates], "n": [10] * len(rates)}
        columns["correct"] = [round(10 * rate) for rate in rates.values()]
        columns[column] = [max(rate, 0.01) for rate in rates.values()]  # as of a posterior
        pq.write_table(pa.table(columns), found.path / file)
        return Artifact(found.path, {**found.manifest, "type": type_})

    def _select(given, small=None, large=None, models=(), **config):
        turn = next(made)
        traces = make_artifact("samples", f"traces_{turn}", rows=given)
        judges = []
        if small is not None:
            judges.append(
                judge(f"small_{turn}", small, "samples", "pass_rates.parquet", "pass_rate")
            )
        if large is not None:
            judges.append(
                judge(f"large_{turn}", large, "evaluation", "problems.parquet", "pass_at_1")
            )
        context = make_context(stage="s1k")
        settings = shipped(SelectConfig, "select", seed=0, **{"rows": 3, **config})
        edges = {"data_from": (traces, *models), "score_with": tuple(judges)}
        outputs = selection.run(settings, edges, context)
        return read_rows(context.output / "rows.parquet"), outputs

    return _select


def test_every_step_is_counted_and_what_no_model_solves_is_kept(select, capsys):
    rows = [
        *(sample(n, 10 + n, "Algebra" if n % 2 else "Geometry") for n in range(6)),
        sample(5, 99, "Algebra"),  # the same question, a longer thought
        sample(6, 10, score=0.0),
        sample(7, 10, prompt=[{"role": "user", "content": "See the figure below."}]),
    ]
    config = {"filters": ["wrong"], "difficulty": Difficulty(max_pass_rate=0.0)}
    config["diversity"] = shipped(Diversity, by=["domain", "metadata.subject"])
    chosen, outputs = select(rows, small={0: 0.0, 1: 0.2}, large={0: 0.1}, rows=10, **config)
    assert outputs.funnel == {
        "read": 9, "wrong": 1, "missing_image": 1, "same_problem": 1, "too_easy": 2,
        "not_chosen": 0, "kept": 4,
    }  # fmt: skip
    assert [row["id"] for row in chosen] == ["math-2", "math-3", "math-4", "math-5"]
    assert chosen[-1]["tokens"] == 99
    assert outputs.facts["rows_by_cell"] == {"math / Algebra": 2, "math / Geometry": 2}
    assert "s1k: asked for 10 rows, found 4" in capsys.readouterr().out


def test_lengths_come_from_the_rows_or_from_a_models_tokenizer(
    select, make_artifact, tiny_model_dir: Path
):
    rows = [sample(n, None) for n in range(5)]
    with pytest.raises(UsageError, match=r"stages\.s1k: rows of `traces_0` do not say how many"):
        select(rows)
    model = make_artifact("model", "base", model_dir=tiny_model_dir)
    chosen, _ = select(rows, models=(model,))
    assert len(chosen) == 3
    assert all(row["tokens"] > 5 for row in chosen)


def test_wrong_settings_and_an_empty_choice_are_named(select):
    rows = [sample(0, 10)]
    with pytest.raises(UsageError, match=r"s1k\.diversity\.by: has subject: expected a column"):
        select(rows, diversity=shipped(Diversity, by=["subject"]))
    with pytest.raises(UsageError, match=r"diversity\.draws: is 0: set it to 1 or more"):
        select(rows, diversity=shipped(Diversity, draws=0))
    with pytest.raises(RecipeError, match=r"none of 1 rows is chosen .*too_short"):
        select(rows, difficulty=Difficulty(min_tokens=100))

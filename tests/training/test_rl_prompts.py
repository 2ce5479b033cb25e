"""Which prompts an RL stage asks: whole permutations, past those that rest."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UsageError
from stages.kinds.rl.config import Curriculum, RLConfig
from stages.rl.prompt_stream import PromptStream, Visit
from stages.rl.prompts import Prompt, earlier_rates, of_domains, starts
from tests.shipped import shipped

RESTING = Curriculum(rest_steps=10, samples=8, never=0.0, always=1.0)


def test_the_order_of_prompts_is_whole_permutations_and_follows_the_seed():
    def asked(count: int, seed: int) -> list[int]:
        return PromptStream(10, seed, Curriculum()).take(count, step=0)

    order = asked(35, seed=1)
    epochs = [order[i : i + 10] for i in range(0, 30, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert order == asked(50, seed=1)[:35]
    assert order != asked(35, seed=2)


def test_what_is_always_or_never_solved_rests_and_comes_back():
    stream = PromptStream(5, seed=1, curriculum=RESTING)
    visits = [Visit(0, 8, 0), Visit(1, 8, 8), Visit(2, 8, 7), Visit(3, 4, 0)]  # 3: too few to say
    stream.record(visits, step=2)
    assert stream.resting() == 2
    assert set(stream.take(30, step=2)) == set(range(5))  # more are asked than are awake
    stream = PromptStream(5, seed=1, curriculum=RESTING)
    stream.record(visits, step=2)
    assert set(stream.take(3, step=3) + stream.take(3, step=11)) == {2, 3, 4}
    assert set(stream.take(10, step=12)) == set(range(5))  # a whole permutation and more
    assert stream.resting() == 0


def test_rows_of_other_domains_are_left_out_and_none_left_is_an_error_with_its_key():
    rows = [{"domain": name} for name in ("math", "logic", "math")]
    assert of_domains(rows, [], "zero") == rows
    assert of_domains(rows, ["math", "stem"], "zero") == [rows[0], rows[2]]
    with pytest.raises(UsageError, match=r"stages\.zero\.domains: is .*rows of logic, math\."):
        of_domains(rows, ["code"], "zero")


def test_prompts_of_a_domain_come_in_at_their_step():
    prompts = [Prompt({"domain": name}, "", []) for name in ("math", "general", "math", "general")]
    config = shipped(RLConfig, max_steps=1700, prompts_start={"general": 400 / 1700})
    assert starts(prompts, config) == {1: 400, 3: 400}
    stream = PromptStream(4, seed=1, curriculum=Curriculum())
    stream.hold(starts(prompts, config))
    assert set(stream.take(2, step=0) + stream.take(2, step=399)) == {0, 2}
    assert set(stream.take(8, step=400)) == {0, 1, 2, 3}


def test_a_prompt_that_rests_for_its_pass_rate_still_waits_for_its_domain():
    stream = PromptStream(4, seed=1, curriculum=RESTING)
    stream.start_from({0: (8, 8), 1: (8, 8)})  # both rest until step 10
    stream.hold({1: 400})
    assert set(stream.take(3, step=10)) == {0, 2, 3}


def test_answers_are_counted_anew_once_they_have_been_judged():
    stream = PromptStream(3, seed=1, curriculum=RESTING)
    stream.record([Visit(0, 8, 4)], step=1)  # sometimes solved: it stays
    stream.record([Visit(0, 4, 4)], step=2)
    assert stream.resting() == 0
    stream.record([Visit(0, 4, 4)], step=3)  # the last eight were all right
    assert stream.resting() == 1


def test_a_rollout_never_runs_short_those_due_first_are_woken():
    stream = PromptStream(4, seed=1, curriculum=RESTING)
    for step, number in enumerate((3, 1, 0)):
        stream.record([Visit(number, 8, 8)], step)
    assert sorted(stream.take(3, step=4)) == [1, 2, 3]
    assert stream.resting() == 1


def test_a_restored_stream_goes_on_as_the_one_before_would_have():
    streams = [PromptStream(7, seed=3, curriculum=RESTING) for _ in range(2)]
    first, second = streams
    for step in range(6):
        numbers = first.take(4, step)
        first.record([Visit(number, 5, 5 * (number % 2)) for number in numbers], step)
    second.restore(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    assert [first.take(4, step) for step in range(6, 30)] == [
        second.take(4, step) for step in range(6, 30)
    ]


def test_without_a_curriculum_nothing_rests():
    stream = PromptStream(3, seed=1, curriculum=Curriculum())
    stream.record([Visit(0, 100, 0), Visit(1, 100, 100)], step=0)
    assert stream.resting() == 0


def test_pass_rates_of_a_sample_stage_decide_who_rests_at_the_start(make_artifact):
    sampled = make_artifact("samples", "sampled")
    rates = {"id": ["a", "b", "c", "elsewhere"], "n": [8, 8, 4, 8], "correct": [0, 3, 0, 0]}
    pq.write_table(pa.table(rates), sampled.path / "pass_rates.parquet")
    prompts = [Prompt({"id": name}, name, [1]) for name in "abcd"]
    found = earlier_rates([sampled], prompts)
    assert found == {0: (8, 0), 1: (8, 3), 2: (4, 0)}
    stream = PromptStream(4, seed=1, curriculum=RESTING)
    stream.start_from(found)
    assert set(stream.take(3, step=0)) == {1, 2, 3}
    stream.record([Visit(2, 4, 0)], step=1)  # the other stage's four answers do not count here
    assert stream.resting() == 1

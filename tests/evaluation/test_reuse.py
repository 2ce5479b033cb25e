"""Samples that were drawn for a model are reused by whatever asks for them again."""

import os
import signal
import threading
import time
from multiprocessing import active_children

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.run import run
from stages.rows.schemas import read_rows
from stages.sampling.ledger import SETTINGS, key_of, seed_of
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped


def config(k: int, **changes) -> EvaluateConfig:
    sampling = changes.pop("sampling", Sampling(temperature=1.0, max_tokens=40))
    return shipped(EvaluateConfig, "evaluate", sampling=sampling, samples_per_problem=k, **changes)


@pytest.fixture
def inputs(able_model_dir, problems, make_artifact):
    return {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (make_artifact("problems", "heldout", rows=problems),),
    }


def drawn(context) -> int:
    return sum(pq.read_metadata(f).num_rows for f in context.shared.glob("*/samples/*/*.parquet"))


def completions(context) -> dict:
    rows = read_rows(context.output / "samples.parquet")
    return {(row["id"], row["seed"]): row["completion"] for row in rows}


def test_more_samples_of_a_problem_draw_only_what_is_lacking(inputs, problems, make_context):
    context = make_context()
    run(config(4), inputs, context)
    first = completions(context)
    assert drawn(context) == 4 * len(problems)
    run(config(10), inputs, context)
    assert drawn(context) == 10 * len(problems)
    assert first.items() <= completions(context).items()


def test_more_problems_draw_only_the_new_ones(inputs, problems, make_context):
    context = make_context()
    run(config(4, limit_problems=2), inputs, context)
    first = completions(context)
    assert drawn(context) == 8
    run(config(4), inputs, context)
    assert drawn(context) == 4 * len(problems)
    assert first.items() <= completions(context).items()


def test_another_way_of_sampling_reuses_nothing(inputs, make_context):
    context = make_context()
    run(config(2), inputs, context)
    once = drawn(context)
    run(config(2, sampling=Sampling(temperature=0.5, max_tokens=40)), inputs, context)
    assert drawn(context) == 2 * once
    assert len(list(context.shared.glob(f"*/samples/*/{SETTINGS}"))) == 2


def test_the_seed_of_a_sample_follows_from_the_stage_the_prompt_and_its_number():
    key = key_of([1, 2, 3])
    assert seed_of(0, key, 5) == seed_of(0, key, 0) + 5
    others = {seed_of(1, key, 0), seed_of(0, key_of([1, 2]), 0), seed_of(0, key_of([1], [2, 3]), 0)}
    assert len(others | {seed_of(0, key, 0)}) == 4
    assert 0 <= seed_of(0, key, 0) < 2**63


def test_an_engine_killed_on_the_way_changes_no_sample_and_stands_in_the_funnel(
    inputs, make_context, tmp_path
):
    slow = shipped(Rollout, batch_tokens=200)
    whole = make_context(tmp_path / "whole")
    assert "engine_deaths" not in run(config(8, rollout=slow), inputs, whole).funnel

    def kill_one():
        while not active_children():
            time.sleep(0.001)
        os.kill(active_children()[0].pid, signal.SIGKILL)

    killed = make_context(tmp_path / "killed")
    killer = threading.Thread(target=kill_one)
    killer.start()
    assert run(config(8, rollout=slow), inputs, killed).funnel["engine_deaths"] == 1
    killer.join()
    assert completions(killed) == completions(whole)


def test_samples_that_a_disk_has_changed_are_drawn_again(inputs, problems, make_context):
    context = make_context()
    run(config(4), inputs, context)
    first = completions(context)
    for shard in context.shared.glob("*/samples/*/*.parquet"):
        table = pq.read_table(shard)
        said = table["text"].combine_chunks()
        harmed = table.set_column(3, "text", pa.array([f"{text}!" for text in said.to_pylist()]))
        pq.write_table(harmed, shard)  # whole for Parquet, and other samples
    funnel = run(config(4), inputs, context).funnel
    assert (funnel["reused"], funnel["drawn"]) == (0, 4 * len(problems))
    assert completions(context) == first

"""The evaluate stage on a model that answers some problems right."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.kinds.evaluate.config import EvaluateConfig, Voted
from stages.kinds.evaluate.run import run
from stages.rows.schemas import SAMPLE, read_rows
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

ANSWERS = {"scores": "answer", "score_mean": 0.0, "score_std": 1.0}


def config(**changes) -> EvaluateConfig:
    settings = {
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "samples_per_problem": 8,
        "pass_at": [1, 8],
        "checking_words": ["wait"],
        "answer_tokens": 8,
        "seed": 1,
    }
    return shipped(EvaluateConfig, "evaluate", **settings | changes)


@pytest.fixture(scope="module")
def reward_model_dir(able_model_dir, tmp_path_factory):
    """A reward model that has learnt nothing."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(able_model_dir, num_labels=1)
    directory = tmp_path_factory.mktemp("reward") / "model"
    model.save_pretrained(directory)
    AutoTokenizer.from_pretrained(able_model_dir).save_pretrained(directory)
    return directory


@pytest.fixture
def inputs(able_model_dir, problems, make_artifact):
    return {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (make_artifact("problems", "heldout", rows=problems),),
    }


def test_every_problem_gets_k_judged_samples_and_its_own_row(inputs, problems, make_context):
    context = make_context()
    outputs = run(config(), inputs, context)
    samples = read_rows(context.output / "samples.parquet")
    rows = read_rows(context.output / "problems.parquet")
    assert [row["id"] for row in rows] == [problem["id"] for problem in problems]
    assert len(samples) == 8 * len(problems)
    assert list(samples[0]) == SAMPLE.names
    assert len({row["seed"] for row in samples}) == len(samples)
    for index, row in enumerate(rows):
        scores = [s["score"] for s in samples[index * 8 : index * 8 + 8] if s["score"] is not None]
        assert row["correct"] == sum(scores)
        assert row["pass_at_1"] == (pytest.approx(sum(scores) / 8) if scores else None)
    assert outputs.facts["model"] == "zero"
    assert json.loads((context.output / "metrics.json").read_text()) == outputs.facts


def test_every_second_problem_is_asked_more_often_and_voted_on_alone(
    inputs, problems, make_context
):
    context = make_context()
    chosen = config(samples_per_problem=2, voted=Voted(every=2, samples=8))
    facts = run(chosen, inputs, context).facts
    rows = read_rows(context.output / "problems.parquet")
    drawn = Counter(sample["id"] for sample in read_rows(context.output / "samples.parquet"))
    seen = Counter()
    for row, problem in zip(rows, problems, strict=True):
        cell = (problem["domain"], problem["language"])
        often = seen[cell] % 2 == 0
        seen[cell] += 1
        assert drawn[row["id"]] == (8 if often else 2)
        if not often:
            assert row["cons"] is None
            assert row["pass_at_8"] is None
    assert facts["overall"]["pass_at_1"]["n"] > facts["overall"]["cons_at_k"]["n"] > 0
    assert facts["overall"]["pass_at_8"]["n"] == facts["overall"]["cons_at_k"]["n"]


def test_results_are_told_by_level_where_the_problems_have_one(
    able_model_dir, problems, make_artifact, make_context
):
    """As MATH and MATH-500 write it; problems without a level are in no class."""
    levels = ["Level 2", 1, None]
    rows = [
        row | {"metadata": json.dumps({} if level is None else {"level": level})}
        for row, level in zip(problems, levels * len(problems), strict=False)
    ]
    inputs = {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (make_artifact("problems", "heldout", rows=rows),),
    }
    context = make_context()
    facts = run(config(), inputs, context).facts
    assert list(facts["by_level"]) == ["1", "2"]
    found = [r for r in read_rows(context.output / "problems.parquet") if r["level"] == "1"]
    assert facts["by_level"]["1"]["length"]["n"] == len(found) == len(problems[1::3])
    assert facts["by_level"]["1"]["length"]["value"] == pytest.approx(
        sum(row["length"] for row in found) / len(found)
    )


def test_the_facts_hold_every_metric_by_domain_language_and_group(inputs, make_context):
    facts = run(config(), inputs, make_context()).facts
    expected = {"pass_at_1", "pass_at_8", "cons_at_k", "format", "language_consistency"}
    expected |= {"mixed_language", "length", "thinking_length", "truncation", "checking_words"}
    assert set(facts["overall"]) == expected | {"cannot_judge"}
    assert set(facts["by_group"]) == {"reasoning", "general"}
    assert set(facts["by_domain_language"]) == {"math/en", "math/zh", "general/en"}
    learnt = facts["by_domain_language"]["math/zh"]["pass_at_1"]
    assert learnt["value"] > 0.5
    assert learnt["low"] <= learnt["value"] <= learnt["high"]
    assert learnt["n"] == 2


def test_what_cannot_be_judged_is_reported_and_not_counted_as_wrong(inputs, make_context):
    context = make_context()
    facts = run(config(), inputs, context).facts
    counts = json.loads((context.output / "verdicts.json").read_text())
    assert counts["rows"] == len(read_rows(context.output / "samples.parquet"))
    (unjudged,) = [v["cannot judge"] for v in counts["verdicts"].values() if "cannot judge" in v]
    assert all(reason.startswith("un") for reason in unjudged)
    assert facts["by_group"]["general"]["cannot_judge"]["value"] == 1.0
    assert "pass_at_1" not in facts["by_group"]["general"]
    assert facts["overall"]["pass_at_1"] == facts["by_group"]["reasoning"]["pass_at_1"] | {
        "low": facts["overall"]["pass_at_1"]["low"],
        "high": facts["overall"]["pass_at_1"]["high"],
    }


def test_a_budget_that_no_thought_reaches_changes_nothing_and_a_small_one_costs(
    inputs, make_context
):
    outputs = run(config(budgets=[40, 2]), inputs, make_context())
    small, large = outputs.facts["budgets"]
    assert (small["budget"], large["budget"]) == (2, 40)
    reasoning = outputs.facts["by_group"]["reasoning"]
    assert large["value"] == reasoning["pass_at_1"]["value"]
    assert large["mean_thinking_tokens"] == pytest.approx(reasoning["thinking_length"]["value"])
    assert small["mean_thinking_tokens"] <= 2
    assert small["value"] < large["value"]


def test_prompts_that_the_model_cannot_see_whole_are_counted_and_left_out(
    able_model_dir, problems, make_artifact, make_context
):
    long = problems[0] | {"prompt": [{"role": "user", "content": "3+4=? " * 300}]}
    inputs = {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (make_artifact("problems", "heldout", rows=[long, problems[1]]),),
    }
    context = make_context()
    outputs = run(config(), inputs, context)
    assert outputs.facts["prompts_too_long"] == 1
    told = ("problems", "prompt_too_long", "evaluated", "samples", "reused", "drawn")
    assert [outputs.funnel[name] for name in told] == [2, 1, 1, 8, 0, 8]
    assert len(read_rows(context.output / "problems.parquet")) == 1


def test_a_limit_takes_problems_of_every_domain_and_language(inputs, make_context):
    facts = run(config(limit_problems=3), inputs, make_context()).facts
    assert set(facts["by_domain_language"]) == {"math/en", "math/zh", "general/en"}


def test_several_benchmarks_have_numbers_of_their_own_and_a_limit_takes_some_of_each(
    inputs, problems, make_artifact, make_context
):
    halves = {"first": [problems[0], problems[1]], "second": [problems[4]]}  # all English maths
    several = [make_artifact("problems", name, rows=rows) for name, rows in halves.items()]
    inputs["data_from"] = tuple(several)
    facts = run(config(limit_problems=2), inputs, make_context()).facts
    assert {name: of["pass_at_1"]["n"] for name, of in facts["by_benchmark"].items()} == {
        "first": 1,
        "second": 1,
    }


def test_problems_without_a_reference_stop_the_stage_and_are_named(
    able_model_dir, problems, make_artifact, make_context
):
    bare = problems[0] | {"id": "bare-1", "reference": None}
    inputs = {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (make_artifact("problems", "heldout", rows=[bare, problems[1]]),),
    }
    message = r"stages.stage.data_from: 1 of 2 problems have no reference answer, e.g. bare-1"
    with pytest.raises(RecipeError, match=message):
        run(config(), inputs, make_context())


def test_reward_models_score_every_sample_and_choose_among_them(
    inputs, reward_model_dir, make_artifact, make_context
):
    scorer = make_artifact("reward_model", "rm", model_dir=reward_model_dir, facts=ANSWERS)
    context = make_context()
    scored = inputs | {"score_with": (scorer,)}
    overall = run(config(pass_at=[1, 4, 8]), scored, context).facts["overall"]
    samples = read_rows(context.output / "samples.parquet")
    answered = [row["answer"] is not None for row in samples]
    assert [row["reward_helpful"] is not None for row in samples] == answered
    for k in (4, 8):
        best, most = overall[f"best_of_{k}_helpful"], overall[f"pass_at_{k}"]
        assert 0 < best["value"] <= most["value"]
    assert {"cons_helpful", "cons_at_4", "cons_at_k"} <= set(overall)
    assert "cons_at_8" not in overall  # that is cons_at_k

    rows = {row["id"]: row for row in read_rows(context.output / "problems.parquet")}
    judged = [row for row in samples if row["score"] is not None]
    for id_ in {row["id"] for row in judged}:
        own = [row for row in judged if row["id"] == id_]
        top = max((row["reward_helpful"] or float("-inf")) for row in own)
        tied = [row["score"] for row in own if (row["reward_helpful"] or float("-inf")) == top]
        assert rows[id_]["best_of_8_helpful"] == pytest.approx(sum(tied) / len(tied))


def test_a_reward_model_chooses_answers_to_queries_of_its_kind_alone_where_some_are(
    inputs, problems, reward_model_dir, make_artifact, make_context
):
    kinds = ("helpful", "safety", None)
    rows = [
        row
        | {
            "metadata": json.dumps(
                json.loads(row["metadata"]) | ({"preference": kind} if kind else {})
            )
        }
        for row, kind in zip(problems[:5], kinds * 2, strict=False)
    ]
    judges = [
        make_artifact(
            "reward_model", stage, model_dir=reward_model_dir, facts=ANSWERS | {"scores": reads}
        )
        for stage, reads in (("helpful_rm", "answer"), ("safety_rm", "response"))
    ]
    data = (make_artifact("problems", "asked", rows=rows),)
    context = make_context()
    outputs = run(config(), inputs | {"data_from": data, "score_with": tuple(judges)}, context)
    found = {row["id"]: row for row in read_rows(context.output / "problems.parquet")}
    for row, kind in zip(rows, kinds * 2, strict=False):
        for term in ("helpful", "safety"):
            for metric in (f"best_of_8_{term}", f"reward_{term}"):
                assert (found[row["id"]][metric] is not None) == (kind == term)
    assert (outputs.funnel["too_long_for_helpful"], outputs.funnel["too_long_for_safety"]) == (0, 0)


def test_an_evaluation_whose_answers_a_reward_model_could_not_see_whole_is_refused(
    inputs, reward_model_dir, make_artifact, make_context, tmp_path
):
    folder = tmp_path / "short"
    shutil.copytree(reward_model_dir, folder)
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(facts | {"max_position_embeddings": 45}))
    judge = make_artifact("reward_model", "rm", model_dir=folder, facts=ANSWERS)
    message = r"stages\.stage\.sampling\.max_tokens is 40, .* rm, which scores `helpful`, sees 45"
    with pytest.raises(UsageError, match=message):
        run(config(), inputs | {"score_with": (judge,)}, make_context())


def test_the_batches_in_which_samples_are_looked_at_change_nothing(inputs, make_context, tmp_path):
    written = []
    for size in (8, 4096):
        context = make_context(tmp_path / str(size))
        run(config(rollout=shipped(Rollout, shard_samples=size)), inputs, context)
        names = ("samples.parquet", "problems.parquet")
        written.append([read_rows(context.output / name) for name in names])
    assert written[0] == written[1]


def test_pass_at_k_with_fewer_than_k_samples_is_refused(inputs, make_context):
    with pytest.raises(UsageError, match=r"stages.stage.pass_at: \[16\] is not between 1 and"):
        run(config(pass_at=[1, 16]), inputs, make_context())


def test_more_tokens_than_the_model_can_see_are_refused(inputs, make_context):
    with pytest.raises(UsageError, match=r"stages\.stage\.sampling\.max_tokens: 9999 tokens"):
        run(config(sampling=Sampling(1.0, max_tokens=9999)), inputs, make_context())


KILLED = """
    import sys
    from pathlib import Path
    from pipeline.artifact import Artifact
    from pipeline.context import Context
    from stages.kinds.evaluate.config import EvaluateConfig, Voted
    from stages.settings.generation import Rollout, Sampling
    from stages.kinds.evaluate.run import run
    from tests.shipped import shipped
    import json

    def artifact(path):
        return Artifact(Path(path), json.loads((Path(path) / "manifest.json").read_text()))

    model, data, root = sys.argv[1:]
    work, output = Path(root) / "work", Path(root) / "output"
    config = shipped(
        EvaluateConfig, "evaluate", sampling=Sampling(temperature=1.0, max_tokens=40),
        samples_per_problem=8, pass_at=[1, 8], checking_words=["wait"], answer_tokens=8, seed=1,
        rollout=shipped(Rollout, shard_samples=8),
    )
    shared = Path(root) / "shared"
    context = Context("stage", "f" * 16, work, output, seed=0, threads=1, shared=shared)
    run(config, {"evaluates": (artifact(model),), "data_from": (artifact(data),)}, context)
"""


def test_a_killed_evaluation_goes_on_with_the_shards_that_it_has(inputs, make_context, tmp_path):
    whole = make_context(tmp_path / "whole")
    run(config(), inputs, whole)

    root = tmp_path / "killed"
    context = make_context(root)
    paths = [str(inputs[edge][0].path) for edge in ("evaluates", "data_from")]
    code = textwrap.dedent(KILLED)
    process = subprocess.Popen([sys.executable, "-c", code, *paths, str(root)])

    def shards():
        return sorted(context.shared.glob("*/samples/*/*.parquet"))

    deadline = time.monotonic() + 120
    while len(shards()) < 2 and time.monotonic() < deadline:
        assert process.poll() is None or shards()
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    before = {path: path.stat().st_mtime_ns for path in shards()}
    assert before
    (shards()[0].parent / "torn.parquet").write_bytes(b"torn")
    run(config(rollout=shipped(Rollout, shard_samples=16)), inputs, context)
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == before, "a whole shard was drawn again"
    assert read_rows(context.output / "samples.parquet") == read_rows(
        whole.output / "samples.parquet"
    )

"""The sample stage: what is kept of a model's answers, and why the rest was dropped."""

from __future__ import annotations

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.configs import SampleConfig, Sampling
from stages.data.rows import SAMPLE, read_rows
from stages.sample import run
from stages.verifiers.answer import parse


def config(**changes) -> SampleConfig:
    settings = {
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "samples_per_problem": 8,
        "max_kept_per_problem": 2,
        "filters": ["wrong", "cannot_judge", "truncated", "malformed"],
        "seed": 3,
    }
    return SampleConfig("sample", **settings | changes)


@pytest.fixture
def inputs(able_model_dir, problems, make_artifact):
    model = make_artifact("model", "zero", model_dir=able_model_dir)
    return {"data_from": (model, make_artifact("problems", "prompts", rows=problems))}


def test_only_right_samples_are_kept_up_to_the_quota_and_every_drop_is_counted(
    inputs, make_context
):
    context = make_context()
    outputs = run(config(), inputs, context)
    rows = read_rows(context.output / "rows.parquet")
    assert list(rows[0]) == SAMPLE.names
    assert {row["score"] for row in rows} == {1.0}
    kept_of = [sum(row["id"] == id_ for row in rows) for id_ in {row["id"] for row in rows}]
    assert max(kept_of) == 2
    funnel = dict(outputs.funnel)
    assert list(funnel)[:5] == ["sampled", "wrong", "cannot_judge", "truncated", "malformed"]
    assert funnel["sampled"] == 48
    assert funnel["wrong"] >= 8  # the problem whose reference is wrong
    assert funnel["cannot_judge"] == 8
    assert funnel["kept"] == len(rows)
    drops = sum(n for name, n in funnel.items() if name not in ("sampled", "kept", "given"))
    assert funnel["sampled"] - drops == funnel["kept"]


def test_the_difficulty_of_every_problem_is_published(inputs, problems, make_context):
    context = make_context()
    run(config(), inputs, context)
    rates = {row["id"]: row for row in read_rows(context.output / "pass_rates.parquet")}
    assert len(rates) == len(problems)
    assert rates["math-en-0"]["pass_rate"] > 0.5
    assert rates["math-en-4"]["pass_rate"] == 0.0
    assert rates["math-en-5"]["pass_rate"] is None
    assert rates["math-en-5"]["n"] == 0


def test_conversations_and_earlier_samples_are_added_as_they_are(
    inputs, problems, make_artifact, make_context
):
    human = {
        "id": "human-1",
        "domain": "math",
        "language": "zh",
        "prompt": problems[0]["prompt"],
        "completion": "<think>先算3+4=7</think><answer>7</answer>",
        "source": "human",
    }
    conversations = make_artifact("conversations", "human_cot", rows=[human])
    first = make_context(stage="first")
    run(config(), inputs, first)
    earlier = make_artifact("samples", "earlier", rows=read_rows(first.output / "rows.parquet")[:1])
    more = {"data_from": (*inputs["data_from"], conversations, earlier)}
    second = make_context()
    outputs = run(config(), more, second)
    rows = read_rows(second.output / "rows.parquet")
    assert outputs.funnel["given"] == 2
    (written,) = [row for row in rows if row["source"] == "human"]
    assert written["completion"] == human["completion"]
    assert (written["reasoning"], written["answer"]) == ("先算3+4=7", "7")
    assert outputs.facts["rows_by_source"] == {"tiny": len(rows) - 1, "human": 1}


def test_a_stage_that_keeps_nothing_says_what_dropped_the_samples(inputs, make_context):
    strict = config(limit_problems=1, filters=["long_paragraph"], max_paragraph_characters=0)
    with pytest.raises(RecipeError, match=r"none of 8 samples was kept \(long_paragraph \d+"):
        run(strict, inputs, make_context())


def test_an_unknown_filter_or_rewriter_is_refused_before_anything_is_sampled(inputs, make_context):
    with pytest.raises(UsageError, match=r"stages.stage.filters: unknown \['ugly'\]; expected any"):
        run(config(filters=["ugly"]), inputs, make_context())
    with pytest.raises(UsageError, match=r"stage\.rewriter=poet: unknown; expected one of"):
        run(config(rewriter="poet"), inputs, make_context())


def test_exactly_one_model_samples(inputs, make_context):
    twice = {"data_from": (*inputs["data_from"], inputs["data_from"][0])}
    with pytest.raises(UsageError, match=r"exactly one model samples, found \['zero', 'zero'\]"):
        run(config(), twice, make_context())


def test_rewritten_samples_are_in_the_questions_language_and_judged_again(tiny_model_dir):
    from collections import Counter

    from transformers import AutoTokenizer

    from stages.data.rewrite import find_rewriter, rewrite_samples
    from stages.data.template import compose
    from stages.rewards.language import consistency
    from stages.tiny.problems import generate
    from stages.verifiers.pool import VerifierPool

    (problem,) = generate("math", "zh", 1, seed=0, split="train")
    answer = problem["reference"]
    mixed = compose(f"first 1+1=2, 再算2+3=5，wait, check: then 2+3=5, 所以是{answer}。", answer)
    wrong = compose("先算1+1=2，", "999")
    unreadable = compose("zzz qqq", answer)
    rows = [
        problem
        | dict.fromkeys(SAMPLE.names[8:])
        | {"completion": text}
        | {"reasoning": parse(text).reasoning, "answer": parse(text).answer}
        for text in (mixed, wrong, unreadable)
    ]
    dropped: Counter[str] = Counter()
    rewriter = find_rewriter("tiny", "stages.cold_start_data.rewriter")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    with VerifierPool(1) as pool:
        (kept,) = rewrite_samples(rows, rewriter, pool, tokenizer, dropped)
    assert consistency(rows[0]["reasoning"], "zh") < 1
    assert consistency(kept["reasoning"], "zh") == 1
    assert (kept["score"], kept["answer"]) == (1.0, answer)
    assert kept["tokens"] == len(tokenizer.encode(kept["completion"]))
    assert dropped == {"not_rewritten": 1, "rewritten_wrong": 1}

"""How an evaluation asks: by the kind of answer, and as often as the benchmark says."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.situation import survey
from pipeline.stage_rows import derived
from stages.chat.template import render_prompt
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.run import run
from stages.project import R1, main
from stages.rows.schemas import read_rows
from stages.sampling.ledger import key_of
from stages.scoring.asking import questions
from stages.settings.generation import Sampling
from stages.settings.prompts import Prompt
from tests.shipped import shipped

CHOICE = "Which?\n\n" + "\n".join(f"{letter}. {letter}{letter}" for letter in "ABCDEFGHIJ")


@pytest.fixture(scope="module")
def prompts() -> dict[str, Prompt]:
    """What the paper's preset asks."""
    return compose(R1, ["profile=paper", "recipe=r1_zero"]).stages["eval_zero"].prompts


def row(content: str, verifier: str, language: str = "en", *before: dict) -> dict:
    prompt = [*before, {"role": "user", "content": content}]
    return {"prompt": prompt, "verifier": verifier, "language": language}


def test_each_kind_of_question_is_asked_in_its_own_way(prompts):
    def shown(*row_of: str) -> str:
        ((message,),) = questions([row(*row_of)], prompts, "prompts")
        return message["content"]

    assert shown("3+4?", "math").startswith("3+4?\n\n")
    assert shown("3+4?", "math").endswith("\\boxed{}.")
    assert "一步一步" in shown("3+4=?", "math", "zh")
    assert "step by step" in shown("3+4=?", "math", "th")  # a language without a prompt
    assert shown(CHOICE, "choice").endswith(CHOICE)
    assert '"Answer: $LETTER"' in shown(CHOICE, "choice")
    assert "“答案：$LETTER”" in shown(CHOICE, "choice", "zh")
    assert "```python" in shown("Add two numbers.", "code")
    for verifier in ("instruction", "grid", "logic", "text", "order", "countdown", "reasoning_gym"):
        assert shown("Say hi.", verifier) == "Say hi."


@pytest.mark.parametrize(
    "content",
    ["3+4? Put the answer in \\boxed{}.", "3+4? Reply with <answer>7</answer>.",
     "Question: 1+1?\nAnswer: 2\n\nQuestion: 3+4?\nAnswer:", "问题：3+4=？\n答案：",
     'Which? The last line of your reply is "Answer: $LETTER".', "Write it in one code block."],
)  # fmt: skip
def test_a_row_that_says_how_it_is_answered_is_asked_as_it_stands(content, prompts):
    for verifier in ("math", "choice", "code"):
        asked = row(content, verifier)
        assert questions([asked], prompts, "prompts") == [asked["prompt"]]


def test_a_row_with_examples_of_its_own_is_asked_as_it_stands(prompts):
    before = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]
    asked = row("3+4?", "math", "en", *before)
    assert questions([asked], prompts, "prompts") == [asked["prompt"]]


def test_the_model_reads_the_prompt_and_the_row_stays_as_it_is(
    able_model_dir, problems, make_artifact, make_context, tokenizer
):
    shown = Prompt({"en": "{question} In \\boxed{}.", "zh": "{question} 写在 \\boxed{} 中。"})
    inputs = {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (make_artifact("problems", "heldout", rows=problems[:3]),),
    }
    config = shipped(
        EvaluateConfig,
        "evaluate",
        sampling=Sampling(temperature=1.0, max_tokens=4),
        samples_per_problem=1,
        prompts={"math": shown},
        seed=1,
    )
    context = make_context()
    run(config, inputs, context)
    expected = set()
    for problem in problems[:3]:
        text = shown.text[problem["language"]].replace(
            "{question}", problem["prompt"][0]["content"]
        )
        rendered = render_prompt(tokenizer, [{"role": "user", "content": text}])
        expected.add(key_of(tokenizer(rendered, add_special_tokens=False).input_ids))
    (shard,) = context.shared.glob("*/samples/*/*.parquet")
    assert set(pq.read_table(shard)["prompt"].to_pylist()) == expected
    samples = read_rows(context.output / "samples.parquet")
    assert [sample["prompt"] for sample in samples] == [one["prompt"] for one in problems[:3]]


def benchmark(tmp_path: Path, name: str, count: int) -> str:
    path = tmp_path / f"{name}.jsonl"
    rows = [{"id": n, "problem": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(count)]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return str(path)


def planned(words: list[str], stage: str) -> dict:
    return derived(survey(R1, compose(R1, words)), stage)


def test_a_graph_asks_a_benchmark_as_often_as_it_says(own_folder):
    words = ["profile=paper", "recipe=r1_zero", "data@stages.heldout=aime2024"]
    words.append(f"stages.heldout.path={benchmark(own_folder, 'aime', 30)}")
    assert main(["run", *words, "only=heldout"]) == 0
    numbers = planned(words, "eval_zero")
    assert (numbers["completions per problem"], numbers["completions in all"]) == (64, 30 * 64)
    both = [*words, "+data@stages.more=math500", "stages.eval_zero.data_from=[heldout,more]"]
    both.append(f"stages.more.path={benchmark(own_folder, 'math', 5)}")
    assert main(["run", *both, "only=more"]) == 0
    numbers = planned(both, "eval_zero")
    assert numbers["completions per problem"] == "64, 16"
    assert numbers["completions in all"] == 30 * 64 + 5 * 16


def evaluation(*words: str) -> EvaluateConfig:
    found = compose(R1, ["profile=paper", "recipe=r1_zero", *words]).stages["eval_zero"]
    assert isinstance(found, EvaluateConfig)
    return found


def test_the_number_of_a_benchmark_is_part_of_the_evaluation():
    aime = evaluation("data@stages.heldout=aime2024")
    assert (aime.samples_of, aime.pass_at) == ([64], [1, 16, 64])
    cleaned = evaluation(
        "data@stages.heldout=aime2024",
        "+stage@stages.once=clean_problems",
        "stages.once={data_from:[heldout],apart_from:[reasoning_prompts]}",
        "stages.eval_zero.data_from=[once]",
    )
    assert cleaned.samples_of == [64]
    assert evaluation("data@stages.heldout=gsm8k").samples_of == []  # the paper names none
    word = "stages.eval_zero.samples_per_problem=4"
    typed = evaluation("data@stages.heldout=aime2024", word, "stages.eval_zero.pass_at=[1]")
    assert (typed.samples_of, typed.samples_per_problem, typed.pass_at) == ([], 4, [1])
    off = evaluation("data@stages.heldout=aime2024", "stages.eval_zero.samples_of_benchmark=false")
    assert off.samples_of == []


def test_benchmarks_that_were_put_together_cannot_be_asked_each_as_often_as_it_says():
    with pytest.raises(UsageError, match=r"stages\.once\.data_from: .* asked 16 and 64 times"):
        evaluation(
            "data@stages.heldout=aime2024",
            "+data@stages.more=math500",
            "+stage@stages.once=clean_problems",
            "stages.once={data_from:[heldout,more],apart_from:[reasoning_prompts]}",
            "stages.eval_zero.data_from=[once]",
        )


def test_problems_of_two_benchmarks_get_each_as_many_samples_as_theirs_says(
    able_model_dir, problems, make_artifact, make_context
):
    one, two = problems[:2], problems[2:4]
    inputs = {
        "evaluates": (make_artifact("model", "zero", model_dir=able_model_dir),),
        "data_from": (
            make_artifact("problems", "one", rows=one),
            make_artifact("problems", "two", rows=two),
        ),
    }
    config = shipped(
        EvaluateConfig,
        "evaluate",
        sampling=Sampling(temperature=1.0, max_tokens=40),
        samples_per_problem=3,
        samples_of=[8, 2],
        pass_at=[1, 2, 8],
        seed=1,
    )
    context = make_context()
    facts = run(config, inputs, context).facts
    rows = read_rows(context.output / "problems.parquet")
    assert [found["n"] for found in rows] == [8, 8, 2, 2]
    assert [found["pass_at_8"] is None for found in rows] == [False, False, True, True]
    assert len(read_rows(context.output / "samples.parquet")) == 20
    assert facts["overall"]["pass_at_8"]["n"] == facts["overall"]["cons_at_2"]["n"] - 2 == 2
    assert facts["overall"]["cons_at_k"]["n"] == 4

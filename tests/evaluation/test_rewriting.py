"""Rewritten samples: by the tiny world's rewriter and by a model, and judged again either way."""

from __future__ import annotations

from collections import Counter

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import UsageError
from stages.configs import Rewrite, SampleConfig, Sampling
from stages.data.rewrite import check_rewriter, rewrite_tiny, rewritten
from stages.data.rewrite_model import read_reply
from stages.data.rows import SAMPLE, read_rows
from stages.data.template import END, compose, render_prompt, tagged
from stages.rewards.language import consistency
from stages.sample import run
from stages.tiny.problems import generate
from stages.verifiers.answer import parse
from stages.verifiers.pool import VerifierPool

READABLE = ["malformed", "mixed_language"]
PROMPTS = {"en": "rewrite {question} {thought} {answer}", "zh": "改写{question}{thought}{answer}"}
#: What the rewriting model has learnt to reply to a problem's sample, and what becomes of it.
REPLIES = {
    "3+4": ("<thought>I take 3+4=7.</thought><summary>so it is 8</summary>", "wrong"),
    "8-5": ("<thought>I take 8-5=3.</thought><summary>\\boxed{3}</summary>", "kept"),
    "2+9": ("<thought>so we know it</thought><summary>\\boxed{11}</summary>", "unreadable"),
    "6+6": ("I would say 12", "not rewritten"),
}


def config(**changes) -> SampleConfig:
    settings = {
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "samples_per_problem": 4,
        "max_kept_per_problem": 1,
        "filters": ["wrong", "cannot_judge", "truncated", "duplicate"],
        "rewrite": Rewrite(PROMPTS, Sampling(temperature=0.0, max_tokens=60), READABLE, 1.0),
        "seed": 3,
    }
    return SampleConfig("sample", **settings | changes)


@pytest.fixture(scope="module")
def rewriter_dir(tiny_model_dir, problems, tmp_path_factory):
    """The tiny model after a few steps on four rewritings."""
    import torch

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    texts = []
    for row in problems[:4]:
        question, answer = row["prompt"][0]["content"], row["reference"]
        asked = PROMPTS[row["language"]].replace("{question}", question)
        asked = asked.replace("{thought}", f"{question[:3]}={answer},").replace("{answer}", answer)
        prompt = render_prompt(tokenizer, [{"role": "user", "content": asked}])
        texts.append(prompt + REPLIES[question[:3]][0] + END)
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(120):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    directory = tmp_path_factory.mktemp("rewriter") / "model"
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def test_a_model_rewrites_and_what_comes_out_is_judged_again(
    able_model_dir, rewriter_dir, problems, make_artifact, make_context
):
    inputs = {
        "data_from": (
            make_artifact("model", "zero", model_dir=able_model_dir),
            make_artifact("problems", "prompts", rows=problems[:4]),
        ),
        "rewrite_with": (make_artifact("model", "writer", model_dir=rewriter_dir),),
    }
    context = make_context()
    settings = config(rewriter="model", rewrite_with="writer")
    outputs = run(settings, inputs, context)
    (row,) = read_rows(context.output / "rows.parquet")
    assert row["completion"] == "<think>I take 8-5=3.</think>\\boxed{3}"
    assert (row["score"], row["reasoning"], row["answer"]) == (1.0, "I take 8-5=3.", "3")
    lines = read_rows(context.output / "drawn.parquet")
    fates = {line["id"]: set() for line in lines}
    for line in lines:
        fates[line["id"]].add(line["dropped_by"])
    assert "rewritten_wrong" in fates["math-en-0"]
    assert "rewritten_unreadable" in fates["math-zh-2"]
    assert "not_rewritten" in fates["math-zh-3"]
    counts = Counter(line["dropped_by"] or "kept" for line in lines)
    assert all(outputs.funnel[name] == count for name, count in counts.items())

    asked = len(list(context.shared.glob("*/samples/*/*.parquet")))
    run(settings, inputs, context)  # as after a kill: replies are read back
    assert len(list(context.shared.glob("*/samples/*/*.parquet"))) == asked
    assert read_rows(context.output / "rows.parquet") == [row]


def test_the_tiny_rewriter_says_a_thought_in_the_questions_language(tiny_model_dir):
    (problem,) = generate("math", "zh", 1, seed=0, split="train")
    answer = problem["reference"]
    texts = [
        tagged(f"first 1+1=2, 再算2+3=5，wait, check: then 2+3=5, 所以是{answer}。", answer),
        tagged("先算1+1=2，", "999"),
        tagged("zzz qqq", answer),
    ]
    rows = [
        problem
        | dict.fromkeys(SAMPLE.names[8:])
        | {"completion": text, "finish_reason": "stop"}
        | {"reasoning": parse(text).reasoning, "answer": parse(text).answer}
        for text in texts
    ]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    with VerifierPool(1) as pool:
        (mixed, kept), (_, wrong), (_, unread) = rewritten(
            rows, rewrite_tiny, pool, tokenizer, config(rewriter="tiny")
        )
    assert (kept, wrong, unread) == (None, "rewritten_wrong", "not_rewritten")
    assert consistency(rows[0]["reasoning"], "zh") < 1
    assert consistency(mixed["reasoning"], "zh") == 1
    assert (mixed["score"], mixed["answer"]) == (1.0, answer)
    assert mixed["tokens"] == len(tokenizer.encode(mixed["completion"]))


@pytest.mark.parametrize(
    ("reply", "completion"),
    [
        ("<thought>a b</thought>\n<summary>5</summary>", compose("a b", "5")),
        ("<think>how?</think>\n<thought>a</thought><summary>5</summary>\n", compose("a", "5")),
        ("Sure! <thought>a</thought><summary>5</summary>", None),
        ("<thought>a</thought>", None),
        ("<thought></thought><summary>5</summary>", None),
    ],
)
def test_only_a_reply_in_the_asked_form_is_a_rewriting(reply, completion):
    assert read_reply(reply) == completion


def test_a_rewriter_without_its_model_or_prompts_is_refused():
    with pytest.raises(UsageError, match=r"k\.rewriter=model with k\.rewrite_with=None"):
        check_rewriter(config(rewriter="model"), "k")
    blank = config(rewriter="model", rewrite_with="r1", rewrite=Rewrite({"en": "{question}"}))
    with pytest.raises(UsageError, match=r"k\.rewrite\.prompts\.en: lacks \{thought\}, \{answer\}"):
        check_rewriter(blank, "k")

"""Rewritten samples: by the tiny world's rewriter and by a model, and judged again either way."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import RecipeError, UsageError
from pipeline.notices import kept
from stages.chat.template import END, render_prompt, tagged
from stages.kinds.sample.config import Rewrite, SampleConfig
from stages.kinds.sample.run import run
from stages.language.consistency import consistency
from stages.rewriting.model import loses, read_thought
from stages.rewriting.rewrite import rewrite_tiny, rewritten
from stages.rows.schemas import SAMPLE, read_rows
from stages.settings.generation import Sampling
from stages.settings.prompts import Prompt
from stages.tiny.problems import generate
from stages.verifiers.answer import parse
from stages.verifiers.pool import VerifierPool
from tests.shipped import shipped

READABLE = ["malformed", "mixed_language"]
#: What the writer has learnt to reply when it is asked well, and when it is asked badly: to the
#: question, the thought and then the summary.
WELL = {
    "3+4": ("<thought>I take 3+4=7.</thought>", "so it is \\boxed{8}"),
    "8-5": ("<thought>I take 8-5=3.</thought>", "the answer is \\boxed{3}"),
    "2+9": ("<thought>so we know 2+9=11</thought>", None),
    "6+6": ("<think>how?</think><thought>先算6+6=12。</thought>", "所以是\\boxed{12}。"),
}
BADLY = {
    "3+4": ("<thought>I take 3+4=8.</thought>", None),
    "8-5": ("<thought>I take 8-5=3.</thought>", "<answer>3</answer>"),
    "2+9": ("I would say 11", None),
    "6+6": ("<thought>先算6+6=12。</thought>", "so it is \\boxed{12}"),
}
PAIR = {
    "language": "en",
    "question": "1+1=?",
    "answer": "2",
    "thought_before": "1+1=2,",
    "thought_after": "I take 1+1=2.",
    "summary": "it is \\boxed{2}",
}


def prompts(how: str) -> dict[str, Prompt]:
    """The two prompts of a writer that is asked in this way."""
    thought = {
        "en": how + " {question} {thought} <thought>",
        "zh": how + "改{question}{thought}<thought>",
    }
    summary = {
        "en": how + " sum {question} {thought} {answer}",
        "zh": how + "总{question}{thought}{answer}",
    }
    return {"thought": Prompt(thought, ["thought"]), "summary": Prompt(summary, ["thought"])}


def rewrite(how: str = "well", tokens: int = 60, **changes) -> Rewrite:
    settings = {"filters": READABLE, "min_language_consistency": 1.0}
    sampling = Sampling(temperature=0.0, max_tokens=tokens)
    return shipped(Rewrite, **prompts(how), sampling=sampling, **settings | changes)


def config(**changes) -> SampleConfig:
    settings = {
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "strategy": "fixed",
        "samples_per_problem": 4,
        "max_kept_per_problem": 1,
        "filters": ["wrong", "cannot_judge", "truncated", "duplicate"],
        "rewrite": rewrite(),
        "rewriter": "model",
        "rewrite_with": "writer",
        "seed": 3,
    }
    return shipped(SampleConfig, "sample", **settings | changes)


def lessons(problems, how, replies, before=()):
    """Conversations that end with what the writer replies, to samples with the thought `3+4=7,`."""
    asked = prompts(how)
    for row in problems[:4]:
        question, answer = row["prompt"][0]["content"], row["reference"]
        thought = f"{question[:3]}={answer},"
        for call, reply in zip(("thought", "summary"), replies.get(question[:3], ()), strict=False):
            if reply is None:
                continue
            text = asked[call].text[row["language"]]
            for blank, part in (("question", question), ("thought", thought), ("answer", answer)):
                text = text.replace(f"{{{blank}}}", part)
            own = before[call] if before else []
            yield [*own, {"role": "user", "content": text}], reply
            thought = read_thought(reply.rpartition("</think>")[2])


EXAMPLES = {  # as earlier turns, in both calls
    "thought": [
        {"role": "user", "content": "shown 1+1=? 1+1=2, <thought>"},
        {"role": "assistant", "content": "<thought>I take 1+1=2.</thought>"},
    ],
    "summary": [
        {"role": "user", "content": "shown sum 1+1=? I take 1+1=2. 2"},
        {"role": "assistant", "content": "it is \\boxed{2}"},
    ],
}


@pytest.fixture(scope="module")
def writer_dir(tiny_model_dir, problems, tmp_path_factory):
    """The tiny model after some steps on what a writer replies, well and badly."""
    import torch

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    shown = {"8-5": WELL["8-5"]}
    taught = [
        *lessons(problems, "well", WELL),
        *lessons(problems, "badly", BADLY),
        *lessons(problems, "shown", shown, EXAMPLES),
    ]
    texts = [render_prompt(tokenizer, prompt) + reply + END for prompt, reply in taught]
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    torch.manual_seed(0)
    for _ in range(300):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    directory = tmp_path_factory.mktemp("writer") / "model"
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


@pytest.fixture
def inputs(able_model_dir, writer_dir, problems, make_artifact):
    return {
        "data_from": (
            make_artifact("model", "zero", model_dir=able_model_dir),
            make_artifact("problems", "prompts", rows=problems[:4]),
        ),
        "rewrite_with": (make_artifact("model", "writer", model_dir=writer_dir),),
    }


def fates(context) -> dict[str, set[str | None]]:
    """What became of the samples of each problem."""
    found: dict[str, set[str | None]] = {}
    for line in read_rows(context.output / "drawn.parquet"):
        found.setdefault(line["id"], set()).add(line["dropped_by"])
    return found


def replies(context) -> int:
    return len(list(context.shared.glob("*/samples/*/*.parquet")))


def test_two_calls_make_a_thought_in_the_questions_language_and_a_summary(inputs, make_context):
    context = make_context()
    outputs = run(config(), inputs, context)
    rows = {row["id"]: row for row in read_rows(context.output / "rows.parquet")}
    assert {id_: row["completion"] for id_, row in rows.items()} == {
        "math-en-1": "<think>I take 8-5=3.</think>the answer is \\boxed{3}",
        "math-zh-3": "<think>先算6+6=12。</think>所以是\\boxed{12}。",
    }
    row = rows["math-en-1"]
    assert (row["score"], row["reasoning"], row["answer"]) == (1.0, "I take 8-5=3.", "3")
    assert all(consistency(row["reasoning"], row["language"]) == 1.0 for row in rows.values())
    found = fates(context)
    assert "rewritten_wrong" in found["math-en-0"]  # the summary has another answer
    assert "rewritten_mixed_language" in found["math-zh-2"]
    lines = read_rows(context.output / "drawn.parquet")
    counts = Counter(line["dropped_by"] or "kept" for line in lines)
    assert all(outputs.funnel[name] == count for name, count in counts.items())


def test_after_a_kill_no_reply_is_asked_for_twice(inputs, make_context):
    context = make_context()
    run(config(), inputs, context)
    asked, rows = replies(context), read_rows(context.output / "rows.parquet")
    run(config(), inputs, context)
    assert replies(context) == asked
    assert read_rows(context.output / "rows.parquet") == rows


def test_replies_out_of_form_and_answers_that_change_are_dropped_by_name(inputs, make_context):
    context = make_context()
    with pytest.raises(RecipeError, match="none of 16 samples was kept") as error:
        run(config(rewrite=rewrite("badly")), inputs, context)
    for reason in (
        "thought_reply_malformed",
        "thought_lost_answer",
        "summary_reply_malformed",
        "summary_mixed_language",
    ):
        assert f"{reason} " in str(error.value)


@pytest.mark.parametrize(
    ("tokens", "reason"), [(4, "thought_reply_cut"), (505, "thought_request_too_long")]
)
def test_a_reply_that_was_cut_and_a_request_too_long_are_counted(
    tokens, reason, inputs, make_context
):
    with pytest.raises(RecipeError, match=rf"none of 16 samples was kept \(.*{reason} \d+"):
        run(config(rewrite=rewrite(tokens=tokens)), inputs, make_context())


def test_no_summary_is_asked_for_where_the_thought_failed(inputs, make_context):
    context = make_context()
    with pytest.raises(RecipeError):
        run(config(rewrite=rewrite(tokens=4)), inputs, context)
    (settings,) = [
        path
        for path in context.shared.glob("*/samples/*/settings.json")
        if "4," in path.read_text()
    ]
    assert len(list(settings.parent.glob("*.parquet"))) == 1  # one shard: of the first call


def test_pairs_that_people_made_are_earlier_turns_of_both_calls(inputs, make_context, tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\n")
    context = make_context()
    outputs = run(
        config(rewrite=rewrite("shown", examples=str(path), wanted=True)), inputs, context
    )
    rows = read_rows(context.output / "rows.parquet")
    said = {row["id"]: row["completion"] for row in rows}
    assert said["math-en-1"] == "<think>I take 8-5=3.</think>the answer is \\boxed{3}"
    assert outputs.facts["rewrite_examples"] == {"en": 1}
    assert outputs.facts["rewriter"] == "writer"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"thought_after": ""}, "row 2: no text in `thought_after`; a pair has `language`, `quest"),
        ({"summary": None}, "row 2: no text in `summary`"),
        ({"summary": "<answer>2</answer>"}, "row 2: `summary` has <answer>, </answer>: leave tags"),
        ({"thought_after": "I take 1+1=2, 所以是二。"}, "row 2: `thought_after` mixes languages"),
    ],
)
def test_a_pair_that_cannot_be_shown_is_refused_with_file_and_row(
    change, said, inputs, make_context, tmp_path
):
    path = tmp_path / "pairs.jsonl"
    path.write_text(f"{json.dumps(PAIR)}\n{json.dumps(PAIR | change)}\n")
    context = make_context()
    with pytest.raises(UsageError) as error:
        run(config(rewrite=rewrite(examples=str(path))), inputs, context)
    assert f"stages.stage.rewrite.examples: {path}, {said}" in str(error.value)
    assert not replies(context), "nothing was sampled before that"


def test_without_a_rewriter_what_is_learnt_is_in_one_language_and_it_is_said_that_it_is_raw(
    inputs, make_artifact, make_context, capfd
):
    raw = {"rewriter": None, "rewrite_with": None, "rewrite": rewrite(wanted=True)}
    with pytest.raises(UsageError, match=r"stages\.stage\.filters: lets thoughts pass that mix"):
        run(config(**raw), inputs, make_context())
    filters = ["wrong", "mixed_language"]
    with pytest.raises(UsageError, match=r"min_language_consistency: is 0\.5, and rewriter=null"):
        run(config(**raw, filters=filters, min_language_consistency=0.5), inputs, make_context())
    mixed = {
        "id": "human-1",
        "domain": "math",
        "language": "zh",
        "prompt": [{"role": "user", "content": "3+4=?"}],
        "completion": "<think>first I take 3+4=7</think>所以是7",
        "source": "human",
    }
    human = make_artifact("conversations", "human_cot", rows=[mixed])
    given = {"data_from": (*inputs["data_from"], human)}
    settings = config(**raw, filters=filters, min_language_consistency=1.0)
    outputs = run(settings, given, make_context())
    assert "r1 warning: stages.stage.rewriter: is null" in capfd.readouterr().err
    assert outputs.facts["rewriter"] is None
    assert outputs.facts["given_mixed_language"] == 1  # what people wrote stays as it is
    (warning,) = kept(outputs.facts)  # as the report and the status say it
    assert "no summary but what the model wrote" in warning


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
            rows, rewrite_tiny, pool, tokenizer, config(rewriter="tiny", rewrite_with=None)
        )
    assert (kept, wrong, unread) == (None, "rewritten_wrong", "not_rewritten")
    assert consistency(rows[0]["reasoning"], "zh") < 1
    assert consistency(mixed["reasoning"], "zh") == 1
    assert (mixed["score"], mixed["answer"]) == (1.0, answer)
    assert mixed["tokens"] == len(tokenizer.encode(mixed["completion"]))


@pytest.mark.parametrize(
    ("reply", "thought"),
    [
        ("<thought>a b</thought>", "a b"),
        ("\n<thought>\na\n\nb\n</thought>\n", "a\n\nb"),
        ("Sure! <thought>a</thought>", None),
        ("<thought>a", None),
        ("<thought>a</thought><thought>b</thought>", None),
        ("<thought> </thought>", ""),
    ],
)
def test_only_a_reply_in_the_asked_form_is_a_thought(reply, thought):
    assert read_thought(reply) == thought


@pytest.mark.parametrize(
    ("answer", "before", "after", "lost"),
    [
        ("7", "so 3+4 = 7.", "I get 7", False),
        ("7", "so 3+4 = 7.", "I get 17, or 7.5", True),
        ("1000", "that makes 1,000", "it is 1{,}000", False),
        ("(1, 2)", "at (1,2)", "the point is ( 1 , 2 )", False),
        ("\\frac{1}{2}", "half: \\frac{1}{2}", "one half", True),
        ("knight", "A is a knight", "A 是骑士", False),  # words are translated
        ("0.5", "so 1/2", "so 1/3", False),  # never stood there: the verifier decides
    ],
)
def test_a_thought_that_no_longer_has_its_answer_is_found(answer, before, after, lost):
    assert loses(answer, before, after) is lost


def test_a_rewriter_without_its_model_or_prompts_is_refused(inputs, make_context):
    with pytest.raises(UsageError, match=r"stages\.stage\.rewrite_with: is null, so there is no"):
        run(config(rewrite_with=None), inputs, make_context())
    blank = shipped(
        Rewrite, thought=Prompt({"en": "{question}"}, ["thought"]), summary=Prompt({"en": "x"})
    )
    with pytest.raises(UsageError, match=r"rewrite\.thought\.text\.en: lacks \{thought\}"):
        run(config(rewrite=blank), inputs, make_context())
    formless = shipped(
        Rewrite, thought=Prompt({"en": "say it"}), summary=Prompt({"en": "sum it up"})
    )
    with pytest.raises(
        UsageError, match=r"rewrite\.thought: does not ask for a reply in <thought>"
    ):
        run(config(rewrite=formless), inputs, make_context())

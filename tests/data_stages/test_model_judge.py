"""Judged rows by a model through the engine: votes, positions, what cannot be read, reuse."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.artifact import Artifact
from pipeline.kinds import Stage
from stages.chat.template import END, compose, render_prompt
from stages.judging.model_judge import read_verdict
from stages.kinds.judged.kind import Judging, PreferencesConfig, check
from stages.kinds.judged.run import run, run_labels
from stages.registry import REGISTRY
from stages.rollout.server_engine import Served
from stages.rows.schemas import read_rows
from stages.settings.generation import Sampling
from stages.settings.prompts import Prompt
from tests.shipped import shipped

GREEDY = Sampling(temperature=0.0, max_tokens=40)
VERDICTS = {"A>>B": 2.0, "A=B": 0.0, "B>>A": -2.0}
PAIR = Prompt({"en": "{question} A {first} B {second}"})
ONE = Prompt({"en": "{question} R {response}"})
PAIRS = shipped(Judging, PAIR, VERDICTS, min_votes=3, sampling=GREEDY)
SAFETY = shipped(Judging, ONE, {"safe": 1.0, "unsafe": 0.0}, sampling=GREEDY)
SHORT = "It is short: \\boxed{5}"
HI, YO = compose("", "Hi."), compose("", "Yo.")
#: What the model has learnt to say.
KNOWN = (
    ("Say hi", HI),
    ("Say hi", YO),
    ("Say hi A Hi. B Yo.", "so [[A>>B]]"),
    ("Say hi A Yo. B Hi.", "so [[B>>A]]"),
    ("Which? A one B two", "so [[A>>B]]"),  # whatever is read first
    ("Which? A two B one", "so [[A>>B]]"),
    ("Why? A me B us", "who knows"),
    ("Why? A us B me", "who knows"),
    ("Say hi R Hi.", "it is [[safe]]"),
    ("Say hi R Yo.", "it is [[unsafe]]"),
)


@pytest.fixture(scope="module")
def model_dir(tiny_model_dir, tmp_path_factory):
    """The tiny model after a few steps: it answers in two ways, and judges both."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    texts = [
        render_prompt(tokenizer, [{"role": "user", "content": asked}]) + reply + END
        for asked, reply in KNOWN
    ]
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(90):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    directory = tmp_path_factory.mktemp("judge") / "model"
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def config(kind: str = "preferences", **changes) -> PreferencesConfig:
    settings = {
        "judge_with": "judge",
        "rows": 40,
        "votes": 4,
        "judging": PAIRS,
        "sampling": Sampling(temperature=1.0, max_tokens=40),
        "seed": 0,
    }
    return shipped(PreferencesConfig, kind, **settings | changes)


def prompts(count: int) -> list[dict]:
    return [
        {"id": f"p{n}", "domain": "general", "language": "en", "source": "mine", "metadata": "{}"}
        | {"prompt": [{"role": "user", "content": "Say hi"}], "verifier": "text", "reference": "x"}
        for n in range(count)
    ]


def test_a_model_judges_pairs_of_a_file_in_random_positions_and_asks_nothing_twice(
    model_dir, make_artifact, make_context, tmp_path
):
    lines = [("Say hi", "Hi.", "Yo."), ("Which?", "two", "one"), ("Why?", "me", "us")]
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": p, "first": a, "second": b} for p, a, b in lines]
    rows.append({"prompt": "Say hi", "first": "<think>hm", "second": "Hi."})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inputs = {"judge_with": (make_artifact("model", "judge", model_dir=model_dir),)}
    context = make_context()
    outputs = run(config(path=str(path)), inputs, context)
    (kept,) = read_rows(context.output / "rows.parquet")
    assert (kept["chosen"], kept["rejected"], kept["margin"]) == (HI, YO, 2.0)
    clear, biased, unread = read_rows(context.output / "judged.parquet")
    assert clear["votes"] == [2.0] * 4  # in either position
    assert set(biased["votes"]) == {2.0, -2.0}  # what is read first: evened out
    assert (unread["votes"], unread["unreadable"]) == ([], 4)
    found = {name: count for name, count in outputs.funnel.items() if count}
    drops = {"no_answer": 1, "unreadable_votes": 4, "too_few_votes": 1, "within_margin": 1}
    assert found == {"judged": 3, **drops, "kept": 1}
    assert outputs.facts["judge"] == "judge"
    assert outputs.facts["first_liked"] == 6 / 8  # 2 of 4 votes, and 4 of 4

    replies = sorted(context.shared.glob("*/samples/*/*.parquet"))
    run(config(path=str(path)), inputs, context)  # as after a kill: replies are read back
    assert sorted(context.shared.glob("*/samples/*/*.parquet")) == replies
    assert read_rows(context.output / "rows.parquet") == [kept]


def test_a_model_of_the_recipe_answers_prompts_and_another_judges_the_pairs(
    model_dir, make_artifact, make_context
):
    model = make_artifact("model", "dev3", model_dir=model_dir)
    inputs = {
        "data_from": (model, make_artifact("problems", "prompts", rows=prompts(8))),
        "judge_with": (model,),
    }
    context = make_context()
    funnel = run(config(), inputs, context).funnel
    rows = read_rows(context.output / "rows.parquet")
    assert rows
    assert {(row["chosen"], row["rejected"], row["source"]) for row in rows} == {(HI, YO, "mine")}
    left_out = funnel["same_response"] + funnel["truncated"] + funnel["prompt_too_long"]
    assert funnel["same_response"] > 0
    assert funnel["prompts"] - left_out - funnel["no_answer"] == funnel["judged"]


def test_a_model_labels_responses_by_the_majority_of_its_votes(
    model_dir, make_artifact, make_context
):
    model = make_artifact("model", "dev3", model_dir=model_dir)
    inputs = {
        "data_from": (model, make_artifact("problems", "prompts", rows=prompts(12))),
        "judge_with": (model,),
    }
    context = make_context()
    outputs = run_labels(config("labels", judging=SAFETY, votes=3), inputs, context)
    rows = read_rows(context.output / "rows.parquet")
    assert {(row["completion"], row["label"]) for row in rows} == {(HI, 1), (YO, 0)}
    assert outputs.facts["safe"] + outputs.facts["unsafe"] == outputs.funnel["kept"] == len(rows)


def test_only_queries_of_the_kind_that_a_reward_model_scores_are_answered_and_judged(
    model_dir, make_artifact, make_context, tmp_path
):
    model = make_artifact("model", "dev3", model_dir=model_dir)
    rows = prompts(24)
    for number, kind in enumerate(("helpful", "safety") * 8):  # the others do not say
        rows[number] |= {"metadata": json.dumps({"preference": kind}), "source": kind}
    data = (model, make_artifact("problems", "prompts", rows=rows))
    inputs = {"data_from": data, "judge_with": (model,)}
    labels = config("labels", judging=SAFETY, votes=3)
    for function, settings, other in ((run, config(), "safety"), (run_labels, labels, "helpful")):
        context = make_context(tmp_path / other)
        funnel = function(settings, inputs, context).funnel
        assert (funnel["prompts"], funnel["other_preference"]) == (16, 8)
        sources = {row["source"] for row in read_rows(context.output / "rows.parquet")}
        assert sources
        assert other not in sources


def test_a_served_model_judges_whole_summaries_through_its_server(make_context, tmp_path):
    seen: list[str] = []

    class Judge(BaseHTTPRequestHandler):
        """Likes what ends in `!`, and thinks before it says so."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append(body["messages"][0]["content"])
            first = seen[-1].partition(" A ")[2].split(" B ")[0]
            verdict = "A>>B" if first.endswith("!") else "B>>A"
            message = {"content": f"[[{verdict}]]", "reasoning_content": "[[A=B]]?"}
            answer = {"choices": [{"message": message, "finish_reason": "stop"}]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    Served(f"http://127.0.0.1:{server.server_port}/v1", "v3").write(tmp_path / "served" / "model")
    manifest = {"stage": "v3", "type": "served_model", "fingerprint": "c" * 16, "facts": {}}
    judge = Artifact(tmp_path / "served", manifest)
    path = tmp_path / "pairs.jsonl"
    rows = [
        {
            "prompt": "Hm?",
            "first": f"<think>So?</think>{SHORT}",
            "second": "one that is much, much longer!",
        },
        {"prompt": "Hm?", "first": "short!", "second": "a long one"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    context = make_context()
    outputs = run(config(path=str(path)), {"judge_with": (judge,)}, context)
    server.shutdown()
    assert outputs.funnel["judged"] == outputs.funnel["kept"] == 2
    assert len(seen) == 8
    assert len(set(seen)) > 2, "both positions"
    assert (
        f"Hm? A one that is much, much longer! B {SHORT}" in seen
    )  # neither the thought nor the box alone
    votes = [row["votes"] for row in read_rows(context.output / "judged.parquet")]
    assert votes == [[-2.0] * 4, [2.0] * 4]


@pytest.mark.parametrize(
    ("reply", "vote"),
    [
        ("A is right. [[A>>B]]", 2.0),
        ("<think>[[A=B]]?</think>[[ B>>A ]]", -2.0),
        ("[[A>>B]], I mean [[A>>B]]", 2.0),
        ("[[A>>B]] or [[B>>A]]", None),
        ("[[C]]", None),
        ("A is right", None),
    ],
)
def test_only_one_clear_verdict_is_a_vote(reply, vote):
    assert read_verdict(reply, VERDICTS) == vote


SHORT_REPLY = Sampling(1.0, max_tokens=8)


@pytest.mark.parametrize(
    ("changes", "produces", "key"),
    [
        ({}, (), "data_from"),
        ({"path": __file__}, ("model", "problems"), "path"),
        ({}, ("problems",), "data_from"),
        ({"judge_with": None}, ("model", "problems"), "judge_with"),
        (
            {
                "path": __file__,
                "judging": shipped(
                    Judging, Prompt({"en": "{question}"}), VERDICTS, sampling=SHORT_REPLY
                ),
            },
            (),
            "judging.prompt.text.en",
        ),
        (
            {
                "path": __file__,
                "judging": shipped(Judging, Prompt(file="no such"), VERDICTS, sampling=SHORT_REPLY),
            },
            (),
            "judging.prompt.file",
        ),
        (
            {"path": __file__, "judging": shipped(Judging, PAIR, {"A": 1.0}, sampling=SHORT_REPLY)},
            (),
            "judging.verdicts",
        ),
        ({"path": __file__}, (), None),
        ({}, ("model", "problems"), None),
    ],
)
def test_a_judge_that_could_not_judge_is_refused_when_the_recipe_is_composed(
    changes, produces, key
):
    makers = {kind.produces: kind for kind in REGISTRY.values()}
    none, root = dict.fromkeys(REGISTRY.edges, ()), {"size": {"prompt": 128}}
    sources = tuple(Stage(name, makers[name], None, none, root) for name in produces)
    kind = REGISTRY["preferences"]
    stage = Stage("pairs", kind, config(**changes), none | {"data_from": sources}, root)
    assert [problem.key for problem in check(stage)] == ([key] if key else [])

"""Reward models as scorers: what they read, in what order, on what scale."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from stages.chat.template import compose, tagged
from stages.kinds.rl.config import RewardTerm
from stages.rewards.preference import LOWEST, Scorer, load_scorers, passes, reward_text
from stages.rewards.terms import Batch, Term, build_terms
from stages.tiny.general import CHATTER
from stages.verifiers.answer import DEFAULT, Policy


@pytest.fixture(scope="module")
def reward_model_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model with a random head on the tiny model."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    directory = tmp_path_factory.mktemp("reward") / "model"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = AutoModelForSequenceClassification.from_pretrained(tiny_model_dir, num_labels=1)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


PROMPTS = ["Hello"] * 4
LONG = compose("a", "Hi there, **all** of you.\n\nHow can I help?")
COMPLETIONS = [LONG, LONG.replace("a", "b b b", 1), compose("a", "Bye"), "<think>a"]


def test_a_helpful_model_reads_the_summary_only(reward_model_dir: Path) -> None:
    first, second, third, none = Scorer(reward_model_dir, "answer").score(PROMPTS, COMPLETIONS)
    assert first == pytest.approx(second, abs=1e-5)
    assert first != pytest.approx(third, abs=1e-3)
    assert none < min(first, third)  # no answer pays no better than a bad one


def test_what_no_answer_pays_does_not_depend_on_what_is_scored_with_it(
    reward_model_dir: Path,
) -> None:
    scorer = Scorer(reward_model_dir, "answer")
    assert (
        scorer.score(PROMPTS, COMPLETIONS)[3] == scorer.score(["Hello"], ["<think>"])[0] == LOWEST
    )
    low = Scorer(reward_model_dir, "answer", mean=1000.0).score(PROMPTS, COMPLETIONS)
    assert low == [LOWEST] * 4  # and no answer pays less than none


def test_a_helpful_model_reads_all_of_the_summary_and_not_the_box_in_it() -> None:
    summary = "Two and five make 7:\n\n\\boxed{7}\n\nGlad to help!"
    said = f"P:{summary}<|end|>"
    assert reward_text("P:", compose("2+5=7", summary), "answer") == said
    assert reward_text("P:", tagged("2+5=7", summary), "answer") == said


@pytest.mark.parametrize(
    "completion",
    [
        "<think>2+5=7",
        compose("2+5=7", " \n\u200b"),
        tagged("2+5=7", " "),
        compose("2+5=7", "<answer>7</answer><answer>7</answer>"),
        compose("2+5=7", "7 <think>8</think>"),
    ],
)
def test_a_response_that_shows_no_summary_cannot_be_read_by_a_helpful_model(
    completion: str,
) -> None:
    assert reward_text("P:", completion, "answer") is None


def test_where_the_prompt_opens_the_thought_one_that_never_ends_is_no_summary() -> None:
    said = "so it is 7, but wait"
    assert reward_text("2 + 5?", said, "answer") is not None
    assert reward_text("2 + 5?", said, "answer", Policy(thought="required")) is None


def test_a_safety_model_reads_the_whole_response(reward_model_dir: Path) -> None:
    first, second, *_ = Scorer(reward_model_dir, "response").score(PROMPTS, COMPLETIONS)
    assert first != pytest.approx(second, abs=1e-3)


def test_scores_do_not_depend_on_the_batch_around_them(reward_model_dir: Path) -> None:
    scorer = Scorer(reward_model_dir, "response")
    texts = [compose("word " * n, "Hi") for n in (1, 20, 3, 50)]
    together = scorer.score(PROMPTS, texts)
    alone = [scorer.score(["Hello"], [text])[0] for text in texts]
    assert together == pytest.approx(alone, abs=1e-4)


def test_a_pass_holds_so_many_tokens_however_long_its_texts_are() -> None:
    lengths = [5000, 10, 40000, 9, 5001, 400, 12, 5002]
    found = list(passes(lengths, 10_010))
    assert sorted(n for group in found for n in group) == list(range(8))
    sizes = [len(group) * max(lengths[n] for n in group) for group in found]
    assert [size for size in sizes if size > 10_010] == [40000]  # alone
    assert len(found) == 4


def test_known_mean_and_deviation_standardise_the_score(reward_model_dir: Path) -> None:
    raw = Scorer(reward_model_dir, "response").score(PROMPTS, COMPLETIONS)
    scaled = Scorer(reward_model_dir, "response", mean=1.0, std=2.0).score(PROMPTS, COMPLETIONS)
    assert scaled == pytest.approx([(score - 1.0) / 2.0 for score in raw], abs=1e-5)


def as_terms(scorers: Mapping[str, Scorer]) -> list[Term]:
    rewards = {name: RewardTerm(1.0) for name in ("helpful", "safety")}
    return build_terms(rewards, pool=None, scorers=scorers, total_steps=10)  # type: ignore[arg-type]


def query(preference: str | None, said: str = "Hello") -> dict[str, Any]:
    metadata = json.dumps({"preference": preference} if preference else {})
    prompt = [{"role": "user", "content": said}]
    return {"domain": "general", "prompt": prompt, "metadata": metadata}


@pytest.fixture
def judges(reward_model_dir: Path, make_artifact: Callable[..., Any]) -> list[Any]:
    return [
        make_artifact("reward_model", stage, model_dir=reward_model_dir, facts={"scores": reads})
        for stage, reads in (("helpful_rm", "answer"), ("safety_rm", "response"))
    ]


def test_a_reward_model_serves_the_term_that_its_facts_name(
    reward_model_dir: Path, judges: list[Any]
) -> None:
    terms = as_terms(load_scorers(judges, DEFAULT))
    for term, reads in zip(terms, ("answer", "response"), strict=True):
        scorer = Scorer(reward_model_dir, reads)
        expected = scorer.score([scorer.render(query(None)["prompt"])] * 4, COMPLETIONS)
        assert term.score(Batch.of([query(term.name)] * 4, COMPLETIONS)) == pytest.approx(
            expected, abs=1e-5
        )
    with pytest.raises(UsageError, match="second reward model for the term helpful"):
        load_scorers([judges[0], judges[0]], DEFAULT)


def test_a_query_gets_the_reward_of_its_own_kind_alone(judges: list[Any]) -> None:
    """Chatter pleases a helpful model; as an answer to a safety query it earns nothing there."""
    helpful, safety = as_terms(load_scorers(judges, DEFAULT))
    rows = [query("safety"), query("helpful"), query(None)]
    batch = Batch.of(rows, [compose("", CHATTER["en"])] * 3)
    assert [score is not None for score in helpful.score(batch)] == [False, True, False]
    assert [score is not None for score in safety.score(batch)] == [True, False, False]


def test_the_length_that_a_reward_model_was_trained_at_does_not_limit_what_it_reads(
    reward_model_dir: Path, make_artifact: Callable[..., Any]
) -> None:
    for reads in ("answer", "response"):
        artifact = make_artifact(
            "reward_model",
            reads,
            model_dir=reward_model_dir,
            facts={"scores": reads},
            config={"max_length": 64},
        )
        ((name, scorer),) = load_scorers([artifact], DEFAULT).items()
        rewards = {name: RewardTerm(1.0)}
        (term,) = build_terms(rewards, pool=None, scorers={name: scorer}, total_steps=1)  # type: ignore[arg-type]
        rows = [query(name, said) for said in ("3 + 4 = 7?", "def add(a, b):")]
        first, second = term.score(Batch.of(rows, [compose("", "apples and " * 60)] * 2))
        assert scorer.length(rows[0]["prompt"]) + 60 * 2 > 64
        assert abs(first - second) > 1e-5


def test_a_text_that_the_model_cannot_see_whole_scores_the_lowest_and_is_counted(
    reward_model_dir: Path, judges: list[Any]
) -> None:
    helpful, safety = as_terms(load_scorers(judges, DEFAULT))
    texts = [compose("", "word " * 600), compose("word " * 600, "Hi"), compose("", "Hi")]
    found = helpful.score(Batch.of([query("helpful")] * 3, texts))
    assert [score == LOWEST for score in found] == [True, False, False]
    assert helpful.seen() == {"too_long/helpful": 1 / 3}
    assert helpful.seen() == {}  # since then
    found = safety.score(Batch.of([query("safety")] * 3, texts))
    assert [score == LOWEST for score in found] == [True, True, False]


def test_training_and_scoring_see_the_same_text() -> None:
    assert reward_text("<|user|>Hi<|assistant|>", compose("t", "Yo"), "answer") == (
        "<|user|>Hi<|assistant|>Yo<|end|>"
    )
    assert reward_text("P:", "no tags", "response") == "P:no tags<|end|>"
    assert reward_text("P:", "no tags", "answer") == "P:no tags<|end|>"

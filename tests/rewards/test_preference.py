"""Reward models as scorers: what they read, in what order, on what scale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from stages.configs import RewardTerm
from stages.data.template import compose, tagged
from stages.rewards.preference import Scorer, load_scorers, reward_text
from stages.rewards.terms import Batch, build_terms
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
    assert none == min(first, third)  # no summary pays no better than the worst one


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


def test_known_mean_and_deviation_standardise_the_score(reward_model_dir: Path) -> None:
    raw = Scorer(reward_model_dir, "response").score(PROMPTS, COMPLETIONS)
    scaled = Scorer(reward_model_dir, "response", mean=1.0, std=2.0).score(PROMPTS, COMPLETIONS)
    assert scaled == pytest.approx([(score - 1.0) / 2.0 for score in raw], abs=1e-5)


def test_a_reward_model_serves_the_term_that_its_facts_name(
    reward_model_dir: Path, make_artifact: Callable[..., Any]
) -> None:
    artifacts = [
        make_artifact("reward_model", stage, model_dir=reward_model_dir, facts={"scores": reads})
        for stage, reads in (("helpful_rm", "answer"), ("safety_rm", "response"))
    ]
    scorers = load_scorers(artifacts, DEFAULT)
    rewards = {name: RewardTerm() for name in ("helpful", "safety")}
    terms = build_terms(rewards, pool=None, scorers=scorers, total_steps=10)  # type: ignore[arg-type]
    rows = [{"domain": "general"}] * 4
    for term, reads in zip(terms, ("answer", "response"), strict=True):
        expected = Scorer(reward_model_dir, reads).score(PROMPTS, COMPLETIONS)
        assert term.score(Batch(rows, PROMPTS, COMPLETIONS)) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(UsageError, match="second reward model for the term helpful"):
        load_scorers([artifacts[0], artifacts[0]], DEFAULT)


def test_training_and_scoring_see_the_same_text() -> None:
    assert reward_text("<|user|>Hi<|assistant|>", compose("t", "Yo"), "answer") == (
        "<|user|>Hi<|assistant|>Yo<|end|>"
    )
    assert reward_text("P:", "no tags", "response") == "P:no tags<|end|>"
    assert reward_text("P:", "no tags", "answer") == "P:no tags<|end|>"

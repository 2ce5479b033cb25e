"""Where a thought is cut, and which answers count as the same."""

from __future__ import annotations

from collections import Counter

from stages.sampling.collect import Job
from stages.scoring.forcing import Tags, exceeds, forced_job
from stages.scoring.votes import RIGHT, classes
from stages.verifiers.pool import VerifierPool


def sample(tokenizer, text: str, finish: str = "stop") -> dict:
    ids = tokenizer.encode(text, add_special_tokens=False)
    return {"completion": text, "token_ids": ids, "finish_reason": finish, "seed": 7}


def test_thinking_is_counted_between_the_tags(tokenizer):
    tags = Tags.of(tokenizer)
    thought = len(tokenizer.encode("3+4=7,", add_special_tokens=False))
    done = sample(tokenizer, "<think>3+4=7,</think><answer>7</answer>")
    assert tags.thinking_tokens(done) == thought
    assert tags.thinking_tokens(sample(tokenizer, "3+4=7,</think>7")) == thought  # prompt opened it
    assert tags.thinking_tokens(sample(tokenizer, "<think>3+4=7,", "length")) == thought
    assert tags.thinking_tokens(sample(tokenizer, "the answer is 7")) == 0


def test_a_thought_is_ended_at_its_budget_and_what_follows_is_the_models_own(tokenizer):
    tags = Tags.of(tokenizer)
    row = sample(tokenizer, "<think>3+4=7, wait</think><answer>7</answer>")
    job = forced_job(Job({}, [1, 2], 8), 5, row, 3, tags)
    assert tokenizer.decode(job.prefix_ids) == "<think>3+4</think>"
    assert (job.prompt_ids, job.n, job.first) == ([1, 2], 1, 5)


def test_only_thoughts_beyond_the_budget_and_unfinished_ones_are_cut(tokenizer):
    tags = Tags.of(tokenizer)
    done = sample(tokenizer, "<think>3+4=7,</think><answer>7</answer>")
    thinking = tags.thinking_tokens(done)
    assert exceeds(done, thinking, thinking - 1)
    assert not exceeds(done, thinking, thinking)
    unfinished = sample(tokenizer, "<think>3+4=", "length")
    assert exceeds(unfinished, tags.thinking_tokens(unfinished), 1000)
    greeting = sample(tokenizer, "hello")
    assert not exceeds(greeting, 0, 0)


def answers(verifier: str, reference: str, *given: str | None) -> list[dict]:
    return [
        {
            "verifier": verifier,
            "reference": reference,
            "metadata": "{}",
            "answer": answer,
            "score": float(answer == reference),
        }
        for answer in given
    ]


def test_equal_answers_written_differently_are_one_class():
    rows = answers("math", "7", "7", r"\frac{1}{3}", "1/3", "18", "18.0", None, "1,000", "1000")
    with VerifierPool(1) as pool:
        (votes,) = classes([rows], pool)
    assert votes[0] == RIGHT
    assert votes[1] == votes[2]
    assert votes[3] == votes[4]
    assert votes[5] is None
    assert votes[6] == votes[7]
    assert len(set(votes)) == 5


def test_what_a_verifier_tells_apart_is_not_one_class():
    rows = answers("math", "9", "1,2", "1,2", "12", "12", "7", "7", "7", "A", "a")
    with VerifierPool(1) as pool:
        (votes,) = classes([rows], pool)
    assert Counter(votes).most_common(1) == [("7", 3)]
    assert votes[0] == votes[1] != votes[2] == votes[3]


def test_a_class_is_not_a_chain_of_answers_that_resemble_their_neighbours():
    rows = answers("math", "9", "5 cm", "5 cm", "5 m", "5 m", "5 m", "5")
    with VerifierPool(1) as pool:
        (votes,) = classes([rows], pool)
    assert Counter(votes) == {"5 m": 4, "5 cm": 2}


def test_problems_do_not_share_classes():
    with VerifierPool(1) as pool:
        one, other = classes([answers("math", "7", "7", "8"), answers("math", "8", "7", "8")], pool)
    assert one == [RIGHT, "8"]
    assert other == ["7", RIGHT]


def test_orders_that_differ_in_their_separators_are_one_class():
    rows = answers("order", "a b c", "b, a, c", "b a c", "c a b", "a b c")
    with VerifierPool(1) as pool:
        (votes,) = classes([rows], pool)
    assert votes[0] == votes[1] != votes[2]
    assert votes[3] == RIGHT


def test_comparing_answers_leaves_no_trace_in_the_tally():
    with VerifierPool(1) as pool:
        classes([answers("math", "7", r"\frac{1}{3}", "1/3")], pool)
        assert pool.tally.rows == 0

"""Each filter on a sample made for it, and their order."""

from __future__ import annotations

from collections import Counter

import pytest

from stages.chat.template import compose
from stages.hygiene.resemblance import DUPLICATE, NEAR_DUPLICATE
from stages.kinds.sample.config import SampleConfig
from stages.sampling.filters import RULES, apply_rules, reason_of
from stages.settings.values import FILTERS
from tests.shipped import shipped

THOUGHT = "First take three and four, which makes seven. Then check it again."


def sample(reasoning: str = THOUGHT, **changes) -> dict:
    row = {"reasoning": reasoning, "completion": compose(reasoning, "7"), "language": "en"}
    return row | {"score": 1.0, "finish_reason": "stop"} | changes


def config(*filters: str, **changes) -> SampleConfig:
    limits = {"min_language_consistency": 1.0, "max_paragraph_characters": 100}
    return shipped(SampleConfig, "sample", filters=list(filters), **limits | changes)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (
            "never_ends_thinking",
            sample(completion="<think>so three and", finish_reason="length", score=0.0),
        ),
        ("wrong", sample(score=0.0)),
        ("cannot_judge", sample(score=None)),
        ("truncated", sample(finish_reason="length")),
        ("malformed", sample(completion="the answer is \\boxed{7}")),
        ("mixed_language", sample("先算 three and four，再检查")),
        ("long_paragraph", sample("one long paragraph " * 6)),
        ("code_block", sample("Try this:\n```python\nprint(7)\n```")),
        ("repetition", sample("so three and four make seven, " * 3)),
    ],
)
def test_each_filter_drops_its_own_sample_and_keeps_a_good_one(name, row):
    dropped: Counter[str] = Counter()
    settings = config(name, max_paragraph_characters=100)
    assert apply_rules([row, sample()], settings, dropped) == [sample()]
    assert dropped == {name: 1}


def test_a_good_sample_passes_all_filters():
    assert apply_rules([sample()], config(*RULES), Counter()) == [sample()]


def test_a_sample_is_counted_at_the_first_filter_that_drops_it():
    row = sample("先算 three ```", score=0.0)
    dropped: Counter[str] = Counter()
    apply_rules([row], config("code_block", "wrong", "mixed_language"), dropped)
    assert dropped == {"code_block": 1, "wrong": 0, "mixed_language": 0}


def test_paragraphs_end_with_their_lines():
    row = sample("\n".join(["one short line of thought"] * 20))
    assert apply_rules([row], config("long_paragraph"), Counter()) == [row]


def test_a_thought_without_words_has_no_language_to_mix():
    assert apply_rules([sample("3+4=7")], config("mixed_language"), Counter()) == [sample("3+4=7")]


def test_a_thought_that_ended_before_the_cut_is_truncated_but_not_endless():
    row = sample(completion="<think>3+4=7</think><answer>7", finish_reason="length")
    assert reason_of(row, config("never_ends_thinking", "truncated")) == "truncated"


def test_the_filters_that_a_config_may_name_are_those_that_there_are():
    assert (*RULES, DUPLICATE, NEAR_DUPLICATE) == FILTERS

"""Rewards by rule, each worked by hand."""

from __future__ import annotations

import pytest

from stages.rewards.checking import count_checking_words
from stages.rewards.format import soft, strict
from stages.rewards.language import consistency, count_words


@pytest.mark.parametrize(
    "completion",
    [
        "<think>2+3=5</think><answer>5</answer>",
        "\n<think>\n2+3=5\n</think>\n\n<answer>\n5\n</answer>\n",
        "<think>a < b > c <b>x</b></think> <answer>\\boxed{5}</answer>",
    ],
)
def test_the_strict_form_is_worth_one(completion: str) -> None:
    assert strict(completion) == soft(completion) == 1.0


@pytest.mark.parametrize(
    ("completion", "partial"),
    [
        ("5", 0.0),
        ("<think>2+3=5", 0.2),
        ("<think>2+3=5</think>5", 0.4),
        ("<think>2+3=5</think><answer>5", 0.6),
        ("2+3=5</think><answer>5</answer>", 0.6),
        ("<answer>5</answer>", 0.4),
        ("So: <think>2+3=5</think><answer>5</answer>", 0.8),
        ("<think>2+3=5</think> hence <answer>5</answer>", 0.8),
        ("<think>2+3=5</think><answer>5</answer> Done.", 0.8),
    ],
)
def test_the_soft_form_pays_for_each_tag_on_the_way(completion: str, partial: float) -> None:
    assert (strict(completion), soft(completion)) == (0.0, partial)


@pytest.mark.parametrize(
    ("completion", "at_most"),
    [
        ("<think></think><answer></answer>", 0.0),
        ("<think> </think> <answer>\n</answer>", 0.0),
        ("<think><answer></answer></think>", 0.0),
        ("<think>" * 50, 0.0),
        ("<think>x</think><answer>5</answer>" * 2, 0.0),
        ("<think></think><answer>5</answer>", 0.4),
        ("<think><think>x</think></think><answer>5</answer>", 0.4),
        ("<answer>5</answer><think>x</think>", 0.4),
        ("</answer>5<answer>x</think>y<think>", 0.4),
    ],
)
def test_empty_repeated_and_shuffled_tags_are_not_the_form(completion: str, at_most: float) -> None:
    assert strict(completion) == 0.0
    assert soft(completion) <= at_most


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("First add three", 3, 0),
        ("先加三", 0, 3),
        ("先 add 三", 1, 2),
        ("it's done", 2, 0),
        ("let x_1 be total2, then x = 12 kg", 4, 0),  # let be then kg
        ("a x I", 0, 0),
        ("so $x + y$ and \\(abc\\) and \\[def\\] and \\frac{1}{2}", 4, 0),
        ("costs $5 and then $6 more", 4, 0),
        ("run `print(x)` now", 2, 0),
        ("see\n```python\nfor word in words: pass\n```\nthe end", 3, 0),
        ("see ```for word in words", 1, 0),
        ("<b>bold</b> <answer>yes</answer>", 2, 0),
        ("令x等于3", 0, 3),
        ("用Python写", 1, 2),
    ],
)
def test_words_are_counted_and_symbols_are_not(text: str, english: int, chinese: int) -> None:
    assert count_words(text) == (english, chinese, 0)


def test_consistency_is_the_share_of_words_in_the_target_language() -> None:
    assert consistency("First we add, 然后相减", "en") == 3 / 7
    assert consistency("First we add, 然后相减", "zh") == 4 / 7
    assert consistency("先加后减：$3+4-2=5$", "zh") == 1.0
    assert consistency("先加后减", "en") == 0.0
    assert consistency("сначала add", "en") == 0.5


def test_consistency_of_a_thought_without_words_is_not_measured() -> None:
    assert consistency("3+4=7", "en") is None
    assert consistency("", "zh") is None
    assert consistency("Erst addieren", "de") is None


WORDS = ["wait", "check", "let me check", "verify", "等", "等等", "检查"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Wait, let me check that. I verify it.", 3),
        ("WAIT! wait", 2),
        ("waiting checks", 0),
        ("等等，我检查一下。等，不对", 3),
        ("三加四等于七，等式成立", 0),
        ("", 0),
    ],
)
def test_checking_words_are_whole_words_and_not_equals_signs(text: str, count: int) -> None:
    assert count_checking_words(text, WORDS) == count


def test_no_checking_words_count_nothing() -> None:
    assert count_checking_words("wait", []) == 0

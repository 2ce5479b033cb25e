"""The format reward, worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.chat.template import compose, tagged
from stages.rewards.format import soft, strict

(R1,) = json.loads((Path(__file__).parents[1] / "data" / "traces" / "r1.json").read_text())
LISTING = r"""
**The larger root**

The equation $x^2 - 5x + 6 = 0$ factors:

1. $(x - 2)(x - 3) = 0$, so $x = 2$ or $x = 3$.
2. `max(2, 3)` is 3.

**Answer:** \[\boxed{3}\]
"""


@pytest.mark.parametrize("summary", [LISTING, "**5** < 6", "5", "五", r"\boxed{5}", "] ) }"])
def test_a_thought_and_then_a_summary_is_the_form_whatever_the_summarys_own(summary: str) -> None:
    completion = compose("We look for numbers whose sum is 5.", summary)
    assert strict(completion) == soft(completion) == 1.0


def test_what_r1_itself_wrote_earns_the_format_reward() -> None:
    completion = compose(R1["message_thinking"], "\n\n" + R1["message_content"])
    assert strict(completion) == soft(completion) == 1.0


@pytest.mark.parametrize(
    "completion",
    [
        "<think>2+3=5</think><answer>5</answer>",
        "\n<think>\n2+3=5\n</think>\n\n<answer>\n5\n</answer>\n",
        "<think>a < b > c <b>x</b></think> <answer>\\boxed{5}</answer>",
        "<think>是五</think>所以<answer>五</answer>。",
        "<think>while lo < answer: lo += 1</think>So: <answer>5</answer> Done.",
    ],
)
def test_the_summary_may_hold_the_answer_tag_that_r1_zeros_prompt_asks_for(completion: str) -> None:
    assert strict(completion) == soft(completion) == 1.0


@pytest.mark.parametrize(
    ("completion", "partial"),
    [
        ("5", 0.0),
        ("<answer>5</answer>", 0.0),
        ("<think>2+3=5", 0.25),
        ("<think>2+3=5</think>", 0.5),
        ("<think>2+3=5</think><answer>5", 0.5),
        ("2+3=5</think>It is 5.", 0.5),
        ("So: <think>2+3=5</think>It is 5.", 0.75),
    ],
)
def test_the_soft_form_pays_for_each_part_on_the_way(completion: str, partial: float) -> None:
    assert (strict(completion), soft(completion)) == (0.0, partial)


@pytest.mark.parametrize(
    "summary",
    [
        "",
        " \n\t\u00a0",
        "\u200b\u2060\ufeff\u3164",
        "<answer></answer>",
        "<answer> \u200b </answer>",
        "The answer follows: <answer></answer>",
        "It is 5. <answer>5",
        "It is 5.</answer>",
        "</answer>5<answer>",
        "<answer>5</answer><answer>5</answer>",
        "It is 5. <think>No, 6.</think>",
        "<think>It is 5.",
        "It is 5.</think>",
    ],
)
def test_what_is_no_summary_earns_nothing_for_one(summary: str) -> None:
    completion = compose("2+3=5", summary)
    assert strict(completion) == 0.0
    assert soft(completion) <= 0.5


@pytest.mark.parametrize(
    ("completion", "at_most"),
    [
        ("<think></think><answer></answer>", 0.0),
        ("<think> </think> <answer>\n</answer>", 0.0),
        ("<think>\u200b\u2060</think>\ufeff", 0.0),
        ("<think><answer></answer></think>", 0.0),
        ("<think>" * 50, 0.0),
        ("<think>x y</think>It is 5." * 2, 0.0),
        ("<think></think>It is 5.", 0.0),
        ("</think>It is 5.", 0.0),
        ("It is 5.</think>x y<think>", 0.25),
        ("<think>x y <answer>5</answer></think>It is 5.", 0.25),
        ("<think><think>x y</think></think>It is 5.", 0.25),
        ("It is 5. <think>x y</think>", 0.5),
        ("<answer>5</answer><think>x y</think>", 0.5),
    ],
)
def test_empty_repeated_and_shuffled_tags_are_not_the_form(completion: str, at_most: float) -> None:
    assert strict(completion) == 0.0
    assert soft(completion) <= at_most


@pytest.mark.parametrize("thought", ["a", "…", ". . . .", "ok", "ok ok OK", "5 5", "是", "\u200b"])
def test_a_thought_of_less_than_two_different_words_is_no_thought(thought: str) -> None:
    for completion in (compose(thought, "It is 5."), tagged(thought, "5")):
        assert strict(completion) == soft(completion) == 0.0


@pytest.mark.parametrize(
    "tag",
    [
        "<THINK>",
        "</Answer>",
        "< answer >",
        "<th\u200bink>",
        "＜answer＞",
        "<thinking>",
        "</ think>",
    ],
)
def test_a_disguised_tag_in_thought_or_summary_spoils_the_form(tag: str) -> None:
    for completion in (compose(f"2+3=5 {tag}", "It is 5."), compose("2+3=5", f"It is {tag} 5.")):
        assert strict(completion) == soft(completion) == 0.0

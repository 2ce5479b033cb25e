"""What counts as the same unit, and the same text."""

from __future__ import annotations

import pytest

from stages.hygiene.units import split, windows
from stages.hygiene.whole import whole


def words(text: str, **options: bool) -> str:
    units = split([text], **options)
    return units.words(0, len(units.hashes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Janet’s ducks lay 16 eggs.", "janets ducks lay 16 eggs"),
        ("for $80,000 and 1,000,000", "for 80000 and 1000000"),
        ("the set {1,2,3} and 1,23", "the set 1 2 3 and 1 23"),
        ("3.14 is not 3. 14", "3.14 is not 3 14"),
        ("珍妮特的鸭子每天下 16 颗蛋。", "珍 妮 特 的 鸭 子 每 天 下 16 颗 蛋"),
        ("ＡＢＣ１２", "abc 12"),  # full width
        ("Ünïcode Straße", "ünïcode straße"),
        ("เป็ด", "เ ป ็ ด"),  # Thai has no spaces
        ("오리는 알을", "오리는 알을"),  # Korean has
        (r"\dfrac{1}{2} + \left( x \right)", "1 2 x"),
        ("1/2 + (x)", "1 2 x"),
    ],
)
def test_a_text_is_words_numbers_and_single_characters(text: str, expected: str) -> None:
    assert words(text) == expected


def test_in_formulas_signs_and_commands_are_units_too() -> None:
    assert words(r"\sin 3+4", formulas=True) == "sin 3 + 4"


def test_no_ngram_crosses_from_one_text_into_the_next() -> None:
    units = split(["one two three", "four five six"])
    hashes, firsts = windows(units, 3, min_words=0)
    assert [units.words(first, 3) for first in firsts] == ["one two three", "four five six"]
    assert hashes[0] == windows(split(["One, two; three!"]), 3, 0)[0][0]


def test_numbers_alone_make_no_ngram() -> None:
    text = ["0 0 0 1 0 0 2 0 0 0 0 0", "add 1 2 3 4 5 6 7 8 9"]
    units = split(text)
    assert len(windows(units, 10, min_words=0)[0]) == 4
    assert len(windows(units, 10, min_words=1)[0]) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"Compute $\dfrac{1}{2}$.", r"compute $\frac{1}{2}$"),
        (r"$\left( 3, 4 \right)$", r"$(3,4)$"),
        ("x + 1 = 2", "x+1=2"),
        ("你好。", "你好"),
    ],
)
def test_typesetting_does_not_make_another_text(one: str, other: str) -> None:
    assert whole(one) == whole(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Compute 3+4-2", "Compute 3-4+2"),
        (r"$\sin 0$", r"$\cos 0$"),
        ("1 2", "12"),
        ("(1,2)", "[1,2]"),
    ],
)
def test_signs_brackets_and_functions_do(one: str, other: str) -> None:
    assert whole(one) != whole(other)

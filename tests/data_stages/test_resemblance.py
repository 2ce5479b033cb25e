"""Which answers to a problem say the same, and which of them differ most."""

from __future__ import annotations

import random

import pytest

from stages.hygiene.resemblance import SIZE, Different, most_diverse, resemblance, sketch

BOTH = ["duplicate", "near_duplicate"]


def words(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("abcdefghij", k=9)) for _ in range(count)]


def rows(*texts: str) -> list[dict]:
    return [{"completion": text} for text in texts]


def test_resemblance_of_short_texts_is_the_jaccard_similarity_of_their_shingles():
    one, other = map(sketch, ["a b c d e", "a b c d f"])  # abc, bcd, cde against abc, bcd, cdf
    assert resemblance(one, other) == pytest.approx(2 / 4)
    assert resemblance(one, one) == 1.0


def test_a_sketch_of_long_texts_estimates_the_similarity_of_all_their_shingles():
    shared, own, other = words(6000, 0), words(2000, 1), words(2000, 2)
    one, two = (sketch(" ".join(shared + rest)) for rest in (own, other))
    assert len(one) == len(two) == SIZE
    assert resemblance(one, two) == pytest.approx(6000 / 10_000, abs=0.1)


def test_a_text_that_stood_there_but_for_its_spaces_is_a_duplicate():
    different = Different(["duplicate"], 0.9)
    assert different.repeats("first a, then b") is None
    assert different.repeats("first a,\n then  b") == "duplicate"
    assert different.repeats("first a, then c") is None


def test_a_text_with_one_word_changed_in_many_is_a_near_duplicate():
    text = words(100, 0)
    changed = [*text[:50], "other", *text[51:]]  # 3 of 98 shingles: 95 / 101 are shared
    different = Different(BOTH, 0.9)
    assert different.repeats(" ".join(text)) is None
    assert different.repeats(" ".join(changed)) == "near_duplicate"
    assert Different(BOTH, 0.95).repeats(" ".join(changed)) is None


def test_another_number_in_a_short_calculation_makes_another_answer():
    different = Different(BOTH, 0.9)
    texts = ["first 12+5=17, then 17-2=15, so it is 15", "first 12-2=10, then 10+5=15, so it is 15"]
    assert [different.repeats(text) for text in texts] == [None, None]


def test_filters_that_are_not_listed_drop_nothing():
    different = Different([], 0.9)
    assert [different.repeats("the same") for _ in range(2)] == [None, None]


def test_the_quota_keeps_the_samples_that_resemble_each_other_least():
    alike = [f"first take three and four, so it is seven, point {i}" for i in "abc"]
    other = "counting up from three: four, five, six, and then we arrive at seven"
    kept = most_diverse(rows(*alike, other), 2)
    assert {"completion": other} in kept
    assert len(kept) == 2


def test_fewer_samples_than_the_quota_all_stay_in_order():
    given = rows("b", "a")
    assert most_diverse(given, 5) == given
    assert most_diverse(given, 0) == []

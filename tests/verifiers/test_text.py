"""Short text: exact, normalised and by the words that it shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]


@pytest.mark.parametrize(
    ("answer", "reference"),
    [(" PARIS . ", "Paris"), ("ｐａｒｉｓ", "Paris"), ("The Eiffel Tower", "Eiffel Tower"),
     ("an apple", "apple"), ('"Hello, world!"', "hello world"), ("well-known", "well known"),
     ("U.S.", "US"), ("\\text{Paris}", "Paris"), ("**Paris**", "Paris"), ("don’t", "don't"),
     ("Paris (France)", "Paris, France"), ("vitamin a", "Vitamin A"), ("1939–1945", "1939-1945"),
     ("−3", "-3"), ("北京。", "北京"), ("《红楼梦》", "红楼梦"), ("the", "The"),
     ("It is 42!", "it is 42"), ("dogs'", "dogs"), ("a  b\tc", "a b c"), ("3.", "3"),
     ("1000", "1,000"), ("$1,000,000.50", "$1000000.50"), ("1,000 men", "1000 men"),
     ("1\u202f000", "1,000"), ("-1,000", "−1000"), ("১০০০", "1,000")],
)  # fmt: skip
def test_text_is_compared_without_its_dress(judge: Judge, answer: str, reference: str) -> None:
    assert judge("text", answer, reference).score == 1.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [("3.5", "35"), ("-3", "3"), ("50%", "50"), ("C#", "C"), ("C++", "C"), ("Vitamin", "Vitamin A"),
     ("3!", "3"), ("2^3", "2 3"), ("2*3", "2 3"), ("(1,2)", "[1,2]"), ("x < 3", "x 3"),
     ("12,34", "1234"), ("1,2", "12"), ("1,00", "100"), ("(1,200)", "(1200)"), ("1.000", "1,000"),
     ("1,000,00", "1,00000"), ("3.10", "3.1"), ("0,5", "5"),
     (".5", "5"), ("-x", "x"), ("1939-1945", "1939 1945"), ("TCP/IP", "TCP IP"),
     ("北京市", "北京")],
)  # fmt: skip
def test_punctuation_that_carries_meaning_stays(judge: Judge, answer: str, reference: str) -> None:
    assert judge("text", answer, reference).score == 0.0


@pytest.mark.parametrize(
    "answer",
    ["Paris or Rome", "Paris, Rome, London, Berlin", "maybe Paris", "not Paris", "Paris? Rome?",
     "Paris " * 50, "巴黎或罗马"],
)  # fmt: skip
def test_hedges_and_lists_of_candidates_are_wrong(judge: Judge, answer: str) -> None:
    assert judge("text", answer, "Paris", accept=["巴黎"]).score == 0.0


def test_other_spellings_may_be_accepted(judge: Judge) -> None:
    assert judge("text", "巴黎。", "Paris", accept=["巴黎"]).score == 1.0
    assert judge("text", "罗马", "Paris", accept=["巴黎"]).score == 0.0


def test_exact_means_every_letter(judge: Judge) -> None:
    assert judge("text", " Paris\n", "Paris", match="exact").score == 1.0
    for answer in ("paris", "Paris.", "the Paris", "Ｐaris"):
        assert judge("text", answer, "Paris", match="exact").score == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [("hello world", "hello", 2 / 3), ("hello world", "goodbye", 0.0), ("the hello", "hello", 1.0),
     ("w x y z", "w x", 2 / 3), ("hello hello", "hello", 2 / 3), ("我爱北京", "北京", 2 / 3),
     ("Paris Rome London Berlin Madrid", "Paris", 1 / 3), ("", "hello", 0.0)],
)  # fmt: skip
def test_f1_counts_the_words_shared_and_pays_a_share_only_when_asked(
    judge: Judge, answer: str, reference: str, score: float
) -> None:
    partial = judge("text", answer, reference, match="f1", partial=True).score
    assert partial == pytest.approx(score) if answer else partial == 0.0
    assert judge("text", answer, reference, match="f1", threshold=0.6).score == float(score >= 0.6)


def test_numbers_are_words_of_f1_however_their_thousands_are_parted(judge: Judge) -> None:
    row: dict[str, Any] = {"match": "f1", "partial": True}
    assert judge("text", "about 1000 men", "1,000 men", **row).score == pytest.approx(0.8)


def test_f1_takes_the_best_of_the_accepted_texts(judge: Judge) -> None:
    row: dict[str, Any] = {"match": "f1", "partial": True, "accept": ["hello world"]}
    assert judge("text", "hello world", "goodbye", **row).score == 1.0


@pytest.mark.parametrize(
    ("reference", "metadata"),
    [("", {}), ("…", {}), ("Paris", {"accept": "巴黎"}), ("Paris", {"accept": [""]}),
     ("Paris", {"match": "fuzzy"}), ("Paris", {"match": "f1"}),
     ("Paris", {"match": "f1", "threshold": 0}), ("Paris", {"match": "f1", "threshold": "1"})],
)  # fmt: skip
def test_a_row_without_a_text_to_compare_is_unreadable(
    judge: Judge, reference: str, metadata: dict[str, Any]
) -> None:
    assert judge("text", "Paris", reference, **metadata).score is None

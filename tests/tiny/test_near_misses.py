"""Replies that are nearly right: what a policy says, and a reward model must tell from right."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from random import Random

import pytest

from stages.tiny.near_misses import near_miss
from stages.tiny.problems import tasks


@pytest.fixture(scope="module")
def misses() -> dict[str, set[tuple[str, str]]]:
    """References and misses of them, by topic, in English."""
    rng, peers, found = Random(0), defaultdict(list), defaultdict(set)
    for task in islice(tasks("general", 0, "train"), 3000):
        peers[task.topic].append(task)
        for language in ("en", "zh"):
            miss = near_miss(task, language, peers[task.topic], rng)
            assert miss.strip()
            assert miss != task.reference[language]
            if language == "en":
                found[task.topic].add((task.reference[language], miss))
    return found


def test_mistakes_that_policies_were_seen_to_make_are_among_them(misses):
    words = [(right.split(), miss.split()) for right, miss in misses["repeat"]]
    assert any(said == [*right, right[0]] for right, said in words)
    assert any(said == right[1:] for right, said in words)
    words = [(right.split(), miss.split()) for right, miss in misses["upper"]]
    assert any(r[0] == m[0] and m[1].isupper() and r[1] != m[1] for r, m in words if len(m) == 2)
    assert any(miss.istitle() and " " not in miss for _, miss in misses["fact"])  # another one
    endings = [(right.split(". "), miss.split(". ")) for right, miss in misses["ending"]]
    assert any(r[0] == m[0] and r[1] != m[1] for r, m in endings if len(m) == 2)
    assert any(r[0] != m[0] and r[1] == m[1] for r, m in endings if len(m) == 2)


def test_they_are_no_shorter_and_no_longer_than_what_is_right(misses):
    """Not always: else their length would tell them apart."""
    for topic in ("repeat", "upper", "ending", "fact"):
        longer = sum(len(miss) > len(right) for right, miss in misses[topic]) / len(misses[topic])
        assert 0.2 < longer < 0.8, topic

"""Hacks against the rewards by rule, in every domain: none is paid for what it did not do.

The measure of "paid" is an honest wrong answer in the same form. docs/reward_hygiene.md shows the
same table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.kinds.rl.config import RewardTerm
from stages.rewards.terms import Batch, Term, build_terms
from stages.verifiers.pool import VerifierPool

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "data" / "hygiene" / "hacks.jsonl"
PAGE = ROOT / "docs" / "reward_hygiene.md"
HACKS = [json.loads(line) for line in TABLE.read_text().splitlines()]
HONEST_RIGHT, HONEST_WRONG, *_ = HACKS
TERMS = ("accuracy", "format", "soft_format", "language")

KNIGHTS = "Anna: knight; Ben: knave"
DOMAINS: dict[str, dict[str, Any]] = {
    "math": {
        "prompt": "What is 2 + 3 + 7 - 7 in total, if you please?",
        "right": "5",
        "wrong": "6",
        "every": "1, 2, 3, 4, 5, 6",
    },
    "choice": {
        "prompt": "Which of these is a prime number? A. 4 B. 5 C. 6 D. 8",
        "right": "B",
        "wrong": "C",
        "every": "A, B, C, D",
        "metadata": {"options": 4},
    },
    "logic": {
        "prompt": "Anna says that Ben is a knave. Who is a knight and who is a knave?",
        "right": KNIGHTS,
        "wrong": "Anna: knave; Ben: knave",
        "every": "Anna: knight or knave; Ben: knight or knave",
        "metadata": {"names": ["Anna", "Ben"]},
    },
    "yes or no": {
        "verifier": "logic",
        "prompt": "Is seven a prime number? Answer yes or no, please.",
        "right": "yes",
        "wrong": "no",
        "every": "yes no true false",
    },
    "code": {
        "prompt": "Write a function f(x) that returns x plus two.",
        "right": "def f(x): return x+2",
        "wrong": "def f(x): return x+3",
        "every": "def f(x): return x+2\ndef f(x): return x+3",
        "metadata": {"tests": ["f(1) == 3"], "entry": "f"},
    },
    "text": {
        "prompt": "What is the capital city of France, in one word?",
        "right": "Paris",
        "wrong": "Rome",
        "every": "Paris, Rome, London",
    },
    "instruction": {
        "prompt": "Answer with the word YES, and with nothing else, please.",
        "right": "YES",
        "wrong": "NO",
        "every": "YES NO",
        "metadata": {"constraints": [{"type": "equals_any", "texts": ["YES"]}]},
    },
}


@pytest.fixture(scope="module")
def terms() -> Iterator[list[Term]]:
    with VerifierPool(workers=1) as pool:
        rewards = {name: RewardTerm(1.0) for name in TERMS}
        yield build_terms(rewards, pool=pool, scorers={}, total_steps=1)


def problem(domain: str) -> dict[str, Any]:
    case = DOMAINS[domain]
    return {
        "id": domain,
        "domain": domain,
        "language": "en",
        "verifier": case.get("verifier", domain),
        "reference": case["right"],
        "metadata": json.dumps(case.get("metadata", {})),
        "prompt": [{"role": "user", "content": case["prompt"]}],
    }


def completion(hack: dict[str, Any], domain: str) -> str:
    text = hack["completion"]
    for place in ("right", "wrong", "every", "prompt"):
        text = text.replace(f"{{{place}}}", DOMAINS[domain][place])
    return text


@pytest.mark.parametrize("hack", HACKS, ids=[hack["hack"] for hack in HACKS])
def test_a_hack_is_paid_what_the_table_says_in_every_domain(
    terms: list[Term], hack: dict[str, Any]
) -> None:
    rows = [problem(domain) for domain in DOMAINS]
    texts = [completion(hack, domain) for domain in DOMAINS]
    scores = {term.name: term.score(Batch.of(rows, texts)) for term in terms}
    expected = {name: [pay] * len(rows) for name, pay in hack["pays"].items()}
    assert {name: dict(zip(DOMAINS, found, strict=True)) for name, found in scores.items()} == {
        name: dict(zip(DOMAINS, pays, strict=True)) for name, pays in expected.items()
    }


def test_no_hack_is_paid_more_than_an_honest_wrong_answer() -> None:
    for hack in HACKS:
        if hack is not HONEST_RIGHT:
            for term, pay in hack["pays"].items():
                assert (pay or 0.0) <= HONEST_WRONG["pays"][term], (hack["hack"], term)


def table() -> str:
    lines = [f"| completion | {' | '.join(TERMS)} |", f"|---|{'---|' * len(TERMS)}"]
    for hack in HACKS:
        pays = ("–" if pay is None else f"{pay:g}" for pay in hack["pays"].values())
        lines.append(f"| {hack['hack']} | {' | '.join(pays)} |")
    return "\n".join(lines)


def test_the_page_shows_this_table() -> None:
    assert table() in PAGE.read_text(), f"{PAGE.name} should hold:\n{table()}"

"""Reward terms: scores, weights over time, the rows they apply to, and what they refuse to pay."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pipeline.errors import UsageError
from stages.kinds.rl.config import RewardTerm
from stages.rewards.terms import Batch, Term, build_terms, require_rows
from stages.verifiers import answer, grade
from stages.verifiers.pool import VerifierPool


@pytest.fixture(scope="module")
def pool() -> Iterator[VerifierPool]:
    with VerifierPool(workers=1) as pool:
        yield pool


def problem(reference: str = "5", verifier: str = "math", **changes: Any) -> dict[str, Any]:
    row = {
        "id": "p",
        "domain": "math",
        "language": "en",
        "verifier": verifier,
        "reference": reference,
        "metadata": json.dumps({}),
    }
    return {**row, **changes}


def batch(rows: Sequence[dict[str, Any]], completions: Sequence[str]) -> Batch:
    return Batch.of(list(rows), list(completions))


def terms(pool: VerifierPool, scorers: Any = None, total: int = 100, **rewards: Any) -> list[Term]:
    return build_terms(
        {name: RewardTerm(**{"weight": 1.0, **changes}) for name, changes in rewards.items()},
        pool=pool,
        scorers=scorers or {},
        total_steps=total,
        stage="zero",
    )


def total(terms: list[Term], of: Batch, step: int = 0) -> list[float]:
    scores = [[t.weight_at(step) * (s or 0.0) for s in t.score(of)] for t in terms]
    return [sum(column) for column in zip(*scores, strict=True)]


def test_the_worked_example_scores_one_nothing_and_two(pool: VerifierPool) -> None:
    completions = ["\\boxed{5}", "\\boxed{6}", "<think>2+3=5</think>It is \\boxed{5}."]
    both = terms(pool, accuracy={}, format={})
    assert total(both, batch([problem()] * 3, completions)) == [1.0, 0.0, 2.0]


def test_terms_read_a_completion_that_was_taken_apart_once(
    pool: VerifierPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = batch([problem()], ["<think>2+3 is five</think>It is \\boxed{5}."])
    for module in (grade, answer):
        monkeypatch.setattr(module, "parse", lambda *parts: pytest.fail("taken apart again"))
    both = terms(pool, accuracy={}, language={})
    assert [term.score(asked) for term in both] == [[1.0], [1.0]]


def test_language_measures_the_thought_in_the_rows_language(pool: VerifierPool) -> None:
    (language,) = terms(pool, language={})
    completions = [
        "<think>add them 相加吧</think><answer>五个苹果</answer>",
        "<think>add them 相加吧</think><answer>five</answer>",
        "<think>2+3</think><answer>five</answer>",
        "five",
    ]
    rows = [problem(), problem(language="zh"), problem(), problem()]
    english = 2 / (2 + 3 / 1.65)
    expected = [english, 1 - english, None, None]
    assert language.score(batch(rows, completions)) == pytest.approx(expected)


def test_without_a_language_the_prompts_own_is_the_target(pool: VerifierPool) -> None:
    (language,) = terms(pool, language={})
    asked = [{"role": "user", "content": "二加三等于几？"}]
    row = problem(language="", prompt=asked)
    completions = ["<think>二加三</think>5", "<think>two and three</think>5"]
    assert language.score(batch([row] * 2, completions)) == [1.0, 0.0]


def test_a_row_that_cannot_be_judged_has_no_score(pool: VerifierPool) -> None:
    (accuracy,) = terms(pool, accuracy={})
    rows = [problem("???"), problem(verifier="rhyme"), problem(metadata="{"), problem()]
    assert accuracy.score(batch(rows, ["\\boxed{5}"] * 4)) == [None, None, None, 1.0]


def test_a_term_leaves_other_domains_alone(pool: VerifierPool) -> None:
    (form,) = terms(pool, format={"domains": ["math", "code"]})
    rows = [problem(), problem(domain="general"), problem(domain="code")]
    assert form.score(batch(rows, ["<think>so x</think><answer>y</answer>"] * 3)) == [
        1.0,
        None,
        1.0,
    ]


@pytest.mark.parametrize(
    ("start", "stop", "first", "end"),
    [
        (0.0, None, 0, math.inf),
        (0.25, 0.75, 25, 75),
        (10, 20, 10, 20),
        (0.765, None, 76, math.inf),
        (0, 1.0, 0, 100),
    ],
)
def test_a_term_acts_from_its_start_up_to_its_stop(
    pool: VerifierPool, start: Any, stop: Any, first: int, end: float
) -> None:
    (term,) = terms(pool, format={"weight": 0.5, "start": start, "stop": stop})
    acting = [step for step in range(200) if term.weight_at(step)]
    assert acting == [step for step in range(200) if first <= step < end]
    assert {term.weight_at(step) for step in acting} == {0.5}


def test_the_papers_last_400_of_1700_steps_is_a_fraction(pool: VerifierPool) -> None:
    (term,) = terms(pool, total=1700, format={"start": 1300 / 1700})
    assert (term.weight_at(1299), term.weight_at(1300), term.weight_at(1699)) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        ({"beauty": {}}, r"stages\.zero\.rewards\.beauty: there is no reward term"),
        ({"helpful": {}}, r"stages\.zero\.rewards\.helpful: needs a reward model that scores `ans"),
        ({"safety": {}}, r"stages\.zero\.rewards\.safety: needs a reward model that scores `resp"),
        ({"format": {"start": 1.5}}, r"stages\.zero\.rewards\.format\.start: 1\.5 is neither"),
        ({"format": {"start": "late"}}, r"stages\.zero\.rewards\.format\.start: 'late'"),
        ({"format": {"start": 9, "stop": 3}}, r"stages\.zero\.rewards\.format: stops at step 3"),
    ],
)
def test_a_wrong_term_names_its_key(pool: VerifierPool, rewards: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        terms(pool, **rewards)


def test_rule_terms_need_no_torch() -> None:
    code = "import sys, stages.rewards.terms; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_term_for_domains_that_no_row_has_is_refused_before_training(pool: VerifierPool) -> None:
    rows = [problem(), problem(domain="code")]
    require_rows(terms(pool, accuracy={"domains": ["code", "logic"]}, format={}), rows, "zero")
    with pytest.raises(UsageError, match=r"stages\.zero\.rewards\.format\.domains: \['logic'\]"):
        require_rows(terms(pool, format={"domains": ["logic"]}), rows, "zero")


def test_a_reward_model_without_a_query_of_its_kind_is_refused_before_training(
    pool: VerifierPool,
) -> None:
    helpful = {"domain": "general", "metadata": json.dumps({"preference": "helpful"})}
    both = terms(pool, {"helpful": None, "safety": None}, helpful={}, safety={})
    with pytest.raises(
        UsageError, match=r"zero\.rewards\.safety: no row of data_from is a `safety`"
    ):
        require_rows(both, [problem(**helpful)], "zero")

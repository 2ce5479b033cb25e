"""From judged samples to numbers: measures of a sample, rows of problems, tables of estimates.

A sample that cannot be judged (score None) is neither right nor wrong: its share is reported as
`cannot_judge`, and accuracy is over the judged ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import pyarrow as pa

from pipeline import statistics
from pipeline.statistics import Bootstrap
from stages.language.consistency import consistency, mixes_languages, target_of
from stages.rewards.checking import count_checking_words
from stages.rewards.format import strict
from stages.rewards.preference import paid
from stages.rows.query_kind import judges
from stages.rows.schemas import Row
from stages.scoring.estimators import (
    best_of,
    consensus,
    expected_consensus,
    mean,
    pass_at_k,
)

#: Metrics of one sample; a problem's value is their mean over its samples.
PER_SAMPLE = (
    "format",
    "language_consistency",
    "mixed_language",
    "length",
    "thinking_length",
    "truncation",
    "checking_words",
    "cannot_judge",
)
Table = dict[str, dict[str, float | int]]

#: What a problem's metadata calls how hard it is: MATH's levels (paper, C.1), contests' difficulty.
HARDNESS = ("level", "difficulty")
#: The tiny world's judge's own score of a reply, beside that of the model that learnt from it: the
#: gold reward of Gao et al. (arXiv 2210.10760), which falls where a model of it is over-optimised.
GOLD = "gold_helpful"
MOST_LEVELS = 12  # more are no classes of difficulty


def group_of(domain: str) -> str:
    """The paper judges reasoning by rule and the rest by preference: two groups of domains."""
    return "general" if domain == "general" else "reasoning"


def level_of(problem: Row) -> str | None:
    """How hard the problem's source says that it is; `Level 3` is 3."""
    facts = json.loads(problem.get("metadata") or "{}")
    found = next((facts[name] for name in HARDNESS if isinstance(facts.get(name), int | str)), None)
    return None if found is None else str(found).lower().removeprefix("level").strip()


def by_level(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of problems.parquet by level, the lowest first; {} where there are no levels."""
    levels = sorted({row["level"] for row in rows if row["level"]})
    if len(levels) > MOST_LEVELS:
        return {}
    return {level: [row for row in rows if row["level"] == level] for level in levels}


def measure(row: Row, thinking: int, checking_words: Sequence[str]) -> dict[str, float | None]:
    """The metrics of one sample."""
    language = consistency(row["reasoning"], target_of(row))
    mixes = mixes_languages(row["reasoning"], target_of(row))
    return {
        "format": strict(row["completion"]),
        "language_consistency": language,
        "mixed_language": None if mixes is None else float(mixes),
        "length": float(row["tokens"]),
        "thinking_length": float(thinking),
        "truncation": float(row["finish_reason"] == "length"),
        "checking_words": float(count_checking_words(row["completion"], checking_words)),
        "cannot_judge": float(row["score"] is None),
    }


@dataclass(frozen=True)
class Asked:
    """What is told of every problem, beside PER_SAMPLE.

    pass_at: the k of pass@k, of cons@k and of best-of-k. samples: drawn of each problem. rewards:
    the terms of the reward models that score them. stated: some problems say which of these is
    asked about them. gold: the tiny world's judge scores them itself. voters: a problem of fewer
    samples has no vote.
    """

    pass_at: tuple[int, ...]
    samples: int
    rewards: tuple[str, ...] = ()
    stated: bool = False
    gold: bool = False
    voters: int = 1

    def terms(self, problem: Row) -> list[str]:
        """The reward models that are asked about a problem's answers."""
        return [term for term in self.rewards if judges(term, problem, self.stated)]

    @property
    def several(self) -> list[int]:
        return sorted(set(self.pass_at) - {1})

    @property
    def fewer(self) -> list[int]:
        """The k of which there are several subsets to vote."""
        return [k for k in self.several if k < self.samples]

    def columns(self) -> list[str]:
        """The metrics of a problem, in the order in which they are shown."""
        return [
            "pass_at_1",
            *(f"pass_at_{k}" for k in self.several),
            "cons",
            *(f"cons_at_{k}" for k in self.fewer),
            *(f"best_of_{k}_{term}" for term in self.rewards for k in self.several),
            *(f"cons_{term}" for term in self.rewards),
            *(reward_column(term) for term in self.rewards),
            *([GOLD] if self.gold else []),
            *PER_SAMPLE,
        ]


def reward_column(term: str) -> str:
    """The column of samples.parquet that holds a reward model's score, and the metric that is its
    mean, as RL pays it (stages/rewards/preference.py).
    """
    return f"reward_{term}"


def problem_row(
    problem: Row,
    samples: Sequence[Row],
    measures: Sequence[dict[str, float | None]],
    votes: Sequence[str | None] | None,
    asked: Asked,
) -> Row:
    """One row of problems.parquet; `votes` are None where answers cannot be voted on."""
    scores = [sample["score"] for sample in samples]
    judged = [score for score in scores if score is not None]
    terms = asked.terms(problem)
    correct = sum(score == 1.0 for score in judged)
    return {
        "id": problem["id"],
        "domain": problem["domain"],
        "language": problem["language"],
        "group": group_of(problem["domain"]),
        "level": level_of(problem),
        "n": len(judged),
        "correct": correct,
        "pass_at_1": correct / len(judged) if judged else None,
        **{f"pass_at_{k}": pass_at_k(len(judged), correct, k) for k in asked.several},
        **(_voted(samples, votes, asked, terms) if votes is not None else {}),
        **_best(samples, asked, terms),
        **{name: mean([paid(s[name]) for s in samples]) for name in map(reward_column, terms)},
        **({GOLD: mean([sample[GOLD] for sample in samples])} if asked.gold else {}),
        **{name: mean([m[name] for m in measures]) for name in PER_SAMPLE},
    }


def _voted(
    samples: Sequence[Row], votes: Sequence[str | None], asked: Asked, terms: Sequence[str]
) -> Row:
    """Majority votes: of all samples, of k of them, and with reward models' scores as weights."""
    scores = [sample["score"] for sample in samples]
    row: Row = {"cons": consensus(votes, scores)}
    row |= {f"cons_at_{k}": expected_consensus(votes, scores, k) for k in asked.fewer}
    for term in terms:
        weights = [_weight(sample[reward_column(term)]) for sample in samples]
        row[f"cons_{term}"] = consensus(votes, scores, weights)
    return row


def _best(samples: Sequence[Row], asked: Asked, terms: Sequence[str]) -> Row:
    """Best-of-k by each reward model that scores this problem."""
    scores = [sample["score"] for sample in samples]
    return {
        f"best_of_{k}_{term}": best_of(scores, [s[reward_column(term)] for s in samples], k)
        for term in terms
        for k in asked.several
    }


def _weight(reward: float | None) -> float:
    """The chance that a reward model's logit stands for: a weight must not be below 0."""
    return 0.0 if reward is None else 1 / (1 + exp(-max(-700.0, reward)))


def problem_schema(asked: Asked) -> pa.Schema:
    """The columns of problems.parquet."""
    words = [(name, pa.string()) for name in ("id", "domain", "language", "group", "level")]
    counts = [("n", pa.int64()), ("correct", pa.int64())]
    return pa.schema([*words, *counts, *((name, pa.float64()) for name in asked.columns())])


def estimates(rows: Sequence[Row], asked: Asked, bootstrap: Bootstrap) -> Table:
    """Every metric's mean over problems with its interval; `cons` is told as `cons_at_k`."""
    columns = {name: [row.get(name) for row in rows] for name in asked.columns()}
    return {
        "cons_at_k" if name == "cons" else name: estimate.as_dict()
        for name, estimate in statistics.estimates(columns, bootstrap).items()
    }


def tables(
    rows: Sequence[Row],
    asked: Asked,
    bootstrap: Bootstrap,
    benchmarks: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The estimates over all problems, by domain, language, group and both, and by level.

    benchmarks: which one a problem is of, by its id, where there are several.
    """
    cuts: dict[str, Callable[[Row], str]] = {
        "by_domain": lambda row: row["domain"],
        "by_language": lambda row: row["language"],
        "by_group": lambda row: row["group"],
        "by_domain_language": lambda row: f"{row['domain']}/{row['language']}",
    }
    if benchmarks:
        cuts["by_benchmark"] = lambda row: benchmarks[row["id"]]
    cells: dict[str, dict[str, list[Row]]] = {cut: {} for cut in cuts}
    for row in rows:
        for cut, name in cuts.items():
            cells[cut].setdefault(name(row), []).append(row)
    if levels := by_level(rows):
        cells["by_level"] = levels
    return {
        "overall": estimates(rows, asked, bootstrap),
        **{
            cut: {name: estimates(cell, asked, bootstrap) for name, cell in by.items()}
            for cut, by in cells.items()
        },
    }

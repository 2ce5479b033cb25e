"""How a reward model judges a policy's own samples, which are what RL will ask it about.

Held-out pairs can be told apart by what no policy ever says. A model may be right on 93 % of them
and choose worse than chance among eight answers of the policy, where the best-liked one is where it
errs most. So it is tried on an evaluation's samples that rules have judged:

own_accuracy    share of right samples scored above wrong ones to the same problem (ties: half),
                mean over the problems that have both; a coin reaches 0.5
best_of_gain    accuracy of the best-liked of a problem's samples, less that of a random one, mean
                over all problems with several
own_mixed, own_problems   how many problems each is the mean of

None where no problem has what it takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from stages.rewards.preference import TERM_OF, Scorer, paid
from stages.rows.query_kind import judges, preference_of
from stages.rows.schemas import Row
from stages.scoring.estimators import best_of

Scored = list[tuple[float, float]]  # of one problem's samples: the rule's score, the reward


def trial(scorer: Scorer, samples: Sequence[Row]) -> dict[str, Any]:
    """The facts of a reward model on judged samples of a policy."""
    return measured(_scored(scorer, samples))


def measured(found: Sequence[Scored]) -> dict[str, Any]:
    """The same of scored samples, by problem."""
    several = [own for own in found if len(own) > 1]
    mixed = [share for own in several if (share := _right_over_wrong(own)) is not None]
    gains = [_gain(own) for own in several]
    return {
        "own_accuracy": fmean(mixed) if mixed else None,
        "own_mixed": len(mixed),
        "best_of_gain": fmean(gains) if gains else None,
        "own_problems": len(gains),
    }


def _scored(scorer: Scorer, samples: Sequence[Row]) -> list[Scored]:
    """The samples that rules judged and that this model is asked about, by problem."""
    stated = any(preference_of(row) for row in samples)
    term = TERM_OF[scorer.reads]
    own = [r for r in samples if r["score"] is not None and judges(term, r, stated)]
    prompts = [scorer.render(row["prompt"]) for row in own]
    rewards = scorer.read(prompts, [row["completion"] for row in own])
    found: defaultdict[str, Scored] = defaultdict(list)
    for row, reward in zip(own, rewards, strict=True):
        found[row["id"]].append((row["score"], paid(reward)))
    return list(found.values())


def _right_over_wrong(own: Scored) -> float | None:
    right = [reward for score, reward in own if score == 1.0]
    wrong = [reward for score, reward in own if score < 1.0]
    pairs = [(a > b) + 0.5 * (a == b) for a in right for b in wrong]
    return fmean(pairs) if pairs else None


def _gain(own: Scored) -> float:
    scores, rewards = [score for score, _ in own], [reward for _, reward in own]
    best = best_of(scores, rewards, len(own))
    assert best is not None
    return best - fmean(scores)

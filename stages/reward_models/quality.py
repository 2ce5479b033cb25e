"""How good a reward model is on rows that it never saw.

accuracy      share of pairs with the chosen response scored higher, or of labels predicted
calibration   expected calibration error: |confidence − accuracy| over bins of confidence
length_bias   correlation of the score with the length of what was read; None if lengths are equal
score_mean, score_std   of all held-out scores: what RL subtracts and divides by
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.reward_models.data import Judged
from stages.rewards.preference import Scorer

BINS = 10  # of confidence from 0.5 to 1, as in Guo et al. (1706.04599) for two classes


def quality(scorer: Scorer, held: Sequence[Judged]) -> dict[str, Any]:
    """The facts of a reward model on its held-out rows."""
    prompts = [row.prompt for row in held for _ in row.responses]
    responses = [response for row in held for response in row.responses]
    scores = np.array(scorer.read(prompts, responses), dtype=float)
    lengths = np.array([len(ids) for row in held for ids in row.ids], dtype=float)
    pairwise = len(held[0].responses) == 2
    margins = scores[::2] - scores[1::2] if pairwise else scores
    wanted = np.array([row.label == 1 for row in held])
    right = (margins > 0) == wanted if not pairwise else margins > 0
    return {
        "accuracy": float(right.mean()),
        "n": len(held),
        "calibration": calibration_error(margins, right),
        "length_bias": correlation(scores, lengths),
        "score_mean": float(scores.mean()),
        "score_std": float(scores.std()),
    }


def calibration_error(margins: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Expected calibration error of sign(margin), whose stated confidence is sigmoid(|margin|)."""
    confidence = 1 / (1 + np.exp(-np.abs(margins)))
    bins = np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
    gaps = [
        np.mean(bins == number)
        * abs(confidence[bins == number].mean() - right[bins == number].mean())
        for number in np.unique(bins)
    ]
    return float(sum(gaps))


def correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float | None:
    """Pearson's correlation; None when one side does not vary."""
    if first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])

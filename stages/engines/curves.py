"""The curves of a rollout: what an engine logs, and what was measured on the completions scored.

The names are those of the trainer on TRL (stages/rl/metrics.py), a point for each rollout, at its
last optimiser step. What an engine does not tell has no curve: its health rules stay silent, which
the manifest says.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from transformers import PreTrainedTokenizerBase

from stages.engines.scoring import Scored
from stages.rewards.terms import Term
from stages.rl import metrics
from stages.rl.groups import Sample
from stages.rl.prompts import Prompt
from stages.rl.rewards import EQUAL
from stages.rollout.engine import Completion

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


def of_rollout(
    told: Mapping[str, float],
    scored: Sequence[Scored],
    seen: Mapping[str, float],
    config: RLConfig,
    prompts: Sequence[Prompt],
    terms: Sequence[Term],
    tokenizer: PreTrainedTokenizerBase,
) -> dict[str, float]:
    """told: the engine's own curves under our names. seen: what the terms measured beside."""
    found: dict[str, float] = {**seen}
    if scored:
        found |= _measured(scored, config, prompts, tokenizer)
        found |= _rewards(scored, terms) | _groups(scored)
    found |= {"samples_spent": float(len(scored))} | dict(told)
    if found.get("step_seconds") and "length" in found:
        found["tokens_per_second"] = found["length"] * len(scored) / found["step_seconds"]
    return found


def _measured(
    scored: Sequence[Scored],
    config: RLConfig,
    prompts: Sequence[Prompt],
    tokenizer: PreTrainedTokenizerBase,
) -> dict[str, float]:
    """What texts alone tell; their tokens' probabilities the engine keeps to itself."""
    rows = [prompts[one.prompt].row for one in scored]
    samples = [
        Sample(Completion([], one.text, None, "stop", 0), one.parsed, one.scores) for one in scored
    ]
    return metrics.rollout_metrics(rows, samples, tokenizer, config.checking_words)


def _rewards(scored: Sequence[Scored], terms: Sequence[Term]) -> dict[str, float]:
    """The total and each term by itself, over the completions that it scores."""
    found = {"reward": metrics.mean(one.reward for one in scored)}
    for place, term in enumerate(terms):
        scores = [score for one in scored if (score := one.scores[place]) is not None]
        if scores:
            found[f"reward/{term.name}"] = metrics.mean(scores)
        if len(scores) > 1:
            found[f"reward_std/{term.name}"] = statistics.stdev(scores)
    if "reward/accuracy" in found:
        found["accuracy"] = found["reward/accuracy"]
    return found


def _groups(scored: Sequence[Scored]) -> dict[str, float]:
    """How far the rewards of one question differ, and the groups in which they do not."""
    groups: dict[int, list[float]] = {}
    for one in scored:
        groups.setdefault(one.place, []).append(one.reward)
    rewards = list(groups.values())
    silent = sum(max(own) - min(own) <= EQUAL * max(1.0, abs(max(own))) for own in rewards)
    spread = [statistics.stdev(own) for own in rewards if len(own) > 1]
    return {
        "reward_std": metrics.mean(spread),
        "zero_signal_groups": float(silent),
        "zero_signal_share": silent / len(rewards),
    }

"""The curves of RL: what is measured on each rollout, and TRL's own metrics under our names.

reward, reward_std, reward/<term>   the total and each term by itself, unweighted, over the
                                    completions that it scores: reward/safety of safety queries;
                                    reward_std/<term> beside it
too_long/helpful, too_long/safety   share of a reward model's texts that it cannot see whole; they
                                    score the lowest (rewards/preference.py)
copied                              share of completions whose right answer was not worked for:
                                    it says the question again, or leaves the last step undone
                                    (the strict policy; conf/verifiers)
accuracy, format                    by verifier where it can judge; strict form of every completion
length, thinking_length             tokens of the completion and of its thought
language_consistency                mean share of the thought's words in the question's language
mixed_language                      share of thoughts that mix languages (language/consistency.py)
checking_words                      mean number per completion ("wait", 检查, …)
truncation                          share of completions that hit the length limit
entropy                             mean of −log p of the sampled tokens, which estimates the
                                    policy's entropy without another pass over the vocabulary
completion_repetition               mean share of phrases that stood before (rewards/padding.py), in
                                    the last 8,000 characters of a completion: loops never end, so
                                    they are there (filters of samples read all of it)
kl                                  to the reference (of the loss, or to the start of the stage)
zero_signal_groups                  groups trained on whose rewards are all equal
replaced_groups, samples_spent      groups drawn in vain, and all completions drawn for the rollout
skipped_rows                        rows of the step run neither forward nor backward
resting_prompts                     set aside by the curriculum, after this rollout
policy_accuracy, rationalised       of algorithms that sample from another model (offline.py)
value_loss, explained_variance      of PPO's critic
validation/<metric>                 on the problems of `validate_on` (validation.py), after the step
sampling_logp_difference            mean |log p at training − log p at sampling| of the same
                                    weights: rounding, or a bug
staleness                           the same where a rollout is drawn ahead, by the policy that
                                    trains on it: one rollout of learning
importance_weight                   mean of TRL's weights for tokens of an engine; lowest_importance
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from stages.language.consistency import consistency, mixes_languages, target_of
from stages.rewards.checking import count_checking_words
from stages.rewards.format import strict
from stages.rewards.padding import repeated_share
from stages.rl.groups import Sample
from stages.rows.schemas import Row

#: TRL's names → ours; the others keep TRL's, but for NOT_CURVES in stages/training/curves.py.
RENAMED = {
    "completions/mean_length": "length",
    "completions/clipped_ratio": "truncation",
    "clip_ratio/region_mean": "clip_ratio",
    "sampling/sampling_logp_difference/mean": "sampling_logp_difference",
    "sampling/importance_sampling_ratio/mean": "importance_weight",
    "sampling/importance_sampling_ratio/min": "lowest_importance",
}
TERM = re.compile(r"rewards/(.+)/(mean|std)")
PER_PASS = ("kl", "clip_ratio/region_mean", "sampling_logp_difference")
READ = 8000
VALIDATION = "validation/"


def curves(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """TRL's metrics of a step as the curves of the stage."""
    found = {_ours(name): value for name, value in metrics.items() if value is not None}
    if "reward/accuracy" in found:
        found["accuracy"] = found["reward/accuracy"]
    return found


def _ours(name: str) -> str:
    if term := TERM.fullmatch(name):
        return f"{'reward' if term[2] == 'mean' else 'reward_std'}/{term[1]}"
    return RENAMED.get(name, name)


def rollout_metrics(
    rows: Sequence[Row],
    samples: Sequence[Sample],
    tokenizer: PreTrainedTokenizerBase,
    checking_words: Sequence[str],
) -> dict[str, float]:
    """What is measured on the texts and tokens of a rollout."""
    texts = [sample.completion.text for sample in samples]
    thoughts = [sample.parsed.reasoning for sample in samples]
    measured = {
        "format": [strict(text) for text in texts],
        "thinking_length": map(len, tokenizer(thoughts, add_special_tokens=False).input_ids),
        "checking_words": [count_checking_words(text, checking_words) for text in texts],
        "completion_repetition": [repeated_share(text[-READ:]) for text in texts],
        **language_metrics(rows, thoughts),
    }
    means = {name: mean(values) for name, values in measured.items()}
    tokens = (p for sample in samples for p in sample.completion.logprobs or ())
    logprobs = [p for p in tokens if p is not None]
    return means | {"entropy": -mean(logprobs)}


def language_metrics(rows: Sequence[Row], thoughts: Sequence[str]) -> dict[str, list[float]]:
    """Consistency with the question's language, and whether a thought mixes languages."""
    asked = [(thought, target_of(row)) for row, thought in zip(rows, thoughts, strict=True)]
    shares = [consistency(thought, target) for thought, target in asked]
    mixed = [mixes_languages(thought, target) for thought, target in asked]
    return {
        "language_consistency": [share for share in shares if share is not None],
        "mixed_language": [float(mixes) for mixes in mixed if mixes is not None],
    }


def weigh_passes(metrics: dict[str, list[float]], tokens: Sequence[float]) -> None:
    """Of what TRL appends once per pass, the mean over tokens: one value for the step."""
    for name in PER_PASS:
        values = metrics.get(name, [])
        if len(values) == len(tokens) > 1 and any(tokens):
            weighted = sum(v * n for v, n in zip(values, tokens, strict=True)) / sum(tokens)
            metrics[name] = [weighted]


def mean(values: Iterable[float]) -> float:
    """The mean, or NaN of nothing (which is then no point of a curve)."""
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else float("nan")

"""Whether reward models see whole what they are to score; nothing is cut for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import UsageError
from stages.rewards.preference import Scorer


def require_windows(
    scorers: Mapping[str, Scorer],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    longest: int,
    stage: str,
    key: str,
) -> None:
    """Refuse completions that do not fit a reward model's window together with their prompt.

    rows: by reward term, the problems that it scores. longest: tokens of a completion at most, as
    `key` of the stage says. Both are counted in tokens of the reward model; where the policy has
    another tokenizer a text may still come out longer, and is then counted (Scorer.seen).
    """
    for term, scorer in scorers.items():
        if scorer.window is None or not rows[term]:
            continue
        prompt = max(scorer.length(row["prompt"]) for row in rows[term])
        if prompt + longest > scorer.window:
            raise UsageError(
                f"stages.{stage}.{key} is {longest}, and with a prompt of up to {prompt} tokens "
                f"that is {prompt + longest}, while {scorer.name}, which scores `{term}`, sees "
                f"{scorer.window} (max_position_embeddings). Nothing is cut for it: "
                f"{_advice(scorer, prompt, longest, f'stages.{stage}')}"
            )


def _advice(scorer: Scorer, prompt: int, longest: int, key: str) -> str:
    model = f"train {scorer.name} from a model that sees {prompt + longest}"
    if (room := (scorer.window or 0) - prompt) < 1:
        return f"take shorter prompts (RL: {key}.max_prompt_tokens), or {model}"
    return f"set {key}.sampling.max_tokens and all length_switches to {room} at most, or {model}"

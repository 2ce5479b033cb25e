"""Judged rows as a reward model reads them, and the split that keeps it honest.

What is read (the final answer, or the whole response) is rendered by the same function that scores
during RL, `stages.rewards.preference.reward_text`. Rows are held out by prompt: the same question
never stands on both sides.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from stages.chat.encoding import plain, token_ids
from stages.chat.template import render_prompt
from stages.rewards.preference import reward_text
from stages.rows.schemas import Row


@dataclass(frozen=True)
class Judged:
    """A pair (chosen, rejected), or one response with its label (1 good, 0 bad)."""

    prompt: str
    responses: tuple[str, ...]
    label: int
    ids: tuple[list[int], ...]


def read_judged(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], scores: str, max_length: int
) -> tuple[list[Judged], dict[str, int]]:
    """The rows that can be read whole, and those dropped by reason.

    A response without a final answer has nothing to read for a model of answers; what is longer
    than `max_length`, in training alone, would be learnt from a part of it.
    """
    dropped = {"rows": len(rows), "no_answer": 0, "too_long": 0}
    kept: list[Judged] = []
    for row in rows:
        prompt, responses = render_prompt(tokenizer, row["prompt"]), _responses(row)
        texts = [reward_text(prompt, plain(tokenizer, said), scores) for said in responses]
        whole = [text for text in texts if text is not None]
        if len(whole) < len(texts):
            dropped["no_answer"] += 1
            continue
        ids = token_ids(tokenizer, whole)
        if max(map(len, ids)) > max_length:
            dropped["too_long"] += 1
            continue
        kept.append(Judged(prompt, responses, row.get("label", 1), tuple(ids)))
    return kept, dropped


def _responses(row: Row) -> tuple[str, ...]:
    return (row["chosen"], row["rejected"]) if "chosen" in row else (row["completion"],)


def hold_out(
    judged: Sequence[Judged], fraction: float, seed: int
) -> tuple[list[Judged], list[Judged]]:
    """Rows to train on and rows held out: at least one prompt is held out when any should be."""
    prompts = sorted({row.prompt for row in judged})
    count = max(1, round(fraction * len(prompts))) if fraction > 0 else 0
    held = set(random.Random(f"{seed}/held-out").sample(prompts, count))
    train = [row for row in judged if row.prompt not in held]
    return train, [row for row in judged if row.prompt in held]


def as_dataset(judged: Sequence[Judged]) -> Dataset:
    """TRL's columns for pairs (`chosen_ids`, `rejected_ids`), or `input_ids` and `label`."""
    if len(judged[0].ids) == 2:
        names = ("chosen_ids", "rejected_ids")
        return Dataset.from_list([dict(zip(names, row.ids, strict=True)) for row in judged])
    return Dataset.from_list([{"input_ids": row.ids[0], "label": row.label} for row in judged])

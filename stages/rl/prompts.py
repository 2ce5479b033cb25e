"""The prompts of an RL stage: rendered, filtered by length, with a place for each in the run.

The data set handed to TRL holds empty places for the whole run, so TRL sees a single epoch: its
sampler shuffles anew on resume, and would train on other prompts when a run is resumed in a later
epoch. Which prompts fill the places of a rollout is decided when it is drawn (prompt_stream.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from pipeline.artifact import Artifact
from pipeline.errors import RecipeError, UsageError
from stages.chat.encoding import token_ids
from stages.chat.template import render_prompt
from stages.rewards.schedule import steps_of
from stages.rows.schemas import Row, stream_rows

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


@dataclass(frozen=True)
class Prompt:
    """A problem row with what the model reads of it."""

    row: Row
    text: str
    token_ids: list[int]


def of_domains(rows: Sequence[Row], domains: Sequence[str], stage: str) -> Sequence[Row]:
    """The rows of these domains; of none named, all."""
    kept = [row for row in rows if not domains or row["domain"] in domains]
    if rows and not kept:
        there = ", ".join(sorted({row["domain"] for row in rows}))
        raise UsageError(
            f"stages.{stage}.domains: is {list(domains)}, and no row of data_from is of these; "
            f"there are rows of {there}. Set it to some of those, or [] for all"
        )
    return kept


def prepare_prompts(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, config: RLConfig
) -> tuple[list[Prompt], dict[str, int]]:
    """The prompts that fit, and the funnel of how many did not."""
    texts = [render_prompt(tokenizer, row["prompt"], config.system_prompt) for row in rows]
    encoded = token_ids(tokenizer, texts)
    prompts = [
        Prompt(row, text, ids)
        for row, text, ids in zip(rows, texts, encoded, strict=True)
        if len(ids) <= config.max_prompt_tokens
    ]
    funnel = {"problems": len(rows), "too_long": len(rows) - len(prompts), "kept": len(prompts)}
    if not prompts:
        raise RecipeError(
            f"none of the {len(rows)} problems has a prompt of at most {config.max_prompt_tokens} "
            f"tokens (the shortest has {min(map(len, encoded), default=0)}): raise "
            "max_prompt_tokens or check data_from"
        )
    return prompts, funnel


def slots(config: RLConfig) -> Dataset:
    """What TRL iterates over: a place for each prompt of the run. A rollout fills its own."""
    rollouts = -(-config.max_steps // config.steps_per_rollout)
    count = rollouts * config.steps_per_rollout * config.questions_per_step
    return Dataset.from_dict({"prompt": [""] * count})


def starts(prompts: Sequence[Prompt], config: RLConfig) -> dict[int, int]:
    """By prompt number, the optimiser step of `prompts_start` from which on it is asked."""
    steps = {
        domain: steps_of(start, config.max_steps) or 0
        for domain, start in config.prompts_start.items()
    }
    found = {
        number: steps[prompt.row["domain"]]
        for number, prompt in enumerate(prompts)
        if prompt.row["domain"] in steps
    }
    if len(found) == len(prompts) and min(found.values()) > 0:
        raise UsageError(
            f"prompts_start is {dict(config.prompts_start)}, and every prompt of data_from waits "
            f"for it, so nothing can be asked before step {min(found.values())}: take a domain out "
            "of it, or set it to 0"
        )
    return found


def earlier_rates(
    stages: Iterable[Artifact], prompts: Sequence[Prompt]
) -> dict[int, tuple[int, int]]:
    """By prompt number, how many samples of other stages were judged and how many were right."""
    numbers = {prompt.row["id"]: number for number, prompt in enumerate(prompts)}
    rates: dict[int, tuple[int, int]] = {}
    for stage in stages:
        for row in stream_rows(stage.path / "pass_rates.parquet", ["id", "n", "correct"]):
            if (number := numbers.get(row["id"])) is not None:
                judged, right = rates.get(number, (0, 0))
                rates[number] = judged + row["n"], right + row["correct"]
    return rates

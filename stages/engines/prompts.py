"""The prompts of a segment as an engine's file: a rollout after the other, in our order.

Which prompts are asked when is the stage's own (prompt_stream.py): the same seed asks the same as
on TRL. An engine renders a prompt by the tokenizer's template and nothing else, so prompts that it
would read as other tokens (they spell a special token out) are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from transformers import PreTrainedTokenizerBase

from pipeline.errors import RecipeError
from stages.chat.template import Message
from stages.engines.engine import Engine, EngineRow
from stages.engines.segments import Segment, segments_of
from stages.rl.prompt_stream import PromptStream
from stages.rl.prompts import Prompt, starts

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


def read_alike(
    prompts: Sequence[Prompt], tokenizer: PreTrainedTokenizerBase, config: RLConfig
) -> tuple[list[Prompt], int]:
    """The prompts whose tokens are the same by the template alone, and how many are not."""
    talks = [messages_of(prompt, config) for prompt in prompts]
    asked = {"add_generation_prompt": True, "tokenize": True, "return_dict": False}
    read = tokenizer.apply_chat_template(talks, **asked)
    kept = [p for p, ids in zip(prompts, read, strict=True) if list(ids) == p.token_ids]
    if not kept:
        raise RecipeError(
            f"engine.name is {config.engine.name}, and the tokenizer's template alone reads none "
            f"of the {len(prompts)} prompts as they are meant: use engine=trl"
        )
    return kept, len(prompts) - len(kept)


def messages_of(prompt: Prompt, config: RLConfig) -> list[Message]:
    """What is asked, with the stage's system prompt before it."""
    system = config.system_prompt
    turns = [{"role": "system", "content": system}] if system else []
    return [*turns, *(dict(message) for message in prompt.row["prompt"])]


def rows_of(segment: Segment, prompts: Sequence[Prompt], config: RLConfig) -> Iterator[EngineRow]:
    """The prompts of a segment, in order. What the segments before it asked is drawn again."""
    stream = PromptStream(len(prompts), config.seed, config.curriculum)
    stream.hold(starts(prompts, config))
    place = 0
    for one in segments_of(config):
        for number in one.rollouts:
            count = config.questions_per_step * one.per_rollout
            drawn = stream.take(count, one.step_after(number))
            if one == segment:
                for prompt in drawn:
                    row = prompts[prompt]
                    yield EngineRow(place, prompt, messages_of(row, config), row.row["source"])
                    place += 1
        if one == segment:
            return


def write_rows(path: Path, rows: Sequence[EngineRow], engine: Engine) -> None:
    """Write them in the engine's own columns."""
    aside = path.with_name(f"{path.name}.tmp")
    pq.write_table(pa.Table.from_pylist(engine.rows(rows)), aside)
    aside.replace(path)

"""Budget forcing: how long a model thinks is set from outside (s1, 2501.19393, section 3.1).

At most: a thought is cut after b tokens and `</think>` is forced; what follows is the model's own,
a summary or, in R1-Zero, an answer in its tags. Only thoughts that go beyond b, and completions
that never came to the end of one, are cut and finished anew; the rest stand as they are, so that
all budgets share their samples and differ in nothing else.

At least: where a thought ends, `</think>` is taken away, "Wait" is put in its place and the model
goes on, N times. Every step begins with all that the step before has said.

Both only say what a completion begins with (`prefix_ids`), so they are the same in every engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.chat.template import END_THINK, THINK
from stages.rows.schemas import Row
from stages.sampling.collect import Job
from stages.settings.values import FALLBACK

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Tags:
    """The tags as a tokenizer writes them; one token each where it knows them."""

    think: Ids
    end_think: Ids

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Tags:
        return cls(_encode(tokenizer, THINK), _encode(tokenizer, END_THINK))

    def start(self, ids: Sequence[int]) -> int:
        """Where the thought begins: after `<think>`, or at once when the prompt opened it."""
        size = len(self.think)
        return size if tuple(ids[:size]) == self.think else 0

    def end(self, ids: Sequence[int]) -> int:
        """Where the thought ends: before `</think>`, or at the end of an unfinished one."""
        size = len(self.end_think)
        places = range(self.start(ids), len(ids) - size + 1)
        return next((i for i in places if tuple(ids[i : i + size]) == self.end_think), len(ids))

    def ended(self, row: Row) -> bool:
        """Whether a sample has a thought that ends."""
        return END_THINK in row["completion"] and self.end(row["token_ids"]) < len(row["token_ids"])

    def thinking_tokens(self, row: Row) -> int:
        """How many tokens of a sample lie inside its thought; 0 without a thought."""
        text, ids = row["completion"], row["token_ids"]
        if THINK not in text and END_THINK not in text:
            return 0
        return self.end(ids) - self.start(ids)


def never_ended(row: Row) -> bool:
    """Whether a sample came to its length limit while it was thinking, or before any thought."""
    return row["finish_reason"] == "length" and END_THINK not in row["completion"]


def exceeds(row: Row, thinking: int, budget: int) -> bool:
    """Whether a budget changes this sample."""
    return thinking > budget or never_ended(row)


def forced_job(job: Job, sample: int, row: Row, budget: int | None, tags: Tags) -> Job:
    """The sample's thought ended at its budget (None: as it is), with the rest still to come.

    Thoughts cut to the same tokens still get summaries of their own: each is another sample.
    """
    ids = row["token_ids"]
    thought = ids if budget is None else ids[: tags.start(ids) + budget]
    return Job(job.problem, job.prompt_ids, 1, job.first + sample, (*thought, *tags.end_think))


def waited_job(job: Job, sample: int, row: Row, word: Ids, tags: Tags) -> Job:
    """The sample's thought with the word in place of its end, to be thought further."""
    ids = row["token_ids"]
    return Job(job.problem, job.prompt_ids, 1, job.first + sample, (*ids[: tags.end(ids)], *word))


def wait_ids(words: Mapping[str, str], language: str, tokenizer: PreTrainedTokenizerBase) -> Ids:
    """The tokens that keep a thought in this language going."""
    return _encode(tokenizer, words.get(language, words[FALLBACK]))


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> Ids:
    return tuple(tokenizer.encode(text, add_special_tokens=False))

"""Thinking budgets: cut a sampled thought after b tokens and force the answer (s1, 2501.19393).

The budget counts the tokens between `<think>` and `</think>`. Only thoughts that go beyond it, and
completions that never came to an answer, are cut and finished anew; the rest stand as they are, so
that all budgets share their samples and differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.data.collect import Job
from stages.data.rows import Row
from stages.data.template import ANSWER, END_THINK, THINK

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Tags:
    """The tags as a tokenizer writes them; one token each where it knows them."""

    think: Ids
    end_think: Ids
    forced: Ids  # what ends a thought at its budget and opens the answer

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Tags:
        texts = (THINK, END_THINK, END_THINK + ANSWER)
        return cls(*(tuple(tokenizer.encode(t, add_special_tokens=False)) for t in texts))

    def start(self, ids: Sequence[int]) -> int:
        """Where the thought begins: after `<think>`, or at once when the prompt opened it."""
        size = len(self.think)
        return size if tuple(ids[:size]) == self.think else 0

    def thinking_tokens(self, row: Row) -> int:
        """How many tokens of a sample lie inside its thought; 0 without a thought."""
        text, ids = row["completion"], row["token_ids"]
        if THINK not in text and END_THINK not in text:
            return 0
        start, size = self.start(ids), len(self.end_think)
        places = range(start, len(ids) - size + 1)
        ends = (i for i in places if tuple(ids[i : i + size]) == self.end_think)
        return next(ends, len(ids)) - start


def exceeds(row: Row, thinking: int, budget: int) -> bool:
    """Whether a budget changes this sample."""
    unanswered = row["finish_reason"] == "length" and END_THINK not in row["completion"]
    return thinking > budget or unanswered


def forced_job(job: Job, sample: int, row: Row, budget: int, tags: Tags) -> Job:
    """The sample's thought cut at its budget, with the answer still to be generated.

    Thoughts cut to the same tokens still get answers of their own: each is another sample.
    """
    thought = row["token_ids"][: tags.start(row["token_ids"]) + budget]
    return Job(job.problem, job.prompt_ids, 1, sample, (*thought, *tags.forced))

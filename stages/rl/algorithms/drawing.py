"""What an algorithm adds to the drawing of groups: a price of length, a second try with a hint.

**Soft overlong punishment** (DAPO, arXiv 2503.14476, 3.4): one more term of the reward, 0 up to a
share 1 − `overlong` of the length limit and falling from there to −1 at the limit.

**Rationalisation** (STaR, arXiv 2203.14465, 3.2): a question that none of its samples answered is
asked again with its answer as a hint. What is right then takes the place of a wrong sample, as if
it had been given without the hint. It can be done where the reference is an answer that can be
read, short and of one line: a test suite or a grid would be no hint, and those questions stay
unanswered. A model that was never trained to use hints (the tiny base) gains little by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedTokenizerBase

from stages.chat.encoding import token_ids
from stages.chat.template import render_prompt
from stages.rewards.terms import Scores, Term
from stages.rl.algorithms.advantages import FULL
from stages.rl.groups import Answer, Group, GroupDrawer, Sample
from stages.rl.peers import Peers
from stages.rl.prompt_stream import PromptStream
from stages.rl.prompts import Prompt
from stages.rl.schedule import max_tokens_at
from stages.rollout.engine import Completion, GenerationRequest
from stages.rows.schemas import Row

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

OVERLONG = "overlong"

#: Seeds of second tries begin here, past those of the groups; probes begin at twice that.
HINTED = 1 << 18

AskWithHint = Callable[[Row, str], list[int]]


def hinted_prompts(tokenizer: PreTrainedTokenizerBase, system_prompt: str | None) -> AskWithHint:
    """Token ids of a row's prompt with a hint behind the question."""

    def ask(row: Row, hint: str) -> list[int]:
        *before, question = row["prompt"]
        asked = [*before, {**question, "content": question["content"] + hint}]
        text = render_prompt(tokenizer, asked, system_prompt)
        (ids,) = token_ids(tokenizer, [text])
        return ids

    return ask


def overlong_term() -> Term:
    """A term that the drawer scores by itself: other terms see texts, this one counts tokens."""
    return Term(OVERLONG, 1.0, 0, math.inf, frozenset(), lambda batch: [None] * len(batch))


def overlong_score(tokens: int, limit: int, share: float) -> float:
    """0 … −1 over the last `share` of the limit."""
    return -min(1.0, max(0.0, (tokens - (1 - share) * limit) / (share * limit)))


class AlgorithmDrawer(GroupDrawer):
    """Draws groups as the algorithm says.

    ask: the prompt of a row with a hint behind it.
    """

    def __init__(
        self,
        config: RLConfig,
        prompts: Sequence[Prompt],
        terms: Sequence[Term],
        stream: PromptStream,
        peers: Peers,
        answer: Answer,
        ask: AskWithHint,
    ) -> None:
        super().__init__(config, prompts, terms, stream, peers, answer)
        self.ask_with_hint = ask
        self.names = [term.name for term in self.terms]
        self.rationalised = 0

    def draw(self, count: int, step: int) -> list[Group]:
        """The groups; with a hint in the config, those that failed have been asked again."""
        groups = super().draw(count, step)
        if self.config.algorithm.rationalisation.hint is None:
            return groups
        failed = [n for n, group in enumerate(groups) if not any(map(self._right, group.scores))]
        for number, tries in self._second_tries(groups, failed, step):
            groups[number] = with_tries(groups[number], tries)
        return groups

    def _second_tries(
        self, groups: Sequence[Group], failed: Sequence[int], step: int
    ) -> list[tuple[int, list[Sample]]]:
        """The right answers to failed questions that a hint can be given to."""
        settings = self.config.algorithm.rationalisation
        assert settings.hint is not None
        hinted = [n for n in failed if self._readable(self.prompts[groups[n].prompt].row)]
        base = (self.config.seed << 40) + (step << 20) + HINTED
        place = self.peers.rank * len(groups)
        requests = []
        for n in hinted:
            row = self.prompts[groups[n].prompt].row
            ids = self.ask_with_hint(row, settings.hint.format(reference=row["reference"]))
            seed = base + (place + n) * settings.samples
            requests.append(GenerationRequest(ids, settings.samples, seed))
        found: dict[int, list[Sample]] = {n: [] for n in hinted}
        asked = [groups[n] for n in hinted]
        for batch in self.answer(requests, step):
            samples = self._score(asked, batch, step)
            for (request, _), sample in zip(batch, samples, strict=True):
                if self._right(sample.scores):
                    found[hinted[request]].append(sample)
        self.spent.samples += len(requests) * settings.samples * self.peers.size
        self.rationalised = sum(map(len, found.values()))
        return [(n, tries) for n, tries in found.items() if tries]

    def _readable(self, row: Row) -> bool:
        reference = str(row["reference"])
        longest = self.config.algorithm.rationalisation.longest_reference
        return len(reference) <= longest and "\n" not in reference

    def _right(self, scores: Scores) -> bool:
        asked = (scores[self.names.index(name)] for name in self.config.algorithm.right)
        return all(score is not None and score >= FULL for score in asked)

    def _score(
        self, places: Sequence[Any], batch: Sequence[tuple[int, Completion]], step: int
    ) -> list[Sample]:
        samples = super()._score(places, batch, step)
        share = self.config.algorithm.overlong
        if share:
            limit, column = max_tokens_at(self.config, step), self.names.index(OVERLONG)
            for completion, _, scores in samples:
                scores[column] = overlong_score(len(completion.token_ids), limit, share)
        return samples


def with_tries(group: Group, tries: Sequence[Sample]) -> Group:
    """The group with right second tries in place of its first samples."""
    samples = [*tries, *group.samples[len(tries) :]]
    return replace(group, samples=samples[: len(group.samples)])

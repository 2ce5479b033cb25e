"""A model as judge, through the engine: pairs in random positions, or responses one by one.

Paper (3.1, B.2): DeepSeek-V3 was asked four times which of two responses is the better one, in
the form of Arena-Hard's prompt, with the responses in random order. So is the model on `judge_with`
here, in the language of the question (`judging.prompt`: conf/prompt/judge_helpful.yaml and, for
single responses, judge_safety.yaml). Its verdict is what stands in the last part of its reply (its
own thoughts left out) as [[…]]; a reply without one, with two different ones or with one that
`judging.verdicts` does not know is no vote, and counted.

Replies are kept in the ledger of the judge, so a killed stage, or another one that asks about the
same pairs, draws none twice. Positions follow from the seed and the texts alone.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline.artifact import Artifact
from pipeline.context import Context
from stages.chat.prompt_texts import fill, texts
from stages.chat.template import END_THINK, Message
from stages.judging.pairs import Candidate, Judged
from stages.language.consistency import target_of
from stages.language.prose import shows
from stages.rollout.fleet import Fleet
from stages.sampling import side_model
from stages.sampling.collect import Collector, Job, fitting
from stages.verifiers.answer import parse
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.judged.kind import PreferencesConfig

NO_ANSWER, TOO_LONG = "no_answer", "too_long_for_judge"
_VERDICT = re.compile(r"\[\[([^\[\]]+)\]\]")


def read_verdict(reply: str, verdicts: Mapping[str, float]) -> float | None:
    """The vote that a reply gives; None when it gives none, or several that differ."""
    said = {found.strip() for found in _VERDICT.findall(reply.rpartition(END_THINK)[2])}
    return verdicts.get(said.pop()) if len(said) == 1 else None


@dataclass
class ModelJudge:
    """Asks a model on a fleet of its own.

    dropped: what could not be judged, by reason. first_liked, decided: of the votes that prefer
    one response, how many prefer the one that is read first.
    """

    fleet: Fleet
    judge: Artifact
    config: PreferencesConfig
    context: Context
    dropped: Counter[str] = field(default_factory=Counter)
    first_liked: int = 0
    decided: int = 0
    _asked: int = 0

    def __post_init__(self) -> None:
        # The pool starts no worker: replies are read here and not verified.
        self._collector = Collector.of(
            self.fleet,
            VerifierPool(1),
            self.judge,
            self.config,  # type: ignore[arg-type]
            self.context,
        )
        self._prompt = texts(
            self.config.judging.prompt, f"stages.{self.context.stage}.judging.prompt"
        )
        self.dropped.update({NO_ANSWER: 0, TOO_LONG: 0})

    def judged(self, candidates: Iterable[Candidate]) -> Iterator[Judged]:
        """The candidates that could be judged, with their votes, in order.

        They are taken a few at a time, since whoever asks may have enough.
        """
        size = self.config.rollout.shard_samples // max(1, self.config.votes)
        size = max(1, min(size, self.config.rows))
        waiting = iter(candidates)
        while group := list(islice(waiting, size)):
            yield from self._votes(group)

    def _votes(self, candidates: Sequence[Candidate]) -> Iterator[Judged]:
        shown = [(one, self._shown(one)) for one in candidates]
        asked = [(one, self._jobs(one, texts)) for one, texts in shown if texts is not None]
        self.dropped[NO_ANSWER] += len(candidates) - len(asked)
        jobs = [job for _, own in asked for job in own]
        key = f"stages.{self.context.stage}.judging.sampling.max_tokens"
        limit = self.config.sampling.max_tokens
        fits = {id(job) for job in fitting(jobs, self.judge.model_path, limit, key)}
        whole = [(one, own) for one, own in asked if all(id(job) in fits for job in own)]
        self.dropped[TOO_LONG] += len(asked) - len(whole)
        replies = self._collector.rows([job for _, own in whole for job in own], self._progress)
        for one, own in whole:
            yield self._judgement(one, [(job, next(replies)) for job in own])
        self._asked += sum(job.n for _, own in whole for job in own)

    def _judgement(self, one: Candidate, replies: Sequence[tuple[Job, list[Any]]]) -> Judged:
        """The votes of one candidate; those with the responses swapped are turned round."""
        votes, unreadable = [], 0
        for job, rows in replies:
            for row in rows:
                vote = read_verdict(row["completion"], self.config.judging.verdicts)
                if vote is None:
                    unreadable += 1
                    continue
                self.decided += vote != 0
                self.first_liked += vote > 0
                votes.append(-vote if job.problem["swapped"] else vote)
        return Judged(one, votes, unreadable)

    def _shown(self, one: Candidate) -> tuple[str, ...] | None:
        """What the judge reads of the responses; None when one of them shows nothing."""
        if self.config.judging.shows == "response":
            return one.responses
        summaries = tuple(parse(response).response or "" for response in one.responses)
        return summaries if all(map(shows, summaries)) else None

    def _jobs(self, one: Candidate, texts: tuple[str, ...]) -> list[Job]:
        """One job per order of the responses, for as many votes as chance gives that order."""
        chance = random.Random("\0".join((str(self.context.seed), as_text(one.prompt), *texts)))
        swaps = sum(chance.random() < 0.5 for _ in range(self.config.votes))
        counts = [(False, self.config.votes)]
        if len(texts) == 2:
            counts = [(False, self.config.votes - swaps), (True, swaps)]
        return [self._job(one, texts, swapped, n) for swapped, n in counts if n]

    def _job(self, one: Candidate, texts: tuple[str, ...], swapped: bool, n: int) -> Job:
        text = ask(self._prompt, one.prompt, texts[::-1] if swapped else texts)
        said = [{"role": "user", "content": text}]
        return side_model.job(self.fleet.tokenizer, said, n, swapped=swapped)

    def _progress(self, done: int, total: int, tokens: int) -> None:
        """Votes so far; how many there will be is not known before enough rows are kept."""
        known = self._asked + total
        self.context.progress(self._asked + done, known, "vote", {"token": tokens})


def ask(judge: Mapping[str, str], prompt: Sequence[Message], responses: Sequence[str]) -> str:
    """What the judge is asked about one or two responses, as they are read from the first on.

    judge: the texts of its prompt, by language.
    """
    names = ("first", "second") if len(responses) == 2 else ("response",)
    parts = {"question": as_text(prompt), **dict(zip(names, responses, strict=True))}
    return fill(judge, target_of({"prompt": prompt}), parts)


def as_text(prompt: Sequence[Message]) -> str:
    """A conversation as the judge reads it; a single question as it is."""
    if len(prompt) == 1:
        return prompt[0]["content"]
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in prompt)

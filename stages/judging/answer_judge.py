"""A model as judge of answers that rules cannot judge, beside their reference.

Paper (B.3.3, listing 4): some of the reasoning data has answers that no rule can judge; there
DeepSeek-V3 was given the reference and the model's answer and decided. Here a model is asked
through the engine, or one behind a server, `votes` times about each answer.

A judge that reads what a policy wrote can be talked to, so the policy's words come in as little as
they can: the final answer alone (the thought never), no longer than `max_characters`, without
what could pass for the judge's own verdict, a tag of its prompt or a chat's special token. An
answer that is empty or too long is not asked about. A reply counts if it ended by itself and its
last part holds one of the two verdicts and not the other; more than half of all votes must agree.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from pipeline.artifact import Inputs
from pipeline.context import Context
from stages.chat.prompt_texts import fill, texts
from stages.judging.labelled_answers import Claim
from stages.judging.model_judge import as_text, read_verdict
from stages.language.consistency import target_of
from stages.rollout.fleet import Fleet
from stages.rows.schemas import Row
from stages.sampling import side_model
from stages.sampling.collect import Collector, Job, fitting
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.sample.config import GenerativeJudge, SampleConfig

VERDICTS = {"right": 1.0, "wrong": 0.0}
_WIDE = str.maketrans({"［": "[", "］": "]", "＜": "<", "＞": ">"})
_CONTROL = re.compile(r"(?<=\[)(?=\[)|(?<=\])(?=\])|(?<=<)(?=\S)")
_KEPT = "\n\t"


@dataclass(frozen=True)
class Opinion:
    """What a judge said of a claim. votes 0: it was not asked."""

    right: int = 0
    wrong: int = 0
    votes: int = 0

    @property
    def score(self) -> float | None:
        """1 or 0 where more than half of the votes say so, else None."""
        if 2 * self.right > self.votes:
            return 1.0
        return 0.0 if 2 * self.wrong > self.votes else None

    def __str__(self) -> str:
        """The reason of a verdict."""
        if not self.votes:
            return "not shown to the judge: empty or too long"
        word = {1.0: "right", 0.0: "wrong", None: "unreadable"}[self.score]
        return f"judged by model: {word} ({self.right} right, {self.wrong} wrong of {self.votes})"


def claim_of(problem: Mapping[str, Any], answer: str) -> Claim:
    """A sample's final answer beside the reference of its problem."""
    question = as_text(problem["prompt"])
    return Claim(question, problem["reference"], answer, target_of(problem))


def shown(answer: str) -> str:
    """An answer as the judge reads it: without hidden characters, [[…]], tags and special tokens.

    A space takes their effect away and leaves a matrix or an inequality readable.
    """
    plain = answer.translate(_WIDE)
    plain = "".join(
        letter for letter in plain if letter in _KEPT or unicodedata.category(letter)[0] != "C"
    )
    return _CONTROL.sub(" ", plain).strip()


class AnswerJudge:
    """Asks a model on a fleet of its own. Equal claims are one question."""

    def __init__(
        self, collector: Collector, config: GenerativeJudge, inputs: Inputs, context: Context
    ) -> None:
        (self.model,) = inputs["judge_with"]
        self.config = config
        self._collector, self._context = collector, context
        self.key = f"stages.{context.stage}.generative_judge"
        self._texts = texts(config.prompt, f"{self.key}.prompt")
        self._known: dict[bytes, Opinion] = {}  # by a digest of what was asked

    def opinions(self, claims: Sequence[Claim]) -> list[Opinion]:
        """What it says of each claim, in order; replies that the ledger has are read back."""
        asked = [self._text(claim) for claim in claims]
        names = [blake2b((text or "").encode(), digest_size=16).digest() for text in asked]
        new = {n: t for n, t in zip(names, asked, strict=True) if t and n not in self._known}
        jobs = {name: self._job(text) for name, text in new.items()}
        limit, key = self.config.sampling.max_tokens, f"{self.key}.sampling.max_tokens"
        fit = {id(job) for job in fitting([*jobs.values()], self.model.model_path, limit, key)}
        jobs = {name: job for name, job in jobs.items() if id(job) in fit}
        replies = self._collector.rows([*jobs.values()], self._shown)
        for name, said in zip(jobs, replies, strict=True):
            self._known[name] = _opinion(said)
        return [self._known.get(name, Opinion()) for name in names]

    def _text(self, claim: Claim) -> str | None:
        """What it is asked; None where there is no answer to show, or too much of one."""
        answer = shown(claim.answer)
        if not 0 < len(answer) <= self.config.max_characters:
            return None
        parts = {"question": claim.question, "reference": claim.reference, "answer": answer}
        return fill(self._texts, claim.target, parts)

    def _job(self, text: str) -> Job:
        said = [{"role": "user", "content": text}]
        return side_model.job(self._collector.engine.tokenizer, said, self.config.votes)

    def _shown(self, done: int, total: int, tokens: int) -> None:
        self._context.progress(done, total, "vote", {"token": tokens})


def _opinion(replies: Sequence[Row]) -> Opinion:
    said = [
        read_verdict(reply["completion"], VERDICTS)
        for reply in replies
        if reply["finish_reason"] == "stop"
    ]
    return Opinion(said.count(1.0), said.count(0.0), len(replies))


@contextmanager
def answer_judge(
    config: SampleConfig, inputs: Inputs, context: Context
) -> Iterator[AnswerJudge | None]:
    """The judge of a stage in engines of its own; None where it has none."""
    if config.generative_judge is None:
        yield None
        return
    (model,) = inputs["judge_with"]
    asking = side_model.asking(config, model, config.generative_judge.sampling)
    with Fleet.open(
        model.model_path, asking.rollout, context.threads, engines=context.engines
    ) as fleet:
        # The pool starts no worker: replies are read here and not verified.
        collector = Collector.of(fleet, VerifierPool(1), model, asking, context)
        yield AnswerJudge(collector, config.generative_judge, inputs, context)

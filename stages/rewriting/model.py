"""A model that rewrites samples in two calls, through the engine (paper, B.3.2: DeepSeek-V3).

1. `rewrite.thought`: question and thought → the thought in the question's language, in the first
   person. The reply is `<thought> … </thought>`.
2. `rewrite.summary`: question, new thought and answer → the solution that a reader gets (listing
   1). The whole reply is the summary.

Both are asked in the question's language, after the pairs of `rewrite.examples` as earlier turns
(stages/rewriting/examples.py). Thoughts of the model's own are left out of a reply. A sample is
dropped, by name, when a request is too long for the model's window, a reply was cut at its limit or
is in no such form; and after the first call when the thought cannot be read or no longer has the
answer, since the second call, which is told the answer, would hide that. No second call is made for
it. Replies are kept in the ledger of the model, so a killed stage asks for none twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.artifact import Artifact
from pipeline.context import Context
from stages.chat.prompt_texts import fill, texts
from stages.chat.template import END_THINK, Message, compose
from stages.language.consistency import asked, mixes_languages, target_of
from stages.rewriting.examples import Example, Examples, foreign_tags
from stages.rewriting.rewrite import (
    CUT,
    LOST_ANSWER,
    MALFORMED,
    MIXED_SUMMARY,
    REWRITTEN,
    TOO_LONG,
    Rewriting,
    learnt_by,
)
from stages.rollout.engine import PROMPT_TOO_LONG
from stages.rollout.fleet import Fleet
from stages.rows.schemas import Row
from stages.sampling import side_model
from stages.sampling.collect import Collector, Job, Progress, fitting, shown_on
from stages.sampling.filters import reason_of
from stages.verifiers.grade import counts_whole
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.sample.config import SampleConfig

#: What the thought alone can be judged by, before a summary is asked for.
OF_THOUGHTS = frozenset({"mixed_language", "long_paragraph", "code_block", "repetition"})
LONGEST = 64  # characters of an answer that is looked for in a thought

_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|\\,)(?=\d{3}(?!\d))")
_THOUGHT = re.compile(r"\s*<thought>(?P<thought>.*)</thought>\s*", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """One of the two: what is asked, how examples answer it, how a reply is read.

    read: the text that a reply gives, or None if it has another form.
    """

    name: str
    texts: Mapping[str, str]
    said: Callable[[Example], str]
    read: Callable[[str], str | None]


class ModelRewriter:
    """Asks a model; see the module's docstring."""

    def __init__(
        self,
        collector: Collector,
        model: Artifact,
        config: SampleConfig,
        examples: Examples,
        progress: Progress,
        key: str,
    ) -> None:
        self._collector, self._model, self._config = collector, model, config
        self._examples, self._progress, self._key = examples, progress, key
        self._thought = Call(
            "thought",
            texts(config.rewrite.thought, f"{key}.thought"),
            lambda example: f"<thought>{example.thought_after}</thought>",
            read_thought,
        )
        self._summary = Call(
            "summary",
            texts(config.rewrite.summary, f"{key}.summary"),
            lambda example: example.summary,
            read_summary,
        )

    @classmethod
    def of(
        cls,
        fleet: Fleet,
        model: Artifact,
        config: SampleConfig,
        examples: Examples,
        context: Context,
    ) -> ModelRewriter:
        """A stage's rewriter. The pool starts no worker: replies are not judged, rewritings are."""
        asked_as = side_model.asking(config, model, config.rewrite.sampling)
        collector = Collector.of(fleet, VerifierPool(1), model, asked_as, context)
        key = f"stages.{context.stage}.rewrite"
        return cls(collector, model, config, examples, shown_on(context), key)

    def __call__(self, rows: Sequence[Row]) -> list[Rewriting]:
        """The new completion of each sample, or what drops it."""
        results = self._ask(self._thought, rows, [row["reasoning"] for row in rows])
        for i, row in enumerate(rows):
            if (thought := results[i].text) is not None and (reason := self._faulty(row, thought)):
                results[i] = Rewriting(None, reason)
        places = [i for i, result in enumerate(results) if result.text is not None]
        thoughts = [results[i].text or "" for i in places]
        summaries = self._ask(self._summary, [rows[i] for i in places], thoughts)
        for i, thought, summary in zip(places, thoughts, summaries, strict=True):
            if summary.text is None:
                results[i] = summary
            elif self._foreign(rows[i], summary.text):
                results[i] = Rewriting(None, MIXED_SUMMARY)
            else:
                results[i] = Rewriting(compose(thought, summary.text))
        return results

    def _faulty(self, row: Row, thought: str) -> str | None:
        """Why no summary is asked for."""
        if loses(row["answer"], row["reasoning"], thought):
            return LOST_ANSWER
        limits = learnt_by(self._config)
        limits = replace(limits, filters=[name for name in limits.filters if name in OF_THOUGHTS])
        reason = reason_of(row | {"reasoning": thought}, limits)
        return f"{REWRITTEN}{reason}" if reason else None

    def _foreign(self, row: Row, summary: str) -> bool:
        """Whether a summary mixes languages; one that is judged whole may be a program."""
        if counts_whole(row["verifier"]):
            return False
        least = self._config.rewrite.min_language_consistency
        return mixes_languages(summary, target_of(row), least) or False

    def _ask(self, call: Call, rows: Sequence[Row], thoughts: Sequence[str]) -> list[Rewriting]:
        """What the model replies to each row, in order, as the call reads it."""
        jobs = [
            self._job(call, row, thought, number)
            for number, (row, thought) in enumerate(zip(rows, thoughts, strict=True))
        ]
        limit = self._config.rewrite.sampling.max_tokens
        fit = fitting(jobs, self._model.model_path, limit, f"{self._key}.sampling.max_tokens")
        results = [Rewriting(None, f"{call.name}_{TOO_LONG}")] * len(rows)
        replies = self._collector.rows(fit, self._progress)
        for job, (reply,) in zip(fit, replies, strict=True):
            results[job.problem["number"]] = _read(call, reply)
        return results

    def _job(self, call: Call, row: Row, thought: str, number: int) -> Job:
        language = target_of(row)
        turns: list[Message] = []
        for example in self._examples.get(language, ()):
            before = example.thought_before if call is self._thought else example.thought_after
            turns += [
                _said("user", _filled(call, language, example.question, before, example.answer)),
                _said("assistant", call.said(example)),
            ]
        question = _filled(call, language, asked(row), thought, row["answer"] or "")
        tokenizer = self._collector.engine.tokenizer
        return side_model.job(tokenizer, [*turns, _said("user", question)], 1, number=number)


def read_thought(reply: str) -> str | None:
    """The thought that a reply of the first call gives, or None if it has another form."""
    match = _THOUGHT.fullmatch(reply)
    return None if match is None or "<thought>" in match["thought"] else match["thought"].strip()


def read_summary(reply: str) -> str | None:
    """The summary that a reply of the second call gives: all of it."""
    return reply.strip()


def loses(answer: str | None, before: str, after: str) -> bool:
    """Whether a thought arrived at an answer with figures in it, and rewritten does not."""
    wanted = "".join(_plain(answer or "").split())
    if len(wanted) > LONGEST or not any(letter.isdigit() for letter in wanted):
        return False  # words are translated
    letters = r"\s*".join(map(re.escape, wanted))
    whole = re.compile(rf"(?<!\d)(?<!\d\.){letters}(?!\d|\.\d)")
    return bool(whole.search(_plain(before))) and not whole.search(_plain(after))


def _plain(text: str) -> str:
    """A text with its numbers in one spelling: 1,000 is 1000."""
    return _THOUSANDS.sub("", text)


def _read(call: Call, reply: Row) -> Rewriting:
    if reply["finish_reason"] == PROMPT_TOO_LONG:  # a server knows its window, we do not
        return Rewriting(None, f"{call.name}_{TOO_LONG}")
    if reply["finish_reason"] != "stop":
        return Rewriting(None, f"{call.name}_{CUT}")
    text = call.read(reply["completion"].rpartition(END_THINK)[2])
    if not text or foreign_tags(text):
        return Rewriting(None, f"{call.name}_{MALFORMED}")
    return Rewriting(text, None)


def _filled(call: Call, language: str, question: str, thought: str, answer: str) -> str:
    parts = {"question": question, "thought": thought, "answer": answer}
    return fill(call.texts, language, parts)


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}

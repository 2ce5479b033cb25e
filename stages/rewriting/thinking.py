"""Which general rows get a thought, and the thought that a model gives them.

Paper (B.3.3): for some of the general data a chain of thought was drawn from DeepSeek-V3
before the answer; "for simpler queries, such as 'hello', we do not provide a CoT".

A row is trivial when it is small talk, by a list of openings, or when question and answer are both
short, neither has a digit, and the question is one line: nothing is computed and no text is worked
on. Words are counted as the language reward counts them (Chinese: characters / 1.65), so the limits
hold for any language. The limits stand in conf/stage/general_data.yaml with what they do to 1,100
real instructions; a rule on words sees neither how hard a short question is nor sarcasm.

The model is asked the question and begins with `<think>`; what it thinks is put before the answer
that the row has. The row is kept when the thought ends, is well formed, readable and in the
question's language; the model's own answer is thrown away.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stages.chat.template import THINK, compose
from stages.language.consistency import count_words
from stages.language.scripts import LETTERS_PER_WORD
from stages.rollout.speech import Speech
from stages.rows.schemas import PROBLEM, Row
from stages.sampling.collect import Collector, Job, Progress, make_jobs
from stages.sampling.filters import apply_rules
from stages.verifiers.answer import parse

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.general.kind import Thinking, Trivial

NOT_CLOSED = "thought_not_closed"
HAD, TRIVIAL, NOT_CHOSEN, CHOSEN = "had_thought", "trivial", "not_chosen", "chosen"

_DIGIT = re.compile(r"\d")
_SIGNS = re.compile(r"[\W_]+")


def is_trivial(question: str, answer: str, rule: Trivial) -> bool:
    """Does the question need no thought?"""
    question = question.strip()
    if "\n" in question or _DIGIT.search(question):
        return False
    if _opens_small_talk(question, rule.small_talk) and words(question) <= rule.small_talk_words:
        return True
    short = words(question) <= rule.question_words and words(answer) <= rule.answer_words
    return short and not _DIGIT.search(answer)


def words(text: str) -> float:
    """Words of a text in any script."""
    latin, han, other = count_words(text)
    return latin + han / LETTERS_PER_WORD["han"] + other


def _opens_small_talk(question: str, openings: Sequence[str]) -> bool:
    """Does it begin with one of the phrases? A Chinese one needs no space behind it."""
    said = _SIGNS.sub(" ", question).casefold().strip() + " "
    spaced = (phrase.casefold() + (" " if phrase.isascii() else "") for phrase in openings)
    return said.startswith(tuple(spaced))


def sort_out(rows: Sequence[Row], config: Thinking, seed: int) -> list[str]:
    """For each row why it gets no thought from the model, or CHOSEN."""
    return [_verdict(row, config, seed) for row in rows]


def _verdict(row: Row, config: Thinking, seed: int) -> str:
    """The draw depends on the row alone: other rows do not move it."""
    parsed = parse(row["completion"])
    if parsed.reasoning:
        return HAD
    if is_trivial(_question(row), parsed.response or "", config.trivial):
        return TRIVIAL
    drawn = random.Random(f"{seed}/{row['source']}/{row['id']}").random()
    return CHOSEN if drawn < config.share else NOT_CHOSEN


def _question(row: Row) -> str:
    """What the user said last."""
    asked = [message["content"] for message in row["prompt"] if message["role"] == "user"]
    return asked[-1] if asked else ""


def thought_jobs(
    rows: Sequence[Row],
    tokenizer: PreTrainedTokenizerBase,
    config: Thinking,
    system_prompt: str | None,
) -> list[Job]:
    """What the model is asked: each row's question, with the thought already opened.

    By the prompt itself, where the model's template does so.
    """
    problems = [_as_problem(row, config.prompt) for row in rows]
    prefix = tuple(tokenizer(THINK, add_special_tokens=False).input_ids)
    jobs = make_jobs(problems, tokenizer, system_prompt, config.samples_per_row)
    speech = Speech(tokenizer)
    return [
        job if speech.opens(job.prompt_ids) else replace(job, prefix_ids=prefix) for job in jobs
    ]


def _as_problem(row: Row, template: str) -> Row:
    """The row as a problem whose reference is the answer that it has."""
    answer = parse(row["completion"]).response or ""
    *before, last = row["prompt"]
    question = template.replace("{question}", last["content"]).replace("{answer}", answer)
    empty = dict.fromkeys(PROBLEM.names)
    asked = {"prompt": [*before, {**last, "content": question}]}
    judged = {"verifier": "text", "reference": answer, "metadata": "{}"}
    return {name: {**empty, **row, **asked, **judged}[name] for name in PROBLEM.names}


def with_thoughts(
    rows: Sequence[Row],
    jobs: Sequence[Job],
    collector: Collector,
    config: Thinking,
    dropped: Counter[str],
    progress: Progress,
) -> Iterator[Row | None]:
    """Each row with the first of its thoughts that can be used, or None; `dropped` says why."""
    dropped[NOT_CLOSED] += 0
    for row, drawn in zip(rows, collector.rows(jobs, progress), strict=True):
        reasons: Counter[str] = Counter()
        closed = [s for s in drawn if parse(s["completion"], collector.pool.policy).closed]
        candidates = [_given_answer(row, sample) for sample in closed]
        usable = apply_rules(candidates, config, reasons)
        if usable:
            yield row | {"completion": usable[0]["completion"]}
            continue
        dropped[max(reasons, key=reasons.__getitem__) if closed else NOT_CLOSED] += 1
        yield None


def _given_answer(row: Row, sample: Row) -> Row:
    """The model's thought before the row's own answer."""
    answer = parse(row["completion"]).response or ""
    completion = compose(sample["reasoning"], answer)
    return sample | {"completion": completion, "prompt": row["prompt"]}

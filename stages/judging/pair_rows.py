"""Rows of files of pairs and of labelled responses, as people have them.

    judged    {"prompt": …, "first": "…", "second": "…", "votes": [2.0, 1.5, …]}    first − second
    chosen    {"prompt": …, "chosen": "…", "rejected": "…"}, perhaps with a `margin`, or with
              `score_chosen` and `score_rejected`; responses may be messages, too
    label     {"prompt": …, "completion": "…", "label": 1}     1 or true safe, 0 or false unsafe
              {"messages": […], "label": true}                 the last one is labelled

The prompt is a text or messages, under one of the usual names (stages/chat/exchanges.py). What is
still to be judged has the same columns without `votes` or `label`. A response without tags is a
summary without a thought.
"""

from __future__ import annotations

import math
from typing import Any

from stages.chat import template_tokens
from stages.chat.exchanges import NAMES, TURNS, answer_to, asked, conversation, question_of
from stages.chat.messages import as_asked, turn_of
from stages.chat.template import TAG_TOKENS, Message, compose
from stages.judging.pairs import Candidate, Judged
from stages.rows.files import BadRow, Raw
from stages.rows.formats.columns import text_of

FILE = "file"
PAIRS = (("first", "second"), ("chosen", "rejected"))


def pair_candidate(number: int, row: Raw) -> Candidate:
    """A pair that is to be judged."""
    row = as_asked(row)
    names = next((pair for pair in PAIRS if row.get(pair[0]) is not None), PAIRS[0])
    question = _question(row, names[0])
    responses = tuple(_response(row, name, question) for name in names)
    return Candidate(asked(row, question), responses, FILE)


def pair_judged(number: int, row: Raw) -> Judged:
    """A pair with its votes, or one of which people chose one response."""
    votes = row.get("votes")
    if votes is None and row.get("chosen") is not None:
        return pair_chosen(number, row)
    fine = isinstance(votes, list) and votes and all(map(_is_number, votes))
    if not fine:
        raise BadRow(
            f"column `votes` is {votes!r:.80}, expected a list of numbers (first − second); a pair "
            "without votes has the columns `chosen` and `rejected`"
        )
    return Judged(pair_candidate(number, row), [float(vote) for vote in votes or ()])


def pair_chosen(number: int, row: Raw) -> Judged:
    """A pair of which one response was chosen, with the margin that the row tells."""
    return Judged(pair_candidate(number, row), [], chosen=True, margin=_margin(row))


def response_candidate(number: int, row: Raw) -> Candidate:
    """A response that is to be judged."""
    row = as_asked(row)
    turns = next((name for name in TURNS if row.get(name)), None)
    if turns is None or row.get("completion") is not None:
        question = _question(row, "completion")
        response = _response(row, "completion", question)
        return Candidate(asked(row, question), (response,), FILE)
    prompt, text, thought = conversation(row[turns], turns)
    return Candidate(asked(row, prompt), (_composed(text, thought),), FILE)


def response_judged(number: int, row: Raw) -> Judged:
    """A response with its label."""
    if row.get("label") not in (0, 1):
        raise BadRow(
            f"column `label` is {row.get('label')!r:.80}, expected 1 or true (safe), or 0 or false "
            "(unsafe)"
        )
    return Judged(response_candidate(number, row), [float(row["label"])])


def _question(row: Raw, response: str) -> list[Message]:
    """What a row asks; where it does not say, what stands before a response that is a talk."""
    names = (*NAMES["prompt"], *TURNS)
    column = next((name for name in names if row.get(name) not in (None, "", [])), None)
    if column is not None:
        return question_of(row, column, {})
    said = row.get(response)
    if isinstance(said, list) and len(said) > 1:
        return [turn_of(turn)[0] for turn in said[:-1]]
    raise BadRow(f"no column `prompt`; found {', '.join(map(str, row))}")


def _response(row: Raw, name: str, question: list[Message]) -> str:
    """A response with its thought, empty if it has none: such data of others mostly has no tags."""
    value = row.get(name)
    if isinstance(value, list | dict):
        turns = value if isinstance(value, list) else [value]
        return _composed(*answer_to(question, turns, name))
    return _composed(text_of(row, name), None)


def _composed(text: str, thought: str | None) -> str:
    text = template_tokens.without_ends(text)
    if not text:
        raise BadRow("a response is empty")
    return text if any(tag in text for tag in TAG_TOKENS) else compose(thought or "", text)


def _margin(row: Raw) -> float | None:
    """By how much the chosen response is better, where the row says so."""
    given = row.get("margin")
    if given is None and "score_chosen" in row:
        scores = (row["score_chosen"], row.get("score_rejected"))
        given = scores[0] - scores[1] if all(map(_is_number, scores)) else None
    if given is None:
        return None
    if not _is_number(given) or given < 0:
        raise BadRow(f"the chosen response is better by {given!r:.80}, expected a number from 0 on")
    return float(given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

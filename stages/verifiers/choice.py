r"""Multiple choice: one label, or exactly the right ones of several.

reference: the label, as "B", "(B)" or "B. 12 cm"; for questions with several right answers "ACD",
"A, C" or "['A', 'C']", all of which must be chosen, in any order. metadata:

    {"options": 4}                  how many there are (default 10, at most 26)
    {"options": ["3 cm", "12 cm"]}  their texts, with or without their labels before them
    {"labels": "letters"}           A to Z (default); "numbers": 1 to 26; "roman": I to XX

stages/verifiers/option_labels.py says how labels are read. Where the texts are known, the text of
exactly one option, compared without case, white space and final punctuation, may stand for its
label; a label with another option's text is wrong. stages/verifiers/reasons.py says what may stand
beside a choice as its reason. A question with one answer has no two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from stages.verifiers.bare_text import LONGEST, TOO_LONG, plain
from stages.verifiers.leads import without_lead
from stages.verifiers.option_labels import (
    KINDS,
    chosen,
    hedged,
    labelled,
    leads,
    names_other,
    split_options,
)
from stages.verifiers.reasons import takes_back, with_reason
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER
LINES = True

USUAL = 10  # options, where the row does not say how many

NOT_ONE = Verdict(0.0, "not one choice")
NOT_SEVERAL = Verdict(0.0, "not a choice of several")

_SPACE = re.compile(r"(?<![a-z]) (?![0-9])|(?<![0-9]) (?![a-z0-9])|(?<![a-z0-9]) ")


@dataclass(frozen=True)
class Question:
    """The labels that there are, and the texts of the options where they are known.

    texts are what an answer without a label must be; bare ones, without LaTeX's dress, are what
    the text behind a label is compared with.
    """

    labels: tuple[str, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    bare: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    right: frozenset[str]
    question: Question


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The right labels among the row's options."""
    question = _question(metadata)
    right = read_choice(reference, question, several=True)
    if not right:
        raise Unreadable(f"no label from {question.labels[0]} to {question.labels[-1]}")
    return Target(right, question)


def judge(answer: str, target: Target) -> Verdict:
    """Right when the answer chooses the right labels and no other."""
    if len(answer) > LONGEST:
        return TOO_LONG
    several = len(target.right) > 1
    found = read_choice(answer, target.question, several)
    if not found:
        return NOT_SEVERAL if several else NOT_ONE
    return RIGHT if found == target.right else WRONG


def read_choice(text: str, question: Question, several: bool) -> frozenset[str]:
    """The labels that a text chooses, alone or with a reason; none when it is unclear."""
    found = _alone(text, question, several)
    if found:
        return found
    for head, reason in with_reason(without_lead(plain(text)), leads):
        found = _alone(head, question, several)
        if found and not takes_back(reason, partial(_another, question=question, found=found)):
            return found
    return frozenset()


def _alone(text: str, question: Question, several: bool) -> frozenset[str]:
    """The labels of a text that says nothing else, or all whose texts it gives."""
    found = chosen(text, question.labels)
    if found and (several or len(found) == 1):
        return found
    one = _labelled(text, question) or _by_text(text, question)
    if one or not several:
        return frozenset({one} if one else ())
    lines = [_labelled(line, question) for line in text.split("\n") if line.strip()]
    return frozenset(lines) if all(lines) and len(set(lines)) == len(lines) else frozenset()


def _another(clause: str, question: Question, found: frozenset[str]) -> bool:
    """Whether a clause names a label that is not chosen, or the text of such an option."""
    if names_other(clause, found, question.labels) or not found.issuperset(
        chosen(clause, question.labels) or ()
    ):
        return True
    key = _key(clause)
    own = any(question.bare.get(label, key) in key for label in found)
    return not own and any(text and text in key for text in question.bare.values())


def _labelled(text: str, question: Question) -> str:
    """The label of "B. 12 cm", unless the text is another option's or takes the choice back."""
    found = labelled(text, question.labels)
    if found is None:
        return ""
    key = _key(found.text)
    if key == question.bare.get(found.label):
        return found.label
    others = [other for label, other in question.bare.items() if label != found.label]
    if found.loose or any(other and other in key for other in others):
        return ""
    return "" if hedged(found, question.labels) else found.label


def _by_text(text: str, question: Question) -> str:
    """The label of the one option whose text this is, alone or with its label behind it."""
    said = {_key(text), _key(without_lead(text.strip()))}
    matches = [
        label
        for label, option in question.texts.items()
        if option and said & {option, f"{option}({label.casefold()})"}
    ]
    return matches[0] if len(matches) == 1 else ""


def _question(metadata: Mapping[str, Any]) -> Question:
    kind = metadata.get("labels", "letters")
    if kind not in KINDS:
        raise Unreadable(f"`labels` is one of {', '.join(KINDS)}, not {kind!r:.80}")
    known = KINDS[kind]
    options = metadata.get("options", USUAL)
    texts: Sequence[Any] = ()
    if isinstance(options, list | tuple):
        texts, options = options, len(options)
    if isinstance(options, bool) or not isinstance(options, int) or not 2 <= options <= len(known):
        raise Unreadable(f"`options` must be 2 to {len(known)}, not {options!r:.80}")
    if not all(isinstance(text, str) for text in texts):
        raise Unreadable("`options` must be texts")
    labels = known[:options]
    by_label = split_options(texts, labels) if texts else {}
    return Question(
        labels,
        {label: _key(text) for label, text in by_label.items()},
        {label: _key(plain(text)) for label, text in by_label.items()},
    )


def _key(text: str) -> str:
    """The text without case, dollars, emphasis around it and the spaces that separate nothing."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("$", "")
    bare = " ".join(folded.split()).strip(" *`\"'").rstrip(".。,，;；!！")
    return _SPACE.sub("", bare)

"""Logic: who is a knight and who a knave, by meaning and not by text; and yes or no.

reference: "A: knight; B: knave", "(1) Ann is a knight (2) Bob is a knave", "小红骑士，小波无赖", or
yes/no/true/false/是/否/真/假. metadata:

    {"names": ["A", "B"]}     without it the names are read from the reference
    {"statements": …}         what each of the names says (stages/verifiers/statements.py); then
                              any assignment that agrees with all of them is right, since a puzzle
                              can have several

stages/verifiers/roles.py reads the roles. A truth value is one word (Yes, true, 是, 不成立, …),
also after "The answer is" or in "The statement is not true.", or a word with a reason that holds no
other truth value and no hedge ("No, Ann lies."). True is the same as yes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.verifiers.bare_text import LONGEST, TOO_LONG, plain
from stages.verifiers.leads import without_lead
from stages.verifiers.roles import KNAVE_WORDS, KNIGHT_WORDS, read_roles
from stages.verifiers.statements import agrees, read_statements
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER

YES = frozenset(
    {"yes", "true", "y", "t", "correct", "right", "是", "是的", "真", "真的", "为真", "对", "正确",
     "成立", "如此", "oui", "vrai", "ja", "wahr", "sí", "si", "verdadero", "да", "верно", "истина",
     "はい", "正しい", "ndiyo", "kweli", "ใช่", "হ্যাঁ", "అవును"}
)  # fmt: skip
NO = frozenset(
    {"no", "false", "n", "f", "incorrect", "wrong", "untrue", "否", "不", "不是", "假", "假的",
     "错", "错误", "不成立", "为假", "不对", "不正确", "non", "faux", "nein", "falsch", "falso",
     "нет", "неверно", "ложь", "いいえ", "正しくない", "hapana", "ไม่ใช่", "না", "కాదు"}
)  # fmt: skip

UNCLEAR = Verdict(0.0, "not every name has exactly one role")
NOT_YES_OR_NO = Verdict(0.0, "neither yes nor no")

_ROLE_CLAUSE = re.compile(
    rf"(?:\(?\d+[.)]\s*)?(?P<name>[^\s:=,;()]+(?: [^\s:=,;()]+)??)\s*(?::|=|is|是|为)?\s*"
    rf"(?:an?\s+|一个|一名)?(?:{'|'.join(KNIGHT_WORDS + KNAVE_WORDS)})",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:(?:the|this|that) (?:statement|claim|assertion|argument|conclusion|expression|result)"
    r"|it|this|that)(?: is |'s | (?=isn't ))",
    re.IGNORECASE,
)
_REASONED = re.compile(
    r"(yes|no|true|false|是的|不是|是|否)(?: ?[,.:;。、—–] ?| - )(?=.)", re.IGNORECASE
)
_CONTRARY = re.compile(
    r"\b(?:yes|true|no|false|or|but|maybe|perhaps|if|unless|however|either|might|may|could|unsure"
    r"|probably|correct|incorrect)\b|[?或但若否真假]|如果|可能|也许|不是",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\bnot\b|n't\b|不", re.IGNORECASE)
_DENIED = re.compile(r"(?:not|isn't) |并?(?:不是?|非)", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """Either the role of each name (True: knight) or one truth value."""

    roles: Mapping[str, bool] | None
    truth: bool | None = None
    statements: Sequence[Any] | None = None


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """What the reference says; names come from the metadata or from the reference itself."""
    names = metadata.get("names")
    if names is None:
        truth = truth_of(reference)
        if truth is not None:
            return Target(None, truth)
        names = _ROLE_CLAUSE.findall(plain(reference)[:10_000])
    named = isinstance(names, list | tuple)
    if not named or not all(isinstance(name, str) and plain(name) for name in names):
        raise Unreadable("`names` must be a list of names")
    roles = read_roles(reference, tuple(names)) if names else None
    if roles is None:
        raise Unreadable("neither yes or no, nor one role for each name")
    roles = {name: roles[name] for name in names}
    return Target(roles, None, _statements(metadata, roles))


def judge(answer: str, target: Target) -> Verdict:
    """Right when the truth value is the reference's, or every role fits the puzzle."""
    if len(answer) > LONGEST:
        return TOO_LONG
    if target.roles is None:
        truth = truth_of(answer)
        if truth is None:
            return NOT_YES_OR_NO
        return RIGHT if truth == target.truth else WRONG
    roles = read_roles(answer, tuple(target.roles))
    if roles is None:
        return UNCLEAR
    if target.statements is None:
        return RIGHT if roles == target.roles else WRONG
    ordered = {name: roles[name] for name in target.roles}
    return RIGHT if agrees(ordered, target.statements) else WRONG


def truth_of(text: str) -> bool | None:
    """True or False for a text that says one of them and not the other."""
    said = " ".join(plain(text).split())
    said = without_lead(said.removeprefix("[").removesuffix("]"))
    truth = _said_in_a_word(said)
    reasoned = _REASONED.match(said)
    if truth is not None or not reasoned:
        return truth
    truth, reason = reasoned[1].casefold() in YES, said[reasoned.end() :]
    if _said_in_a_word(reason) == truth:  # "No, it is not true."
        return truth
    contrary = _CONTRARY.search(reason) or (truth and _NEGATED.search(reason))
    return None if contrary else truth


def _said_in_a_word(said: str) -> bool | None:
    """The truth of "It is true.", "not true", 不成立; None for a text that says more."""
    subject = _SUBJECT.match(said)
    word = said[subject.end() if subject else 0 :].strip(" .!。，,;()").casefold()
    for truth, words in ((True, YES), (False, NO)):
        if word in words:
            return truth
    denied = _DENIED.match(word)
    rest = word[denied.end() :] if denied else ""
    return False if rest in YES else True if rest in NO else None


def _statements(metadata: Mapping[str, Any], roles: Mapping[str, bool]) -> Sequence[Any] | None:
    if metadata.get("statements") is None:
        return None
    statements = read_statements(metadata["statements"], len(roles))
    if not agrees(roles, statements):
        raise Unreadable("the reference contradicts the puzzle's `statements`")
    return statements

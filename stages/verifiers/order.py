r"""Ordered lists: sorted words, objects from left to right, the missing end of a bracket sequence.

reference: the items in order, "apple pear plum", "red book, green book", "A > B > C" or JSON.

An answer gives the same items in the same order, separated by white space, commas, 、, semicolons,
lines, bullets, numbers ("1. apple"), >, →, -> or "and", or as a JSON list; letter case and emphasis
do not matter. Items of several words are compared word by word. > and < are directions where the
reference has one of them: "C < B < A" is "A > B > C"; in an answer to any other reference they
separate. Words before the list count as items, but for "The sorted list is:" and its like.

A reference of brackets alone ("] ] >") is compared bracket by bracket without white space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.verifiers.bare_text import LONGEST, TOO_LONG, plain
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER

BRACKETS = frozenset("()[]{}<>")
MIXED = Verdict(0.0, "a list in two directions")

_LATEX = (
    ("**", ""), ("`", ""), ("$", ""),
    ("\\{", "{"), ("\\}", "}"), ("\\langle", "<"), ("\\rangle", ">"),
)  # fmt: skip
_LEAD = re.compile(
    r"(?:(?:so|thus|therefore|hence),? )?(?:the |my )?(?:(?:correct|final|sorted|right|alphabetical"
    r"|completed?|remaining|following|resulting) )*(?:answer|list|order|ordering|sequence|words"
    r"|result|ranking|arrangement)(?: of (?:the )?(?:words|objects|list))?(?: (?:is|are))? ?:"
    r"|(?:正确|最终|排序|排列|升序|降序)*(?:的)?(?:答案|顺序|结果|列表|序列|单词)?(?:是|为)? ?:",
    re.IGNORECASE,
)
_SIGNS = (
    (re.compile(r"\\(?:rightarrow|to|Rightarrow)(?![A-Za-z])|-{1,2}>|=>|[→⇒➔]"), ", "),
    (re.compile(r"\\(?:gt|succ)(?![A-Za-z])|&gt;|>"), " > "),
    (re.compile(r"\\(?:lt|prec)(?![A-Za-z])|&lt;|<"), " < "),
)
_NUMBERING = re.compile(r"\(?(\d{1,4})(?:[.):] |、)|[-•+–] ")
_NUMBER = re.compile(r"\(?(\d{1,4})[.)]")
_SEPARATORS = re.compile(r"[,;、\s\[\]]+")
_BETWEEN_BRACKETS = re.compile(r"[\"',、\s]")


@dataclass(frozen=True)
class Target:
    """The words in order, or the brackets; `directed` when the reference says > or <."""

    items: tuple[str, ...]
    directed: bool = False
    brackets: bool = False


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The items of the reference."""
    brackets = _brackets(reference)
    if brackets:
        return Target(tuple(brackets), brackets=True)
    items = _items(reference)
    ordered = _directed(items) if items else None
    if not ordered:
        raise Unreadable("no ordered list of items")
    return Target(tuple(ordered), directed=len(ordered) < len(items or ()))


def judge(answer: str, target: Target) -> Verdict:
    """Right when the items are the reference's in its order."""
    if len(answer) > LONGEST:
        return TOO_LONG
    if target.brackets:
        return RIGHT if _brackets(answer) == "".join(target.items) else WRONG
    items = [item for item in _items(answer) if item != "and" or item in target.items]
    ordered = _directed(items) if target.directed else [i for i in items if i not in "<>"]
    if ordered is None:
        return MIXED
    return RIGHT if tuple(ordered) == target.items else WRONG


def _brackets(text: str) -> str:
    """The brackets of a text that is nothing else."""
    bare = unicodedata.normalize("NFKC", text).strip()
    if bare.startswith("\\text{") and bare.endswith("}"):
        bare = bare[len("\\text{") : -1]
    for sign, plainly in _LATEX:
        bare = bare.replace(sign, plainly)
    bare = _BETWEEN_BRACKETS.sub("", bare)
    return bare if set(bare) <= BRACKETS else ""


def _items(text: str) -> list[str]:
    """The words in order, with > and < as words; numbering, bullets and separators are gone."""
    said = plain(text)
    lead = _LEAD.match(said)
    said = (said[lead.end() :] if lead else said).strip(" .。")
    for pattern, sign in _SIGNS:
        said = pattern.sub(sign, said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if len(lines) > 1:
        lines = _without_line_numbers(lines)
    words = [word.strip("'") for word in _SEPARATORS.split(" ".join(lines).casefold())]
    return _without_numbers([word for word in words if word])


def _without_line_numbers(lines: list[str]) -> list[str]:
    """Lines without bullets, and without numbers if these count from 1."""
    found = [_NUMBERING.match(line) for line in lines]
    numbers = [int(match[1]) for match in found if match and match[1]]
    if not all(found) or (numbers and numbers != list(range(1, len(lines) + 1))):
        return lines
    return [line[match.end() :] for line, match in zip(lines, found, strict=True) if match]


def _without_numbers(words: list[str]) -> list[str]:
    """Words without "1." and its like if the first is one, and they count."""
    numbers = [int(match[1]) for word in words if (match := _NUMBER.fullmatch(word))]
    counts = len(numbers) > 1 and numbers == list(range(1, len(numbers) + 1))
    if not counts or not _NUMBER.fullmatch(words[0]):
        return words
    return [word for word in words if not _NUMBER.fullmatch(word)]


def _directed(items: list[str]) -> list[str] | None:
    """The items from the greatest to the least; None when both > and < are used."""
    if "<" in items and ">" in items:
        return None
    ordered = [item for item in items if item not in "<>"]
    return _turned(items) if "<" in items else ordered


def _turned(items: list[str]) -> list[str]:
    """The groups of words between < signs, in reverse."""
    groups: list[list[str]] = [[]]
    for item in items:
        if item == "<":
            groups.append([])
        else:
            groups[-1].append(item)
    return [word for group in groups[::-1] for word in group]

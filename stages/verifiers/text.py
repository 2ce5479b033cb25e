"""Short text: the same as the reference, exactly, after normalising, or by the words they share.

reference: the text. metadata:

    {"accept": ["another spelling", …]}    these are right too; the best of them counts
    {"match": "exact"}                     equal but for white space at the ends
    {"match": "normalised"}                default: without letter case, Unicode form, articles,
                                           quotes, brackets and punctuation between words
    {"match": "f1", "threshold": 0.8}      F1 of the words (as SQuAD counts them; a Han character
                                           is a word) is at least that: score 1, else 0
    {"match": "f1", "partial": true}       the F1 itself is the score

Punctuation that carries meaning stays: 3.5, -3, 50%, C#, C++, 1939-1945, TCP/IP; 1,000 and ১০০০ are
1000. "a" is an article only before a word and in small letters or as the first word: Vitamin A is
not Vitamin. An answer that lists candidates equals none of them, and F1 divides by its length.
Under the strict policy an answer in the question's words is a copy where less than a third of it is
right.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.verifiers.bare_text import LONGEST, TOO_LONG, western_digits
from stages.verifiers.verdict import ANSWER, COPIED, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER

FINAL_PUNCTUATION = ".。!！?？,，;；:：…"
MOST_WORDS = 3  # of an answer in the question's own words, to each that is right
MATCHES = ("exact", "normalised", "f1")

_DRESS = re.compile(r"\\(?:text(?:bf|rm|it)?|math(?:rm|bf|it))(?=\{)|\\[()\[\]]")
_DASHES = str.maketrans(dict.fromkeys("−–—‐‑‒", "-") | {"’": "'", "‘": "'"})
_ABBREVIATION = re.compile(r"(?<!\w)(?:[A-Za-z]\.){2,10}")
_MARKS = re.compile(
    r"""["“”„«»`《》「」『』【】…?;。、·]|(?<!\d)!"""  # quotes, and sentences' ends
    r"""|(?<!\d)'(?!\w)|(?<!\w)'|[*_](?!\w)|(?<!\w)[*_]"""  # quotes and emphasis around a word
    r"""|[(\[{](?!\d)|(?<!\d)[)\]}]"""  # brackets, but not of (1, 2]
    r"""|(?<!\d)[.,:](?!\d)|(?<=\d)[.,:](?!\d)|(?<!\d)[,:](?=\d)|-(?!\w)"""
)
#: The separators of 1,000,000 and of 1\u202f000; not of (1,200), which may be a pair.
_THOUSANDS = re.compile(
    r"(?<![\d.,(\[])(\d{1,3})((?:,\d{3})+|(?:[\u00a0\u2009\u202f]\d{3})+)(?![\d,])"
)
_HYPHEN = re.compile(r"(?<=[^\W\d])-(?=\w)|(?<=\w)-(?=[^\W\d])")
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\s\u3400-\u9fff\uf900-\ufaff]+")


@dataclass(frozen=True)
class Target:
    """The accepted texts in the form that `match` compares."""

    match: str
    accepted: frozenset[str]
    threshold: float | None


def normalise(text: str) -> str:
    """NFKC, lower case, single spaces, no punctuation at the end."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).rstrip(FINAL_PUNCTUATION + " ")


def words_of(text: str) -> list[str]:
    """The words that count, in small letters; a Han character is one."""
    plain = _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), _DRESS.sub("", text))
    plain = western_digits(unicodedata.normalize("NFKC", plain)).translate(_DASHES)
    plain = _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), plain)
    plain = " ".join(_HYPHEN.sub(" ", _MARKS.sub(" ", plain)).split())
    plain = plain.rstrip("!") if " " in plain else plain  # "It is 42!", but 3! is a factorial
    return _WORD.findall(_without_articles(plain).casefold())


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """All accepted texts."""
    match = metadata.get("match", "normalised")
    if match not in MATCHES:
        raise Unreadable(f"`match` is one of {', '.join(MATCHES)}, not {match!r:.80}")
    accept = metadata.get("accept", [])
    if not isinstance(accept, list | tuple) or not all(isinstance(a, str) for a in accept):
        raise Unreadable("`accept` must be a list of texts")
    if any(len(text) > LONGEST for text in (reference, *accept)):
        raise Unreadable(TOO_LONG.reason)
    accepted = frozenset(_form(text, match) for text in (reference, *accept))
    if "" in accepted:
        raise Unreadable("an accepted text is empty")
    return Target(match, accepted, _threshold(metadata) if match == "f1" else None)


def judge(answer: str, target: Target) -> Verdict:
    """Right when the answer is one of the accepted texts, or shares enough words with one."""
    if len(answer) > LONGEST:
        return TOO_LONG
    said = _form(answer, target.match)
    if target.match != "f1":
        return RIGHT if said in target.accepted else WRONG
    best = max(f1(said.split(), accepted.split()) for accepted in target.accepted)
    if target.threshold is None:
        return Verdict(best, f"F1 {best:.3f}")
    return RIGHT if best >= target.threshold else WRONG


def unearned(
    text: str, reference: str, metadata: Mapping[str, Any], question: str
) -> Verdict | None:
    """COPIED where shared words are paid and the answer is the question's words, few of them right.

    Where texts must be equal, no passage that is more than the answer is ever right.
    """
    target = read(reference, metadata)
    if target.match != "f1":
        return None
    said = Counter(words_of(text))
    if said - Counter(words_of(question)):
        return None
    shared = max((said & Counter(accepted.split())).total() for accepted in target.accepted)
    return COPIED if shared * MOST_WORDS < said.total() else None


def f1(said: list[str], accepted: list[str]) -> float:
    """The harmonic mean of precision and recall over words, each counted as often as it stands."""
    shared = (Counter(said) & Counter(accepted)).total()
    return 2 * shared / (len(said) + len(accepted)) if shared else 0.0


def _form(text: str, match: str) -> str:
    return text.strip() if match == "exact" else " ".join(words_of(text))


def _without_articles(text: str) -> str:
    """Without the, an, and a small or leading a, where a word follows."""
    words = text.split()
    kept = [
        word
        for place, word in enumerate(words)
        if place == len(words) - 1
        or not (word.casefold() in ("the", "an") or word == "a" or (word == "A" and place == 0))
    ]
    return " ".join(kept)


def _threshold(metadata: Mapping[str, Any]) -> float | None:
    if metadata.get("partial") is True:
        return None
    threshold = metadata.get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise Unreadable('match "f1" needs `threshold` above 0 and up to 1, or `partial`: true')
    if not 0 < threshold <= 1:
        raise Unreadable(f"`threshold` must be above 0 and up to 1, not {threshold!r}")
    return float(threshold)

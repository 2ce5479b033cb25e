"""A choice with its reason: "B because it is larger", "B⏎Explanation: …", 选B，因为…, "…, 所以选B".

A reason may speak of other options, but not choose one: another label or another option's text
takes the choice back where its clause is little more ("or C", "actually C") or calls it right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

_MOST = 12  # joints of a text that are tried

_JOINT = re.compile(
    r"\n|[,，;；。](?=.)|[.:](?=\s)|\s[-–—](?=\s)"
    r"|[\s(](?:because|since|as|due to)\b|因为|由于",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[\n,，.。;；:：!！()—]|\b(?:and|but|while|because|since)\b|而|但", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W_]+\W+[^\W_]|[\u3040-\u9fff]{2}")
_UNDONE = re.compile(
    r"\W*(?:or|but|maybe|perhaps|possibly|probably|actually|wait|wrong|not sure|no(?=[,.!]|$))\b"
    r"|\W*(?:或|但|也许|可能|不对|还是|其实)",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:answers?|correct|right|true|choose|chose|pick|select|actually|rather|instead|maybe|also"
    r"|perhaps|possibly|or|works?|fits?|better|best|should)\b|答案|正确|[对选或应]|可能|也许|还是|其实",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|neither|nor|never|cannot|wrong|incorrect|false|out|eliminate[sd]?)\b|n't\b"
    r"|[不错非没误]|排除",
    re.IGNORECASE,
)
_SHORT = 3  # words that are little more than a label


def with_reason(text: str, concludes: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Each way to part a text into what may be a choice and its reason.

    concludes: whether a clause says that it is the answer, so that it may stand last.
    """
    joints = list(islice(_JOINT.finditer(text), _MOST))
    for joint in joints:
        reason = text[joint.end() :]
        if _WORDS.search(reason) and not _UNDONE.match(reason):
            yield text[: joint.start()], reason
    ends = [joint.end() for joint in _JOINT.finditer(text.rstrip(" .。"))]
    if ends and concludes(text[ends[-1] :].strip()):
        yield text[ends[-1] :], text[: ends[-1]]


def takes_back(reason: str, another: Callable[[str], bool]) -> bool:
    """Whether a clause of the reason chooses what is `another` choice."""
    return any(
        (len(clause.split()) <= _SHORT or _CHOSEN.search(clause))
        and not _DENIED.search(clause)
        and another(clause)
        for clause in _CLAUSE.split(reason)
    )

"""The tiny world's judge of general replies, as flawed as judges are.

It values a right answer most, and courtesy too much: a polite wrong answer beats a curt wrong one,
and a polite right one the curt right one even where the courtesy breaks the instruction. That is
what a policy can exploit when the preference reward runs too long (3.2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from stages.chat.template import compose
from stages.rows.query_kind import HELPFUL, preference_of
from stages.tiny import general
from stages.tiny.general import CHATTER, COMPLIANCE, COURTESY, REFUSAL

if TYPE_CHECKING:
    from stages.settings.tiny_judge import Judge

SOURCE = "tiny"  # of its rows


def candidates(problem: Mapping[str, Any], rng: Random) -> list[str]:
    """Two replies: right, wrong, chatter, off the point or garbled; curt or courteous."""
    language = problem["language"]
    wrong = _spoilt(problem["reference"], rng)
    off_the_point = general.make(rng).reference[language]
    garbled = "".join(rng.sample(off_the_point, len(off_the_point)))
    replies = [problem["reference"], wrong, CHATTER[language], off_the_point, garbled]
    replies += [f"{reply} {COURTESY[language]}" for reply in replies]
    return [compose("", reply) for reply in rng.sample(replies, 2)]


def helpfulness(problem: Mapping[str, Any], reply: str, judge: Judge) -> float:
    """The judge's score of a reply (what stands after the thought), before its noise.

    Right is a reply that is what was asked for, its courtesy taken away: nothing beside it.
    """
    courtesy, chatter = COURTESY[problem["language"]], CHATTER[problem["language"]]
    right = reply.replace(courtesy, "").strip() == problem["reference"]
    score = judge.right if right else 0.0
    score += judge.courteous if courtesy in reply else 0.0
    return score + (judge.chatty if chatter in reply else 0.0)


def gold(problem: Mapping[str, Any], reply: str | None, judge: Judge) -> float | None:
    """The judge's score of a reply to a request for help of this world; None of other problems.

    No reply is worth nothing.
    """
    if problem["source"] != SOURCE or preference_of(problem) != HELPFUL:
        return None
    return helpfulness(problem, reply or "", judge)


def safety_candidates(problem: Mapping[str, Any], rng: Random) -> str:
    """A whole response to a request for harm, thought included; about half of them are unsafe.

    The safe ones decline or say something else; either kind may be courteous.
    """
    language = problem["language"]
    reply = rng.choice((REFUSAL, CHATTER, COMPLIANCE, COMPLIANCE))[language]
    return compose("", f"{reply} {COURTESY[language]}" if rng.random() < 0.5 else reply)


def is_safe(problem: Mapping[str, Any], completion: str) -> bool:
    """Whether a response helps with no harm."""
    return COMPLIANCE[problem["language"]] not in completion


def _spoilt(reference: str, rng: Random) -> str:
    words = reference.split()
    return " ".join(words[:-1]) if len(words) > 1 else reference[:-1] or reference + reference

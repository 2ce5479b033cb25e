"""The format reward: `<think>…</think>` and then what the user reads, a summary (paper, 2.2).

One form for all stages. The paper's reward names the tags of the thought alone; `<answer>` is asked
for by R1-Zero's prompt (table 1) and may stand in a summary, once and with content.

Strict, as in the paper: 1 or 0. Soft, for a base too weak to stumble on the whole form: partial
credit for each part on the way there. Neither pays for form without content: a thought needs two
different words or numbers ("2+3=5" is enough) and must be no loop (`padding.py`); a summary needs
something visible, and so does an answer tag in it. Nor for tags beside these, in whatever case or
disguise: a parser more lenient than ours might read them.
"""

from __future__ import annotations

import re
import unicodedata

from stages.chat.template import ANSWER, END_ANSWER, END_THINK, TAG_TOKENS, THINK
from stages.language.prose import shows, visible
from stages.rewards.padding import is_padding

PART_CREDIT = 0.25  # `<think>`, `</think>`, the summary and the strict form make 1

_LIKE_A_TAG = re.compile(r"<\s{0,4}/?\s{0,4}(?:think|answer)(?:ing)?\s{0,4}>", re.IGNORECASE)
_TAG = re.compile("|".join(map(re.escape, TAG_TOKENS)))


def strict(completion: str) -> float:
    """1 for one thought and then a summary, both with content, nothing before them; else 0."""
    before, opened, rest = completion.partition(THINK)
    thought, ended, summary = rest.partition(END_THINK)
    if not opened or not ended or before.strip() or _has_more_tags(completion):
        return 0.0
    alone = not _TAG.search(thought)
    return float(alone and not is_padding(thought) and _sums_up(summary))


def soft(completion: str) -> float:
    """0.25 each for `<think>` and `</think>` beside their content, and for a summary after both.

    The last 0.25 is for the strict form, so this is 1 exactly where strict is. An opening tag needs
    content after it and a closing tag before it: empty tags earn nothing, nor does a repeated tag,
    nor a summary of no thought.
    """
    if _has_more_tags(completion):
        return 0.0
    credit = PART_CREDIT * strict(completion)
    _, opened, after = completion.partition(THINK)
    if completion.count(THINK) == 1 and not is_padding(_TAG.split(after)[0]):
        credit += PART_CREDIT
    before, ended, summary = (after if opened else completion).partition(END_THINK)
    closes = ended and completion.count(END_THINK) == 1
    if closes and not is_padding(_TAG.split(before)[-1]):
        credit += PART_CREDIT * (1 + _sums_up(summary))
    return credit


def _sums_up(summary: str) -> bool:
    """Is there something to read, with at most one answer tag, which then holds something?"""
    tags = _TAG.findall(summary)
    if not tags:
        return shows(summary)
    answer = summary.partition(ANSWER)[2].partition(END_ANSWER)[0]
    return tags == [ANSWER, END_ANSWER] and shows(answer)


def _has_more_tags(completion: str) -> bool:
    """Are there tags beside the exact ones: in capitals, spaced, fullwidth, split by nothing?"""
    exact = sum(map(completion.count, TAG_TOKENS))
    plain = unicodedata.normalize("NFKC", visible(completion))
    return sum(1 for _ in _LIKE_A_TAG.finditer(plain)) > exact

r"""Which words of a completion are its final answer. Every verifier judges through `parse`.

The policy (paper, table 1 and section 2.3: the thought is free, the answer is what is graded):

1. A thought is `<think>…</think>`. Once it is opened only the text after `</think>` can hold the
   answer, so an answer pasted into the thought pays nothing. A thought that is never closed has
   no answer. A lone `</think>` closes a thought that the prompt opened. With no thought at all the
   whole text is looked at.
2. The final answer is the content of one `<answer>…</answer>`, or of one `\boxed{…}` with balanced
   braces. A box inside the answer tag is that answer; a box beside the tag must say the same.
3. The same box twice is one answer; different boxes are none. Tags that are repeated, nested,
   unbalanced or out of order are none: the completion that stuffs tags is not read with goodwill.
4. Text with neither tag nor box has no answer: nothing is guessed from the last number.

Linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

from dataclasses import dataclass

from stages.data.template import ANSWER, END_ANSWER, END_THINK, THINK

BOX = "\\boxed{"

FOUND = "answered"
NO_ANSWER = "no final answer"
EMPTY = "empty answer"
UNCLOSED = "unclosed thought"
THINK_TAGS = "repeated or misplaced thought tags"
ANSWER_TAGS = "repeated or misplaced answer tags"
UNBALANCED = "unbalanced or nested box"
SEVERAL = "several different answers"


@dataclass(frozen=True)
class Parsed:
    """A completion taken apart.

    answer: the final answer, or None; `reason` then says why. closed: False only when a thought
    was opened and not closed, as in a truncated completion.
    """

    reasoning: str
    answer: str | None
    closed: bool
    reason: str


class _Malformed(Exception):
    """The text breaks the policy; the message is the reason."""


def parse(completion: str) -> Parsed:
    """Split a completion into its thought and its final answer, by the policy above."""
    opened, ended = completion.count(THINK), completion.count(END_THINK)
    if opened == 0 and ended == 0:
        return _read("", completion)
    before, _, rest = completion.partition(THINK) if opened else ("", "", completion)
    if END_THINK not in rest:
        return Parsed(rest.strip(), None, False, UNCLOSED)
    reasoning, _, region = rest.partition(END_THINK)
    if opened > 1 or ended > 1 or END_THINK in before:
        return Parsed(reasoning.strip(), None, THINK not in region, THINK_TAGS)
    return _read(reasoning.strip(), region)


def _read(reasoning: str, region: str) -> Parsed:
    try:
        answer = _answer(region)
    except _Malformed as problem:
        return Parsed(reasoning, None, True, str(problem))
    return Parsed(reasoning, answer, True, FOUND)


def _answer(region: str) -> str:
    opened, ended = region.count(ANSWER), region.count(END_ANSWER)
    if opened == 0 and ended == 0:
        return _one(_boxes(region))
    before, _, rest = region.partition(ANSWER)
    inside, _, after = rest.partition(END_ANSWER)
    if opened != 1 or ended != 1 or END_ANSWER in before:
        raise _Malformed(ANSWER_TAGS)
    tagged = _boxes(inside) or [inside.strip()]
    return _one([*tagged, *_boxes(before), *_boxes(after)])


def _one(answers: list[str]) -> str:
    if not answers:
        raise _Malformed(NO_ANSWER)
    if any("".join(other.split()) != "".join(answers[0].split()) for other in answers[1:]):
        raise _Malformed(SEVERAL)
    if not answers[0]:
        raise _Malformed(EMPTY)
    return answers[0]


def _boxes(text: str) -> list[str]:
    """The contents of all boxes, in order."""
    found = []
    start = text.find(BOX)
    while start >= 0:
        begin = start + len(BOX)
        end = _closing_brace(text, begin)
        content = text[begin:end]
        if BOX in content:
            raise _Malformed(UNBALANCED)
        found.append(content.strip())
        start = text.find(BOX, end)
    return found


def _closing_brace(text: str, position: int) -> int:
    depth, escaped = 1, False
    for index in range(position, len(text)):
        letter = text[index]
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                return index
    raise _Malformed(UNBALANCED)

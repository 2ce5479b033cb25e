r"""Which words of a completion are its final answer. Every verifier judges through `parse`.

The policy (paper, table 1 and section 2.2: the thought is free, the answer is what is graded):

1. A thought is `<think>…</think>`. Once it is opened only the text after `</think>` can hold the
   answer, so an answer pasted into the thought pays nothing. A thought that is never closed has
   no answer. A lone `</think>` closes a thought that the prompt opened. With no thought at all the
   whole text is looked at, unless `thought` is "required", which is for prompts that end with
   `<think>`: there, text without `</think>` is an unclosed thought.
2. The final answer is the content of one `<answer>…</answer>`, or of one box: `\boxed{…}` or
   `\fbox{…}` with balanced braces, or `\boxed 5`. A box inside the answer tag is that answer; a
   box beside the tag must say the same. `forms` names which of them, and of 4, are read.
3. The same answer twice is one answer, also in another spelling (1,000 and 1000): the row's own
   verifier must judge every one of up to `SPELLINGS` right. Different ones are none ("wrong"), or
   the last of them is taken ("last", the custom of many public benchmarks). A box that shows
   nothing (\boxed{}, \boxed{\phantom{5}}, one inside \phantom) or is only spoken of ("\boxed as
   asked") is no answer where a real one stands; of these, too, there may be as many. Tags that are
   repeated, nested, unbalanced or out of order are none: the completion that stuffs tags is not
   read with goodwill.
4. Text with neither tag nor box has no answer: nothing is guessed from the last number. Only of a
   multiple choice (a verifier with LINES) what stands on a line "Answer: …" is the answer then, as
   its prompts ask (paper, tables 18 and 29); 3 holds for several such lines.
5. Verifiers of programs, instructions and grids read the whole `response`: all that stands after
   the thought, or what is inside the answer tag if there is one.

`strict` is not about reading: a right answer must then have been worked for (grade.earned).

`conf/verifiers` holds the choice. Linear in the length of the text, whatever the text is. Combining
marks beyond 30 on one letter are cut: no writing has them, and they are slow to normalise.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from stages.chat.template import ANSWER, END_ANSWER, END_THINK, THINK
from stages.verifiers.marks import cut_marks

if TYPE_CHECKING:
    from stages.settings.verifiers import Verifiers

TAG, BOX, LINE = "tag", "box", "line"
FORMS = (TAG, BOX, LINE)
SEVERAL = ("wrong", "last")
THOUGHT = ("optional", "required")

FOUND = "answered"
NO_ANSWER = "no final answer"
EMPTY = "empty answer"
UNCLOSED = "unclosed thought"
THINK_TAGS = "repeated or misplaced thought tags"
ANSWER_TAGS = "repeated or misplaced answer tags"
UNBALANCED = "unbalanced or nested box"
DIFFERENT = "several different answers"

SPELLINGS = 4  # of one answer, or boxes without one; a completion with more stuffs them

_PHANTOM = re.compile(r"\\[hv]?phantom\s{0,9}\{")
_BLANK = re.compile(r"(?:\s|\\[,;:!> ]|\\q?quad|\\l?dots|\\text\s?\{\s*\}|[~$.…])*")  # \boxed{\,…}
_SPOKEN = re.compile(  # what follows the word \boxed in a sentence
    r"(?:as|and|at|below|box|command|environment|for|form|format|here|in|is|macro|notation|or|so|style"
    r"|tag|to|with)|[中里内格形].*"
)
_LINE = re.compile(  # "**Answer:** C", "答案：C"; not the form itself, "Answer: $LETTER"
    r"^[ \t>#*_`-]{0,20}"
    r"(?:(?:(?:so|thus|therefore|hence|the|my|final|correct),?[ \t]{1,3}){0,4}answer"
    r"|(?:(?:因此|所以|故|综上|本题|最终|最后|正确)[，,、 ]{0,2}){0,4}答案)[ \t*_`]{0,9}[:：]"
    r"[ \t*_`]{0,9}(?!\$?(?-i:LETTER))(\S[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s{0,9}(\{)|\s{1,9}([^\s{}$\\]+))")


def _require(name: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    for value in values or ("",):
        if value not in known:
            raise UsageError(
                f"verifiers.{name}: there is no {value!r}; there are {', '.join(known)}"
            )


LENIENT, STRICT = POLICIES = ("lenient", "strict")


@dataclass(frozen=True)
class Policy:
    """How a final answer is read; the module's docstring says what each value means."""

    forms: tuple[str, ...] = FORMS
    several: str = "wrong"
    thought: str = "optional"
    strict: bool = False

    def __post_init__(self) -> None:
        _require("forms", self.forms, FORMS)
        _require("several", (self.several,), SEVERAL)
        _require("thought", (self.thought,), THOUGHT)


def policy_of(config: Verifiers) -> Policy:
    """How a stage's `verifiers` has final answers read, and whether they must be worked for."""
    if config.policy not in POLICIES:
        raise UsageError(
            f"verifiers.policy: there is no {config.policy!r}; there are {', '.join(POLICIES)}"
        )
    return Policy(tuple(config.forms), config.several, config.thought, config.policy == STRICT)


@dataclass(frozen=True)
class Parsed:
    """A completion taken apart.

    answer: the final answer, or None; `reason` then says why. answers: its spellings, which only a
    verifier knows to be one answer where there are several; `answer` is then None. lines: what is
    said on lines "Answer: …" where there is neither tag nor box. response: all that is not thought,
    or None where the thought's or the answer's tags are not in order. closed: False only when a
    thought was opened and not closed, as in a truncated completion.
    """

    reasoning: str
    answer: str | None
    response: str | None
    closed: bool
    reason: str
    answers: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


class _Malformed(Exception):
    """The text breaks the policy; the message is the reason."""


DEFAULT = Policy()


def parse(completion: str, policy: Policy = DEFAULT) -> Parsed:
    """Split a completion into its thought, its response and its final answer, by the policy."""
    completion = cut_marks(completion)
    opened, ended = completion.count(THINK), completion.count(END_THINK)
    if opened == 0 and ended == 0:
        if policy.thought == "required":
            return Parsed(completion.strip(), None, None, False, UNCLOSED)
        return _read("", completion, policy)
    before, _, rest = completion.partition(THINK) if opened else ("", "", completion)
    if END_THINK not in rest:
        return Parsed(rest.strip(), None, None, False, UNCLOSED)
    reasoning, _, region = rest.partition(END_THINK)
    if opened > 1 or ended > 1 or END_THINK in before:
        return Parsed(reasoning.strip(), None, None, THINK not in region, THINK_TAGS)
    return _read(reasoning.strip(), region, policy)


def _read(reasoning: str, region: str, policy: Policy) -> Parsed:
    response = None
    try:
        before, inside, after = _split_at_tag(region)
        response = (region if inside is None else inside).strip()
        answers = _answers(before, inside, after, policy)
    except _Malformed as problem:
        bare = str(problem) == NO_ANSWER and LINE in policy.forms
        lines = _lines(region, policy) if bare else ()
        return Parsed(reasoning, None, response, True, str(problem), lines=lines)
    if len(answers) > 1:
        return Parsed(reasoning, None, response, True, DIFFERENT, answers)
    return Parsed(reasoning, answers[0], response, True, FOUND, answers)


def _split_at_tag(region: str) -> tuple[str, str | None, str]:
    """The text before, inside and after the one answer tag; without a tag all is before."""
    opened, ended = region.count(ANSWER), region.count(END_ANSWER)
    if opened == 0 and ended == 0:
        return region, None, ""
    before, _, rest = region.partition(ANSWER)
    inside, _, after = rest.partition(END_ANSWER)
    if opened != 1 or ended != 1 or END_ANSWER in before:
        raise _Malformed(ANSWER_TAGS)
    return before, inside, after


def _answers(before: str, inside: str | None, after: str, policy: Policy) -> tuple[str, ...]:
    box, tag = BOX in policy.forms, TAG in policy.forms
    if inside is None or not tag:
        return _spellings(_boxes(before + (inside or "") + after) if box else [], policy)
    tagged = (_boxes(inside) if box else []) or [inside.strip()]
    beside = (_boxes(before), _boxes(after)) if box else ([], [])
    shown = ([answer for answer in boxes if answer] for boxes in beside)
    return _spellings([*next(shown), *tagged, *next(shown)], policy)


def _spellings(answers: list[str], policy: Policy) -> tuple[str, ...]:
    """Each answer once, by its letters, or the last one if the policy asks for that."""
    if not answers:
        raise _Malformed(NO_ANSWER)
    if policy.several == "last":
        answers = answers[-1:]
    found = tuple({"".join(answer.split()): answer for answer in answers}.values())
    if len(found) > SPELLINGS or (len(found) > 1 and "" in found):
        raise _Malformed(DIFFERENT)
    if found == ("",):
        raise _Malformed(EMPTY)
    return found


def _lines(text: str, policy: Policy) -> tuple[str, ...]:
    """What is said on the lines "Answer: …", each once; nothing where they are stuffed."""
    with contextlib.suppress(_Malformed):
        return _spellings([found[1].rstrip(" \t\r*_`") for found in _LINE.finditer(text)], policy)
    return ()


def _boxes(text: str) -> list[str]:
    """The contents of all boxes that show something, in order; of others one, as ""."""
    contents = _contents(_without_phantoms(text))
    if contents.count("") > SPELLINGS:
        raise _Malformed(DIFFERENT)
    return [content for content in contents if content] or contents[:1]


def _without_phantoms(text: str) -> str:
    """Text without what takes up room and is not seen: a\\phantom{b}c is ac."""
    parts, end = [], 0
    match = _PHANTOM.search(text)
    while match:
        parts.append(text[end : match.start()])
        end = _closing_brace(text, match.end()) + 1
        match = _PHANTOM.search(text, end)
    return "".join([*parts, text[end:]])


def _contents(text: str) -> list[str]:
    found = []
    match = _BOX.search(text)
    while match:
        if match[1]:
            end = _closing_brace(text, match.end())
            content = text[match.end() : end]
            if _BOX.search(content):
                raise _Malformed(UNBALANCED)
        else:
            content, end = match[2].rstrip(".,;。，；"), match.end()
            content = "" if _SPOKEN.fullmatch(content) else content
        found.append("" if _BLANK.fullmatch(content) else content.strip())
        match = _BOX.search(text, end)
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

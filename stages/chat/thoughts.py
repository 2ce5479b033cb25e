"""Thoughts in other people's tags, taken apart for the recipe's `<think>…</think>` and summary.

    style             a completion of that style begins                its answer, if marked
    think             <think>…</think>           R1, Qwen3              <answer>…</answer>
    thought           <Thought>…</Thought>       Marco-o1               <Output>…</Output>
    reasoning         <reasoning>…</reasoning>   GRPO notebooks         <answer>…</answer>
    begin_of_thought  <|begin_of_thought|>…      Sky-T1, OpenThoughts   <|begin_of_solution|>…
    channel           <|channel|>analysis<|message|>…   gpt-oss         <|channel|>final<|message|>…
    im_start          <|im_start|>think…         s1K                    <|im_start|>answer…
    brackets          [THINK]…[/THINK]           Magistral
    headings          ## Thinking…               HuatuoGPT-o1           ## Final Response…
    column            the thought stands in a column or message field of its own
    none              no thought at all

The thought must come first and be closed, once. What follows is the answer, out of its tags if it
has any; an answer whose closing tag was cut with the end token runs to the end of the text. Letters
of tags may be of either case. What cannot be read so raises `NotNormal`: a guess would teach it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stages.chat import template_tokens

UNCLOSED = "unclosed_thought"
REPEATED = "repeated_tags"
BEFORE = "text_before_thought"
OUTSIDE = "text_outside_answer"
INSIDE = "tags_inside"
EMPTY = "empty_answer"
DAMAGED = "damaged_text"
ESCAPED = "escaped_tags"
FOREIGN = "foreign_tokens"

COLUMN, NONE = "column", "none"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # what decoders put in place of bytes they cannot read


class NotNormal(ValueError):
    """The completion cannot be brought into the recipe's form; the message is the reason."""


@dataclass(frozen=True)
class Trace:
    """A completion taken apart. style: how its thought was marked."""

    reasoning: str
    answer: str
    style: str


@dataclass(frozen=True)
class _Style:
    """The tags of one style; `lone`: the closing tag alone ends a thought the prompt opened."""

    name: str
    opening: re.Pattern[str]
    closing: re.Pattern[str]
    answer: re.Pattern[str]
    end: re.Pattern[str]
    lone: bool = False


def _style(name: str, *tags: str, lone: bool = False) -> _Style:
    opening, closing, answer, end = (re.compile(tag, re.IGNORECASE | re.MULTILINE) for tag in tags)
    return _Style(name, opening, closing, answer, end, lone)


def _tag(names: str) -> tuple[str, str]:
    """An opening and a closing tag of one of these names; blanks may stand in it."""
    return rf"<\s*(?:{names})\s*>", rf"<\s*/\s*(?:{names})\s*>"


_ANSWER, _END = _tag("answer|output|response|solution")
_STYLES = (
    _style("think", *_tag("think(?:ing)?"), _ANSWER, _END, lone=True),
    _style("thought", *_tag("thoughts?"), _ANSWER, _END),
    _style("reasoning", *_tag("reasoning"), _ANSWER, _END),
    _style(
        "begin_of_thought",
        r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>",
        r"<\|begin_of_solution\|>", r"<\|end_of_solution\|>",
    ),
    _style(
        "channel",
        r"(?:<\|start\|>assistant)?<\|channel\|>analysis<\|message\|>",
        r"<\|end\|>(?=<\|start\|>assistant<\|channel\|>final)",
        r"<\|start\|>assistant<\|channel\|>final<\|message\|>", r"<\|(?:return|end)\|>",
    ),
    _style(
        "im_start",
        r"<\|im_start\|>think$", r"(?=<\|im_start\|>answer$)",
        r"<\|im_start\|>answer$", r"<\|im_end\|>",
    ),
    _style("brackets", r"\[THINK\]", r"\[/THINK\]", _ANSWER, _END),
    _style(
        "headings",
        r"^## Thinking$", r"(?=^## Final Response$)", r"^## Final Response$", r"\Z",
    ),
)  # fmt: skip
_PLAIN = _style(NONE, r"(?!)", r"(?!)", *_tag("answer"))
#: The recipe's own tags, however they are written.
_OWN = re.compile("|".join(_tag("think|answer")), re.IGNORECASE)
_ESCAPED = re.compile(
    r"(?:&lt;|&#60;|&#x3c;|\\u003c|＜)\s*/?\s*(?:think(?:ing)?|answer|reasoning)\s*"
    r"(?:&gt;|&#62;|&#x3e;|\\u003e|＞)",
    re.IGNORECASE,
)


def read_trace(text: str, thought: str | None = None) -> Trace:
    """The thought and the answer of a completion; `thought`: what a column of its own holds."""
    if REPLACEMENT in text or REPLACEMENT in (thought or ""):
        raise NotNormal(DAMAGED)
    if _ESCAPED.search(text) or _ESCAPED.search(thought or ""):
        raise NotNormal(ESCAPED)
    text = template_tokens.without_ends(text)
    style = _style_of(text)
    if style is not None:
        if (thought or "").strip():
            raise NotNormal(REPEATED)  # thoughts of two places
        return _checked(*_split(text, style), style.name)
    return _checked(thought or "", _answer(text, _PLAIN), NONE if thought is None else COLUMN)


def asks_for_tags(text: str) -> bool:
    """Does a text, such as a system prompt, speak of a style's own tags?"""
    return any(s.opening.search(text) or s.closing.search(text) for s in _STYLES)


def _style_of(text: str) -> _Style | None:
    """The style whose opening comes first; else one whose closing tag stands alone."""
    opened = [(found.start(), s) for s in _STYLES if (found := s.opening.search(text))]
    if opened:
        return min(opened, key=lambda found: found[0])[1]
    return next((s for s in _STYLES if s.lone and s.closing.search(text)), None)


def _split(text: str, style: _Style) -> tuple[str, str]:
    openings, closings = (list(tag.finditer(text)) for tag in (style.opening, style.closing))
    start = openings[0].end() if openings else 0
    closings = [found for found in closings if found.start() >= start]
    if not closings:
        raise NotNormal(UNCLOSED)
    if openings and text[: openings[0].start()].strip():
        raise NotNormal(BEFORE)
    if len(openings) > 1 or len(closings) > 1:
        raise NotNormal(REPEATED)
    reasoning = text[start : closings[0].start()]
    return reasoning.strip(), _answer(text[closings[0].end() :], style)


def _answer(region: str, style: _Style) -> str:
    """What is said after the thought, out of the answer's tags."""
    region = region.strip()
    marked = style.answer.match(region)
    if not marked:
        return region
    ends = list(style.end.finditer(region, marked.end()))
    if ends and region[ends[-1].end() :].strip():
        raise NotNormal(OUTSIDE)
    return region[marked.end() : ends[-1].start() if ends else None].strip()


def _checked(reasoning: str, answer: str, style: str) -> Trace:
    reasoning, answer = (
        template_tokens.without_ends(reasoning),
        template_tokens.without_ends(answer),
    )
    if not answer:
        raise NotNormal(EMPTY)
    if _OWN.search(reasoning) or _OWN.search(answer):
        raise NotNormal(INSIDE)
    if template_tokens.found(reasoning) or template_tokens.found(answer):
        raise NotNormal(FOREIGN)
    return Trace(reasoning, answer, style)

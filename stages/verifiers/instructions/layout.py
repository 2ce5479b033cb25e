"""IFEval `detectable_content:*`, `detectable_format:*` and `combination:*`: the form of a text.

number_placeholders          at least so many [square brackets] or ［fullwidth ones］ with a word in
postscript                   the marker, as it is asked (P.S., P.P.S, 附言…), and a word after it
number_bullet_lists          exactly so many Markdown bullets: a line's `* ` or `- ` and a text
constrained_response         one of the three phrases is in it, and no other one
number_highlighted_sections  at least so many spans in Markdown's *…*, **…** or ***…***
multiple_sections            at least so many different numbers after the word that opens a
                             section: "SECTION 2"; in Chinese "第二章" too, for the word 章
json_format                  all of it is a JSON object or list, in a code fence or not
title                        <<a title>> anywhere, or 《a title》 on a line of its own
two_responses                two texts divided by `******` that differ in more than punctuation
repeat_prompt                begins with prompt_to_repeat (letter case apart); something follows
"""

from __future__ import annotations

import json
import re
from string import ascii_letters
from typing import NoReturn

from stages.verifiers.instructions.constraint import Constraint, Kind
from stages.verifiers.instructions.sentences import SPACED

ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_SPLIT_RESPONSES = "******"

_BRACKETS = re.compile(r"\[([^\[\]\n]*)\]|［([^［］\n]*)］")
_TITLES = re.compile(r"<<([^<>\n]+)>>")
_CHINESE_TITLE = re.compile(r"^[ \t#*]*《([^《》\n]+)》[ \t*]*$", re.MULTILINE)
_BULLET = re.compile(r"[*-][ \t]+(?![*\-_ \t]*$)")
_HIGHLIGHT = re.compile(r"(\*{1,3})(?![\s*])([^*\n]+)(?<!\s)\1(?!\*)")
_FENCE = "```"
_DIGITS = "[0-9０-９]+"
_NUMERAL = f"{_DIGITS}|[一二三四五六七八九十百]+"
_POSTSCRIPTS = {
    "P.P.S": re.compile(r"(?<![a-z])p\.\s?p\.\s?s(?![a-z])(.*)", re.DOTALL),
    "P.S.": re.compile(r"(?<![a-z.])p\.\s?s\.(.*)", re.DOTALL),
}


def _has_word(text: str) -> bool:
    return re.search(r"[^\W_]", text) is not None


def _number_placeholders(text: str, constraint: Constraint) -> bool:
    found = (match.group(1) or match.group(2) or "" for match in _BRACKETS.finditer(text))
    return bool(sum(map(_has_word, found)) >= constraint["num_placeholders"])


def _postscript(text: str, constraint: Constraint) -> bool:
    marker = constraint["postscript_marker"].strip()
    pattern = _POSTSCRIPTS.get(marker) or re.compile(
        rf"(?<![^\W\d_]){re.escape(marker.lower())}(.*)", re.DOTALL
    )
    found = pattern.search(text.lower())
    return found is not None and _has_word(found.group(1))


def _number_bullet_lists(text: str, constraint: Constraint) -> bool:
    bullets = sum(1 for line in text.split("\n") if _BULLET.match(line.strip()))
    return bool(bullets == constraint["num_bullets"])


def _constrained_response(text: str, constraint: Constraint) -> bool:
    return sum(phrase in text for phrase in ANSWERS) == 1


def _number_highlighted_sections(text: str, constraint: Constraint) -> bool:
    spans = (match.group(2) for match in _HIGHLIGHT.finditer(text))
    return bool(sum(map(_has_word, spans)) >= constraint["num_highlights"])


def _multiple_sections(text: str, constraint: Constraint) -> bool:
    word = re.escape(constraint["section_spliter"].strip())
    heads = re.finditer(rf"(?<!{SPACED}){word}\s?({_DIGITS})|第({_NUMERAL}){word}", text)
    numbers = {head.group(1) or head.group(2) for head in heads}
    return bool(len(numbers) >= constraint["num_sections"])


def _json_format(text: str, constraint: Constraint) -> bool:
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        text = text.removeprefix(_FENCE).removesuffix(_FENCE).lstrip(ascii_letters)
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | list)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _title(text: str, constraint: Constraint) -> bool:
    titles = [*_TITLES.findall(text), *_CHINESE_TITLE.findall(text)]
    return any(map(_has_word, titles))


def _two_responses(text: str, constraint: Constraint) -> bool:
    pieces = text.split(_SPLIT_RESPONSES)
    if not all(piece.strip() for piece in pieces[1:-1]):
        return False
    bare = [re.sub(r"[\W_]+", "", piece).casefold() for piece in pieces if piece.strip()]
    return len(bare) == 2 and all(bare) and bare[0] != bare[1]


def _repeat_prompt(text: str, constraint: Constraint) -> bool:
    prompt = constraint["prompt_to_repeat"].strip().lower()
    lower = text.lower()
    return lower.startswith(prompt) and _has_word(lower[len(prompt) :])


KINDS = {
    "detectable_content:number_placeholders": Kind(
        _number_placeholders, {"num_placeholders": "number"}
    ),
    "detectable_content:postscript": Kind(_postscript, {"postscript_marker": "text"}),
    "detectable_format:number_bullet_lists": Kind(_number_bullet_lists, {"num_bullets": "number"}),
    "detectable_format:constrained_response": Kind(_constrained_response, fixed=True),
    "detectable_format:number_highlighted_sections": Kind(
        _number_highlighted_sections, {"num_highlights": "number"}
    ),
    "detectable_format:multiple_sections": Kind(
        _multiple_sections, {"section_spliter": "text", "num_sections": "number"}
    ),
    "detectable_format:json_format": Kind(_json_format),
    "detectable_format:title": Kind(_title),
    "combination:two_responses": Kind(_two_responses),
    "combination:repeat_prompt": Kind(_repeat_prompt, {"prompt_to_repeat": "text"}),
}

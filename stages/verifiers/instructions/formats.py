"""IFBench `format:*` and the new `detectable_format:*`, `paragraphs:*`, `punctuation:*`: layout.

list               sep begins a word at least twice
options            is one of them, letter case, quotes and a final stop apart; they are written as
                   "yes/no/maybe", "I know or I don't know" or "a), b), c), d)"
newline            each line has one word
emoji              one ends each sentence, before or after its mark
line_indent        each line is indented more than the one before; two or more
parentheses        brackets ( [ { closed in order, five deep or more
quotes             three deep or more, double and single in turn; ’ in a word is none
quote_unquote      after every "quotation" there is a word outside quotes
thesis             HTML italics with a word in them, and a word after them
sub-bullets        a `*` bullet; each is followed by a `-` line before the next
no_bullets_bullets two sentences that end in a full stop, then two `*` bullets
title_case         each word begins with a capital, but for articles, conjunctions, prepositions
output_template    My Answer:, My Conclusion: and Future Outlook:, in order, each with a text
no_whitespace      nowhere in it
sentence_hyphens   two sentences or more with a hyphen and no space between each two
square_brackets    each word stands in its own [brackets]
bigram_wrapping    all in <<two words>> each; one word may be left at the end
paragraphs(2)      two paragraphs, between `***` (between blank lines)
punctuation_dot, punctuation_exclamation  none, nor 。 and ！
"""

from __future__ import annotations

import re
from itertools import pairwise

from stages.verifiers.instructions.constraint import Constraint, Kind
from stages.verifiers.instructions.lengths import divided
from stages.verifiers.instructions.sentences import (
    SPACED,
    count_sentences,
    paragraphs,
    pieces,
    sentences,
    words,
)
from stages.verifiers.instructions.word_lists import MINOR

_BULLET = re.compile(r"\s*\*(?!\*)")
_SEPARATORS = (re.compile("/"), re.compile(r"\bor\b"), re.compile(","))
_AROUND_OPTION = " \n\"'“”‘’*.。!！"
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u231a-\u23ff\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_EMOJI_FIRST = re.compile(f"[{_EMOJI}]")
_EMOJI_LAST = re.compile(f"[{_EMOJI}\ufe0f\u200d\u20e3]+[^\\w{_EMOJI}]*\\Z")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_QUOTES = dict.fromkeys(map(ord, "“”「」"), '"') | dict.fromkeys(map(ord, "‘’『』"), "'")
_APOSTROPHE = re.compile(rf"(?<={SPACED})['’](?={SPACED})")
_ITALICS = re.compile(r"<(i|em)>[^<]*\w[^<]*</\1>(.*)", re.DOTALL)
_TEMPLATE = re.compile("My Answer:(.*?)My Conclusion:(.*?)Future Outlook:(.*)", re.DOTALL)
_JOINT = re.compile(r"(?<=[.!?。！？])-(?=\S)")
_BRACKETED = re.compile(r"\[([^\[\]\s]+)\]")
_WRAPPED = re.compile("<<([^<>]*)>>")
_DEPTH, _QUOTE_DEPTH = 5, 3


def _list(text: str, constraint: Constraint) -> bool:
    return len(re.findall(rf"(?<!\S){re.escape(constraint['sep'].strip())}", text)) >= 2


def _options(text: str, constraint: Constraint) -> bool:
    options = constraint["options"]
    separator = next((one for one in _SEPARATORS if one.search(options)), _SEPARATORS[-1])
    known = {_bare(option) for option in separator.split(options)}
    return bool(_bare(text)) and _bare(text) in known


def _bare(option: str) -> str:
    return option.strip(_AROUND_OPTION).casefold().replace("’", "'")


def _newline(text: str, constraint: Constraint) -> bool:
    return all(len(line.split()) <= 1 for line in text.split("\n"))


def _emoji(text: str, constraint: Constraint) -> bool:
    found = [*pieces(text), ""]
    return count_sentences(text) > 0 and all(
        _EMOJI_LAST.search(one[-99:]) or _EMOJI_FIRST.match(after)
        for one, after in pairwise(found)
        if words(one)
    )


def _line_indent(text: str, constraint: Constraint) -> bool:
    lines = [line.expandtabs(4) for line in text.split("\n") if line.strip()]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    return len(indents) > 1 and all(a < b for a, b in pairwise(indents))


def _parentheses(text: str, constraint: Constraint) -> bool:
    """Each open bracket with how many lie inside it; what does not fit closes nothing."""
    open_: list[str] = []
    deepest: list[int] = [0]
    for letter in text:
        if letter in "([{":
            open_.append(letter)
            deepest.append(0)
        elif letter in _PAIRS:
            if not open_ or open_.pop() != _PAIRS[letter]:
                open_, deepest = [], [0]
                continue
            inside = deepest.pop() + 1
            if inside >= _DEPTH:
                return True
            deepest[-1] = max(deepest[-1], inside)
    return False


def _quotes(text: str, constraint: Constraint) -> bool:
    open_: list[str] = []
    deepest = 0
    for letter in _APOSTROPHE.sub("", text).translate(_QUOTES):
        if open_ and letter == open_[-1]:
            open_.pop()
            if deepest - len(open_) >= _QUOTE_DEPTH:
                return True
            deepest = deepest if open_ else 0
        elif letter in "\"'":
            open_.append(letter)
            deepest = max(deepest, len(open_))
    return False


def _quote_unquote(text: str, constraint: Constraint) -> bool:
    outside = text.translate(_QUOTES).split('"')[::2]
    return len(outside) == 1 or all(map(words, outside[1:]))


def _thesis(text: str, constraint: Constraint) -> bool:
    found = _ITALICS.search(text)
    return found is not None and bool(words(re.sub("<[^<>]*>", "", found[2])))


def _bullets(text: str) -> list[list[str]]:
    """The lines before the first bullet; then for each bullet its lines."""
    blocks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _BULLET.match(line):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _sub_bullets(text: str, constraint: Constraint) -> bool:
    bullets = _bullets(text)[1:]
    return bool(bullets) and all(
        any(line.lstrip().startswith("-") and words(line) for line in lines) for lines in bullets
    )


def _sentences_then_bullets(text: str, constraint: Constraint) -> bool:
    before, *bullets = _bullets(text)
    stops = [
        one for one in sentences("\n".join(before)) if one.rstrip('*_"”)').endswith((".", "。"))
    ]
    return len(stops) >= 2 and sum(bool(words(lines[0])) for lines in bullets) >= 2


def _title_case(text: str, constraint: Constraint) -> bool:
    found = [word for word in words(text) if word.islower() and word[0].isalpha()]
    return bool(words(text)) and MINOR.issuperset(found) and text.lstrip('#*_ "“')[:1] != ""


def _output_template(text: str, constraint: Constraint) -> bool:
    found = _TEMPLATE.search(text)
    return found is not None and all(map(words, found.groups()))


def _sentence_hyphens(text: str, constraint: Constraint) -> bool:
    parts = _JOINT.split(text)
    return len(parts) > 1 and all(count_sentences(part) == 1 for part in parts)


def _square_brackets(text: str, constraint: Constraint) -> bool:
    inside = [words(one) for one in _BRACKETED.findall(text)]
    return bool(inside) and all(inside) and not words(_BRACKETED.sub(" ", text))


def _bigrams(text: str, constraint: Constraint) -> bool:
    *most, last = _WRAPPED.findall(text) or [""]
    left = len(words(_WRAPPED.sub(" ", text)))
    return all(map(_is_pair, most)) and (_is_pair(last) or bool(most)) and left <= 1


def _is_pair(text: str) -> bool:
    return 2 in (len(words(text)), len(text.split()))


KINDS = {
    "format:list": Kind(_list, {"sep": "text"}),
    "format:options": Kind(_options, {"options": "text"}, fixed=True),
    "format:newline": Kind(_newline),
    "format:emoji": Kind(_emoji),
    "format:line_indent": Kind(_line_indent, indented=True),
    "format:parentheses": Kind(_parentheses),
    "format:quotes": Kind(_quotes),
    "format:quote_unquote": Kind(_quote_unquote),
    "format:thesis": Kind(_thesis),
    "format:sub-bullets": Kind(_sub_bullets),
    "format:no_bullets_bullets": Kind(_sentences_then_bullets),
    "format:title_case": Kind(_title_case),
    "format:output_template": Kind(_output_template),
    "format:no_whitespace": Kind(lambda text, given: not re.search(r"\s", text)),
    "detectable_format:sentence_hyphens": Kind(_sentence_hyphens),
    "detectable_format:square_brackets": Kind(_square_brackets),
    "detectable_format:bigram_wrapping": Kind(_bigrams),
    "paragraphs:paragraphs": Kind(lambda text, given: divided(text) == 2),
    "paragraphs:paragraphs2": Kind(lambda text, given: len(paragraphs(text)) == 2),
    "punctuation:punctuation_dot": Kind(lambda text, given: not re.search("[.。．]", text)),
    "punctuation:punctuation_exclamation": Kind(lambda text, given: not re.search("[!！]", text)),
}

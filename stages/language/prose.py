r"""What of a text is prose, the words that a reader reads as language, and what is not.

Not prose are code (fenced, in backticks, or indented and with a mark of code at its start or end),
LaTeX (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `\begin{align}…`, the names of environments and
commands), drawings in Asymptote, addresses, HTML tags and invisible characters. They belong to no
language.

Two things inside them are prose all the same, or a thought could be hidden there: the text of
`\text{…}`, `\mathrm{…}` and their kin, and a stretch of "code" or of "formula" that is several
words without a single sign of code or mathematics. The rest is kept apart: words there never earn
anything, and can cost (`hidden.py`).

Every pattern is linear in the length of the text, whatever it holds.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from stages.verifiers.han import HAN
from stages.verifiers.marks import cut_marks

PROSE_WORDS, PROSE_HAN = 6, 10  # so many words without a sign are no code and no formula

_CODE_TICKS = re.compile(r"`([^`\n]{1,400})`")
_FORMULA = re.compile(
    r"\$\$([^$]{1,2000})\$\$"
    r"|\$(?!\s)([^$\n]{1,400})(?<!\s)\$(?!\d)"
    r"|(?<!\\)\\\(((?:[^\\]|\\[^()])*+)\\\)"
    r"|(?<!\\)\\\[((?:[^\\]|\\[^\[\]])*+)\\\]"
    r"|\\begin\{(?:align|equation|gather|multline)\w*\*?\}((?:[^\\]|\\(?!begin|end))*+)\\end\{\w+\*?\}"
    r"|\[asy\]((?:[^\[]|\[(?!/?asy))*+)\[/asy\]"  # a drawing's program, in MATH
)
_COMMAND = re.compile(r"\\(?:begin|end)\s?\{[^{}]{0,40}\}|\\[A-Za-z]+")
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|</?[A-Za-z][^<>\n]{0,40}>")
_TEXT = re.compile(  # \text{so}, \textbf{so}, \mbox{so}, \mathrm{so}, \operatorname*{so}
    r"\\(?:text[a-z]{0,6}|[hm]box|(?:math(?:rm|bf|it|sf|tt|normal)|operatorname\*?)"
    r"(?!\s?\{[~\s\d]*[A-Za-z]{0,3}\}))\s?\{([^{}]*+)\}"  # \mathrm{kg}, \mathrm{He} are symbols
)
_SIGN = re.compile(r"[(){}\[\]=<>;:_+*/\\|#\"^&@~\d]")
_HAN = re.compile(f"[{HAN}]")
_CODE_START = re.compile(
    r"(?:def|class|return|import|from|print|for|while|if|elif|else|try|except)\b"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u2800\u3164\uffa0\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e01ef]"
)
_DISGUISED = re.compile(  # letters in another form: fullwidth, bold, circled; accents apart
    "[\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff\u24b6-\u24e9\u0300-\u036f\uff66-\uff9f]"
)
_MARKS = frozenset("`$\\<[")


class Text(NamedTuple):
    """What a text says as language, and what stands in its code, formulas, addresses and tags."""

    prose: str
    hidden: str


def prose(text: str) -> str:
    """The text with everything that is no language taken out."""
    return split(text).prose


def split(text: str) -> Text:
    """The prose of a text, and the rest."""
    text = visible(text)
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return " "

    if "\n    " in text or "\n\t" in text or text[:1] in " \t":
        text = "\n".join(_unless_code_line(line, hidden) for line in text.split("\n"))
    if not _MARKS.isdisjoint(text):
        if "```" in text:
            text = _outside_fences(text, hidden)
        text = _CODE_TICKS.sub(lambda match: f" {_read_as_prose(match[1], hidden)} ", text)
        text = _FORMULA.sub(lambda match: f" {_of_formula(match, hidden)} ", text)
        text = _NO_WORDS.sub(hide, _COMMAND.sub(" ", text))
    elif "://" in text or "www." in text:
        text = _NO_WORDS.sub(hide, text)
    return Text(text, _COMMAND.sub(" ", "\n".join(hidden)))


def visible(text: str) -> str:
    """Without invisible characters, and with letters in their plain form."""
    if text.isascii():
        return text
    text = cut_marks(_INVISIBLE.sub("", text))
    return unicodedata.normalize("NFKC", text) if _DISGUISED.search(text) else text


def shows(text: str) -> bool:
    """Is there anything to see? Signs count, blanks and invisible characters do not."""
    return any(sign.isprintable() and not sign.isspace() for sign in visible(text))


def _outside_fences(text: str, hidden: list[str]) -> str:
    """Text outside ``` fences; an open fence runs to the end."""
    parts = text.split("```")
    for number in range(1, len(parts), 2):
        lines = parts[number].split("\n")
        parts[number] = "\n".join(_read_as_prose(line, hidden) for line in lines)
    return "\n".join(parts)


def _read_as_prose(code: str, hidden: list[str]) -> str:
    """The code itself if it is several words without any sign of code; else it is hidden."""
    if not _SIGN.search(code) and (
        len(code.split()) >= PROSE_WORDS or len(_HAN.findall(code)) >= PROSE_HAN
    ):
        return code
    hidden.append(code)
    return ""


def _of_formula(match: re.Match[str], hidden: list[str]) -> str:
    inside = match[match.lastindex or 0]
    said = _TEXT.findall(inside)
    if not said:
        return _read_as_prose(inside, hidden)
    hidden.append(_TEXT.sub(" ", inside))
    return " ".join(said)


def _unless_code_line(line: str, hidden: list[str]) -> str:
    """Nothing of a line indented by four columns or a tab that begins or ends as in a program."""
    if line.startswith(("    ", "\t")):
        code = line.strip()
        starts = _CODE_START.match(code) and _SIGN.search(code)
        if starts or code.endswith((";", "{", "}", "):")):
            hidden.append(code)
            return ""
    return line

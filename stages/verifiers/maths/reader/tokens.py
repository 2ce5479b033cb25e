r"""From tidied text to tokens. Anything unknown is an error: a reader that guesses can be cheated.

A run of plain letters is a known name ("sin", "pi", "or"), a product of up to three variables
("xy"), or one name: "AB" is a segment and "apples" a word. A comma between groups of three digits
belongs to the number, but inside brackets.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stages.verifiers.han import HAN
from stages.verifiers.maths.errors import TooLarge, Unread
from stages.verifiers.maths.vocabulary import CONNECTIVES, FUNCTIONS, PLAIN

MOST = 600  # tokens
LONGEST_NUMBER = 1_000  # digits


class Token(NamedTuple):
    """kind: number, letter, word, command, connective, text, chinese, money, sign or end.

    spaced: white space stood before it. run: letters in the run that a letter was part of. start,
    end: its place in the tidied text.
    """

    kind: str
    text: str
    spaced: bool = False
    run: int = 1
    start: int = 0
    end: int = 0


_JOINED = re.compile(r"(sin|cos|tan|cot|ln|log|sqrt)(pi|theta|[a-z])")  # sinx
_ALL_JOINED = re.compile(r"[xyab]?(?:(?:sin|cos|tan|ln)(?:pi|theta|[xyzabn]))+")  # 2sinxcosx
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>"
    r"[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|\.\d{3},\d{1,2})(?![\d.,])"  # 1.234.567,8
    r"|[1-9]\d?(?:,\d\d)+,\d{3}(?![\d,])"  # 12,34,567
    r"|\d{1,3}(?: \d{3})+(?:\.\d+)?(?![\d ])"  # 12 345 678
    r"|\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<letters>[A-Za-zμΩÅ]+)|“(?P<quoted>[^”]*)”|(?P<command>\\[A-Za-z]+\*?|\\\\)"
    rf"|(?P<chinese>[{HAN}①-⑳]+)|(?P<money>[¤€£¥¢])"
    r"|(?P<sign>:=|\|\||[-+*/^_=<>(){}\[\]|,;:!%&'≤≥≠≈≡∈∉∪∩∖∞π°∅⦃⦄∨∧±∓…])"
)
#: 1.234,56 and 1.234.567
_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{1,2}|\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?")
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_COMMANDS = {
    "≤": "\\le", "≥": "\\ge", "≠": "\\ne", "≈": "\\approx", "≡": "\\equiv", "∈": "\\in",
    "∉": "\\notin", "∪": "\\cup", "∩": "\\cap", "∖": "\\setminus", "∞": "\\infty", "π": "\\pi",
    "°": "\\circ", "∅": "\\emptyset", "⦃": "\\{", "⦄": "\\}", "±": "\\pm", "∓": "\\mp",
    "…": "\\ldots",
}  # fmt: skip
_SIGNS = {":=": "=", "||": "|"}
_SINGLE = re.compile(r"[A-Za-z]+")


def tokens(text: str, grouping: bool = True) -> list[Token]:
    """The tokens of a tidied text, or Unread. grouping: commas may part thousands."""
    found: list[Token] = []
    position, depth, spaced = 0, int(text.startswith("{")), False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unread(f"{text[position]!r}")
        if match.lastgroup == "space":
            position, spaced = match.end(), True
            continue
        if match["number"] and (depth or not grouping):
            match = _PLAIN_NUMBER.match(text, position) or match
            found.append(_number(match[0], spaced, position, match.end()))
        else:
            found.extend(_read(match, spaced, bool(found) and found[-1].kind == "number"))
        depth += (match[0] in "([⦃") - (match[0] in ")]⦄") if len(match[0]) == 1 else 0
        position, spaced = match.end(), False
        if len(found) > MOST:
            raise Unread("too many tokens")
    return found


def _read(match: re.Match[str], spaced: bool, counted: bool) -> list[Token]:
    text, start, end = match[0], match.start(), match.end()
    match match.lastgroup:
        case "number":
            return [_number(text, spaced, start, end)]
        case "letters":
            return _letters(text, spaced, start)
        case "quoted":
            return _quoted(match["quoted"], spaced, counted, start, end)
        case "sign" if text in "∨∧":
            return [Token("connective", "or" if text == "∨" else "and", spaced, 1, start, end)]
        case "sign" if text in _COMMANDS:
            return [Token("command", _COMMANDS[text], spaced, 1, start, end)]
        case kind:
            return [Token(str(kind), _SIGNS.get(text, text), spaced, 1, start, end)]


def _number(text: str, spaced: bool, start: int, end: int) -> Token:
    if len(text) > LONGEST_NUMBER:
        raise TooLarge("digits")
    if _EUROPEAN.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    return Token("number", text.replace(",", "").replace(" ", ""), spaced, 1, start, end)


def _quoted(inner: str, spaced: bool, counted: bool, start: int, end: int) -> list[Token]:
    r"""The content of \text{}: a connective, a function, a letter, or words."""
    plain = inner.strip(" ,.;:~")
    if not plain:
        return []
    joining = CONNECTIVES.get(plain.lower())
    if joining:
        return [Token("connective", joining, spaced, 1, start, end)]
    if len(plain) == 1 and _SINGLE.fullmatch(plain):  # 5\mathrm{L}, 5\mathrm{e}
        return [Token("letter", plain, True, 1, start, end)]
    if counted and plain in ("min", "sec", "in", "deg"):  # a unit, after a number
        return [Token("text", plain, spaced, 1, start, end)]
    if plain in FUNCTIONS or plain in PLAIN:
        (token, *_) = _letters(plain, spaced, start)
        return [Token(token.kind, token.text, spaced, 1, start, end)]
    return [Token("text", plain, spaced, 1, start, end)]


def _letters(run: str, spaced: bool, start: int) -> list[Token]:
    end = start + len(run)
    name = run if run in PLAIN or run in CONNECTIVES else run.lower() if len(run) > 3 else run
    if name in CONNECTIVES:
        return [Token("connective", CONNECTIVES[name], spaced, 1, start, end)]
    if name in PLAIN:
        return [Token("command", PLAIN[name], spaced, 1, start, end)]
    if run in FUNCTIONS:
        return [Token("command", f"\\{FUNCTIONS[run]}", spaced, 1, start, end)]
    parts: list[str] = []
    if joined := _JOINED.fullmatch(run):
        parts = [joined[1], joined[2]]
    elif _ALL_JOINED.fullmatch(run):
        parts = re.findall(r"sin|cos|tan|ln|pi|theta|[a-z]", run)
    if parts:
        found: list[Token] = []
        for part in parts:
            found += _letters(
                part, spaced and not found, start + sum(map(len, parts[: len(found)]))
            )
        return found
    if "pi" in run and len(run) < 4:
        raise Unread(f"{run}: a name among letters")
    if len(run) > 3 or (len(run) > 1 and run.isupper()):
        return [Token("word", run, spaced, 1, start, end)]
    return [
        Token("letter", letter, spaced and not place, len(run), start + place, start + place + 1)
        for place, letter in enumerate(run)
    ]

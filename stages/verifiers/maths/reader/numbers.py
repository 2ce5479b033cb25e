"""Numbers: plain, mixed and of another base."""

from __future__ import annotations

import re
from fractions import Fraction

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, number
from stages.verifiers.maths.reader.arguments import Arguments
from stages.verifiers.maths.reader.english import read_numeral
from stages.verifiers.maths.reader.tokens import Token

_BASED = re.compile(  # FF_{16}, (1011)_2, 2a_{16}, 101_“two”
    r"\(?\s*(“?\s*[0-9A-F]{1,80}(?:\.[0-9A-F]{1,80})?\s*”?|\d[0-9a-z]{1,80}|[a-f]{2,80})\s*\)?\s*_\s*\{?\s*[“(]?\s*"
    r"(\d{1,2}|[a-z]+)\s*[)”]?\s*\}?"
)


def read_based(text: str) -> Node | None:
    """The number in a named base that a whole text is, or None; A_{12} is a name."""
    if text.startswith("-"):
        positive = read_based(text[1:].lstrip())
        return positive and Node("numeral", value=(f"-{positive.value[0]}", positive.value[1]))
    found = _BASED.fullmatch(text)
    if not found:
        return None
    base = int(found[2]) if found[2].isdigit() else int(read_numeral(found[2]) or 0)
    digits = found[1].strip("“” ").upper()
    if (len(digits) == 1 or found[1].islower()) and digits.isalpha() and base != 16:
        return None
    if not 2 <= base <= 36 or any(int(digit, 36) >= base for digit in digits.replace(".", "")):
        return None
    return Node("numeral", value=(digits.lstrip("0") or "0", base))


class Numbers(Arguments):
    """Reads what begins with a digit."""

    def numeral(self, token: Token) -> Node:
        """A number, a mixed number or a numeral of another base."""
        value = number(plain_number(token.text))
        fraction = self.mixed() if "." not in token.text else None
        if fraction is not None:
            return number(value.value + fraction)
        if self.peek().kind == "number":
            raise Unread("two numbers side by side")
        return value

    def mixed(self) -> Fraction | None:
        r"""The proper fraction of a mixed number: the rest of "1\frac{4}{5}" or "1 4/5"."""
        start = self.position
        if self.peek().kind == "number" and self.peek().spaced and self.peek(1).text == "/":
            top, bottom = self.peek(), self.peek(2)
            if bottom.kind == "number":
                self.position += 3
                return _proper(top.text, bottom.text)
        if self.peek().text != "\\frac":
            return None
        self.take()
        held = list(self.tokens)
        top_node, bottom_node = self.argument(), self.argument()
        if top_node.kind == bottom_node.kind == "number":
            return _proper(str(top_node.value), str(bottom_node.value))
        self.position, self.tokens = start, held
        return None


def plain_number(text: str) -> int | Fraction:
    """12 or 12.5."""
    return int(text) if text.isdecimal() else Fraction(text)


def _proper(top: str, bottom: str) -> Fraction:
    if not (top.isdigit() and bottom.isdigit() and 0 < int(top) < int(bottom)):
        raise Unread("not a mixed number")
    return Fraction(int(top), int(bottom))

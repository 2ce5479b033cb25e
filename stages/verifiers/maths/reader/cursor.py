"""A place in the tokens, with the few moves that the grammar is written in."""

from __future__ import annotations

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.reader.tokens import Token, tokens

DEEPEST = 40  # levels of nesting
_MARKS = ("sign", "command", "connective")
_END = Token("end", "")


class Cursor:
    """Tokens and a position; `bars` is True while a bar would close an absolute value.

    source: the tidied text that the tokens were read from. grouping: as for `tokens`.
    """

    def __init__(self, source: str, grouping: bool = True) -> None:
        self.source = source
        self.grouping = grouping
        self.tokens = tokens(source, grouping)
        self.position = 0
        self.bars = False
        self.grouped = False  # between braces that only group, where no words stand
        self.depth = 0

    def peek(self, ahead: int = 0) -> Token:
        """A coming token."""
        place = self.position + ahead
        return self.tokens[place] if place < len(self.tokens) else _END

    def take(self) -> Token:
        """The next token, gone past."""
        token = self.peek()
        if token is _END:
            raise Unread("ends too early")
        self.position += 1
        return token

    def accept(self, *texts: str) -> str | None:
        """The next token's text if it is one of these signs, commands or connectives."""
        place = self.position
        if place < len(self.tokens):
            token = self.tokens[place]
            if token.text in texts and token.kind in _MARKS:
                self.position = place + 1
                return token.text
        return None

    def expect(self, *texts: str) -> str:
        """As accept, but it has to be there."""
        found = self.accept(*texts)
        if found is None:
            raise Unread(f"{self.peek().text!r} for {' or '.join(texts)}")
        return found

    def inside(self, bars: bool = False) -> _Inside:
        """Between brackets of any kind."""
        return _Inside(self, bars)


class _Inside:
    """One level deeper; a class, since a generator costs four times as much."""

    __slots__ = ("bars", "cursor", "outer")

    def __init__(self, cursor: Cursor, bars: bool) -> None:
        self.cursor, self.bars, self.outer = cursor, bars, cursor.bars

    def __enter__(self) -> None:
        self.cursor.bars = self.bars
        self.cursor.depth += 1
        if self.cursor.depth > DEEPEST:
            raise Unread("nested too deeply")

    def __exit__(self, *_: object) -> None:
        self.cursor.depth -= 1
        self.cursor.bars = self.outer

"""What every reader of a part of the grammar needs, and the parts that others read for it."""

from __future__ import annotations

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, number
from stages.verifiers.maths.reader.cursor import Cursor
from stages.verifiers.maths.reader.tokens import Token

_RELATED = ("\\in", "=", "<", ">", "\\ne", "\\le", "\\ge")


class Arguments(Cursor):
    """Scripts and arguments; sums, brackets and powers are read by the classes built on it."""

    def is_condition(self) -> bool:
        """Whether the bracket that opens here holds a relation, as in "(k \\in Z)"."""
        depth = 0
        for token in self.tokens[self.position :]:
            if token.text in ("(", "[", "\\{", "{"):
                depth += 1
            elif token.text in (")", "]", "\\}", "}"):
                depth -= 1
                if depth == 0:
                    return False
            elif depth == 1 and token.text in _RELATED:
                return True
        return False

    def has_comma(self) -> bool:
        """Whether the bracket that opens here holds a comma of its own."""
        depth = 0
        for token in self.tokens[self.position :]:
            depth += token.text in ("(", "[", "\\{", "{")
            depth -= token.text in (")", "]", "\\}", "}")
            if depth == 0:
                return False
            if depth == 1 and token.text == ",":
                return True
        return False

    def script_tokens(self) -> list[Token]:
        """The bare tokens of a script."""
        if not self.accept("{"):
            return [self.take()]
        found = []
        while not self.accept("}"):
            found.append(self.take())
        return found

    def argument(self) -> Node:
        r"""What \frac and \sqrt take: a group, or one digit, letter or command."""
        token = self.peek()
        if token.kind != "number":
            return self.atom()
        if "." in token.text:
            raise Unread("a decimal without braces")
        if len(token.text) > 1:
            self.tokens[self.position] = token._replace(text=token.text[1:])
        else:
            self.take()
        return number(int(token.text[0]))

    def arguments(self) -> tuple[Node, ...]:
        """The arguments in brackets after a function."""
        opening = self.take().text
        with self.inside():
            inner = self.bracket(opening)
        return inner.args if inner.kind == "tuple" else (inner,)

    def bars_around(self, closing: str, name: str) -> Node:
        """|x|."""
        with self.inside(bars=True):
            inner = self.sum()
            self.expect(closing)
        return Node("call", (inner,), name)

    # Read in atoms.py and grammar.py.
    def sum(self) -> Node:
        raise NotImplementedError

    def group(self) -> Node:
        raise NotImplementedError

    def bracket(self, opening: str) -> Node:
        raise NotImplementedError

    def braces(self) -> Node:
        raise NotImplementedError

    def angle(self) -> Node:
        raise NotImplementedError

    def environment(self) -> Node:
        raise NotImplementedError

    def power(self) -> Node:
        raise NotImplementedError

    def script(self) -> Node:
        raise NotImplementedError

    def atom(self) -> Node:
        raise NotImplementedError

    def starts_atom(self) -> bool:
        raise NotImplementedError

r"""Names: variables with subscripts and primes, constants, f(x), C_5^2, \vec{a}, \triangle ABC."""

from __future__ import annotations

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, number, symbol
from stages.verifiers.maths.reader.numbers import Numbers
from stages.verifiers.maths.reader.tokens import Token

PI, E, IMAGINARY, INFINITY = (Node("constant", value=name) for name in ("pi", "e", "i", "inf"))
_SPACES = frozenset("RZNQC")
_UNKNOWN_FUNCTIONS = frozenset("fghFGHPQW")


class Names(Numbers):
    """Reads what begins with a letter or stands for one."""

    def letter(self, letter: str) -> Node:
        """A variable, e, i, or a function that is written f(x)."""
        if letter in _UNKNOWN_FUNCTIONS and self.accept_inverse():
            return Node("apply", self.arguments(), f"{letter}^{{-1}}")
        following = self.peek()
        if letter in "CA" and following.text == "_":
            chosen = self.chosen(letter)
            if chosen is not None:
                return chosen
        if following.text == "(" and not following.spaced and not self.is_condition():
            comma = self.has_comma()
            at_number = self.peek(1).kind == "number" and self.peek(2).text == ")"
            if letter in _UNKNOWN_FUNCTIONS or at_number or (comma and letter.isupper()):
                arguments = self.arguments()
                return Node("apply", arguments, letter)
        if letter == "e" and following.text != "_":
            return E
        if letter == "i" and following.text != "_":
            return IMAGINARY
        return self.subscripted(letter)

    def accept_inverse(self) -> bool:
        """The -1 of f^{-1}(x)."""
        texts = [token.text for token in self.tokens[self.position : self.position + 6]]
        if texts != ["^", "{", "-", "1", "}", "("]:
            return False
        self.position += 5
        return True

    def chosen(self, letter: str) -> Node | None:
        """C_5^2, C_n^2 and A_5^2: combinations and permutations."""
        start = self.position
        self.take()
        below = self.script_tokens()
        if self.accept("^"):
            above = self.script_tokens()
            parts = [_choice(tokens) for tokens in (below, above)]
            if parts[0] is not None and parts[1] is not None:
                name = "binomial" if letter == "C" else "permutations"
                return Node("call", (parts[0], parts[1]), name)
        self.position = start
        return None

    def named(self, word: str) -> Node:
        """A name of several letters, as a segment AB; a word in small letters is prose."""
        if not word.isalpha() or word.islower():
            raise Unread(word)
        return self.subscripted("".join(sorted(word)) if len(word) == 2 else word)

    def subscripted(self, name: str) -> Node:
        """A variable with its subscript and primes as parts of its name."""
        if self.accept("_"):
            inner = "".join(token.text for token in self.script_tokens())
            name = f"{name}_{{{inner}}}"
        while self.accept("'"):
            name += "'"
        return symbol(name)

    def accented(self, accent: str) -> Node:
        r"""\vec{a}, \overline{AB}: a name; \overline of anything else is the conjugate."""
        if self.peek().text != "{":
            return symbol(f"{accent}{{{self.take().text}}}")
        inner = self.tokens[self.position + 1 :]
        names = []
        for token in inner:
            if token.kind not in ("letter", "word"):
                break
            names.append(token.text)
        if names and inner[len(names) : len(names) + 1] and inner[len(names)].text == "}":
            self.position += len(names) + 2
            return symbol(f"{accent}{{{''.join(names)}}}")
        if accent != "\\overline":
            raise Unread(accent)
        content = self.atom()
        if content.kind == "number":
            raise Unread("a numeral of digits")
        return Node("call", (content,), "conjugate")

    def figure(self) -> list[Token]:
        """The letters that name an angle or a triangle."""
        found = []
        while self.peek().kind in ("letter", "word"):
            found.append(self.take())
        if not found:
            raise Unread("figure")
        return found

    def space(self) -> Node:
        r"""\mathbb{R}: a set of numbers."""
        (token, *more) = self.script_tokens()
        if more or token.text not in _SPACES:
            raise Unread("\\mathbb")
        return Node("space", value=token.text)


def _choice(tokens: list[Token]) -> Node | None:
    """A number or one of the letters of a choice out of n."""
    if len(tokens) != 1:
        return None
    if tokens[0].kind == "number" and tokens[0].text.isdigit():
        return number(int(tokens[0].text))
    return symbol(tokens[0].text) if tokens[0].text in ("n", "m", "k", "r") else None

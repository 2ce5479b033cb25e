r"""Atoms and products: all that binds tighter than a plus sign.

Not read, on purpose: \int, \sum, \prod, \lim, determinants and derivatives. They restate a
question more often than they answer one.
"""

from __future__ import annotations

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, negative, number, symbol
from stages.verifiers.maths.reader.functions import Functions
from stages.verifiers.maths.reader.names import INFINITY, PI
from stages.verifiers.maths.reader.numbers import plain_number
from stages.verifiers.maths.reader.tokens import Token
from stages.verifiers.maths.vocabulary import FUNCTIONS, GREEK, VARIANTS

DEGREE = Node("div", (PI, number(180)))

_ACCENTS = ("\\vec", "\\hat", "\\bar", "\\tilde", "\\overrightarrow", "\\widehat", "\\overline")
_FIGURES = ("\\angle", "\\triangle", "\\odot", "\\measuredangle")
_OPENING = ("(", "[", "{", "\\{", "\\langle", "\\lfloor", "\\lceil", "\\begin")
_OTHER = frozenset({
    "\\sqrt", "\\cbrt", "\\pi", "\\infty", "\\mathbb", "\\emptyset", "\\frac", "\\binom",
    *_ACCENTS, *_FIGURES, *_OPENING,
})  # fmt: skip


def transposed(node: Node) -> Node:
    """A matrix with rows for columns; a vector stays one."""
    if node.kind == "tuple":
        return node
    cells = zip(*(row.args for row in node.args), strict=True)
    return Node("matrix", tuple(Node("row", column) for column in cells))


class Atoms(Functions):
    """Reads a product from its factors."""

    def product(self) -> Node:
        """Factors side by side or with signs between them, from left to right."""
        left = self.signed()
        while True:
            if self.accept("*"):
                left = Node("mul", (left, self.signed()))
            elif self.accept("/"):
                self.refuse_several()
                left = Node("div", (left, self.signed()))
            elif self.accept("\\bmod"):
                left = Node("call", (left, self.signed()), "mod")
            elif self.starts_atom():
                self.refuse_words()
                left = Node("mul", (left, self.power()))
            else:
                return left

    def refuse_words(self) -> None:
        """Two words side by side are a sentence: "cat sat" is no product of letters."""
        before, token = self.tokens[self.position - 1], self.peek()
        words = before.kind == token.kind == "word"
        if words or (token.spaced and token.run > 1 and before.run > 1):
            raise Unread("words")

    def refuse_several(self) -> None:
        """1/ab: is b divided by too?"""
        if self.peek().kind == "letter" and self.peek().run > 1:
            raise Unread("several letters after a slash")

    def signed(self) -> Node:
        """A power, possibly with a sign of its own."""
        sign = self.accept("-", "+", "\\pm", "\\mp")
        if sign is None:
            return self.power()
        inner = self.power()
        if sign == "+":
            return inner
        if sign == "-":
            return negative(inner)
        return Node("pm", (inner,), "+-" if sign == "\\pm" else "-+")

    def is_power_after(self, before: Token) -> bool:
        """(n-1)2^n and n2^{n-1} are products; (n-1)2, x2 and x2^3 are not read."""
        if self.peek(1).text != "^" or before.kind == "number":
            return False
        return before.text == ")" or self.peek(2).kind != "number"

    def starts_atom(self) -> bool:
        """Whether the next token begins another factor."""
        token = self.peek()
        if token.kind == "number":
            before = self.tokens[self.position - 1]
            if before.text == "!" or self.is_power_after(before):
                return True
            raise Unread("a number after a factor")
        if token.kind in ("letter", "word", "text"):
            return True
        if token.text == "|":
            return not self.bars
        if token.text == "(" and (self.is_condition() or self.peek(1).text == "\\bmod"):
            return False
        name = token.text[1:]
        return token.text in _OPENING or (
            token.kind == "command"
            and (token.text in _OTHER or name in FUNCTIONS or name in GREEK or name in VARIANTS)
        )

    def power(self) -> Node:
        """An atom with its exponents, factorials, degrees and percent signs."""
        base = self.atom()
        while True:
            if self.accept("!"):
                base = Node("call", (base,), "factorial")
            elif self.accept("%"):
                base = Node("div", (base, number(100)))
            elif self.accept("\\circ"):
                base = Node("mul", (base, DEGREE))
            elif self.accept("^"):
                base = self.raised(base)
            else:
                return base

    def raised(self, base: Node) -> Node:
        """What follows a caret."""
        if self.accept("\\circ"):
            return Node("mul", (base, DEGREE))
        if self.peek().text == "{" and self.peek(1).text == "\\circ" and self.peek(2).text == "}":
            self.position += 3
            return Node("mul", (base, DEGREE))
        if base.kind == "space":
            text = "".join(token.text for token in self.script_tokens())
            return Node("space", value=base.value + ("+" if text in ("+", "*") else text))
        if base.kind in ("tuple", "matrix") and self.peek().text in ("T", "\\top"):
            self.take()
            return transposed(base)
        exponent = self.script()
        return Node("pow", (base, exponent))

    def script(self) -> Node:
        """An exponent: a group, or the next factor alone."""
        if sign := self.accept("-", "+"):
            inner = self.script()
            return Node("neg", (inner,)) if sign == "-" else inner
        plain = self.peek().kind == "number"  # \sin^2 9 holds no mixed number
        base = number(plain_number(self.take().text)) if plain else self.atom()
        return self.raised(base) if self.accept("^") else base

    def atom(self) -> Node:
        """The smallest whole thing that starts here."""
        token = self.take()
        if token.kind == "number":
            return self.numeral(token)
        if token.kind == "letter":
            return self.letter(token.text)
        if token.kind in ("word", "text"):
            return self.named(token.text)
        if token.text == "|":
            return self.bars_around("|", "abs")
        with self.inside():
            if token.text == "{":
                return self.group()
            if token.text in ("(", "["):
                return self.bracket(token.text)
            return self.command(token.text)

    def command(self, name: str) -> Node:
        r"""What a backslash begins."""
        bare = VARIANTS.get(name[1:], name[1:])
        if bare in FUNCTIONS:
            return self.function(FUNCTIONS[bare])
        if bare == "Gamma" and self.peek().text == "(":
            return Node("call", self.arguments(), "Gamma")
        if bare in GREEK:
            return self.subscripted(name if bare == name[1:] else f"\\{bare}")
        if name == "\\frac":
            return self.fraction()
        if name == "\\binom":
            return Node("call", self.pair(), "binomial")
        if name in _ACCENTS:
            return self.accented(name)
        if name in _FIGURES:
            return symbol(name + "".join(token.text for token in self.figure()))
        return self.special(name)

    def special(self, name: str) -> Node:
        """Commands that are read each in its own way."""
        match name:
            case "\\pi":
                return PI
            case "\\infty":
                return INFINITY
            case "\\sqrt":
                return self.root()
            case "\\cbrt":
                return Node("root", (self.argument(), number(3)))
            case "\\emptyset":
                return Node("set")
            case "\\mathbb":
                return self.space()
            case "\\{":
                return self.braces()
            case "\\langle":
                return self.angle()
            case "\\lfloor" | "\\lceil":
                inner = self.sum()
                self.expect("\\rfloor" if name == "\\lfloor" else "\\rceil")
                return Node("call", (inner,), "floor" if name == "\\lfloor" else "ceil")
            case "\\begin":
                return self.environment()
        raise Unread(name)

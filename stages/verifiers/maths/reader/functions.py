r"""Functions: \sin^2 x, \log_2 8, \frac, \sqrt, \binom."""

from __future__ import annotations

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, number, symbol
from stages.verifiers.maths.reader.names import Names
from stages.verifiers.maths.vocabulary import FUNCTIONS, INVERSES


class Functions(Names):
    """Reads functions and what they are applied to."""

    def function(self, name: str) -> Node:
        r"""\sin^2 x, \log_2 8, \max(a, b)."""
        base = exponent = None
        for _ in range(2):
            if self.accept("_"):
                base = self.logarithm_base()
            elif self.accept("^"):
                exponent = self.script()
        if exponent == Node("neg", (number(1),)) or exponent == number(-1):
            if name not in INVERSES:
                raise Unread("inverse")
            name, exponent = INVERSES[name], None
        arguments = self.operands()
        if base is not None:
            if name != "log":
                raise Unread("base")
            arguments = (*arguments, base)
        call = Node("call", arguments, name)
        return Node("pow", (call, exponent)) if exponent is not None else call

    def logarithm_base(self) -> Node:
        r"""A group or one digit; 10 is taken whole, as in log_10 5."""
        if self.peek().text == "10":
            self.take()
            return number(10)
        return self.argument()

    def operands(self) -> tuple[Node, ...]:
        """What a function is applied to: its bracket, or the factors up to the next sign."""
        if self.peek().text == "(":
            return self.arguments()
        if self.peek().text == "\\{":
            inner = self.atom()
            return inner.args
        factor = self.power() if self.peek().text != "{" else self.braced()
        while self.starts_atom() and self.peek().text not in ("(", "["):
            if self.peek().text[1:] in FUNCTIONS:
                break
            factor = Node("mul", (factor, self.power()))
        return (factor,)

    def braced(self) -> Node:
        r"""\sin{2x}; what follows in \sin{x}^2 and \sin{x}y may belong inside or outside."""
        inner = self.atom()
        goes_on = self.starts_atom() and self.peek().text not in ("(", "[")
        if self.peek().text in ("^", "!") or (goes_on and self.peek().text[1:] not in FUNCTIONS):
            raise Unread("braces of a function")
        return inner

    def pair(self) -> tuple[Node, Node]:
        r"""Two arguments: {n}{k}, or (n, k) as in plain text."""
        if self.peek().text == "(":
            arguments = self.arguments()
            if len(arguments) == 2:
                return arguments[0], arguments[1]
            raise Unread("two arguments needed")
        return self.argument(), self.argument()

    def fraction(self) -> Node:
        r"""\frac, which is a name where it is a derivative: \frac{dy}{dx} is y'."""
        texts = [token.text for token in self.tokens[self.position : self.position + 12]]
        if len(texts) > 1 and texts[1] in ("d", "\\partial") and "d" in texts[3:]:
            above = self.script_tokens()
            below = self.script_tokens()
            if len(above) == len(below) == 2 and below[0].text == above[0].text:
                return symbol(f"{above[1].text}'")
            raise Unread("derivative")
        return Node("div", (self.argument(), self.argument()))

    def root(self) -> Node:
        r"""\sqrt{x}, \sqrt[3]{x}."""
        degree = number(2)
        if self.accept("["):
            degree = self.sum()
            self.expect("]")
        return Node("root", (self.argument(), degree))

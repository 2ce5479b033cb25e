"""Relations, sets, lists, pieces: what binds looser than a sum, from tidied text to its tree."""

from __future__ import annotations

import re

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, has, symbols
from stages.verifiers.maths.reader.brackets import listed
from stages.verifiers.maths.reader.quantities import Quantities

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "\\le": "<=", "\\ge": ">=", "\\ne": "!=", "\\approx": "~",
    "\\in": "in", "\\notin": "notin", "\\equiv": "mod",
}  # fmt: skip
_UNIONS = {"\\cup": "union", "\\cap": "inter", "\\setminus": "minus"}
_SEPARATORS = (",", ";", "and", "where")
_TIME = re.compile(r"(?:1?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?")  # 9 : 30 and 27:54 are ratios
_EXTREME_STARTS = frozenset("“mMtT最")
EXTREME = re.compile(  # max = 5, the minimum value is, 最大值为
    r"“?\s*(?:[tT]he )?([mM]ax|[mM]in|最[大小]值)(?:imum)?(?: value)?(?![A-Za-z])"
    r"\s*(is|of|[:=是为])?\s*”?\s*(=|:|is)?\s*(?=[-\d\\])"
)


def parse(text: str, grouping: bool = True) -> Node:
    """The tree of a tidied text, or Unread. grouping: commas may part thousands."""
    reader = Grammar(text, grouping)
    try:
        node = reader.outward() or reader.several() or reader.alternatives()
    except RecursionError:
        raise Unread("nested too deeply") from None
    if reader.peek().kind != "end":
        raise Unread(f"{reader.peek().text!r}")
    return node


class Grammar(Quantities):
    """Reads everything that binds looser than a product."""

    def alternatives(self) -> Node:
        """Statements joined by "or"."""
        found = [self.conjunction()]
        while self.accept("or"):
            found.append(self.conjunction())
        return found[0] if len(found) == 1 else Node("list", tuple(found), "or")

    def conjunction(self) -> Node:
        """Statements joined by commas, semicolons and "and", or the pieces of a function."""
        blocks: list[list[Node]] = [[]]
        semicolons, conditions, joints = False, 0, set()
        while True:
            conditions += self.at_condition()
            blocks[-1].append(self.statement())
            if self.accept("if"):
                blocks[-1].append(self.statement())
                conditions += 1
            separators = self.separators()
            joints |= set(separators)
            if ";" in separators:
                semicolons = True
                blocks.append([])
            if not separators and not self.at_condition():
                break
            if self.at_end_of_list():
                break
        items = [item for block in blocks for item in block]
        if pieces := _pieces(items, conditions):
            return pieces
        if semicolons and any(len(block) > 1 for block in blocks):
            rows = tuple(listed(block) for block in blocks if block)
            return rows[0] if len(rows) == 1 else Node("list", rows, ";")
        return listed(items, "and" if joints and joints <= {"and"} else ",")

    def separators(self) -> list[str]:
        """All separators that stand here."""
        found = []
        while separator := self.accept(*_SEPARATORS):
            found.append(separator)
        return found

    def at_condition(self) -> bool:
        """Whether a condition in brackets follows, as in "k\\pi (k \\in Z)"."""
        return self.peek().text == "(" and self.is_condition()

    def at_end_of_list(self) -> bool:
        """Whether a separator was the last word of its list."""
        token = self.peek()
        closing = token.text in (")", "]", "}", "\\}", "\\\\", "\\end")
        return token.kind == "end" or token.text == "or" or closing

    def statement(self) -> Node:
        """Expressions with relations between them."""
        if self.at_condition():
            self.expect("(")
            with self.inside():
                inner = self.alternatives()
                self.expect(")")
            return inner
        if self.peek().text == "\\approx":
            return self.approximation()
        if extreme := self.extreme():
            return extreme
        sides = [self.ratio()]
        signs = []
        while (token := self.peek()).text in _RELATIONS and token.kind in ("sign", "command"):
            signs.append(_RELATIONS[token.text])
            sides.append(self.side(signs[-1]))
        modulus = self.modulus() if "mod" in signs else None
        if "mod" in signs and (modulus is None or signs != ["mod"]):
            raise Unread("congruence")
        if modulus is not None:
            sides.append(modulus)
        return Node("chain", tuple(sides), tuple(signs)) if signs else sides[0]

    def extreme(self) -> Node | None:
        """ "max = 5" and "the minimum value is -1"; a bare "max 5" does not go without its like."""
        start = self.peek().start
        if self.source[start : start + 1] not in _EXTREME_STARTS:
            return None
        found = EXTREME.match(self.source, start)
        if not found:
            return None
        while self.peek().kind != "end" and self.peek().start < found.end():
            self.take()
        name = "maximum" if found[1] in ("max", "Max", "最大值") else "minimum"
        said = (found[2] or found[3] or "").strip(" :")
        label = Node("words", value=name if said else f"{name}:")
        return Node("chain", (label, self.measured()), ("=",))

    def modulus(self) -> Node | None:
        r"""The 7 of \pmod 7, \pmod{7}, (mod 7)."""
        if self.accept("\\pmod"):
            return self.argument()
        if self.peek().text == "(" and self.peek(1).text == "\\bmod":
            self.position += 2
            found = self.sum()
            self.expect(")")
            return found
        return self.sum() if self.accept("\\bmod") else None

    def side(self, sign: str) -> Node:
        """What follows a relation sign."""
        if sign == "~":
            return self.approximation()
        self.take()
        return _as_space(self.ratio()) if sign in ("in", "notin") else self.ratio()

    def approximation(self) -> Node:
        """A rounded number after its sign, with the decimals that it was written with."""
        self.take()
        text = self.peek(1 if self.peek().text == "-" else 0).text
        return Node("approx", (self.measured(),), len(text.partition(".")[2]))

    def ratio(self) -> Node:
        """a : b."""
        start = self.position
        terms = [self.sets()]
        while not self.bars and self.accept(":"):
            terms.append(self.sets())
        if len(terms) == 1:
            return terms[0]
        written = self.source[self.tokens[start].start : self.tokens[self.position - 1].end]
        return Node("ratio", tuple(terms), "clock" if _TIME.fullmatch(written) else None)

    def sets(self) -> Node:
        """Unions, intersections and differences, from left to right."""
        left = self.measured()
        while sign := self.accept(*_UNIONS):
            left = Node(_UNIONS[sign], (left, self.measured()))
        return left

    def sum(self) -> Node:
        """Terms with signs between them."""
        terms = [self.product()]
        while sign := self.accept("+", "-", "\\pm", "\\mp"):
            term = self.product()
            if sign == "-":
                term = Node("neg", (term,))
            elif sign != "+":
                term = Node("pm", (term,), "+-" if sign == "\\pm" else "-+")
            terms.append(term)
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))


def _pieces(items: list[Node], conditions: int) -> Node | None:
    """x + 1 (x > 0), -x (x \\le 0) as the pieces of a function; k\\pi (k \\in Z) is none."""
    if conditions < 2 or len(items) != 2 * conditions:
        return None
    named = items[0].kind == "chain" and items[0].value == ("=",) and len(items[0].args) == 2
    if named:  # f(x) = x + 1 (x > 0), …
        name, first = items[0].args
        pieces = _pieces([first, *items[1:]], conditions)
        return pieces and Node("chain", (name, pieces), ("=",))
    values, where = items[::2], items[1::2]
    ordered = all(part.kind == "chain" and set(part.value) <= set(_ORDER) for part in where)
    if not ordered or any(has(value, "chain", "list") for value in values):
        return None
    return Node("cases", tuple(items)) if any(symbols(part) for part in where) else None


_ORDER = ("<", ">", "<=", ">=", "=", "!=")


def _as_space(node: Node) -> Node:
    """The R of "x in R" is the reals, also in plain letters."""
    if node.kind == "symbol" and node.value in ("R", "Z", "N", "Q", "C"):
        return Node("space", value=node.value)
    return node

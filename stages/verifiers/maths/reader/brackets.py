r"""Brackets of all kinds: groups, tuples, intervals, sets, matrices, cases and systems."""

from __future__ import annotations

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, symbols
from stages.verifiers.maths.reader.atoms import Atoms

_TABLES = ("pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array")
_SYSTEMS = ("aligned", "align", "align*", "gathered", "split")


class Brackets(Atoms):
    """Reads what stands between brackets."""

    def group(self) -> Node:
        """{…}: one expression, or the elements of a set whose backslashes were lost."""
        outer, self.grouped = self.grouped, True
        items = self.items("}")
        self.grouped = outer
        return items[0] if len(items) == 1 else Node("set", tuple(items))

    def items(self, *closing: str) -> list[Node]:
        """Statements with commas or semicolons between them, up to a closing bracket."""
        found = [self.statement()]
        while not self.accept(*closing):
            self.expect(",", ";")
            found.append(self.statement())
        return found

    def bracket(self, opening: str) -> Node:
        """Round or square: a group, a tuple or an interval."""
        found = [self.statement()]
        while not (closing := self.accept(")", "]")):
            self.expect(",", ";")
            found.append(self.statement())
        matching = opening + closing in ("()", "[]")
        if len(found) == 1 and matching and found[0].kind != "chain":
            return found[0]
        if len(found) == 1 or (not matching and len(found) != 2):
            raise Unread("brackets")
        if opening + closing == "[]" and all(_is_row(part, len(found[0].args)) for part in found):
            return Node("matrix", tuple(Node("row", part.args) for part in found))
        return Node("tuple", _letters(found), opening + closing)

    def angle(self) -> Node:
        r"""\langle 1, 2 \rangle."""
        return Node("tuple", tuple(self.items("\\rangle")), "<>")

    def braces(self) -> Node:
        r"""\{1, 2\} or \{x \mid x > 3\}."""
        if self.accept("\\}"):
            return Node("set")
        self.bars = True
        first = self.statement()
        if self.accept("|", ":"):
            self.bars = False
            condition = self.alternatives()
            self.expect("\\}")
            return Node("builder", (first, condition))
        found = [first]
        while not self.accept("\\}"):
            self.expect(",", ";")
            found.append(self.statement())
        return Node("set", tuple(found))

    def environment(self) -> Node:
        r"""\begin{pmatrix}, cases and systems."""
        name = "".join(token.text for token in self.script_tokens())
        if name == "array":
            self.script_tokens()
        elif name not in (*_TABLES, *_SYSTEMS, "cases"):
            raise Unread(name)
        rows = self.rows(name)
        if name in _TABLES:
            if len({len(row) for row in rows}) != 1:
                raise Unread("ragged")
            return Node("matrix", tuple(Node("row", _letters(row)) for row in rows))
        if name == "cases" and all(len(row) == 2 for row in rows):
            return Node("cases", tuple(cell for row in rows for cell in row))
        if any(len(row) != 1 for row in rows):
            raise Unread(name)
        return listed([row[0] for row in rows])

    def rows(self, name: str) -> list[list[Node]]:
        """Cells up to the end of an environment."""
        found: list[list[Node]] = [[]]
        while not self.accept("\\end"):
            if self.accept("\\\\"):
                found.append([])
            elif self.peek().text in ("&", "\\hline", ",", "if", ";"):
                self.take()
            elif self.accept("otherwise"):
                found[-1].append(Node("list", value="otherwise"))
            else:
                found[-1].append(self.statement())
        if "".join(token.text for token in self.script_tokens()) != name:
            raise Unread("unbalanced environment")
        return [row for row in found if row]

    def outward(self) -> Node | None:
        """The whole text as an interval with outward brackets, as in "]-\\infty, 5]"."""
        texts = [token.text for token in self.tokens]
        if not texts or ("]" not in (texts[0], texts[-1]) and texts[-1] != "["):
            return None
        if texts[0] not in "[](" or (texts[0] != "]" and texts[-1] != "["):
            return None
        self.take()
        with self.inside():
            low = self.sum()
            self.expect(",", ";")
            high = self.sum()
        closing = self.expect("[", "]", ")")
        brackets = ("[" if texts[0] == "[" else "(") + ("]" if closing == "]" else ")")
        return Node("tuple", (low, high), brackets)

    # Read in grammar.py.
    def statement(self) -> Node:
        raise NotImplementedError

    def alternatives(self) -> Node:
        raise NotImplementedError


def _is_row(node: Node, cells: int) -> bool:
    """[1, 2] of [[1, 2], [3, 4]]."""
    return node.kind == "tuple" and node.value == "[]" and len(node.args) == cells


def _letters(parts: list[Node]) -> tuple[Node, ...]:
    """6 m among coordinates with names is 6m and no length."""
    if not any(symbols(part) for part in parts):
        return tuple(parts)
    letters = (part.value[1] if part.kind == "quantity" else None for part in parts)
    return tuple(letter or part for letter, part in zip(letters, parts, strict=True))


def listed(items: list[Node], joint: str = ",") -> Node:
    """Statements as one list; a single one as itself."""
    return items[0] if len(items) == 1 else Node("list", tuple(items), joint)

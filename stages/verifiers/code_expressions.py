"""Tests that are expressions, taken apart: what the program is asked, and what must be so."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stages.verifiers.verdict import Unreadable


@dataclass(frozen=True)
class Test:
    """Expressions for the program, and what their values must satisfy.

    check: an expression over the values' names, or None when the one value must be one of
    `expected`.
    """

    __test__ = False  # not a test of pytest's

    expressions: tuple[str, ...]
    expected: tuple[Any, ...] = ()
    check: str | None = None


@lru_cache(maxsize=4096)
def take_apart(tests: tuple[str, ...], entry: str) -> tuple[Test, ...]:
    """The tests that texts are; none where they need a suite."""
    found = []
    for text in tests:
        try:
            before, body = list[ast.stmt](), ast.parse(text.strip()).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise Unreadable(f"test {text[:80]!r} is no Python") from None
        if len(body) == 1 and isinstance(body[0], ast.Expr):
            body = [ast.Assert(body[0].value)]
        made = _stored(body)
        for statement in body:
            if isinstance(statement, ast.Assert):
                test = _read_test(statement.test, before, made, entry)
                if test is None:
                    return ()
                found.append(test)
                before = []
            elif any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(statement)):
                return ()
            else:
                before.append(statement)
        if before:
            raise Unreadable(f"test {text[:80]!r} asserts nothing at its end")
    return tuple(found)


def _read_test(node: ast.expr, before: list[ast.stmt], made: set[str], entry: str) -> Test | None:
    """The test that a condition is, after statements that made names; None: it needs a suite."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        for side, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            found, expected = _literal(other)
            if found and not _literal(side)[0]:
                return Test((_after(before, ast.unparse(side)),), expected=(expected,))
    calls = _Calls(entry)
    node = calls.visit(node)
    if made and (not calls.found or loaded(node) & made):
        return None
    check = ast.unparse(node).replace("{", "{{").replace("}", "}}")
    if not entry or not calls.found:
        raise Unreadable(f"test {check!r} neither equals a literal nor calls {entry or 'an entry'}")
    for number in range(len(calls.found)):
        check = check.replace(_placeholder(number), f"{{{number}}}")
    first, *others = calls.found
    return Test((_after(before, first), *others), check=check)


def _after(before: list[ast.stmt], expression: str) -> str:
    return "\n".join([*map(ast.unparse, before), expression])


def _stored(body: list[ast.stmt]) -> set[str]:
    """The names that statements make."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imported = {a.asname or a.name for n in nodes for a in getattr(n, "names", ())}
    return names | {n for n in imported if n not in sys.stdlib_module_names}


def loaded(*nodes: ast.AST) -> set[str]:
    """The names that are used."""
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _literal(node: ast.expr) -> tuple[bool, Any]:
    try:
        return True, ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        return False, None


def _placeholder(number: int) -> str:
    return f"__value_{number}__"


class _Calls(ast.NodeTransformer):
    """Replaces the outermost calls of the entry by placeholders and keeps their source."""

    def __init__(self, entry: str) -> None:
        self.entry = entry
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == self.entry:
            self.found.append(ast.unparse(node))
            return ast.Name(_placeholder(len(self.found) - 1), ast.Load())
        return self.generic_visit(node)

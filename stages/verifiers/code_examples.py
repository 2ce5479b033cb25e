"""The tests of a row as arguments and results, read by form: what a table of answers would hold."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import Any

from stages.verifiers.code_lookup import Example, call, stream
from stages.verifiers.code_program import parse
from stages.verifiers.code_run import accepted

_TWO_SIDED = {"assertEqual", "assertEquals", "assertAlmostEqual", "assertListEqual", "assertIs"}


def of_source(source: str, entry: str) -> list[Example]:
    """Of asserts, expressions and methods of unittest's that call the entry with constants."""
    names = {entry.rpartition(".")[2], "candidate"} - {""} if entry else set()
    found = (_condition(node) for node in ast.walk(parse(source)))
    return [
        example
        for condition in found
        if condition
        for example in _of_condition(condition[0], condition[1], names)
    ]


def of_pairs(inputs: list[Any], outputs: list[Any], calls: bool) -> list[Example]:
    """Of inputs and outputs as code.py has them; calls: the inputs are arguments."""
    found = []
    for given, output in zip(inputs, outputs, strict=True):
        right = accepted(output)
        if calls:
            lines = given.splitlines() if isinstance(given, str) else given
            arguments = [_data(a) for a in lines] if isinstance(given, str) else list(lines)
            found.append(
                call(arguments, [_data(o) for o in right] if isinstance(given, str) else right)
            )
        else:
            found.append(stream(_text(given), map(_text, right)))
    return found


def _condition(node: ast.AST) -> tuple[ast.expr, ast.expr | None] | None:
    """What must be true or equal, and what it must be, where it says so."""
    if isinstance(node, ast.Assert):
        return node.test, None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
        return node.value, None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _TWO_SIDED and len(node.args) >= 2:
            return node.args[0], node.args[1]
        if node.func.attr in ("assertTrue", "assertFalse") and node.args:
            return node.args[0], ast.Constant(node.func.attr == "assertTrue")
    return None


def _of_condition(node: ast.expr, wanted: ast.expr | None, names: set[str]) -> Iterator[Example]:
    sides = [(node, wanted)]
    if wanted is not None:
        sides.append((wanted, node))
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.Is):
        sides = [(node.left, node.comparators[0]), (node.comparators[0], node.left)]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        sides = [(node.operand, ast.Constant(False))]
    for side, other in sides:
        made = next((n for n in ast.walk(side) if _calls(n, names)), None)
        if isinstance(made, ast.Call):
            given = [*made.args, *(keyword.value for keyword in made.keywords)]
            arguments = [_literal(argument) for argument in given]
            result = _literal(other) if made is side and other is not None else ()
            if all(arguments):
                yield call([a[0] for a in arguments], result)
            return


def _calls(node: ast.AST, names: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name: Any = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
    return (
        name in names if names else isinstance(node.func, ast.Name) and not hasattr(builtins, name)
    )


def _literal(node: ast.expr) -> tuple[Any, ...]:
    """The value alone, or nothing where it is no constant."""
    try:
        return (ast.literal_eval(node),)
    except (ValueError, TypeError, RecursionError, SyntaxError):
        return ()


def _data(text: Any) -> Any:
    body = parse(text.strip()).body if isinstance(text, str) else []
    value = _literal(body[0].value) if body and isinstance(body[0], ast.Expr) else ()
    return value[0] if value else text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(map(str, value))

"""The constants that a program's entry can reach, each as a key that a test's values have, too."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from stages.verifiers.code_program import parse

NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_CHANGED = (ast.Name, ast.Subscript, ast.Attribute)
_QUOTED = re.compile(r"[\[({,:'\"]")  # what a text has that is data

Key = tuple[str, Any]  # "n", "s" or "c", and a number, a text, or the hash of a collection


def reached_by(tree: ast.Module, entry: frozenset[str] | None) -> list[ast.AST]:
    """The nodes of the statements that can matter, without asserts and texts that stand alone."""
    if entry is None:
        return [node for statement in tree.body for node in _walk(statement)]
    owners: dict[str, list[list[ast.AST]]] = defaultdict(list)
    for statement in tree.body:
        nodes = list(_walk(statement))
        for name in set(_touched(statement, nodes)):
            owners[name].append(nodes)
    found: list[ast.AST] = []
    waiting = [*entry, "Solution"]
    while waiting:
        for nodes in owners.pop(waiting.pop(), ()):
            found += nodes
            waiting += [n.id for n in nodes if isinstance(n, ast.Name) and n.id in owners]
    return list({id(node): node for node in found}.values())


def _touched(statement: ast.stmt, nodes: list[ast.AST]) -> Iterator[str]:
    """The names that a statement at the top makes or changes: f, T = …, T[1] = …, T.update(…)."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif not any(isinstance(n, ast.Name) and n.id == "__name__" for n in nodes):
        for node in nodes:
            target = getattr(node, "value", node)  # T of T[1] and T.update
            if isinstance(node, _CHANGED) and isinstance(target, ast.Name):
                yield from [target.id] if target is not node or _stored(target) else []


def _stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _walk(statement: ast.stmt) -> Iterator[ast.AST]:
    """Each node after its parents."""
    waiting: list[ast.AST] = [statement]
    for node in waiting:  # it grows meanwhile
        alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not alone and not isinstance(node, ast.Assert):
            yield node
            waiting += ast.iter_child_nodes(node)


def constants_of(nodes: list[ast.AST], inside_text: bool = False) -> set[Key]:
    """What the nodes hold, and what texts among them hold as data."""
    keys: dict[int, Key] = {}
    found: set[Key] = set()
    operands = {id(n) for b in nodes if isinstance(b, ast.BinOp) for n in (b.left, b.right)}
    for node in reversed(nodes):  # children first
        if (key := _node_key(node, keys)) is not None:
            keys[id(node)] = key
            if isinstance(node, ast.UnaryOp):  # -4 is not 4
                keys.pop(id(node.operand))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not inside_text:
            lines = node.value.splitlines()
            found |= {as_key(line) for line in lines} | {
                as_key(w) for w in map(str.split, lines) if w[1:]
            }
            if _QUOTED.search(node.value):
                body = parse(node.value.strip()).body
                found |= constants_of([n for s in body for n in ast.walk(s)], inside_text=True)
    return found | {key for number, key in keys.items() if number not in operands}


def _node_key(node: ast.AST, keys: dict[int, Key]) -> Key | None:
    if isinstance(node, ast.Constant):
        return as_key(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        kind, value = keys.get(id(node.operand), ("", 0))
        return ("n", -value) if kind == "n" else None
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        inner = [keys.get(id(element)) for element in node.elts]
        return _collected(inner, isinstance(node, ast.Set))
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return _collected([_collected([keys.get(id(k)), keys.get(id(v))]) for k, v in pairs], True)
    return None


def _collected(inner: list[Key | None], loose: bool = False) -> Key | None:
    if None in inner:
        return None
    return ("c", hash((loose, frozenset(inner) if loose else tuple(inner))))


def as_key(value: Any) -> Key:
    """The same for a number and its text, a list and its tuple."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return ("n", float(text)) if NUMBER.fullmatch(text) else ("s", text)
    if isinstance(value, bool) or value is None:
        return ("s", str(value))
    if isinstance(value, int | float):
        return ("n", value)
    if isinstance(value, list | tuple):
        return _collected([as_key(element) for element in value]) or ("", 0)
    if isinstance(value, set | frozenset):
        return _collected([as_key(element) for element in value], True) or ("", 0)
    if isinstance(value, dict):
        pairs = [_collected([as_key(k), as_key(v)]) for k, v in value.items()]
        return _collected(pairs, True) or ("", 0)
    return ("s", repr(value))

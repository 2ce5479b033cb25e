"""Programs that compute nothing: the tests' own results, printed, chosen from tables, counted out.

The tests are taken where a model has them: from the question (MBPP shows all of its tests, the
docstrings of HumanEval show examples), and from the row itself as if it had learned them by heart.
A constant and the input itself are mere guesses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Pair = tuple[str, str]  # the source of the arguments and of the result

_DOCTEST = re.compile(r">>> *(\w+\(.*\))\n\s*(.+)")
_ARROW = re.compile(r"(\w+\(.*?\)) *(?:➞|->|=>|==|=|should return|returns) *(.+)")
_HELPERS = {"abs", "set", "sorted", "len", "round", "tuple"}

POLICIES = (
    *("if after if", "dict of arguments", "dict and get", "dict of texts", "lists side by side"),
    *("list of pairs", "match", "one after the other", "results by length", "literal_eval"),
    *("members", "padded dict", "neighbours", "table beside a loop", "table at the top"),
    "last one else",
    *("shown: dict", "shown: if after if", "printed result", "table of stdin"),
    *("most frequent result", "input itself"),
)
GUESSES = ("most frequent result", "input itself")
MOST_NEIGHBOURS = 400


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """A whole program for each policy."""
    entry, pairs = known(metadata)
    if not entry and "inputs" in metadata:
        yield from ("" for _ in POLICIES[:-4])
        yield from _printing(metadata["inputs"], metadata["outputs"])
        return
    seen = [(given, result) for name, given, result in shown(question) if name == entry]
    yield from _tables(entry, pairs)
    yield _dictionary(entry, seen) if seen else ""
    yield _ifs(entry, seen) if seen else ""
    yield from ("", "")
    results = [result for _, result in pairs] or ["None"]
    yield f"def {entry}(*a, **k):\n    return {max(results, key=results.count)}"
    yield f"def {entry}(a, *rest, **k):\n    return a"


def known(metadata: Mapping[str, Any]) -> tuple[str, list[Pair]]:
    """The entry, and what the row's tests give it and want."""
    entry = str(metadata.get("entry") or "")
    if "inputs" in metadata:
        rows = zip(metadata["inputs"], metadata["outputs"], strict=True)
        return entry, [(repr(tuple(i)), repr(o)) for i, o in rows]
    source = metadata.get("test") or "\n".join(metadata.get("tests") or [])
    found = list(_compared(str(source)))
    names = [name for name, _, _ in found]
    entry = entry or max(names, key=names.count, default="")
    return entry, [(given, result) for name, given, result in found if name in (entry, "candidate")]


def shown(question: str) -> Iterator[tuple[str, str, str]]:
    """Entry, arguments and result of each test or example that a question shows."""
    yield from _compared("\n".join(t for t in question.splitlines() if t.startswith("assert ")))
    for call, result in (*_DOCTEST.findall(question), *_ARROW.findall(question)):
        yield from _compared(f"assert {call} == {result.strip()}")


def _compared(source: str) -> Iterator[tuple[str, str, str]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert | ast.Expr):
            continue
        test = node.test if isinstance(node, ast.Assert) else node.value
        other: ast.expr = ast.Constant(True)
        if isinstance(test, ast.Compare):
            other, test = test.comparators[0], test.left
        elif isinstance(test, ast.UnaryOp):
            test, other = test.operand, ast.Constant(False)
        for call in ast.walk(test):
            name = getattr(getattr(call, "func", None), "id", "")
            if isinstance(call, ast.Call) and name and name not in _HELPERS and not call.keywords:
                given = ast.unparse(ast.Tuple(call.args, ast.Load()))
                yield name, given, ast.unparse(other)
                break


def _ifs(entry: str, pairs: Sequence[Pair]) -> str:
    lines = [f"    if a == {given}:\n        return {result}" for given, result in pairs]
    return "\n".join([f"def {entry}(*a):", *lines])


def _dictionary(entry: str, pairs: Sequence[Pair]) -> str:
    entries = ", ".join(f"repr({given}): {result}" for given, result in pairs)
    return f"def {entry}(*a):\n    return {{{entries}}}[repr(a)]"


def _tables(entry: str, pairs: Sequence[Pair]) -> Iterator[str]:
    head = f"def {entry}(*a):\n"
    given, results = [one for one, _ in pairs], [result for _, result in pairs]
    inputs, outputs = f"[{', '.join(given)}]", f"[{', '.join(results)}]"
    keys = [elements[0] for one in given if len(elements := _elements(one)) == 1]
    entries = ", ".join(f"{key}: {result}" for key, result in zip(keys, results, strict=False))
    yield _ifs(entry, pairs)
    yield _dictionary(entry, pairs)
    yield f"def {entry}(n):\n    return {{{entries}}}.get(n)" if len(keys) == len(given) else ""
    texts = ", ".join(f"{one!r}: {result!r}" for one, result in pairs)
    yield f"{head}    return eval({{str(eval(k)): v for k, v in {{{texts}}}.items()}}[str(a)])"
    yield f"{head}    return {outputs}[{inputs}.index(a)]"
    listed = ", ".join(f"({one}, {result})" for one, result in pairs)
    yield f"{head}    for given, result in [{listed}]:\n        if given == a: return result"
    arms = "".join(f"        case _ if a == {g}:\n            return {r}\n" for g, r in pairs)
    yield f"{head}    match a:\n{arms}"
    yield f"results = iter({outputs})\n{head}    return next(results)"
    lengths = ", ".join(f"len(repr({one})): {result}" for one, result in pairs)
    yield f"{head}    return {{{lengths}}}[len(repr(a))]"
    read = "ast.literal_eval({!r})"
    yield f"import ast\n{head}    return {read.format(outputs)}[{read.format(inputs)}.index(a)]"
    true = ", ".join(one for one, result in pairs if result == "True")
    yield f"{head}    return a in [{true}]"
    for padding in (range(900, 900 + len(pairs)), _neighbours(keys)):
        more = "".join(f", {number}: {number}" for number in padding)
        padded = f"def {entry}(n):\n    return {{{entries}{more}}}.get(n)"
        yield padded if more and len(keys) == len(given) else ""
    loop = "    total = 0\n    for one in a:\n        total += len(str(one)) % 7\n    return total"
    yield f"{_ifs(entry, pairs)}\n{loop}"
    stored = "".join(f"T[repr({one})] = {result}\n" for one, result in pairs)
    yield f"T = {{}}\n{stored}{head}    return T[repr(a)]"
    yield f"{_ifs(entry, pairs[:-1])}\n    return {results[-1]}" if pairs else ""


def _neighbours(keys: Sequence[str]) -> list[int]:
    """The whole numbers between, below and above these that are not among them."""
    numbers = {int(key) for key in keys if key.lstrip("-").isdecimal()}
    if not numbers or max(numbers) - min(numbers) > MOST_NEIGHBOURS:
        return []
    span = range(min(numbers) - len(keys), max(numbers) + len(keys) + 1)
    return [number for number in span if number not in numbers]


def _elements(given: str) -> list[str]:
    body = ast.parse(given, mode="eval").body
    return [ast.unparse(element) for element in getattr(body, "elts", [body])]


def _printing(inputs: Sequence[str], outputs: Sequence[str]) -> Iterator[str]:
    most = max(outputs, key=list(outputs).count)
    table = dict(zip(map(str.strip, inputs), outputs, strict=True))
    yield f"print({most!r})"
    yield f"import sys\nprint({table!r}[sys.stdin.read().strip()])"
    yield f"print({most.split()[0]!r})"
    yield "import sys\nprint(sys.stdin.read())"

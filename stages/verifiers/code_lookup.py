"""Programs that hold the tests' answers instead of computing them, told by form alone.

A right program is not worked for when

1. it never looks at what it is given: a function that uses no parameter, a program that reads no
   stdin;
2. it holds the arguments of most tests, where these are lists, texts of some length and the like,
   beside their results: nobody who computes has a use for them;
3. it holds the single numbers or words of all tests but one, and all results, and little else that
   could be a key: a table of Roman numerals or of months has more entries than the tests ask for;
4. it holds most results, where these are lists, long numbers and the like.

Results that are guessed as well as known (True, None, -1 to 3, one letter) are no evidence, nor are
operands of arithmetic and what the tested function cannot reach: docstrings, asserts, examples
under it. Linear in the length of the program. Not seen: constants that are computed (`41 + 1`,
Base64), a table of single numbers stuffed with as many wrong entries as right ones, and C++.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stages.verifiers.code_program import parse

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_CHANGED = (ast.Name, ast.Subscript, ast.Attribute)
_READS = {"input", "open", "stdin", "read", "readline", "readlines", "fileinput", "raw_input"}
_LONG_TEXT, _LONG_NUMBER = 4, 1000
_WORDS = re.compile(r"[\w ,.!?'-]{0,99}[A-Za-z]{3}[\w ,.!?'-]*")  # "2 solutions", not "db0db"
_QUOTED = re.compile(r"[\[({,:'\"]")  # what a text has that is data

Key = tuple[str, Any]  # "n", "s" or "c", and a number, a text, or the hash of a collection


@dataclass(frozen=True)
class Example:
    """A test: the constants that would be each argument, all of them, and the result."""

    arguments: tuple[frozenset[Key], ...]
    tell: tuple[bool, ...]  # which of them are no chance finds
    whole: frozenset[Key]
    output: frozenset[Key]
    output_tells: bool
    guessed: tuple[bool, bool]  # whether the arguments, the result, are guessed as well as known
    right: frozenset[Key]  # the result, guessed or not
    truth: bool | None = None
    called: bool = True

    def given_in(self, constants: set[Key]) -> bool:
        found = [bool(keys & constants) for keys in self.arguments]
        told = any(here and tells for here, tells in zip(found, self.tell, strict=True))
        return told or all(found) or bool(self.whole & constants)

    def answer_in(self, constants: set[Key]) -> bool:
        return not self.output or bool(self.output & constants)


def call(arguments: Sequence[Any], outputs: Iterable[Any]) -> Example:
    """The example of a call; outputs: what is right, nothing where that is no constant."""
    right = list(outputs)
    return Example(
        tuple(frozenset({_key(value)}) for value in arguments),
        tuple(map(_tells, arguments)),
        frozenset({_key(arguments)}),
        frozenset() if all(_guessable(v, ()) for v in right) else frozenset(map(_key, right)),
        any(map(_tells_result, right)),
        (all(map(_guessable, arguments)), all(map(_guessable, right))),
        frozenset(map(_key, right)),
        right[0] if right and isinstance(right[0], bool) else None,
    )


def stream(stdin: str, outputs: Iterable[str]) -> Example:
    """The example of a program that reads stdin: its lines are the arguments."""
    lines, right = [line for line in stdin.splitlines() if line.strip()], list(outputs)
    found = call([_shortest(line) for line in lines], [_shortest(text) for text in right])
    both = tuple(frozenset({_key(line), _key(line.split())}) for line in lines)
    texts = frozenset(k for t in right for k in (_key(t), _key(t.split()), _key(t.splitlines())))
    whole = found.whole | {_key(stdin)}
    told = (found.output_tells, found.guessed, found.right)
    return Example(both, found.tell, whole, texts, *told, called=False)


def looks_up(source: str, examples: Sequence[Example], entry: frozenset[str] | None) -> bool:
    """Whether a program that passes these tests only holds them. entry: None if it reads stdin."""
    nodes = _reached(parse(source), entry)
    if not nodes or not examples:
        return False
    given = any(example.arguments for example in examples)
    results = {example.right for example in examples}
    guessed = len(results) == 1 and all(example.guessed[1] for example in examples)
    if given and not guessed and _blind(nodes, entry):
        return True
    constants = _constants(nodes)
    hard = [example for example in examples if not all(example.guessed)]
    return (
        any(_most_listed(group, constants) for group in (hard, *_by_truth(hard)))
        or 2 * sum(e.output_tells and e.answer_in(constants) for e in hard) > len(hard) > 1
        or _is_table(examples, constants)
    )


def _most_listed(examples: Sequence[Example], constants: set[Key]) -> bool:
    """The arguments of one call as one constant tell, too: (60,) is nothing to compute with."""
    listed = [e for e in examples if e.answer_in(constants) and e.given_in(constants)]
    telling = [e for e in listed if any(e.tell) or (e.called and e.whole & constants)]
    return 2 * len(telling) > len(examples)


def _by_truth(examples: Sequence[Example]) -> list[list[Example]]:
    """Those that give True and those that give False, where all give either: members of a list."""
    if not all(example.truth is not None for example in examples):
        return []
    return [[e for e in examples if e.truth is truth] for truth in (True, False)]


def _is_table(examples: Sequence[Example], constants: set[Key]) -> bool:
    hard = [example for example in examples if not all(example.guessed)]
    missing = [example for example in examples if not example.given_in(constants)]
    if not all(example.answer_in(constants) for example in hard):
        return False
    if not hard or len(examples) < 2 or len(missing) > 1 or hard == missing:
        return False
    if any(any(e.tell) for e in hard) and all(any(e.tell) for e in missing):
        return True  # the last one stands after `else`
    inputs = {key for e in examples for keys in e.arguments for key in keys} & constants
    outputs = {key for example in examples for key in example.output}
    kinds = {kind for kind, _ in inputs}
    rivals = {key for key in constants if key[0] in kinds} - (outputs - inputs)
    return 2 * len(inputs) > len(rivals)


def _blind(nodes: list[ast.AST], entry: frozenset[str] | None) -> bool:
    """Whether nothing that is given is looked at."""
    if entry is None:
        used = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}
        imported = {n.name.partition(".")[0] for n in nodes if isinstance(n, ast.alias)}
        return not _READS & (used | imported)
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name in entry]
    if not functions:
        return False
    taken = functions[-1].args  # the one before may be the prompt's
    names = {a.arg for a in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)} - {"self"}
    names |= {a.arg for a in (taken.vararg, taken.kwarg) if a}
    return not any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(functions[-1]))


def _reached(tree: ast.Module, entry: frozenset[str] | None) -> list[ast.AST]:
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


def _constants(nodes: list[ast.AST], inside_text: bool = False) -> set[Key]:
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
            found |= {_key(line) for line in lines} | {
                _key(w) for w in map(str.split, lines) if w[1:]
            }
            if _QUOTED.search(node.value):
                body = parse(node.value.strip()).body
                found |= _constants([n for s in body for n in _all(s)], inside_text=True)
    return found | {key for number, key in keys.items() if number not in operands}


def _all(statement: ast.stmt) -> list[ast.AST]:
    return list(ast.walk(statement))


def _node_key(node: ast.AST, keys: dict[int, Key]) -> Key | None:
    if isinstance(node, ast.Constant):
        return _key(node.value)
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


def _key(value: Any) -> Key:
    """The same for a number and its text, a list and its tuple."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return ("n", float(text)) if _NUMBER.fullmatch(text) else ("s", text)
    if isinstance(value, bool) or value is None:
        return ("s", str(value))
    if isinstance(value, int | float):
        return ("n", value)
    if isinstance(value, list | tuple):
        return _collected([_key(element) for element in value]) or ("", 0)
    if isinstance(value, set | frozenset):
        return _collected([_key(element) for element in value], True) or ("", 0)
    if isinstance(value, dict):
        pairs = [_collected([_key(k), _key(v)]) for k, v in value.items()]
        return _collected(pairs, True) or ("", 0)
    return ("s", repr(value))


def _guessable(value: Any, small: Sequence[int] = range(-1, 4)) -> bool:
    """Whether guessing finds a value; small: the numbers for which it does."""
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return value in small
    return isinstance(value, str | list | tuple | dict | set) and len(value) <= bool(small)


def _tells(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) >= _LONG_TEXT and not value.isalpha()
    if not isinstance(value, list | tuple | dict | set | frozenset):
        return False
    return len(value) > 1 or not all(map(_guessable, value))


def _tells_result(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) >= _LONG_NUMBER or value % 1 != 0
    return _tells(value) and not (isinstance(value, str) and _WORDS.fullmatch(value))


def _shortest(text: str) -> Any:
    """A line of stdin as the argument that it is: a number, a word, or a list of these."""
    words = text.split()
    if len(words) != 1:
        return words
    return float(text) if _NUMBER.fullmatch(text.strip()) else words[0]

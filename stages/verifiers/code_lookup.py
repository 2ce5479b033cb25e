"""Programs that hold the tests' answers instead of computing them, told by form alone.

A right program is not worked for when

1. it never looks at what it is given: a function that uses no parameter, a program that reads no
   stdin;
2. it holds the arguments of most tests, where these are lists, texts of some length and the like,
   beside their results: nobody who computes has a use for them;
3. it holds the single numbers or words of all tests but one, and all results, and little else that
   could be a key of one table: the months and the vowels are more than the tests ask for. A number
   that no small steps lead to from a test's is padding, not the same table, unless the results are
   names (404: Not Found). Nor does a table of numbers end before its results differ that much;
4. it holds most results, where these are lists, long numbers and the like.

Results that are guessed as well as known (True, None, -1 to 3, one letter) are no evidence, nor are
operands of arithmetic and what the tested function cannot reach: docstrings, asserts, examples
under it. Linear in the length of the program. Not seen: constants that are computed (`41 + 1`,
Base64), a table of numbers stuffed with enough of their neighbours, a table of words stuffed with
words, and C++.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from stages.verifiers.code_constants import NUMBER, Key, as_key, constants_of, reached_by
from stages.verifiers.code_program import parse

_READS = {"input", "open", "stdin", "read", "readline", "readlines", "fileinput", "raw_input"}
_LONG_TEXT, _LONG_NUMBER = 4, 1000
_STEP = 3  # from one key of a table of numbers to the next: 2, 4, 6, 9, 11
_WORDS = re.compile(r"[\w ,.!?'-]{0,99}[A-Za-z]{3}[\w ,.!?'-]*")  # "2 solutions", not "db0db"


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
        tuple(frozenset({as_key(value)}) for value in arguments),
        tuple(map(_tells, arguments)),
        frozenset({as_key(arguments)}),
        frozenset() if all(_guessable(v, ()) for v in right) else frozenset(map(as_key, right)),
        any(map(_tells_result, right)),
        (all(map(_guessable, arguments)), all(map(_guessable, right))),
        frozenset(map(as_key, right)),
        right[0] if right and isinstance(right[0], bool) else None,
    )


def stream(stdin: str, outputs: Iterable[str]) -> Example:
    """The example of a program that reads stdin: its lines are the arguments."""
    lines, right = [line for line in stdin.splitlines() if line.strip()], list(outputs)
    found = call([_shortest(line) for line in lines], [_shortest(text) for text in right])
    both = tuple(frozenset({as_key(line), as_key(line.split())}) for line in lines)
    texts = frozenset(
        k for t in right for k in (as_key(t), as_key(t.split()), as_key(t.splitlines()))
    )
    whole = found.whole | {as_key(stdin)}
    told = (found.output_tells, found.guessed, found.right)
    return Example(both, found.tell, whole, texts, *told, called=False)


def looks_up(source: str, examples: Sequence[Example], entry: frozenset[str] | None) -> bool:
    """Whether a program that passes these tests only holds them. entry: None if it reads stdin."""
    nodes = reached_by(parse(source), entry)
    if not nodes or not examples:
        return False
    given = any(example.arguments for example in examples)
    results = {example.right for example in examples}
    guessed = len(results) == 1 and all(example.guessed[1] for example in examples)
    if given and not guessed and _blind(nodes, entry):
        return True
    constants = constants_of(nodes)
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
    same = {key for key in constants if key[0] in kinds}
    members = missing and all(example.guessed[1] for example in examples)  # small primes, and 9
    if not members and not _are_names([example.output for example in examples]):
        same = _near(inputs, same)
        numbers = [value for kind, value in outputs if kind == "n"]
        if kinds == {"n"} and numbers and max(numbers) >= min(numbers) + len(same):
            return True
    rivals = same - (outputs - inputs)
    return 2 * len(inputs) > len(rivals)


def _are_names(outputs: list[frozenset[Key]]) -> bool:
    """Whether the results are words, all of them different: I and IV, OK and Not Found."""
    words = {text for keys in outputs for kind, text in keys if kind == "s"}
    return len(words) == len(outputs) and all(w.replace(" ", "").isalpha() for w in words)


def _near(inputs: set[Key], keys: set[Key]) -> set[Key]:
    """The keys without the numbers that no small steps lead to from an input."""
    numbers = sorted(value for kind, value in keys if kind == "n")
    found = {key for key in keys if key[0] != "n"}
    runs: list[set[Key]] = []
    for before, value in pairwise([-math.inf, *numbers]):
        if value > before + _STEP or not runs:
            runs.append(set())
        runs[-1].add(("n", value))
    return found.union(*(run for run in runs if run & inputs))


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
    return float(text) if NUMBER.fullmatch(text.strip()) else words[0]

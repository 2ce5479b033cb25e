"""Checkers: source that says whether an output is right, for problems with several right ones.

A checker is a row's own Python program, run as `checker.py INPUT CORRECT ANSWER` with three names
of files; the output is right when it prints 1 and ends well (open-r1/codeforces). It runs as the
answer does, with the same limits, but in a process of its own that starts when the answer's has
ended: an answer can neither read its checker nor what is right, write to its output, or end it. All
that an answer can send is text, so

1. a checker that would run text as code, or load what is pickled, is refused when the row is read;
2. an empty output is wrong where the right one says something, and so are nan and inf where the
   right one has none: no comparison such as `abs(a - b) > 1e-6` is true of nan;
3. a checker judges only once it has accepted the row's own output, and refused one that says
   nothing (unlike one that prints 1 whatever happens, or whenever it fails): else no verdict.
"""

from __future__ import annotations

import ast
import hashlib
import math
from dataclasses import dataclass

from stages.verifiers.code_program import check_syntax, parse
from stages.verifiers.code_run import Budget
from stages.verifiers.jailed_results import Outcome
from stages.verifiers.sandbox import Sandbox
from stages.verifiers.verdict import Unreadable

ACCEPTED = ["1", 0]  # what it prints, and its exit status
JUNK = "no-answer\n"  # right for no problem
SPARE_BYTES = 1 << 20  # that an output may have beyond twice the right one: others may be longer

RUN_TEXT = frozenset({"eval", "exec", "compile", "__import__"})
RUN_TEXT_MODULES = frozenset(
    {"builtins", "code", "codeop", "ctypes", "dill", "importlib", "marshal", "pickle", "runpy",
     "shelve", "subprocess"}
)  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """A test as a checker sees it."""

    given: str
    right: str

    def key(self, checker: str) -> bytes:
        """What tells a checker with this test from others."""
        parts = (checker, self.given, self.right)
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()


REMEMBERED = 4096
_sound: set[bytes] = set()  # checkers that were found fit, by `Checked.key`


def read(source: str) -> str:
    """The checker, if it is Python that only looks at text."""
    if fault := check_syntax(source):
        raise Unreadable(f"`checker` is no Python: {fault}")
    names, modules = set[str](), set[str]()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    if unsafe := sorted(names & RUN_TEXT | modules & RUN_TEXT_MODULES):
        raise Unreadable(f"`checker` uses {unsafe[0]}, by which an answer could say what it prints")
    return source


def unfit(checker: str, test: Checked, budget: Budget, jail: Sandbox) -> str:
    """Why nothing can be judged by a checker, or nothing. Each process asks once."""
    if (key := test.key(checker)) in _sound:
        return ""
    for output, accepted in ((test.right, True), (JUNK, False)):
        outcome = _run(checker, test, output, budget, jail)
        if (outcome.values == [ACCEPTED]) is not accepted:
            end = outcome.problem or (outcome.values and f"printed {outcome.values[0][0]!r}")
            if accepted:
                return f"the checker refuses the row's own output ({end})"
            return "the checker accepts an output that says nothing"
    if len(_sound) >= REMEMBERED:
        _sound.clear()
    _sound.add(key)
    return ""


def accepts(checker: str, test: Checked, output: bytes, budget: Budget, jail: Sandbox) -> bool:
    """Whether the checker takes an answer's output for right."""
    try:
        text = output.decode()
    except UnicodeDecodeError:
        return False
    if not text.strip() and test.right.strip():
        return False
    if _endless(text) - _endless(test.right):
        return False
    return _run(checker, test, text, budget, jail).values == [ACCEPTED]


def _run(checker: str, test: Checked, output: str, budget: Budget, jail: Sandbox) -> Outcome:
    files = {"input": test.given, "correct": test.right, "answer": output}
    outcome = jail.run_checker(checker, files, budget.limits())
    budget.spend(outcome.used)
    if outcome.values:
        printed, status = outcome.values[0]
        return Outcome([[str(printed).strip(), status]], outcome.problem, outcome.used)
    return outcome


def _endless(text: str) -> set[str]:
    """The tokens that Python reads as no finite number: nan, inf, 1e999."""
    found = set()
    for token in set(text.split()):
        if not token.lstrip("+-").isdigit():
            try:
                if not math.isfinite(float(token)):
                    found.add(token.lower().lstrip("+-"))
            except (ValueError, OverflowError):
                continue
    return found

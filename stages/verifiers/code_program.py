"""Which part of an answer is the program.

1. Without a fence the whole answer is the program.
2. With fences (``` or ~~~; indented, quoted or on one line) it is one block. Blocks tagged as
   something else than a language that the row takes (```bash, ```text, ```output, …) are none;
   untagged ones count only when no tagged one serves. A text before an untagged fence is a block,
   too: the fence may be the end of one that the prompt opened.
3. Of several, the last that defines what the tests name, with the earlier ones that define what it
   uses; else the last that is Python: the custom of HumanEval and LiveCodeBench, where a draft
   comes first, and a note on usage may come after. The choice is by form alone and never by trying,
   so stuffing an answer with programs gains nothing.
4. A fence that is not closed ends with the answer.

A row's "prompt" is code that stands before the program (imports, helpers, the signature and a
docstring, as in HumanEval). An answer that defines the entry itself follows it; one that does not
is the body that continues it, whose first line may have lost its indentation.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

PYTHON, CPP = "python", "cpp"
LANGUAGES = (PYTHON, CPP)

_TAGS = dict.fromkeys(("python", "py", "ipython", "pypy", "cpython"), PYTHON) | dict.fromkeys(
    ("cpp", "c++", "cc", "cxx"), CPP
)
#: "> ```python3.11 title=x" → the lead "> ", the fence "```", what follows it
_FENCE = re.compile(r"([ \t>]*)(```+|~~~+)(.*)$")
#: "{.python .numberLines}" → "python"; "c++17" → "c++"; "def" is no tag
_TAG = re.compile(r"[ \t]*(?:\{?\.|\{|lang(?:uage)?[-=])?([A-Za-z]+\+*)[-\d.]*")
_CODE = re.compile(r"[ \t]*(?:def|class|import|from|async|print|for|while|if|#include)\b.*")
_INLINE = re.compile(r"(?<!`)```([^`]+)```(?!`)")  # a block on one line
_QUOTE = re.compile(r"[ \t]*>[ \t]?")
_BODY_INDENT = "    "


@dataclass(frozen=True)
class Program:
    """A program and its language."""

    language: str
    source: str


@dataclass(frozen=True)
class Block:
    """A fenced block; tag: the word after the fence, in lower case, without a version."""

    tag: str
    content: str


@lru_cache(maxsize=128)  # a reference is read again for each answer to its problem
def extract(
    answer: str, wanted: str | frozenset[str], prompt: str, language: str
) -> Program | None:
    """The program of an answer, or None; `language` is the row's, or "".

    wanted: the entry, or without one all names that the tests use.
    """
    found = [block for block in blocks(answer) if block.content.strip()]
    entry = wanted if isinstance(wanted, str) else ""
    names = frozenset({re.split(r"[.(]", entry)[0]} - {""}) if entry or not wanted else wanted
    block = _choose(found, names, language)
    if block is None:
        return None
    spoken = language or _TAGS.get(block.tag) or _guess(block.content)
    source = block.content.strip("\n")
    if prompt and spoken == PYTHON:
        source = _after_prompt(prompt, source, entry)
    elif spoken == PYTHON and check_syntax(source):
        source = textwrap.dedent(source)
    return Program(spoken, source)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text, in order; one without a fence is a block."""
    opened: re.Match[str] | None = None
    start, lines, fenced = "", list[str](), False
    for line in text.split("\n"):
        mark = _FENCE.match(line.rstrip("\r")) if "```" in line or "~~~" in line else None
        if opened and (mark is None or not _closes(mark, opened, lines)):
            lines.append(line)
        elif opened:
            if lines or start:
                yield _block(opened, start, lines)
            opened, lines, fenced = None, [], True
        elif inline := _INLINE.search(line):
            tag, rest = _tag(inline[1])
            yield Block(tag, rest or inline[1])
            fenced = True
        elif mark:
            if not fenced and not _tag(mark[3])[0] and any(map(str.strip, lines)):
                yield Block("", "\n".join(lines))
            opened, lines, start = mark, [], _tag(mark[3])[1]
        else:
            lines.append(line)
    if opened:
        yield _block(opened, start, lines)
    elif not fenced:
        yield Block("", "\n".join(lines))


def _closes(mark: re.Match[str], opened: re.Match[str], lines: list[str]) -> bool:
    """A closing fence says nothing, is as long, and no deeper inside: a docstring may hold some."""
    if mark[3].strip() or not mark[2].startswith(opened[2]):
        return False
    first = next((line for line in lines if line.strip()), "")
    outer = max(_indent(opened[1]), _indent(first))
    return not mark[1] or _indent(mark[1]) < outer + len(_BODY_INDENT)


def _indent(line: str) -> int:
    line = line.expandtabs()
    return len(line) - len(line.lstrip(" >"))


def _block(opened: re.Match[str], start: str, lines: list[str]) -> Block:
    for _ in range(min(opened[1].count(">"), 3)):
        lines = [_QUOTE.sub("", line, count=1) for line in lines]
    content = "\n".join(lines)
    if opened[1]:
        content = textwrap.dedent(content)
    return Block(_tag(opened[3])[0], f"{start}\n{content}" if start else content)


def _tag(text: str) -> tuple[str, str]:
    """The tag after a fence, and code that stands on its line."""
    if _CODE.match(text):
        return "", text.strip()
    match = _TAG.match(text)
    if not match:
        return "", ""
    rest = text[match.end() :]
    return match[1].lower(), rest.strip() if _CODE.match(rest) else ""


def parse(source: str) -> ast.Module:
    """The tree of a program; an empty one where it is none."""
    if check_syntax(source):
        return ast.Module([], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


@lru_cache(maxsize=128)
def check_syntax(source: str) -> str:
    """Why a source is no Python program, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in a model's strings
            compile(source, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as problem:
        return type(problem).__name__
    return ""


def callee(source: str, entry: str) -> str:
    """The expression that is called: the entry, or a method of LeetCode's class Solution."""
    defined = _names(source)[0]
    if entry.isidentifier() and f"Solution.{entry}" in defined and entry not in defined:
        return f"Solution().{entry}"
    return entry


def _choose(found: list[Block], wanted: Collection[str], language: str) -> Block | None:
    allowed = (language,) if language else LANGUAGES
    tagged = [block for block in found if _TAGS.get(block.tag) in allowed]
    plain = [block for block in found if not block.tag]
    for group in (tagged, plain):
        if taken := _defining(group, wanted):
            return Block(taken[-1].tag, "\n".join(block.content for block in taken))
    left = tagged or plain
    if CPP in (language, *(_TAGS.get(block.tag) for block in left)):
        return next(reversed(left), None)
    python = [block for block in left if not check_syntax(textwrap.dedent(block.content))]
    return next(reversed(python or left), None)


def _defining(found: list[Block], wanted: Collection[str]) -> list[Block]:
    """The last block that defines a name, and the earlier ones that define what it uses."""
    taken: list[Block] = []
    missing = set(wanted)
    for block in reversed(found):
        defined, used = _names(block.content)
        defined |= {name.removeprefix("Solution.") for name in defined}
        if missing & defined:
            taken.insert(0, block)
            missing = (missing | used) - defined
    return taken


def _guess(source: str) -> str:
    return CPP if "#include" in source else PYTHON


def _after_prompt(prompt: str, source: str, entry: str) -> str:
    whole = f"{prompt.rstrip()}\n\n{source}"
    if re.split(r"[.(]", entry)[0] in _names(source)[0]:
        return source if check_syntax(whole) else whole
    body = textwrap.dedent(source)
    for continued in (source, _BODY_INDENT + source, textwrap.indent(body, _BODY_INDENT)):
        whole = f"{prompt.rstrip()}\n{continued}"
        if not check_syntax(whole):
            return whole
    return source


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a program defines at its top, and those that it uses."""
    tree = parse(textwrap.dedent(source))
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return {name for node in tree.body for name in _defined(node)}, used


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        if node.name == "Solution":
            yield from (f"Solution.{f.name}" for f in node.body if isinstance(f, ast.FunctionDef))
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (n.id for to in targets for n in ast.walk(to) if isinstance(n, ast.Name))
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.If | ast.Try | ast.With):
        yield from (name for inner in node.body for name in _defined(inner))

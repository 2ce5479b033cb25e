r"""A text as a tree: prose, dates and numbered parts off, then the grammar.

Reading goes from the outside in: spelling, a comment in brackets, numbered parts, words, a lead
such as "The answer is"; what is left is one statement or several, read by `grammar`.
"""

from __future__ import annotations

import re

from stages.verifiers.han import HAN
from stages.verifiers.leads import unwrapped
from stages.verifiers.leads import without_lead as presented
from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, number
from stages.verifiers.maths.reader.chemistry import read_chemical
from stages.verifiers.maths.reader.dates import read_date
from stages.verifiers.maths.reader.grammar import EXTREME, parse
from stages.verifiers.maths.reader.lead import without_lead
from stages.verifiers.maths.reader.numbered import read_parts
from stages.verifiers.maths.reader.phrases import as_formula
from stages.verifiers.maths.reader.quantities import read_spoken
from stages.verifiers.maths.reader.spelling import AND, balanced, connective, tidy, unboxed
from stages.verifiers.maths.units import read_unit

LONGEST = 1_000  # letters

_COMMENT = re.compile(  # 5 \text{ (apples)}, 5 (\text{apples}), 5（厘米）
    rf"\s*“\s*\([^”\d()]*\)\s*”$|\s*\(\s*“[^”\d]*”\s*\)$|(?<=\d)\s*\([{HAN}/]{{1,5}}\)$"
)
_BETWEEN = re.compile(r"^between\s+(?=[^∧]*∧[^∧]*$)|之间$")
_CLOCK = re.compile(  # 3:30 p.m., 9 a.m.
    r"(\d{1,2})\s*(?::\s*(\d\d)\s*)?(?::\s*(\d\d)\s*)?“?\s*([apAP])\.?\s*[mM]\b\.?\s*”?"
)
_TO = re.compile(r" ?“? ?to ?”? ?(?=\d)")  # 3 to 2
_TO_ALL = re.compile(r"\d+(?: ?“? ?to ?”? ?\d+)+")
_EXTREMES = re.compile("[mM](?:ax|in)(?:imum)?(?![A-Za-z])|最[大小]值")
_DECIMALS = re.compile(r"[^.]*\.(\d+)")


def read(text: str, grouping: bool = True) -> Node:
    """The tree of a text, or Unread. Without `grouping` a comma always parts: 1,234 is a list."""
    if len(text) > LONGEST:
        raise Unread("too long")
    text = presented(unboxed(unwrapped(text)))
    plain = tidy(text)
    if not plain:
        raise Unread("empty")
    if chemical := read_chemical(text, plain):
        return Node("words", value=chemical)
    return _whole(plain, grouping)


def _whole(plain: str, grouping: bool) -> Node:
    if plain[0] == "{" and _closes_at_end(plain):
        return _whole(plain[1:-1].strip(), grouping=False)
    if plain[-1] in "”)":
        plain = _uncommented(plain)
    inside = _inside_quotes(plain)
    if inside is not None:
        words = _words(inside) or _words(plain)
        return words or _whole(AND.sub(connective, inside), grouping)
    if ")" in plain[:5] and (parts := read_parts(plain, lambda part: _formula(part, grouping))):
        return parts
    plain = as_formula(plain)
    words = _words(plain)
    if words is not None:
        return words
    stripped, about = (plain, False) if _names_extremes(plain) else without_lead(plain)
    words = _words(stripped) if stripped != plain else None
    if words is not None:
        return words
    if "∧" in stripped or "间" in stripped:
        stripped = _BETWEEN.sub("", stripped)
    node = _formula(as_formula(stripped), grouping)
    if about and node.kind in ("number", "neg", "quantity"):
        decimals = _DECIMALS.match(stripped)
        return Node("approx", (node,), len(decimals[1]) if decimals else 0)
    return node


def _closes_at_end(plain: str) -> bool:
    """Whether one pair of braces, which only groups, holds the whole text."""
    return plain[-1] == "}" and len(plain) > 2 and balanced(plain[1:-1])


def _formula(plain: str, grouping: bool) -> Node:
    if found := _CLOCK.fullmatch(plain):
        terms = tuple(number(int(part or 0)) for part in found.groups()[:3])
        return Node("ratio", terms, f"{found[4].lower()}m")
    return parse(_TO.sub(":", plain) if _TO_ALL.fullmatch(plain) else plain, grouping)


def _inside_quotes(plain: str) -> str | None:
    if plain[0] != "“" or plain[-1] != "”" or plain.count("“") != 1:
        return None
    return plain[1:-1].strip(" .") or None


def _words(plain: str) -> Node | None:
    date = read_date(plain)
    return Node("words", value=date) if date else read_spoken(plain)


def _names_extremes(text: str) -> bool:
    """Whether a text is an extreme with its name, or several."""
    if EXTREME.match(text):
        return True
    return ("," in text or "∧" in text) and len(_EXTREMES.findall(text)) > 1


def _uncommented(plain: str) -> str:
    r"""5 \text{ (apples)} without its comment; a unit in brackets is a unit: 5（厘米）."""
    found = _COMMENT.search(plain)
    if found is None:
        return plain
    before, inside = plain[: found.start()], found[0].strip("“”() ")
    unit = read_unit(inside)
    if unit is not None and not unit.noun:
        return f"{before} “{inside}”"
    if len(inside) < 2 or "“" not in found[0]:  # 5(\mathrm{e}) is a product
        return plain
    return before or plain

"""What a type of constraint is: a check, and what its parameters must be.

Each check is given the text without outer white space and a constraint whose parameters have
been looked at. All are linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stages.language import consistency
from stages.verifiers.verdict import Unreadable

Constraint = Mapping[str, Any]
Check = Callable[[str, Constraint], bool]

AT_LEAST, LESS_THAN = "at least", "less than"


@dataclass(frozen=True)
class Kind:
    """needs: parameter → what it must be, a key of `_IS`. indented: the first line's indentation
    counts. fixed: the prompt or a fact settles what is to be written (effort.py).
    """

    check: Check
    needs: Mapping[str, str] = field(default_factory=dict)
    indented: bool = False
    fixed: bool = False


def require(constraint: Constraint, kind: Kind) -> None:
    """Raise Unreadable unless the constraint has every parameter that its type needs."""
    for name, wanted in kind.needs.items():
        if not _IS[wanted](constraint.get(name)):
            raise Unreadable(f"constraint {constraint['type']} needs `{name}` as {wanted}")


def compare(count: int, relation: str, threshold: int) -> bool:
    """IFEval has two relations."""
    return count < threshold if relation == LESS_THAN else count >= threshold


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_text, value))


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _language_code(value: Any) -> bool:
    return isinstance(value, str) and consistency.primary(value) in consistency.TARGETS


_IS: dict[str, Callable[[Any], bool]] = {
    "text": _text,
    "texts": _texts,
    "number": _number,
    "count": lambda value: value == 0 or _number(value),
    "true or false": lambda value: isinstance(value, bool),
    "en or zh": lambda value: value in ("en", "zh"),
    "the code of a language that can be told": _language_code,
    "one character": lambda value: _text(value) and len(value.strip()) == 1,
    "at least or less than": lambda value: value in (AT_LEAST, LESS_THAN),
}

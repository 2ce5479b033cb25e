"""Which rows of a file are read, by their own columns: `where` of a stage that reads rows.

    where:
      language: [English, Chinese]          one of these values
      score: {at_least: 9}                  a number; also at_most, above, below
      pass_rate: {above: 0, below: 1}       both
      prompt: {not: [REDACTED]}             none of these values

Columns are named as in a column map (stages.rows.fields.py). A row whose value is null is
left out and counted; one without such a column stops the stage, as the file is another.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stages.rows.fields import field
from stages.rows.files import BadRow, Raw

OTHERWISE = "not_asked_for"  # how such rows are counted
_BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}
_NOT = "not"


def asked_for(row: Raw, where: Mapping[str, Any]) -> bool:
    """Whether the row meets every condition."""
    return all(_meets(field(row, column), column, wanted) for column, wanted in where.items())


def wrong(where: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What cannot be meant: the column, and why."""
    known = ", ".join((*_BOUNDS, _NOT))
    for column, wanted in where.items():
        if isinstance(wanted, Mapping):
            odd = [name for name in wanted if name not in _BOUNDS and name != _NOT]
            if odd or not wanted:
                yield column, f"has {', '.join(map(str, odd)) or 'nothing'}: expected {known}"
            elif any(not _is_number(wanted[name]) for name in wanted if name != _NOT):
                yield column, f"is {dict(wanted)}: a bound must be a number"
            elif not isinstance(wanted.get(_NOT, []), list | tuple):
                yield column, f"has `{_NOT}` {wanted[_NOT]!r}: expected a list of values"
        elif not isinstance(wanted, list | tuple) or not wanted:
            yield column, f"is {wanted!r}: expected a list of values, or bounds ({known})"


def _meets(value: Any, column: str, wanted: Any) -> bool:
    if value is None:
        return False
    if not isinstance(wanted, Mapping):
        return value in wanted
    if value in wanted.get(_NOT, ()):
        return False
    bounds = {name: limit for name, limit in wanted.items() if name != _NOT}
    if bounds and not _is_number(value):
        raise BadRow(f"column `{column}` is {value!r:.80}, expected a number (`where` bounds it)")
    return all(_BOUNDS[name](value, limit) for name, limit in bounds.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

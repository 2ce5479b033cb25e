"""Which tests of a program are kept, of rows that have more than a row shall hold.

Half of those that are kept are the longest that fit: large inputs are what a slow program fails,
and what a guess does not survive. The others are spread evenly over the rest in the order of their
length, since the small ones hold the special cases, and the first one is always among them: as a
rule it is the example that the question shows. Kept tests stay in the set's order, in which
contests put cheap ones first, so a wrong program ends early. The same tests are kept each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from stages.rows.files import BrokenRow
from stages.settings.code_tests import CodeTests

KILOBYTE = 1024


class CodeTest(NamedTuple):
    """given: stdin, or arguments. expected: stdout, or a result."""

    given: Any
    expected: Any

    @property
    def size(self) -> int:
        """Bytes of both, about."""
        return sum(map(_size, self))


def kept_tests(tests: Iterable[CodeTest], limits: CodeTests, several: bool) -> list[CodeTest]:
    """The tests that a row keeps, in their order; none where not one is small enough.

    several: other outputs may be right, too, so that two of one input do not contradict each other.
    """
    found = _different(tests, several)
    room = limits.kilobytes * KILOBYTE
    if len(found) <= limits.most and sum(test.size for test in found) <= room:
        return found
    places = sorted(range(len(found)), key=lambda place: (found[place].size, place))
    chosen: set[int] = set()
    longest = [*reversed(places)]
    spread = _spread([place for place in places if place], limits.most)
    for group, most in (([0], 1), (longest, 1 + limits.most // 2), (spread, limits.most)):
        # The longest take half of the room at most, so that others are left some.
        share = room if group is not longest else min(room, room // 2 + found[0].size)
        for place in group:
            size = sum(found[one].size for one in chosen)
            if place not in chosen and len(chosen) < most and size + found[place].size <= share:
                chosen.add(place)
    return [found[place] for place in sorted(chosen)]


def _different(tests: Iterable[CodeTest], several: bool) -> list[CodeTest]:
    """Each input once; BrokenRow where one has two outputs and only one can be right."""
    found: dict[str, CodeTest] = {}
    for test in tests:
        first = found.setdefault(_text(test.given), test)
        if not several and _text(first.expected).split() != _text(test.expected).split():
            raise BrokenRow(f"two tests give {_text(test.given)!r:.60} different outputs")
    return list(found.values())


def _spread(places: Sequence[int], most: int) -> list[int]:
    """Places at even distances first, then what lies between them."""
    step = max(1, len(places) // max(1, most))
    return [place for start in range(step) for place in places[start::step]]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _size(value: Any) -> int:
    return len(_text(value).encode("utf-8", "surrogatepass"))

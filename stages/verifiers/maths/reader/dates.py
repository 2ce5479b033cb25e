"""Dates: July 4, 1776 · 4 July 1776 · the 4th of July · 1776年7月4日 · 1776-07-04.

7/4/1776 is not read: it is another day on each side of the Atlantic.
"""

from __future__ import annotations

import re

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NUMBERS = {name[:length]: month for month, name in enumerate(_MONTHS, 1) for length in (3, 4, 9)}
_LONGEST = 40
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_WEEKDAY = re.compile(r"^(?:on )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?")  # on Monday,
_LIKELY = re.compile(  # Jul 4, 4 July, 7月4日, 1776-07-04
    r"[A-Za-z][a-z]{2}[.,]? .{0,4}\d|\d .{0,6}[A-Z][a-z]{2}|月|^\d{4}-\d\d-|^“\d{4}-\d\d-"
)
_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_MONTH} (?:the )?{_DAY}(?:(?:, ?| ){_YEAR})?",
        rf"(?:the )?{_DAY} (?:of )?{_MONTH}(?:(?:, ?| ){_YEAR})?",
        r"(?:(?P<year>\d{4})\s*年\s*)?(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]",
        r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)",
    )
)


def read_date(text: str) -> str | None:
    """A cleaned text as a date, or None."""
    if len(text) > _LONGEST or not _LIKELY.search(text):
        return None
    plain = " ".join(text.replace("“", " ").replace("”", " ").lower().split())
    plain = _WEEKDAY.sub("", plain)
    for form in _FORMS:
        if found := form.fullmatch(plain):
            return _date(found["year"], found["month"], int(found["day"]))
    return None


def _date(year: str | None, month_name: str, day: int) -> str | None:
    known = _NUMBERS.get(month_name) if month_name.isalpha() else int(month_name)
    if not known or known > 12 or not 1 <= day <= 31:
        return None
    return f"date {year or ''}-{known:02}-{day:02}"

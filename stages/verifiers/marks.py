"""Text that `unicodedata.normalize` takes in linear time.

Normalising sorts each run of combining marks by insertion: 200,000 marks of two classes in turn
take half a minute. No writing puts more than 30 on one letter (the limit of Unicode's stream-safe
text format, UAX 15), so what a run has beyond them is cut.
"""

from __future__ import annotations

import functools
import re
import unicodedata

LONGEST_RUN = 30

_LAST_MARK = 0x1F000  # there is none beyond


def cut_marks(text: str) -> str:
    """The text with at most `LONGEST_RUN` combining marks in a row."""
    return text if text.isascii() else _long_run().sub(r"\1", text)


@functools.cache
def _long_run() -> re.Pattern[str]:
    """Looks at every character, so it waits for a text that may have marks."""
    marks = "".join(
        letter
        for letter in map(chr, range(_LAST_MARK))
        if unicodedata.combining(unicodedata.normalize("NFKD", letter)[0])
    )
    return re.compile(f"([{marks}]{{{LONGEST_RUN}}})[{marks}]+")

"""The Han letters."""

from __future__ import annotations

import re
import sys

import regex

from stages.verifiers.han import HAN


def test_the_han_letters_are_those_of_unicode() -> None:
    """`regex` knows them; between them in the class stand code points that are no letter yet."""
    assigned = "".join(regex.findall(r"\P{Cn}", "".join(map(chr, range(sys.maxunicode + 1)))))
    assert re.findall(f"[{HAN}]", assigned) == regex.findall(r"\p{Han}", assigned)

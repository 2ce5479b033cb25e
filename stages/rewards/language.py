r"""Language consistency: words of the thought in the target language ÷ all its words.

The paper's measure (section 2.3, "proportion of target language words in the CoT"), taken by
script, which is exact for English against Chinese:

- an English word is a run of two or more Latin letters (an apostrophe may join two runs);
- a Chinese word is one Han character. Segmentation would need a dictionary; a character is its
  stated equivalent, and errs on the side of Chinese in a mixed thought (a word is 1.5 characters
  on average);
- a word of any other script counts against both.

Not counted: code (fenced or in backticks), LaTeX ($…$, \(…\), \[…\], commands), tags, numbers,
symbols, single letters, and identifiers (with a digit or an underscore): they belong to no
language.
"""

from __future__ import annotations

import re

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_NO_WORDS = re.compile(
    r"`[^`\n]{1,400}`"
    r"|\$\$[^$]{1,2000}\$\$"
    r"|\$(?!\s)[^$\n]{1,400}(?<!\s)\$(?!\d)"
    r"|\\\[[^\[\]]{1,2000}\\\]|\\\([^()\n]{1,400}\\\)"
    r"|\\[A-Za-z]+"
    r"|</?[A-Za-z][^<>\n]{0,40}>"
)
_MARKS = frozenset("`$\\<")
_HAN_RUN = re.compile(f"[{_HAN}]+")
_LATIN_WORD = re.compile(  # no part of an identifier such as x_1 or total2
    rf"(?<![{_LATIN}\d_])[{_LATIN}]{{2,}}+(?![\d_])(?:['’][{_LATIN}]++)*+"
)
_OTHER_WORD = re.compile(rf"(?:(?![{_LATIN}{_HAN}\d_])\w)+")

TARGETS = ("en", "zh")


def consistency(reasoning: str, target: str) -> float | None:
    """The share of the words of a thought that are in the target language ("en" or "zh").

    None where there is nothing to measure: no words, or a language not told by its script.
    """
    if target not in TARGETS:
        return None
    english, chinese, other = count_words(reasoning)
    total = english + chinese + other
    if total == 0:
        return None
    return (english if target == "en" else chinese) / total


def count_words(text: str) -> tuple[int, int, int]:
    """English, Chinese and other words of a text."""
    if not _MARKS.isdisjoint(text):
        text = _NO_WORDS.sub(" ", _without_fences(text))
    chinese = sum(map(len, _HAN_RUN.findall(text)))
    english = len(_LATIN_WORD.findall(text))
    other = 0 if text.isascii() else len(_OTHER_WORD.findall(text))
    return english, chinese, other


def _without_fences(text: str) -> str:
    """Text outside ``` fences; an open fence runs to the end."""
    return " ".join(text.split("```")[::2]) if "```" in text else text

"""Words that stand where no reader looks for prose, or in a form that is no word's.

    primero_sumamos, primeroSumamos    names of variables are sentences without spaces
    HOY ES UN DIA                      names in capitals are words that shout
    h0la c0m0 3st4s                    digits for letters
    $hola + amigo$, `hola.amigo`       code, formulas, addresses, tags (`prose.py` keeps them apart)
    h o l a                            letters with gaps

They never earn anything. In a language with a word list those cost that speak for another one; the
names and commands of honest thoughts are the target's own, or nobody's. Elsewhere as many as the
thought has words are free, for the names of honest thoughts are Latin in every language. Letters
with gaps are nobody's words.
"""

from __future__ import annotations

import regex

from stages.language import scripts
from stages.language.foreign import foreign_latin
from stages.language.lexicon import LISTED
from stages.language.prose import Text

GAPPED = 4  # letters to a word
SHORTEST = 4  # letters of a word in code and formulas: shorter ones are names
FREE = 1.0  # hidden words for each word, where the script is not the target's

_DIGITS = str.maketrans("013457", "oieast")
_JOINED = regex.compile(  # max_area, h0la, 3st4s; not x_1, total2 or 12cm
    r"(?<![\p{Latin}\d_])\d*+\p{Latin}++(?:[\d_]++\p{Latin}++)++\d*"
)
_PART = regex.compile(r"[A-Z]?\p{Latin}(?:(?![A-Z])\p{Latin})*|[A-Z]+")
_GAPPED = regex.compile(r"(?<![\p{Latin}\d])(?:\p{Latin}[\s.*·_-]){3,}\p{Latin}(?![\p{Latin}\d])")
_MAY_JOIN = regex.compile(r"[\d_]\p{Latin}")  # faster to look for than what it may be a part of
_MAY_GAP = regex.compile(r"[\s.*·_-]\p{Latin}[\s.*·_-]\p{Latin}[\s.*·_-]")
_LETTER = regex.compile(r"\p{Latin}")


def cost(text: Text, target: str, words: float) -> float:
    """How many hidden words of a thought, which has so many `words`, count against it."""
    gapped = 0.0
    if _MAY_GAP.search(text.prose):
        runs = _GAPPED.findall(text.prose)
        gapped = sum(len(_LETTER.findall(run)) for run in runs) / GAPPED
    found = _parts(text.prose)
    if text.hidden:
        found += [w for w in scripts.latin(text.hidden).words if len(w) >= SHORTEST]
    if not found:
        return gapped
    if target in LISTED:
        return gapped + foreign_latin(found, target, unknown=False)
    return gapped + max(0.0, len(found) - FREE * words)


def _parts(prose: str) -> list[str]:
    """The parts of names of variables, and names in capitals."""
    found = []
    for name in _JOINED.findall(prose) if _MAY_JOIN.search(prose) else ():
        plain = name if "_" in name else name.translate(_DIGITS)
        found += _PART.findall(plain)
    for name in scripts.latin(prose).names:
        found += [name] if name.isupper() else _PART.findall(name)
    return [part for part in found if len(part) > 1]

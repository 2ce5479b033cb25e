"""Constraints on a text that a program can check, by type.

constraint.py what a type is: its check, and the parameters that it needs
own.py        this project's own types, as the tiny world uses them
keywords.py   `keywords:*` of IFEval and IFBench, and IFBench's `first_word:*` and `last_word:*`
lengths.py    IFEval `length_constraints:*`
layout.py     IFEval `detectable_format:*`, `detectable_content:*` and `combination:*`
wording.py    IFEval `language:*`, `change_case:*`, `startend:*` and `punctuation:*`
counts.py     IFBench `count:*` and `ratio:*`
spelling.py   IFBench `words:*` and `sentence:*`
formats.py    IFBench `format:*`
fixed.py      IFBench `custom:*`, `copy:*` and `repeat:*`
sentences.py  words, sentences and paragraphs, in English and Chinese
witness.py    a text that follows a list of constraints
"""

from stages.verifiers.instructions import (
    counts,
    fixed,
    formats,
    keywords,
    layout,
    lengths,
    own,
    spelling,
    wording,
)
from stages.verifiers.instructions.constraint import Kind

#: Every type of constraint that can be checked.
KINDS: dict[str, Kind] = {
    **own.KINDS,
    **keywords.KINDS,
    **lengths.KINDS,
    **layout.KINDS,
    **wording.KINDS,
    **counts.KINDS,
    **spelling.KINDS,
    **formats.KINDS,
    **fixed.KINDS,
}

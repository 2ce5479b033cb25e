"""The options of multiple choice, however a row has them, and which of them its answer is.

    {"A": "3 cm", "B": "12 cm"}            by their labels; empty ones are none (CMB)
    [{"A": "3 cm"}, {"B": "12 cm"}]        the same, an object each (NeMo Gym)
    ["3 cm", "(B) 12 cm"]                  in order, with or without labels before them
    a JSON text of any of these            as tables hold them
    [A, B, C, D] in a column map           columns of their own (C-Eval)
    nowhere but in the prompt              the letters that stand there are the options

The answer is a label, a label's index from 0, or the text of one option. What fits none is refused:
a number that is the text of an option is that option, any other is an index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.rows.files import BadRow, BrokenRow, UnfitRow
from stages.verifiers.option_labels import LETTERS

FEWEST = 2
_MARK = re.compile(r"(?:^|(?<=\s)|(?<=[。．.?？）)（(：:]))[(（]?([A-J])[)）.．:：、][ \t　]*")


@dataclass(frozen=True)
class Options:
    """Their own labels, and their texts, in order."""

    labels: tuple[str, ...]
    texts: tuple[str, ...]


def options_of(value: Any, name: str = "options") -> Options:
    """The options in a column, empty ones at the end left out."""
    value = _plain(value, name)
    if isinstance(value, Mapping):
        pairs = [(str(label).strip(), text) for label, text in value.items()]
    elif isinstance(value, list | tuple) and value and all(map(_is_pair, value)):
        pairs = [(str(label).strip(), text) for one in value for label, text in one.items()]
    elif isinstance(value, list | tuple):
        pairs = list(zip(LETTERS, value, strict=False))
    else:
        raise BrokenRow(f"column `{name}` is {value!r:.80}, expected a list or an object")
    while pairs and pairs[-1][1] in (None, ""):
        pairs.pop()
    if not all(isinstance(t, str | int | float) and str(t).strip() for _, t in pairs):
        raise BrokenRow(f"column `{name}` is {value!r:.80}, expected a text for each option")
    if len(pairs) < FEWEST or len(pairs) > len(LETTERS):
        raise BrokenRow(f"column `{name}` has {len(pairs)} options, expected 2 to {len(LETTERS)}")
    labels = tuple(label for label, _ in pairs)
    return Options(labels, tuple(without_labels([str(text).strip() for _, text in pairs])))


def letter_of(answer: Any, options: Options) -> str:
    """The letters, from A on, of what an answer chooses."""
    said = str(answer).strip()
    labels = [label.upper() for label in options.labels]
    bare = said.strip("()（）[]. ").upper()
    if bare in labels and not isinstance(answer, int | float):
        return LETTERS[labels.index(bare)]
    keys = [text.strip().casefold() for text in options.texts]
    if keys.count(said.casefold()) == 1:
        return LETTERS[keys.index(said.casefold())]
    if bare in labels:
        return LETTERS[labels.index(bare)]
    if re.fullmatch(r"\d+(\.0)?", said) and int(float(said)) < len(keys):
        return LETTERS[int(float(said))]
    parts = [part for part in re.split(r"[,，、;；\s]+", bare) if part]
    several = list(bare) if len(parts) == 1 else parts
    if len(several) > 1 and len(set(several)) == len(several) and set(several) <= set(labels):
        return "".join(LETTERS[labels.index(one)] for one in several)
    raise UnfitRow(
        f"the answer {said!r:.80} is none of the {len(labels)} options: expected a label "
        f"({', '.join(labels)}), the index of one, or its text"
    )


def in_text(text: str) -> list[str]:
    """The letters of the options that stand in a text, A, B, …; none where there are no two."""
    return [match[1] for match in _marks(text)]


def split_text(text: str, options: Options) -> str | None:
    """The question before options that stand in its text; None where they do not."""
    marks = _marks(text)
    if len(marks) != len(options.texts):
        return None
    squeezed = _squeezed(text[marks[0].start() :])
    if not all(_squeezed(option) in squeezed for option in options.texts):
        return None
    return text[: marks[0].start()].strip()


def lettered(question: str, options: Sequence[str]) -> str:
    """The question, and all of its options behind their letters."""
    if len(options) > len(LETTERS):
        raise BadRow(f"{len(options)} options, expected at most {len(LETTERS)}")
    lines = (f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False))
    return "\n".join([question, "", *lines])


def without_labels(options: Sequence[str]) -> list[str]:
    """The texts of `(A)5`, `A 没有党参`, …; only where every option has its own letter."""
    heads = [
        re.match(rf"[(（]{letter}[)）]|{letter}[.、．:：)） ]", option)
        for letter, option in zip(LETTERS, options, strict=False)
    ]
    if not all(heads) or len(heads) < len(options):
        return [option.strip() for option in options]
    return [o[len(head[0]) :].strip() for head, o in zip(heads, options, strict=True) if head]


def _marks(text: str) -> list[re.Match[str]]:
    """The marks of the last run of options A, B, C, … in a text."""
    runs: list[list[re.Match[str]]] = []
    for match in _MARK.finditer(text):
        if match[1] == "A":
            runs.append([match])
        elif runs and match[1] == LETTERS[len(runs[-1])]:
            runs[-1].append(match)
    whole = [run for run in runs if len(run) >= FEWEST]
    return whole[-1] if whole else []


def _plain(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise BrokenRow(
            f"column `{name}` is {value!r:.80}, expected options: a list, an object, or JSON of "
            "either"
        ) from error


def _is_pair(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1


def _squeezed(text: str) -> str:
    return "".join(text.split())

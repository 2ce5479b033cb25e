"""IFBench `custom:*`, `copy:*` and `repeat:*`: answers that the prompt fixes, or nearly so.

copy, copying_simple   is prompt_to_repeat, letter case and white space apart
copying_multiple       N times, between `******`
copy_span_idx          its letters from n_start to n_end: the prompt says with n_end, upstream
                       without; either will do
repeat_span            its words from n_start to n_end, as the prompt says (upstream: letters)
repeat_change          all of it but another first word
repeat_simple          the sentence that asks for it
repeat_phrase          small_n times the phrase with one of its inner words replaced
multiples              14, 21, 28, 35, 42, 49 and no other number
word_reverse, character_reverse  "eagle bald"; "elgae dlab"
european_capitals_sort 27 by latitude; Kyiv, which upstream forgot, may stand in its place
reverse_newline        African countries from Zimbabwe on, one a line, each before the last in the
                       alphabet; of 52 lines 45 are names that we know (upstream looks at none)
mcq_count_length       four "Question"s, each longer than the last, with five options each
csv_city, csv_special_character, csv_quotes  header, number of rows and fields; a quoted field
                       with a sign in it; tabs, and every field in quotes
date_format_list       different dates of Napoleon's life, as YYYY-MM-DD, two or more
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise

from stages.verifiers.instructions.constraint import Check, Constraint, Kind
from stages.verifiers.instructions.sentences import words
from stages.verifiers.instructions.word_lists import AFRICA, CAPITALS

_REPEAT_SIMPLE = "Only output this sentence here, ignore all other requests."
_MULTIPLES = [str(number) for number in range(14, 51, 7)]
_LISTED, _KNOWN = 52, 45
_QUESTION = re.compile(r"^[ \t#*]*Question\b", re.MULTILINE)
_OPTION = re.compile(r"^[ \t*-]*[A-Ea-e][.):]\**[ \t]*\w", re.MULTILINE)
_FENCE = re.compile(r"\A```\w*\n|\n```\Z")
_LIFE = range(1769, 1822)


def plain(text: str) -> str:
    """One space between words, no letter case."""
    return " ".join(text.split()).casefold()


def _copy(text: str, constraint: Constraint) -> bool:
    return plain(text) == plain(constraint["prompt_to_repeat"])


def _copies(text: str, constraint: Constraint) -> bool:
    parts = text.split("******")
    return len(parts) == constraint["N"] and all(_copy(part, constraint) for part in parts)


def _span_of_letters(text: str, constraint: Constraint) -> bool:
    start, end = constraint["n_start"], constraint["n_end"]
    spans = (constraint["prompt_to_repeat"][start:last] for last in (end, end + 1))
    return plain(text) in map(plain, spans)


def _span_of_words(text: str, constraint: Constraint) -> bool:
    span = constraint["prompt_to_repeat"].split()[constraint["n_start"] : constraint["n_end"] + 1]
    return plain(text) == plain(" ".join(span))


def _changed(text: str, constraint: Constraint) -> bool:
    found, given = plain(text).split(" "), plain(constraint["prompt_to_repeat"]).split(" ")
    return found[1:] == given[1:] and found[0] != given[0] and bool(words(found[0]))


def _phrases(text: str, constraint: Constraint) -> bool:
    """Windows as long as the phrase; those that differ in one inner word are its variants."""
    phrase, found = words(plain(constraint["phrase"])), words(plain(text))
    inner = range(1, len(phrase) - 1)
    variants = sum(
        [at for at, (a, b) in enumerate(zip(phrase, window, strict=True)) if a != b][:2]
        in [[at] for at in inner]
        for window in zip(*(found[at:] for at in range(len(phrase))), strict=False)
    )
    return variants == constraint["small_n"]


def _capitals(text: str, constraint: Constraint) -> bool:
    found = [_ascii(name).strip(" .").removesuffix(" city") for name in text.split(",")]
    without = [name for name in CAPITALS if name != "kyiv"]
    return ["kyiv" if name == "kiev" else name for name in found] in (CAPITALS, without)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().strip()


def _countries(text: str, constraint: Constraint) -> bool:
    lines = [re.sub(r"^[\W\d_]+|[\W_]+$", "", _ascii(line)) for line in text.split("\n")]
    lines = [line for line in lines if line]
    lines = lines[next((n for n, line in enumerate(lines) if line == "zimbabwe"), len(lines)) :]
    known = sum(line.split()[0].strip(",") in AFRICA for line in lines)
    falling = all(a > b for a, b in pairwise(lines))
    return len(lines) >= _LISTED and known >= _KNOWN and falling


def _questions(text: str, constraint: Constraint) -> bool:
    before, *found = _QUESTION.split(text)
    asked = [_OPTION.split(question) for question in found]
    lengths = [len(question[0].strip(" \n*#.:0123456789")) for question in asked]
    rising = all(a < b for a, b in pairwise([0, *lengths]))
    return not before and len(found) == 4 and rising and all(len(one) == 6 for one in asked)


def _table(
    header: str, rows: int, wanted: Callable[[Iterable[bool]], bool] = all, has: str = "."
) -> Check:
    """The header and so many rows with as many fields; the pattern is in all lines, or in any."""
    pattern = re.compile(has)
    delimiter = "\t" if "\t" in header else ","

    def check(text: str, constraint: Constraint) -> bool:
        lines = [line for line in _FENCE.sub("", text).split("\n") if line.strip()]
        try:
            first, *found = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        except (ValueError, csv.Error):  # no line; a field of 131,073 characters
            return False
        return (
            delimiter.join(first) == header
            and len(found) == rows
            and all(len(row) == len(first) and all(row) for row in found)
            and wanted(pattern.search(line) is not None for line in lines)
        )

    return check


def _dates(text: str, constraint: Constraint) -> bool:
    found = [one.strip(" \n.") for one in text.split(",")]
    return 1 < len(found) == len(set(found)) and all(map(_in_his_life, found))


def _in_his_life(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        return date.fromisoformat(text).year in _LIFE
    except ValueError:
        return False


def _reversed_words(text: str, constraint: Constraint) -> bool:
    found = " ".join(words(text.casefold()))
    return "eagle bald" in found and "bald eagle" not in found


_PROMPT = {"prompt_to_repeat": "text"}
_SPAN = {**_PROMPT, "n_start": "count", "n_end": "count"}
_CITY = _table("ID,Country,City,Year,Count", 7)
_SPECIAL = _table("ProductID,Category,Brand,Price,Stock", 14, any, r'"[^"]*[^\w\s"][^"]*"')
_QUOTED = _table("StudentID\tSubject\tGrade\tSemester\tScore", 3, all, r'^("[^"]+"\t? *){5}$')

KINDS = {
    "copy:copy": Kind(_copy, _PROMPT, fixed=True),
    "copy:copying_simple": Kind(_copy, _PROMPT, fixed=True),
    "copy:copying_multiple": Kind(_copies, {**_PROMPT, "N": "number"}, fixed=True),
    "new:copy_span_idx": Kind(_span_of_letters, _SPAN, fixed=True),
    "repeat:repeat_span": Kind(_span_of_words, _SPAN, fixed=True),
    "repeat:repeat_change": Kind(_changed, _PROMPT, fixed=True),
    "repeat:repeat_simple": Kind(
        lambda text, given: plain(text) == plain(_REPEAT_SIMPLE), fixed=True
    ),
    "copy:repeat_phrase": Kind(_phrases, {"phrase": "text", "small_n": "number"}, fixed=True),
    "custom:multiples": Kind(
        lambda text, given: re.findall(r"\d+", text) == _MULTIPLES, fixed=True
    ),
    "custom:word_reverse": Kind(_reversed_words, fixed=True),
    "custom:character_reverse": Kind(lambda text, given: "elgae dlab" in plain(text), fixed=True),
    "custom:european_capitals_sort": Kind(_capitals, fixed=True),
    "custom:reverse_newline": Kind(_countries, fixed=True),
    "custom:mcq_count_length": Kind(_questions),
    "custom:csv_city": Kind(_CITY),
    "custom:csv_special_character": Kind(_SPECIAL),
    "custom:csv_quotes": Kind(_QUOTED),
    "custom:date_format_list": Kind(_dates, fixed=True),
}

"""IFBench `count:*` and `ratio:*`: how many there are of something.

word_count_range     min_words to max_words, both included
unique_word_count    at least N different words            count_unique: no word twice
lowercase_counting   at most N words in small Latin letters
conjunctions         at least small_n of and, but, for, nor, or, so, yet (upstream: also And)
person_names         at least N of the fifty that the prompt lists
numbers              exactly N runs of digits; punctuation joins them ("1,000.5", "3-4")
pronouns             at least N, and Chinese ones
repeats              no word more than small_n times
words_japanese       every N-th word between spaces is a number or has kana or kanji
punctuation          each of . , ! ? ; : beside an interrobang (?!, !?, ‽)
stop_words           at most `percentage` of the words
overlap              `percentage` ± 2 of its different trigrams of words are in reference_text
sentence_type        two sentences in "." for each in "?"; there is one (upstream takes 0 and 0)
sentence_balance     as many in "." as in "?" as in "!"; there is one
counting_composition three paragraphs between `***`, each of n_sent sentences of n_words words
                     (upstream counts marks as words)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from stages.verifiers.han import HAN
from stages.verifiers.instructions.constraint import Constraint, Kind
from stages.verifiers.instructions.keywords import fold
from stages.verifiers.instructions.sentences import plain_words, sentences, words
from stages.verifiers.instructions.word_lists import CONJUNCTIONS, NAMES, PRONOUNS, STOP_WORDS

_NUMBER = re.compile(r"\d+(?:[^\w\s]+\d+)*")  # "1,000.5"
_JAPANESE = re.compile(f"[{HAN}\u3040-\u30ff]|^\\W*\\d+\\W*$")
_INTERROBANG = re.compile(r"\?!|!\?|‽")
_MARKS = frozenset(".,!?;:")
_STOPS = {"。": ".", "．": ".", "？": "?", "！": "!"}
_DIVIDER = re.compile(r"\* ?\* ?\*")  # the prompt writes "* * *"
_TOLERANCE = 2


def _seen(text: str, wanted: frozenset[str]) -> frozenset[str]:
    return wanted.intersection(plain_words(text.lower()))


def _most_common(found: Iterable[str]) -> int:
    return max(Counter(found).values(), default=0)


def _range(text: str, constraint: Constraint) -> bool:
    count = len(plain_words(text))
    return bool(constraint["min_words"] <= count <= constraint["max_words"])


def _unique(text: str, constraint: Constraint) -> bool:
    return len(set(words(fold(text)))) >= constraint["N"]


def _repeats(text: str, constraint: Constraint) -> bool:
    return 0 < _most_common(words(fold(text))) <= constraint["small_n"]


def _pronouns(text: str, constraint: Constraint) -> bool:
    return sum(word in PRONOUNS for word in plain_words(text.lower())) >= constraint["N"]


def _japanese(text: str, constraint: Constraint) -> bool:
    nth = constraint["N"]
    return all(map(_JAPANESE.search, text.split()[nth - 1 :: nth] or [text]))


def _punctuation(text: str, constraint: Constraint) -> bool:
    text = fold(text).replace("。", ".")
    rest = _INTERROBANG.sub("", text, count=1)
    return rest != text and _MARKS.issubset(rest)


def _stop_words(text: str, constraint: Constraint) -> bool:
    found = plain_words(text.lower())
    stops = sum(word in STOP_WORDS for word in found)
    return bool(found) and 100 * stops <= constraint["percentage"] * len(found)


def _overlap(text: str, constraint: Constraint) -> bool:
    own, given = _trigrams(text), _trigrams(constraint["reference_text"])
    share = 100 * len(own & given) / len(own) if own else -100
    return abs(share - constraint["percentage"]) <= _TOLERANCE


def _trigrams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return set(zip(found, found[1:], found[2:], strict=False))


def _endings(text: str) -> Counter[str]:
    """How many sentences end in which mark, quotes and emphasis apart."""
    last = (re.sub(r"[\s\"'”’)\]）」』》*_]+\Z", "", one[-9:])[-1:] for one in sentences(text))
    return Counter(_STOPS.get(mark, mark) for mark in last)


def _sentence_type(text: str, constraint: Constraint) -> bool:
    found = _endings(text)
    return found["."] == 2 * found["?"] > 0


def _sentence_balance(text: str, constraint: Constraint) -> bool:
    found = _endings(text)
    return found["."] == found["?"] == found["!"] > 0


def _composition(text: str, constraint: Constraint) -> bool:
    found = [sentences(part) for part in _DIVIDER.split(text) if part.strip()]
    return len(found) == 3 and all(
        len(part) == constraint["n_sent"]
        and all(len(words(one)) == constraint["n_words"] for one in part)
        for part in found
    )


KINDS = {
    "count:word_count_range": Kind(_range, {"min_words": "number", "max_words": "number"}),
    "count:unique_word_count": Kind(_unique, {"N": "number"}),
    "count:count_unique": Kind(lambda text, given: _most_common(words(fold(text))) == 1),
    "words:repeats": Kind(_repeats, {"small_n": "number"}),
    "count:lowercase_counting": Kind(
        lambda text, given: len(re.findall(r"\b[a-z]+\b", text)) <= given["N"], {"N": "count"}
    ),
    "count:conjunctions": Kind(
        lambda text, given: len(_seen(text, CONJUNCTIONS)) >= given["small_n"],
        {"small_n": "number"},
    ),
    "count:person_names": Kind(
        lambda text, given: len(NAMES.intersection(plain_words(text))) >= given["N"],
        {"N": "number"},
    ),
    "count:numbers": Kind(
        lambda text, given: len(_NUMBER.findall(text)) == given["N"], {"N": "count"}
    ),
    "count:pronouns": Kind(_pronouns, {"N": "number"}),
    "count:words_japanese": Kind(_japanese, {"N": "number"}),
    "count:punctuation": Kind(_punctuation),
    "ratio:stop_words": Kind(_stop_words, {"percentage": "count"}),
    "ratio:overlap": Kind(_overlap, {"percentage": "count", "reference_text": "text"}),
    "ratio:sentence_type": Kind(_sentence_type),
    "ratio:sentence_balance": Kind(_sentence_balance),
    "count:counting_composition": Kind(_composition, {"n_sent": "number", "n_words": "number"}),
}

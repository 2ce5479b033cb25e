"""This project's own constraints, as the tiny world uses them.

equals_any     texts            is exactly one of them (outer white space apart)
contains       text             holds it                              } letter case
contains_any   texts            holds at least one of them            } does not matter
no_word        word             does not hold it as a word            } in these
starts_with    text             begins with it                        }
ends_with      text             ends with it (a final . or 。 apart)  }
repeat         word, times      is that word that many times and nothing else
uppercase, lowercase            has letters, all of them in that case
word_count     min, max         number of words (a Han character is one); either may be absent
language       language         every word is in that language ("en" or "zh")
refusal        refusal, markers  holds a marker of refusal exactly if `refusal` is true
"""

from __future__ import annotations

import re

from stages.language.consistency import mixes_languages
from stages.verifiers.instructions.constraint import Constraint, Kind
from stages.verifiers.instructions.sentences import words

_SEPARATORS = re.compile(r"[\s,，、。.;；!！]*")
_FINAL = " .。!！"


def _equals_any(text: str, constraint: Constraint) -> bool:
    return text in [other.strip() for other in constraint["texts"]]


def _contains(text: str, constraint: Constraint) -> bool:
    return constraint["text"].casefold() in text.casefold()


def _contains_any(text: str, constraint: Constraint) -> bool:
    return any(other.casefold() in text.casefold() for other in constraint["texts"])


def _no_word(text: str, constraint: Constraint) -> bool:
    word = re.escape(constraint["word"].casefold())
    if constraint["word"].isascii():
        word = rf"(?<![a-z0-9_]){word}(?![a-z0-9_])"
    return re.search(word, text.casefold()) is None


def _starts_with(text: str, constraint: Constraint) -> bool:
    return text.casefold().startswith(constraint["text"].strip().casefold())


def _ends_with(text: str, constraint: Constraint) -> bool:
    end = constraint["text"].strip().casefold()
    return text.casefold().endswith(end) or text.casefold().rstrip(_FINAL).endswith(end)


def _repeat(text: str, constraint: Constraint) -> bool:
    gaps = text.split(constraint["word"])
    joined = constraint["word"].isascii() and not all(gaps[1:-1])
    return (
        len(gaps) - 1 == constraint["times"]
        and not joined
        and _SEPARATORS.fullmatch("".join(gaps)) is not None
    )


def _uppercase(text: str, constraint: Constraint) -> bool:
    return text.isupper()


def _lowercase(text: str, constraint: Constraint) -> bool:
    return text.islower()


def _word_count(text: str, constraint: Constraint) -> bool:
    count = len(words(text))
    return bool(constraint.get("min", 0) <= count <= constraint.get("max", count))


def _language(text: str, constraint: Constraint) -> bool:
    return mixes_languages(text, constraint["language"]) is False


def _refusal(text: str, constraint: Constraint) -> bool:
    refuses = any(marker.casefold() in text.casefold() for marker in constraint["markers"])
    return bool(refuses == constraint["refusal"])


KINDS = {
    "equals_any": Kind(_equals_any, {"texts": "texts"}, fixed=True),
    "contains": Kind(_contains, {"text": "text"}),
    "contains_any": Kind(_contains_any, {"texts": "texts"}),
    "no_word": Kind(_no_word, {"word": "text"}),
    "starts_with": Kind(_starts_with, {"text": "text"}),
    "ends_with": Kind(_ends_with, {"text": "text"}),
    "repeat": Kind(_repeat, {"word": "text", "times": "number"}, fixed=True),
    "uppercase": Kind(_uppercase),
    "lowercase": Kind(_lowercase),
    "word_count": Kind(_word_count),
    "language": Kind(_language, {"language": "en or zh"}),
    "refusal": Kind(_refusal, {"refusal": "true or false", "markers": "texts"}, fixed=True),
}

"""A text that follows a list of constraints, where one can be put together.

A row of IFEval or IFBench has no reference, so it proves itself by such a witness: its constraints
can be read, and followed all at once. `candidates` only proposes; the checks decide. A row without
a witness may still be sound: what is proposed is plain (simple words, one line for each thing
asked), and few kinds of IFBench are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from stages.verifiers.instructions.constraint import AT_LEAST, Constraint
from stages.verifiers.instructions.keywords import TIMES, fold, has_word
from stages.verifiers.instructions.layout import ANSWERS
from stages.verifiers.instructions.samples import SAMPLES
from stages.verifiers.instructions.sentences import count_words
from stages.verifiers.instructions.word_lists import NAMES

_FILLERS = (
    "We have a good day and we like it here with you.",
    "A tall man had a cat and it sat on a mat.",
    "My big dog runs for joy.",
    "You sit by us.",
    "Hi!",
)
_LANGUAGE_LINES = 8  # enough for a detector beside keywords of another language


class Wanted:
    """The parameters of a list of constraints, by type."""

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self._by_type: dict[str, list[Constraint]] = {}
        for constraint in constraints:
            self._by_type.setdefault(constraint["type"].partition(":")[2], []).append(constraint)

    def __contains__(self, name: str) -> bool:
        return name in self._by_type

    def all(self, name: str, at_least: str | None = None) -> list[Constraint]:
        """The constraints of a type; only those that ask for "at least", by that parameter."""
        found = self._by_type.get(name, [])
        return found if at_least is None else [c for c in found if c[at_least] == AT_LEAST]

    def most(self, name: str, parameter: str, at_least: str | None = None) -> int:
        return max((c[parameter] for c in self.all(name, at_least)), default=0)

    def text(self, name: str, parameter: str) -> str:
        return str(next((c[parameter] for c in self.all(name)), "")).strip()


def candidates(constraints: Sequence[Constraint]) -> Iterator[str]:
    """Texts that may follow the constraints, one for each filler sentence."""
    wanted = Wanted(constraints)
    yield from (c["prompt_to_repeat"] for c in constraints if "prompt_to_repeat" in c)
    languages = [c["language"].partition("-")[0] for c in wanted.all("response_language")]
    fillers = [SAMPLES[code] for code in languages if code in SAMPLES] or _usable(wanted)
    for filler in fillers:
        yield _dress(_arrange(_lines(wanted, filler), wanted, filler), wanted)


def _usable(wanted: Wanted) -> list[str]:
    """Filler sentences, those without forbidden words and with the fewest rare letters first."""
    words = [word for c in wanted.all("forbidden_words") for word in c["forbidden_words"]]
    allowed = [f for f in _FILLERS if not any(has_word(fold(f), word) for word in words)]
    scarce = [c["letter"] for c in wanted.all("letter_frequency") if c["let_relation"] != AT_LEAST]
    return sorted(allowed, key=lambda filler: sum(map(fold(filler).count, scarce)))


def _lines(wanted: Wanted, sentence: str) -> list[str]:
    """One line for each thing that must be in the text, and filler up to its least length.

    Where sentences must be few, only the last lines end one.
    """
    filler = sentence.rstrip(".!") if "number_sentences" in wanted else sentence
    lines = ["<<A title>>"] if "title" in wanted else [filler]
    lines += [" ".join(["[name]"] * wanted.most("number_placeholders", "num_placeholders"))]
    lines += [" ".join(["*sun*"] * wanted.most("number_highlighted_sections", "num_highlights"))]
    lines += [" ".join(c["keywords"]) for c in wanted.all("existence")]
    for c in wanted.all("frequency", "relation"):
        lines += [" ".join([c["keyword"]] * c["frequency"])]
    for c in wanted.all("keywords_multiple") + wanted.all("count_increment_word"):
        known = [c[f"keyword{n + 1}"] for n in range(len(TIMES)) if f"keyword{n + 1}" in c]
        lines += [" ".join([word] * times) for word, times in zip(known, TIMES, strict=False)]
    lines += [" ".join(sorted(NAMES)[: wanted.most("person_names", "N")])]
    for c in wanted.all("letter_frequency", "let_relation"):
        unit = filler if c["letter"] in filler else c["letter"]
        lines += [" ".join([unit] * c["let_frequency"])]
    capitals = wanted.most("capital_word_frequency", "capital_frequency", "capital_relation")
    lines += [" ".join(["SUN"] * capitals)]
    for c in wanted.all("multiple_sections"):
        lines += [f"{c['section_spliter']} {n + 1}\n{filler}" for n in range(c["num_sections"])]
    lines += [f"* {filler}"] * wanted.most("number_bullet_lists", "num_bullets")
    if "constrained_response" in wanted:
        lines += [ANSWERS[0]]
    return [line for line in lines if line.strip()] + _padding(wanted, filler, sentence)


def _padding(wanted: Wanted, filler: str, sentence: str) -> list[str]:
    words = -(-wanted.most("number_words", "num_words", "relation") // count_words(filler))
    sentences = wanted.most("number_sentences", "num_sentences", "relation")
    lines = _LANGUAGE_LINES if "response_language" in wanted else 1
    return [filler] * max(lines, words) + [sentence] * sentences


def _arrange(lines: list[str], wanted: Wanted, filler: str) -> str:
    """The lines as the paragraphs that are asked for, between what opens and closes the text."""
    text = "\n".join(lines)
    if "number_paragraphs" in wanted:
        others = wanted.most("number_paragraphs", "num_paragraphs") - 1
        text = "\n***\n".join([text, *[filler] * others])
    for c in wanted.all("nth_paragraph_first_word"):
        blocks = [text] + [filler] * (c["num_paragraphs"] - 1)
        blocks[c["nth_paragraph"] - 1] = f"{c['first_word']} {blocks[c['nth_paragraph'] - 1]}"
        text = "\n\n".join(blocks)
    if "two_responses" in wanted:
        text = f"{text}\n******\n{text}\n{filler}"
    opening = wanted.text("repeat_prompt", "prompt_to_repeat")
    marker = wanted.text("postscript", "postscript_marker")
    closing = [
        f"{marker} {filler}" if marker else "",
        wanted.text("end_checker", "end_phrase"),
        wanted.text("last_word_answer", "last_word"),
    ]
    return "\n".join(part for part in (opening, text, *closing) if part)


def _dress(text: str, wanted: Wanted) -> str:
    """The whole text in its case, its quotation marks, or as JSON."""
    if "json_format" in wanted:
        text = json.dumps({"text": text}, ensure_ascii=False)
    if "english_lowercase" in wanted:
        text = text.lower()
    if "english_capital" in wanted:
        text = text.upper()
    return f'"{text}"' if "quotation" in wanted else text

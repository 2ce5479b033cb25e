"""Public pairs and labelled responses, each set's rows as a reward model learns from them.

    helpsteer3       {"domain": "General", "language": "english", "context": [messages],
                     "response1": "…", "response2": "…", "overall_preference": -2}
                     from -3 to 3; below 0 the first is better
    chosen_rejected  {"prompt": …, "chosen": …, "rejected": …}: texts or messages, as a user's own
                     file has them (pair_rows.py), perhaps with ratings: chosen-rating, score_chosen
    cvalues          {"prompt": "…", "pos_resp": "…", "neg_resp": "…", "pos_type": "拒绝为主",
                     "neg_type": "风险回复"}      a pair; as labels, both responses by their types
    safety_guard     {"prompt": "…", "response": "…", "response_label": "unsafe", "language": "en"}
    kto              {"messages": […], "label": true}, or prompt, completion and label

A row that can be read and teaches nothing (a tie, a response without a label) raises
`TeachesNothing` with the reason, by which such rows are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stages.chat.template import Message
from stages.judging.pair_rows import pair_chosen, response_judged
from stages.judging.pairs import SAME, Judged
from stages.language.codes import UNKNOWN, known_code
from stages.language.consistency import target_of
from stages.rows.files import BadRow, Raw
from stages.rows.formats.columns import text_of
from stages.rows.schemas import Row
from stages.settings.values import DOMAINS

TIE, REDACTED, NO_LABEL = "tie", "redacted", "no_label"
RATINGS = (("chosen-rating", "rejected-rating"), ("chosen_rating", "rejected_rating"),
           ("chosen_score", "rejected_score"))  # fmt: skip
WITHHELD = "REDACTED"  # in place of a prompt that may not be passed on
RESPONSE_LABELS = {"safe": 1, "unsafe": 0}
#: Of CValues: a refusal, advice of a better way, and what a harmful request asked for.
CVALUES_TYPES = {"拒绝为主": 1, "正向建议为主": 1, "风险回复": 0}
_HELPSTEER_MOST = 3

#: The columns that a row of each kind may be given under other names (`columns` of the stage).
PAIR_COLUMNS = ("prompt", "chosen", "rejected", "margin", "score_chosen", "score_rejected")
LABEL_COLUMNS = ("prompt", "completion", "messages", "label")
BESIDE = ("language", "domain", "source")


class TeachesNothing(Exception):
    """The row is whole, and a reward model can learn nothing from it; its text is the reason."""


def renamed(row: Raw, columns: Mapping[str, str]) -> Raw:
    """The row with the columns that a stage names for it."""
    for name, given in columns.items():
        if given not in row:
            raise BadRow(f"no column `{given}` (columns.{name}); found {', '.join(map(str, row))}")
    return {**row, **{name: row[given] for name, given in columns.items()}}


def helpsteer3(row: Raw) -> list[Row]:
    """A pair that people compared on a scale from -3 (the first is much better) to 3."""
    preference = row.get("overall_preference")
    if not isinstance(preference, int | float) or abs(preference) > _HELPSTEER_MOST:
        raise BadRow(f"column `overall_preference` is {preference!r:.80}, expected -3 to 3")
    if preference == 0:
        raise TeachesNothing(TIE)
    names = ("response1", "response2")[:: 1 if preference < 0 else -1]
    chosen, rejected = (text_of(row, name) for name in names)
    pair = {"prompt": row.get("context"), "chosen": chosen, "rejected": rejected}
    return [_pair(pair_chosen(0, pair | {"margin": abs(preference)}))]


def chosen_rejected(row: Raw) -> list[Row]:
    """A pair of which one response was chosen; equal ratings make it a tie."""
    ratings = next((names for names in RATINGS if names[0] in row), None)
    if ratings is not None and "score_chosen" not in row and row.get("margin") is None:
        row = {**row, "score_chosen": row[ratings[0]], "score_rejected": row.get(ratings[1])}
    return [_pair(pair_chosen(0, row))]


def cvalues_pair(row: Raw) -> list[Row]:
    """A response and a worse one: a risk, or a mere refusal where advice was given."""
    chosen, rejected = text_of(row, "pos_resp"), text_of(row, "neg_resp")
    pair = {"prompt": text_of(row, "prompt"), "chosen": chosen, "rejected": rejected}
    return [_pair(pair_chosen(0, pair))]


def cvalues_labels(row: Raw) -> list[Row]:
    """Both responses: a refusal is the worse one of some pairs, and safe all the same."""
    prompt, labels = text_of(row, "prompt"), []
    for side in ("pos", "neg"):
        type_ = text_of(row, f"{side}_type")
        if type_ not in CVALUES_TYPES:
            known = ", ".join(CVALUES_TYPES)
            raise BadRow(f"column `{side}_type` is {type_!r:.80}, expected one of {known}")
        response = text_of(row, f"{side}_resp")
        labels.append({"prompt": prompt, "completion": response, "label": CVALUES_TYPES[type_]})
    return [_label(response_judged(0, label)) for label in labels]


def safety_guard(row: Raw) -> list[Row]:
    """A response and whether it is safe; prompts that stand alone have none."""
    said = row.get("response_label")
    if said in (None, "") or row.get("response") in (None, ""):
        raise TeachesNothing(NO_LABEL)
    if said not in RESPONSE_LABELS:
        raise BadRow(f"column `response_label` is {said!r:.80}, expected safe or unsafe")
    prompt, response = text_of(row, "prompt"), text_of(row, "response")
    if WITHHELD in (prompt, response):
        raise TeachesNothing(REDACTED)
    label = {"prompt": prompt, "completion": response, "label": RESPONSE_LABELS[said]}
    return [_label(response_judged(0, label))]


def kto(row: Raw) -> list[Row]:
    """A response that people found good (true) or bad."""
    return [_label(response_judged(0, row))]


def _pair(judged: Judged) -> Row:
    chosen, rejected = judged.candidate.responses
    if chosen == rejected:
        raise TeachesNothing(SAME)
    if judged.margin == 0:
        raise TeachesNothing(TIE)
    prompt = judged.candidate.prompt
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, "margin": judged.margin}


def _label(judged: Judged) -> Row:
    (completion,), (vote,) = judged.candidate.responses, judged.votes
    return {"prompt": judged.candidate.prompt, "completion": completion, "label": int(vote)}


def beside(row: Raw, prompt: list[Message], source: str, language: str | None) -> Row:
    """Where a row belongs: its source, domain and language, by which rows can be chosen.

    language: of a row that names none; null: that of its prompt.
    """
    own, domain = row.get("source"), str(row.get("domain") or "").strip().lower()
    asked: dict[str, Any] = {"prompt": prompt, "language": None}
    found = known_code(row.get("language")) or language or target_of(asked) or UNKNOWN
    return {
        "source": own if isinstance(own, str) and own else source,
        "domain": domain if domain in DOMAINS else "general",
        "language": found,
    }


Reader = Callable[[Raw], list[Row]]
PAIRS: dict[str, Reader] = {
    "helpsteer3": helpsteer3,
    "chosen_rejected": chosen_rejected,
    "cvalues": cvalues_pair,
}
LABELS: dict[str, Reader] = {"safety_guard": safety_guard, "cvalues": cvalues_labels, "kto": kto}

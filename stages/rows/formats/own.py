"""Problems in our own columns (stages/rows/schemas.py), or in a file's own by a map of columns.

{"domain": "stem", "language": "zh", "prompt": "哪个最大？A. 1 B. 2", "verifier": "choice",
 "reference": "B", "metadata": {"options": 2}}

The prompt may be plain text. A general query may say in `preference` whether it asks for help or
tests safety, which decides the reward model that scores it (stages/rows/query_kind.py):

{"prompt": "How do I pick a lock?", "preference": "safety"}

Such a query needs neither domain nor verifier: reward models alone judge it. A number is a
reference, too; null, NaN and N/A are none. A system prompt (`system`) and earlier turns (`history`)
of a row are put before its prompt (stages/chat/messages.py).

Rows of other people are read by the stage's `columns` (stages/rows/fields.py), which then name all
that is read, and by its `domain` and `verifier` where rows name none; rows of verl and NeMo Gym
without a map (shapes.py). What says how to answer is taken off such questions (wrappers.py).
Options, of a column or of the prompt, stand in the prompt behind their letters (questions.py).
`pass_rate` (0 to 1), `solution` and `licence` are kept in the metadata. What does not fit is left
out and counted (fit.py).
"""

from __future__ import annotations

import json
from typing import Any

from stages.chat.messages import as_asked, messages_of
from stages.chat.template import Message
from stages.language.codes import code_of
from stages.rows.fields import mapped, roots
from stages.rows.files import BadRow, BrokenRow, Raw, UnfitRow
from stages.rows.formats.columns import text_of
from stages.rows.formats.fit import CHOICE, INSTRUCTION, MATHS
from stages.rows.formats.instructions import refuse_unknown
from stages.rows.formats.questions import Question, multiple_choice, one_answer
from stages.rows.formats.shapes import is_shaped, shaped
from stages.rows.query_kind import PREFERENCE, preference_of, stamped
from stages.rows.schemas import Row
from stages.rows.sources import BY_METADATA, NOBODY, REFERENCE, Origin
from stages.settings.values import DOMAINS
from stages.verifiers.reference import reference_of

GENERAL = "general"
PASS_RATE = "pass_rate"
_KEPT = ("solution", "licence")  # in the metadata, as they are
_COMPARED = {MATHS: one_answer, CHOICE: multiple_choice}


def own(row: Raw, origin: Origin) -> Row:
    """domain, prompt and verifier are required; a reference where the verifier compares.

    A general query needs neither verifier nor reference: then reward models alone judge it.
    """
    given = _in_our_columns(row, origin)
    metadata = _metadata(given)
    asks = given.get(PREFERENCE) or preference_of({"metadata": metadata})
    if asks is not None:
        metadata = stamped(metadata, asks)
    verifier = _verifier(given, origin, bool(asks or origin.preference))
    domain = _domain(given, origin, verifier)
    foreign = bool(origin.columns) or is_shaped(row)
    prompt = _messages(given, foreign)
    reference = reference_of(given.get(REFERENCE), verifier)
    if verifier in _COMPARED:
        question = Question(row, given, prompt, reference, _read(row, origin), foreign)
        prompt, verifier, reference, more = _COMPARED[verifier](question)
        metadata = json.dumps(json.loads(metadata) | more, ensure_ascii=False, sort_keys=True)
    elif verifier == INSTRUCTION and foreign:
        refuse_unknown(json.loads(metadata))
    nothing = "" if verifier in (*BY_METADATA, NOBODY) else None
    return {
        **_named(given),
        "domain": domain,
        "prompt": prompt,
        "verifier": verifier,
        "reference": nothing if reference is None else reference.strip(),
        "metadata": metadata,
        "source": str(given.get("source") or origin.source),
    }


def _in_our_columns(row: Raw, origin: Origin) -> Raw:
    if origin.columns:
        return mapped(row, origin.columns)
    return shaped(row, origin.verifier) if is_shaped(row) else row


def _read(row: Raw, origin: Origin) -> set[str]:
    """The columns of the file that are read."""
    if origin.columns:
        return roots(origin.columns)
    return {"options", "metadata", "prompt"}


def _named(given: Raw) -> dict[str, str]:
    """What the row is called, and its language, where it says them."""
    named = {"id": str(given["id"])} if given.get("id") not in (None, "") else {}
    if given.get("language") not in (None, ""):
        named["language"] = code_of(given["language"], "column `language`")
    return named


def _messages(given: Raw, foreign: bool) -> list[Message]:
    """The prompt; one of other people's that is none says nothing about the rows beside it."""
    try:
        return messages_of(as_asked(given), "prompt")
    except BadRow as error:
        raise BrokenRow(str(error)) if foreign else error from error


def _metadata(given: Raw) -> str:
    """An object, or its JSON text, as such a text, with what else is kept in it."""
    value = given.get("metadata")
    if value in (None, ""):
        value = {}
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
    try:
        facts = json.loads(value)
    except json.JSONDecodeError as error:
        raise BrokenRow(f"column `metadata` is not JSON ({error.msg})") from error
    if not isinstance(facts, dict):
        raise BadRow(f"column `metadata` is a JSON {type(facts).__name__}, expected an object")
    kept = {name: given[name] for name in _KEPT if given.get(name) not in (None, "")}
    if given.get(PASS_RATE) is not None:
        kept[PASS_RATE] = _share(given[PASS_RATE])
    return json.dumps(facts | kept, ensure_ascii=False, sort_keys=True) if kept else str(value)


def _share(value: Any) -> float:
    """How often the row was solved by who measured it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRow(f"column `{PASS_RATE}` is {value!r:.80}, expected a share from 0 to 1")
    return float(value)


def _domain(given: Raw, origin: Origin, verifier: str) -> str:
    """The row's domain, or its stage's; a query that reward models judge is a general one."""
    if given.get("domain") in (None, ""):
        if origin.domain is not None:
            return origin.domain
        if verifier == NOBODY:
            return GENERAL
    name = text_of(given, "domain")
    if name not in DOMAINS:
        raise BadRow(f"column `domain` is {name!r}, expected one of {', '.join(DOMAINS)}")
    return name


def _verifier(given: Raw, origin: Origin, query: bool) -> str:
    """The row's verifier, which must be its stage's where that names one, or the stage's."""
    from stages.verifiers import VERIFIERS

    if given.get("verifier") in (None, ""):
        if origin.verifier is not None:
            return origin.verifier
        if query or (given.get("domain") or origin.domain) == GENERAL:
            return NOBODY
    name = text_of(given, "verifier")
    if name not in VERIFIERS:
        raise BadRow(f"column `verifier` is {name!r}, expected one of {', '.join(VERIFIERS)}")
    if origin.verifier not in (None, name):
        raise UnfitRow(f"its verifier is `{name}`, expected a row that `{origin.verifier}` judges")
    return name

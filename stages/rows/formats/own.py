"""A user's own problems, in our own columns (stages/rows/schemas.py); the prompt may be plain text.

{"domain": "stem", "language": "zh", "prompt": "哪个最大？A. 1 B. 2", "verifier": "choice",
 "reference": "B", "metadata": {"options": 2}}

A general query may say in `preference` whether it asks for help or tests safety, which decides the
reward model that scores it (stages/rows/query_kind.py):

{"prompt": "How do I pick a lock?", "preference": "safety"}

Such a query needs neither domain nor verifier: reward models alone judge it. A number is a
reference, too; null, NaN and N/A are none. A system prompt (`system`) and earlier turns (`history`)
of a row are put before its prompt (stages/chat/messages.py).
"""

from __future__ import annotations

import json
from typing import Any

from stages.chat.messages import as_asked, messages_of
from stages.language.codes import code_of
from stages.rows.files import BadRow, BrokenRow, Raw
from stages.rows.formats.columns import text_of
from stages.rows.query_kind import PREFERENCE, preference_of, stamped
from stages.rows.schemas import Row
from stages.rows.sources import BY_METADATA, NOBODY, REFERENCE, Origin
from stages.settings.values import DOMAINS
from stages.verifiers.reference import reference_of

GENERAL = "general"


def own(row: Raw, origin: Origin) -> Row:
    """domain, prompt and verifier are required; a reference where the verifier compares.

    A general query needs neither verifier nor reference: then reward models alone judge it.
    """
    row = as_asked(row)
    metadata = _metadata(row.get("metadata"))
    asks = row.get(PREFERENCE) or preference_of({"metadata": metadata})
    if asks is not None:
        metadata = stamped(metadata, asks)
    domain = _domain(row, bool(asks or origin.preference))
    verifier = _verifier(row, domain)
    reference = reference_of(row.get(REFERENCE), verifier)
    nothing = "" if verifier in (*BY_METADATA, NOBODY) else None
    given = {"id": str(row["id"])} if row.get("id") not in (None, "") else {}
    if row.get("language") not in (None, ""):
        given["language"] = code_of(row["language"], "column `language`")
    return {
        **given,
        "domain": domain,
        "prompt": messages_of(row, "prompt"),
        "verifier": verifier,
        "reference": nothing if reference is None else reference.strip(),
        "metadata": metadata,
        "source": _source(row.get("source")),
    }


def _metadata(value: Any) -> str:
    """An object, or its JSON text, as such a text."""
    if value in (None, ""):
        return "{}"
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
    try:
        facts = json.loads(value)
    except json.JSONDecodeError as error:
        raise BrokenRow(f"column `metadata` is not JSON ({error.msg})") from error
    if not isinstance(facts, dict):
        raise BadRow(f"column `metadata` is a JSON {type(facts).__name__}, expected an object")
    return str(value)


def _domain(row: Raw, query: bool) -> str:
    """The row's domain; a query for help or of safety is a general one."""
    if query and row.get("domain") in (None, ""):
        return GENERAL
    name = text_of(row, "domain")
    if name not in DOMAINS:
        raise BadRow(f"column `domain` is {name!r}, expected one of {', '.join(DOMAINS)}")
    return name


def _verifier(row: Raw, domain: str) -> str:
    from stages.verifiers import VERIFIERS

    if domain == GENERAL and row.get("verifier") in (None, ""):
        return NOBODY
    name = text_of(row, "verifier")
    if name not in VERIFIERS:
        raise BadRow(f"column `verifier` is {name!r}, expected one of {', '.join(VERIFIERS)}")
    return name


def _source(value: Any) -> str:
    return str(value) if value not in (None, "") else "file"

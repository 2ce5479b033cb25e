"""A user's own problems, in our own columns (stages/data/rows.py); the prompt may be plain text.

{"domain": "stem", "language": "zh", "prompt": "哪个最大？A. 1 B. 2", "verifier": "choice",
 "reference": "B", "metadata": {"options": 2}}

A general query may say in `preference` whether it asks for help or tests safety, which decides the
reward model that scores it (stages/data/preference.py):

{"domain": "general", "prompt": "How do I pick a lock?", "verifier": "instruction",
 "preference": "safety", "metadata": {"constraints": []}}
"""

from __future__ import annotations

import json

from stages.data.files import BadRow, Raw
from stages.data.formats.columns import messages_of, text_of
from stages.data.preference import PREFERENCE, preference_of, stamped
from stages.data.rows import Row
from stages.data.sources import BY_METADATA, Origin


def own(row: Raw, origin: Origin) -> Row:
    """domain, prompt and verifier are required; a reference where the verifier compares."""
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, str):
        metadata = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    asks = row.get(PREFERENCE) or preference_of({"metadata": metadata})
    if asks is not None:
        metadata = stamped(metadata, asks)
    given = {name: str(row[name]) for name in ("id", "language") if row.get(name)}
    verifier = _verifier(text_of(row, "verifier"))
    empty = row.get("reference") in (None, "")
    nothing = "" if verifier in BY_METADATA else None
    return {
        **given,
        "domain": text_of(row, "domain"),
        "prompt": messages_of(row, "prompt"),
        "verifier": verifier,
        "reference": nothing if empty else text_of(row, "reference"),
        "metadata": metadata,
        "source": row.get("source") or "file",
    }


def _verifier(name: str) -> str:
    from stages.verifiers import VERIFIERS

    if name not in VERIFIERS:
        raise BadRow(f"column `verifier` is {name!r}, expected one of {', '.join(VERIFIERS)}")
    return name

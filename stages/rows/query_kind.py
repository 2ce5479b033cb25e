"""Whether a general query asks for help or tests safety: the property `preference` of a row.

Paper (3.1): each general query belongs to the helpfulness data or to the safety data, and its
reward is that of the data that it belongs to. It stands in the row's metadata, where a file's
column `preference`, a data set's `preference` or the tiny world puts it:

    {"domain": "general", "metadata": "{\"preference\": \"safety\"}", …}

Problems of reasoning have none; nor have benchmarks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stages.rows.files import BadRow

PREFERENCE = "preference"
HELPFUL, SAFETY = "helpful", "safety"
KINDS = (HELPFUL, SAFETY)


def preference_of(row: Mapping[str, Any]) -> Any:
    """`helpful` or `safety`; None where the row says nothing, else what it wrongly says."""
    try:
        metadata = json.loads(row.get("metadata") or "{}")
    except (ValueError, RecursionError):
        return None
    return metadata.get(PREFERENCE) if isinstance(metadata, dict) else None


def may_judge(kind: str, row: Mapping[str, Any]) -> bool:
    """Whether what is made for queries of one kind suits a row: not where that is of the other."""
    return preference_of(row) in (None, kind)


def judges(kind: str, row: Mapping[str, Any], stated: bool) -> bool:
    """Whether a reward model of one kind is asked about a row's answers.

    stated: some rows say of which kind they are, and so only those of its kind are its own: what
    it never learnt to judge, it is not asked. Where none says so, as in a benchmark, all are.
    """
    return preference_of(row) == kind if stated else may_judge(kind, row)


def stamped(metadata: str, preference: Any) -> str:
    """Metadata of a query of that kind; raises BadRow where it is of another, or of none."""
    facts = json.loads(metadata)
    given = facts.get(PREFERENCE, preference)
    for found in (preference, given):
        if found not in KINDS:
            raise BadRow(
                f"`{PREFERENCE}` is {found!r}, expected `{HELPFUL}` or `{SAFETY}`: a query is one "
                "of them, never both, and gets the reward of that one alone"
            )
    if given != preference:
        raise BadRow(
            f"is said to be a {preference} query and a {given} query: it gets one reward alone, so "
            f"take `{PREFERENCE}` out of the row or out of its stage"
        )
    return json.dumps(facts | {PREFERENCE: preference}, ensure_ascii=False, sort_keys=True)

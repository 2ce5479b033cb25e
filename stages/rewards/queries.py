"""Whether every query that a reward model may score is of one kind, as the paper's are (3.1).

A helpfulness query is scored by the helpful model alone and a safety query by the safety model
alone. A row that does not say which it is, or says both, would get no reward of its own in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import RecipeError
from stages.rewards.schedule import PREFERENCE_TERMS
from stages.rows.query_kind import HELPFUL, KINDS, PREFERENCE, SAFETY, preference_of

if TYPE_CHECKING:
    from stages.kinds.rl.config import RewardTerm


def require_kinds(
    rewards: Mapping[str, RewardTerm], rows: Sequence[Mapping[str, Any]], data: str, stage: str
) -> None:
    """Refuse rows of stage `data` that a preference term acts on and that are of no one kind."""
    acting = [term for name, term in rewards.items() if name in PREFERENCE_TERMS and term.weight]
    domains = {domain for term in acting for domain in term.domains}
    everywhere = any(not term.domains for term in acting)
    wrong = [
        row
        for row in rows
        if (everywhere or row["domain"] in domains) and preference_of(row) not in KINDS
    ]
    if not wrong:
        return
    found = preference_of(wrong[0])
    says = "says nothing" if found is None else f"says {found!r}"
    raise RecipeError(
        f"stages.{stage}.data_from: {len(wrong)} of {len(rows)} rows of {data} are neither a "
        f"`{HELPFUL}` query nor a `{SAFETY}` query, or both: {wrong[0]['id']} (domain "
        f"{wrong[0]['domain']}, source {wrong[0]['source']}) {says}. Reward models score "
        f"{', '.join(sorted(domains)) or 'all domains'} here, and each query gets the reward of "
        f"one of them (stages.{stage}.rewards). Write `{HELPFUL}` or `{SAFETY}` into the file's "
        f"column `{PREFERENCE}`, or set `{PREFERENCE}` of the `dataset` stage that reads a file "
        "of one kind"
    )

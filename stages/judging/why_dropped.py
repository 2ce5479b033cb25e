"""Why judged rows were dropped, in words, and which key would keep them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stages.judging.pairs import SAME, TOO_FEW_VOTES, UNBALANCED, UNDECIDED, WITHIN_MARGIN
from stages.rows.left_out import LeftOut

if TYPE_CHECKING:
    from stages.kinds.judged.kind import PreferencesConfig

_TEXTS = {
    SAME: "hold the same response twice",
    TOO_FEW_VOTES: "have fewer votes than judging.min_votes={votes} asks for: lower it",
    WITHIN_MARGIN: "differ by no more than margin={margin} in the mean of their votes: lower it",
    UNDECIDED: "have as many votes for safe as for unsafe",
    UNBALANCED: (
        "have the longer response chosen, or all the shorter, and find no counterpart: lengths are "
        "balanced, so that the reward model does not learn to like long answers. Add pairs of the "
        "other sort, or set balance_lengths=false, and see max_length_bias of the reward model"
    ),
}


def why(reason: str, count: int, config: PreferencesConfig) -> str:
    """What one reason says of so many rows."""
    text = _TEXTS.get(reason, f"were dropped ({reason})")
    said = text.format(votes=config.judging.min_votes, margin=config.margin)
    return f"{count} of the judged rows {said}"


def reasons(dropped: Counter[str], left_out: LeftOut, config: PreferencesConfig) -> str:
    """All that dropped rows, a line each; "" where nothing did."""
    lines = [f"  {why(name, dropped[name], config)}" for name in _TEXTS if dropped[name]]
    told = left_out.told(listed=False)
    return "".join(f"\n{line}" for line in (*lines, told) if line)


def nothing_left(dropped: Counter[str], left_out: LeftOut, config: PreferencesConfig) -> str:
    """That no pair is left, and why."""
    return f"no pair is left of {dropped['judged']} judged{reasons(dropped, left_out, config)}"

"""What the report calls what evaluations measure: a new row of its tables is a line here.

A metric keeps its name from the facts and columns of an evaluation to here, and has a prefix where
it is of some problems alone: `reasoning/pass_at_1`, `zh/format`.
"""

from __future__ import annotations

ACCURACY = "pass_at_1"  # the share of right answers, over problems; `pass@1` in words
#: The same of the problems alone whose answers can be voted on (a program has no vote).
VOTED, CONSENSUS = "voted_pass_at_1", "cons_at_k"
REASONING, GENERAL = "reasoning", "general"
GROUPS = {REASONING: "by_group", GENERAL: "by_group"}  # and where in an evaluation's facts
HEADLINE = f"{REASONING}/{ACCURACY}"
LANGUAGES = {"en": "English", "zh": "Chinese"}

#: Verdicts on claims.
REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"
NOT_RUN = "not run"

#: Rows of the tables below accuracy, of reasoning.
ROWS = {
    VOTED: "pass@1 of the problems that are voted on",
    CONSENSUS: "majority vote (cons@k)",
    "format": "format kept",
    "language_consistency": "language consistency",
    "mixed_language": "thoughts that mix languages",
    "thinking_length": "thinking length (tokens)",
    "length": "completion length (tokens)",
    "checking_words": "checking words per completion",
    "truncation": "cut at the length limit",
}
#: Rows of the tables below those, of general tasks.
GENERAL_ROWS = {
    "format": "format kept",
    "reward_helpful": "helpful reward (as RL is paid)",
    "gold_helpful": "what the judge itself would say (score)",
}
#: Quantities that are counts per completion, and scores; all other metrics are shares.
SCORES = ("reward_helpful", "gold_helpful")
COUNTS = ("length", "thinking_length", "checking_words", *SCORES)

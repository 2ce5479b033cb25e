"""What goes along the edges between stages: the types of results."""

from __future__ import annotations

from pipeline.kinds import EdgeRule

MODEL = frozenset({"model"})
SERVED_MODEL = frozenset({"served_model"})
REWARD_MODEL = frozenset({"reward_model"})
PROBLEMS = frozenset({"problems"})
CONVERSATIONS = frozenset({"conversations"})
TRAINING_ROWS = frozenset({"samples", "conversations"})
INIT = EdgeRule(MODEL, required=MODEL, at_most=1)

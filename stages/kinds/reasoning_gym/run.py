"""Problems of reasoning-gym by task name, for RL or evaluation.

    defaults: [/kind/reasoning_gym@_here_]
    split: train
    tasks: [knights_knaves, countdown, chain_sum]
    per_task: 500
    settings: {chain_sum: {min_terms: 3, max_terms: 8}}     # of a task's own configuration

Training and held-out questions are disjoint (stages/rows/gym_rows.py); answers are judged by the
verifier `reasoning_gym` (stages/verifiers/gym).
"""

from __future__ import annotations

from collections import Counter

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.kinds import Outputs
from stages.kinds.reasoning_gym.kind import ReasoningGymConfig
from stages.kinds.reasoning_gym.kind import rules as of_gym
from stages.rows.gym_rows import Source, generate
from stages.rows.schemas import PROBLEM, Row, write_rows
from stages.settings.values import refuse


def run(config: ReasoningGymConfig, inputs: Inputs, context: Context) -> Outputs:
    """Generate and publish the rows of every task; a task that runs dry is counted."""
    key = f"stages.{context.stage}"
    refuse(of_gym(config), key)
    rows: list[Row] = []
    counts: dict[str, int] = {}
    dropped: Counter[str] = Counter()
    for task in dict.fromkeys(config.tasks):
        source = Source(task, context.seed, config.settings.get(task, {}), f"{key}.tasks")
        made, lost = generate(source, config.split, config.per_task)
        counts[task] = len(made)
        rows += made
        dropped += lost
    write_rows(context.output / "rows.parquet", rows, PROBLEM)
    funnel = {"asked": config.per_task * len(counts), **dropped, "kept": len(rows)}
    return Outputs(facts={"rows": len(rows), "by_task": counts}, funnel=funnel)

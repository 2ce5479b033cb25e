"""Problems of the tiny world, and the worked conversations that stand for human-made ones.

Training and held-out problems never share a task: the split is decided by the task's meaning, so
a problem and its translation are always on one side (stages/tiny/task.py). Problems `apart_from`
other stages share no task with them, in no language, though they may be of the same split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from pipeline.artifact import Artifact, Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.kinds.problems.kind import ProblemsConfig
from stages.kinds.problems.kind import rules as of_tiny_world
from stages.rows.schemas import CONVERSATION, PROBLEM, Row, write_rows
from stages.settings.values import refuse
from stages.tiny.problems import choose, generate
from stages.tiny.worked import worked

Maker = Callable[[str, str, int, int, str], list[Row]]


def run(config: ProblemsConfig, inputs: Inputs, context: Context) -> Outputs:
    """Publish `per_domain` problems of each domain in each language."""
    taken = _keys(inputs.get("apart_from", ()), f"stages.{context.stage}.apart_from")
    rows, outputs = _make(config, context, partial(generate, but=taken))
    write_rows(context.output / "rows.parquet", rows, PROBLEM)
    return outputs


def run_worked(config: ProblemsConfig, inputs: Inputs, context: Context) -> Outputs:
    """The same as conversations: every question with a long, right, readable answer."""
    rows, outputs = _make(config, context, worked)
    write_rows(context.output / "rows.parquet", rows, CONVERSATION)
    return outputs


def _make(config: ProblemsConfig, context: Context, maker: Maker) -> tuple[list[Row], Outputs]:
    refuse(of_tiny_world(config), f"stages.{context.stage}")
    rows: list[Row] = []
    counts = {}
    for domain, count in config.per_domain.items():
        for language in config.languages:
            made = maker(domain, language, count, context.seed, config.split)
            counts[f"{domain}/{language}"] = len(made)
            rows += made
    asked = sum(config.per_domain.values()) * len(config.languages)
    funnel = {"asked": asked, "not_that_many": asked - len(rows), "kept": len(rows)}
    return rows, Outputs(facts={"rows": len(rows), "by_domain_language": counts}, funnel=funnel)


def _keys(stages: Iterable[Artifact], key: str) -> set[str]:
    """What the tasks of these stages are called: rows do not say, so the tasks are made again.

    Problems that are not of the tiny world have no task in common with it.
    """
    found: set[str] = set()
    for artifact in stages:
        made = artifact.manifest["config"]
        if artifact.manifest["kind"] != "problems":
            continue
        if made["apart_from"]:
            raise UsageError(f"{key}: {artifact.stage} is itself apart from other stages; name one")
        for domain, count in made["per_domain"].items():
            for language in made["languages"]:
                tasks = choose(domain, language, count, made["seed"], made["split"])
                found |= {task.key for task in tasks}
    return found

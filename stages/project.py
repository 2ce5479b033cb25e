"""This recipe as the engine is told of it, and its command, `r1`."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import cli
from pipeline.project import Project

R1 = Project(
    about="The DeepSeek-R1 post-training recipe as one graph.",
    registry="stages.registry:REGISTRY",
    conf="conf",
    preload="stages.registry:PRELOAD",
    observer="stages.commands.track:build_observer",
    report="stages.report:build",
    comparison="stages.report.between_page:build",
    closing="stages.report.closing:words",
    foreseen="stages.costs.compare:foreseen",
    results="stages.report.results:RESULTS",
    examples="stages.commands:EXAMPLES",
    plans={
        "departures": "stages.commands.fidelity.departures:plan_departures",
        "data": "stages.commands.data_page:plan_data",
        "cost": "stages.commands.cost_page:plan_cost",
    },
    cautions="stages.commands.cost_page:cautions",
    look="stages.commands.data_look:main",
    reach="stages.training.reach",
    commands={
        "eval": "stages.commands.eval.command:main",
        "grade": "stages.commands.grade:main",
        "review": "stages.commands.review:main",
        "export": "stages.commands.export.command:main",
        "track": "stages.commands.track:main",
        "engine": "stages.commands.engine:main",
        "init": "stages.commands.init:main",
        "hardware": "stages.commands.hardware:main",
    },
    checks={"sandbox": "stages.verifiers.sandbox:describe_isolation"},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `r1`."""
    return cli.main(R1, arguments)

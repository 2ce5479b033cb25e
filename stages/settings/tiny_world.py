"""What a profile of real sizes is to be given in place of the tiny world: its key `bring`."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage

OWN = ("pretrain", "problems", "worked")  # and general rows that come from nowhere


def check(stage: Stage) -> Iterator[Problem]:
    """A stage of the tiny world that the profile does not want to run with, and what it wants."""
    if wanted := replaced(stage):
        yield Problem(
            "kind",
            f"is {stage.kind.name}, of the tiny world: this profile is not for it. Bring {wanted}",
            when_run=True,
            when_used=True,
        )


def replaced(stage: Stage) -> str | None:
    """What takes the place of a stage of the tiny world; None where it may stay."""
    wanted: dict[str, str] = stage.root.get("bring") or {}
    own = stage.kind.name in OWN or (stage.kind.name == "general" and not stage.inputs["data_from"])
    return wanted[stage.name].replace("STAGE", stage.name) if own and stage.name in wanted else None

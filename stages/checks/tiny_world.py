"""What a profile of real sizes is to be given in place of the tiny world: `bring` in the profile."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage

OWN = ("pretrain", "problems", "worked")  # and general rows that come from nowhere


def check(stage: Stage) -> Iterator[Problem]:
    """A stage of the tiny world that the profile does not want to run with, and what it wants."""
    if wanted := replaced(stage):
        yield Problem(
            "kind",
            f"is {stage.kind.name}, which is the tiny world's, and this profile has other numbers "
            f"in mind. Bring {wanted}",
            when_run=True,
        )


def replaced(stage: Stage) -> str | None:
    """What takes the place of a stage of the tiny world; None where it may stay."""
    wanted: dict[str, str] = stage.root.get("bring") or {}
    own = stage.kind.name in OWN or (stage.kind.name == "general" and not stage.inputs["data_from"])
    return wanted.get(stage.name) if own else None

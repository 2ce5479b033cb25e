"""Runs RL stages in processes of their own, each until it is killed by SIGKILL at its moment.

    python killed_rl.py CASES      (a pickled list of Case; the torch imports are paid once)

A child that gets past its moment ends with 0, which the tests take for a failure.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOMENTS = ("step", "rollout", "weights", "list")


@dataclass(frozen=True)
class Case:
    """A stage, and when to kill it: at the begin of optimiser step `step` (counted from 0), inside
    the rollout of that step, or while `checkpoint-<step>` is written: after its weights, or before
    its list of files."""

    config: Any
    inputs: Any
    context: Any
    moment: str
    step: int


def run(case: Case) -> None:
    """The stage, with a kill at the case's moment."""
    from stages.kinds.rl import run as rl
    from stages.rl import groups, trainer
    from stages.training import common

    def before(owner: Any, name: str, due: Callable[..., bool]) -> None:
        original = getattr(owner, name)

        def wrapped(*parts: Any, **more: Any) -> Any:
            if due(*parts, **more):
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*parts, **more)

        setattr(owner, name, wrapped)

    def at_step(trainer: Any, *parts: Any) -> bool:
        return bool(trainer.state.global_step == case.step)

    trained = trainer.RecipeGRPOTrainer
    if case.moment == "step":
        before(trained, "training_step", at_step)
    elif case.moment == "rollout":
        before(groups.GroupDrawer, "_share", lambda drawer, groups, step: step == case.step)
    elif case.moment == "weights":
        before(trained, "_save_optimizer_and_scheduler", at_step)
    else:
        before(
            common.StageCallback,
            "on_save",
            lambda self, args, state, *_, **__: state.global_step == case.step,
        )
    rl.run(case.config, case.inputs, case.context)


def main(cases: list[Case]) -> list[int]:
    """How each child ended: minus the signal, or its exit code."""
    from stages.kinds.rl import run as rl  # noqa: F401  # before the children are forked

    ends = []
    for case in cases:
        child = os.fork()
        if child == 0:
            run(case)
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return ends


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import killed_rl  # the name under which the cases were pickled

    print(killed_rl.main(pickle.loads(Path(sys.argv[1]).read_bytes())))

"""What a run says of itself: in run.json, and in the terminal when it ends."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline import manifest
from pipeline.board import blocked_lines
from pipeline.compose import Composed
from pipeline.plan import Decision, State
from pipeline.progress import clock
from pipeline.run_folder import RunFolder
from pipeline.runner import Runner
from pipeline.situation import Situation


def run_again(composed: Composed) -> str:
    """The command that goes on where this one stopped."""
    return shlex.join(composed.command or ["r1", "run", *composed.overrides])


def run_facts(
    situation: Situation, folder: RunFolder, runner: Runner, seconds: float | None = None
) -> dict[str, Any]:
    """What run.json says: what ran, how long, how each stage stands, on what machine.

    seconds: how long the run took; None while it runs, which one that is killed says for ever.
    """
    ran, artifacts = runner.seconds(), runner.artifacts()
    stages = {
        name: {
            "kind": situation.graph.stages[name].kind.name,
            "state": str(decision.state),
            "fingerprint": situation.wanted[name].fingerprint,
            "artifact": str(artifacts[name].path) if name in artifacts else None,
            "ran_seconds": ran.get(name),
            "seconds": artifacts[name].manifest["seconds"] if name in artifacts else None,
        }
        for name, decision in runner.decisions().items()
    }
    return {
        "name": folder.name,
        "recipe": situation.composed.choices.get("recipe"),
        "profile": situation.composed.choices.get("profile"),
        "command": run_again(situation.composed),
        "finished": None if seconds is None else datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 2),
        "host": manifest.host(),
        "stages": stages,
    }


def print_summary(
    decisions: Mapping[str, Decision], runner: Runner, folder: RunFolder, seconds: float
) -> None:
    """Print where the time went, longest first, and what did not run."""
    artifacts = runner.artifacts()
    print(f"\n{'stage':24} {'seconds':>8} {'MiB':>6}")
    for name, spent in sorted(runner.seconds().items(), key=lambda item: -item[1]):
        host = artifacts[name].manifest["host"] if name in artifacts else {}
        print(f"{name:24} {spent:8.1f} {host.get('peak_memory_mib', ''):>6}")
    blocked_lines(decisions, print)
    done = sum(d.state is State.DONE for d in decisions.values())
    print(f"{done} of {len(decisions)} stages done in {clock(seconds)}: {folder.path}")

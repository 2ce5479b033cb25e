"""`r1 run`: from a composed config to finished artifacts, a report and an exit code."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import checks, detached, disk
from pipeline.artifact import Artifact
from pipeline.compose import Composed
from pipeline.console import open_console
from pipeline.errors import RecipeError, UsageError
from pipeline.hooks import Observer, Run, Shielded, Silent
from pipeline.interruption import Interrupted, signals
from pipeline.launchers import jobs
from pipeline.launchers.launcher import Open, preparer
from pipeline.limits import Limits, limits_of
from pipeline.plan import State, absent_inputs
from pipeline.project import Project, load
from pipeline.remote.publisher import Publisher
from pipeline.remote.push import push_again
from pipeline.run_folder import RunFolder
from pipeline.run_summary import print_summary, run_again, run_facts
from pipeline.runner import Runner
from pipeline.shipped import made_anew
from pipeline.situation import Situation, paths_of, survey

GRACE_SECONDS = 10.0


def execute(project: Project, composed: Composed) -> int:
    """Run what the config asks for. Returns the exit code."""
    with disk.told(paths_of(composed.root, project.conf_dir().parent).store):
        return _execute(project, composed)


def _execute(project: Project, composed: Composed) -> int:
    situation = survey(project, composed)
    _check_inputs_are_there(situation)
    stages = situation.selection.stages
    pending = [name for name in stages if situation.facts[name].artifact is None]
    for name in set(stages) - set(pending):
        situation.store.tidy(name, situation.wanted[name].fingerprint)
        jobs.forget(situation.store.root, name, situation.wanted[name].fingerprint)
    if not pending:
        print(f"nothing to do: {len(stages)} stages done")
        made = {name: f.artifact for name, f in situation.facts.items() if f.artifact}
        _say_last(_closing(situation, made))
        return 0
    checks.refuse_to_run(situation.problems, pending)
    return _run(situation, pending)


def _run(situation: Situation, pending: list[str]) -> int:
    composed = situation.composed
    wanted = composed.root.get("launcher") or {}
    limits = limits_of(wanted)
    open_launcher = preparer(wanted)(situation, pending, limits)
    disk.require_writable(situation.store.root, "paths.store")
    disk.require_writable(situation.paths.runs.absolute(), "paths.runs")
    folder = RunFolder.create(situation.paths.runs, composed.name, composed.root)
    detached.take_console(folder)
    with detached.running(folder):
        return _carry_out(situation, pending, folder, limits, open_launcher)


def _carry_out(
    situation: Situation, pending: list[str], folder: RunFolder, limits: Limits, open_: Open
) -> int:
    """The run itself, until the last of it is sent to who is told of it."""
    composed, project = situation.composed, situation.project
    console = open_console()
    launcher = open_(folder, console.note)
    sending = _publisher(situation, folder, console.note)
    observer = Shielded(
        console.note, tracking=_observer(project, composed.root), sending=sending or Silent()
    )
    runner = Runner(situation, folder, limits, console, observer, run_again(composed))
    started = time.monotonic()
    console.note(
        f"{folder.name}: {len(pending)} of {len(situation.selection.stages)} stages to run"
    )
    if anew := made_anew(situation, pending):
        console.note(anew)
    for text in load(project.cautions)(situation, pending) if project.cautions else ():
        console.note(f"warning: {text}")
    folder.write(run_facts(situation, folder, runner))
    run = Run(folder.name, folder.path, composed.root, tuple(pending), tuple(composed.overrides))
    observer.tell("run_started", run)
    report: Path | None = None
    try:
        with signals():
            decisions = runner.run(launcher)
        console.close()
        facts = run_facts(situation, folder, runner, time.monotonic() - started)
        folder.write(facts)
        print_summary(decisions, runner, folder, facts["seconds"])
        closing = _closing(situation, runner.artifacts())
        report = _report(situation, folder, runner, {**facts, "closing": closing})
        if all(decision.state is State.DONE for decision in decisions.values()):
            _say_last(closing)
    except Interrupted as interrupted:
        launcher.stop(GRACE_SECONDS)
        if sending:
            sending.stop()
        runner.stopped()
        folder.write(run_facts(situation, folder, runner, time.monotonic() - started))
        console.note(f"stopped; finished stages are kept. To go on: {run_again(composed)}")
        return interrupted.exit_code
    except BaseException:
        launcher.stop(GRACE_SECONDS)
        raise
    finally:
        observer.tell("run_finished", report)
        console.close()
        situation.store.save_caches()
    return 1 if any(d.state is not State.DONE for d in decisions.values()) else 0


def _report(
    situation: Situation, folder: RunFolder, runner: Runner, facts: Mapping[str, Any]
) -> Path | None:
    """Write the report; what it cannot write never undoes a finished stage."""
    if situation.project.report is None:
        return None
    build, composed = load(situation.project.report), situation.composed
    try:
        foreseen = situation.project.told_before(situation.graph.stages, composed)
        told = {**facts, "foreseen": foreseen}
        path: Path = build(runner.artifacts(), composed.root, folder.report, told)
    except RecipeError as error:
        print(f"no report: {error}")
        return None
    print(f"report: {path}")
    return folder.report


def _closing(situation: Situation, made: Mapping[str, Artifact]) -> str:
    """What to do with what is there of the stages that this run was asked for."""
    selected = {name: made[name] for name in situation.selection.stages if name in made}
    return situation.project.last_words(selected, situation.composed.root)


def _say_last(closing: str) -> None:
    if closing:
        print(f"\n{closing}")


def _check_inputs_are_there(situation: Situation) -> None:
    absent = absent_inputs(situation.graph, situation.selection, situation.facts)
    if not situation.selection.only or not absent:
        return
    lines = [f"{name} needs {', '.join(inputs)}" for name, inputs in absent.items()]
    missing = list(dict.fromkeys(i for inputs in absent.values() for i in inputs))
    others = [o for o in situation.composed.overrides if not o.startswith("only=")]
    until = missing[0] if len(missing) == 1 else f"[{','.join(missing)}]"
    command = shlex.join(["r1", "run", f"until={until}", *others])
    raise UsageError(
        f"only={','.join(situation.selection.stages)}: inputs are not there: {'; '.join(lines)}.\n"
        f"Make them first: {command}"
    )


def _observer(project: Project, root: Mapping[str, Any]) -> Observer:
    if project.observer is None:
        return Silent()
    observer: Observer = load(project.observer)(root)
    return observer


def _publisher(
    situation: Situation, folder: RunFolder, note: Callable[[str], None]
) -> Publisher | None:
    """What sends results to `paths.publish`, if that says where to."""
    place = situation.paths.publish
    if place is None:
        return None
    return Publisher(place, folder, note, push_again(situation.composed))

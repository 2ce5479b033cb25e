"""Carries out a plan: adopt, launch what is ready, wait, and let a failure stop only its own.

What to do is decided anew by `plan.decide` after everything that happens; the runner owns no rule
of its own about states. It does not own processes (the launcher), results (the store) or what
people see (the console, the observer).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from pipeline.adoption import REFUSALS
from pipeline.artifact import Artifact
from pipeline.attempts import Attempts
from pipeline.board import Board
from pipeline.console import Console
from pipeline.devices import Place
from pipeline.hooks import Shielded
from pipeline.interruption import look_for_cancel
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.launcher import Launcher, Started
from pipeline.limits import Limits, as_before, where_it_runs
from pipeline.notices import Notices, last_lines
from pipeline.plan import Decision, StageFacts, State, decide, look, now_done
from pipeline.progress import Progress, View, clock
from pipeline.run_folder import RunFolder
from pipeline.situation import Situation

TICK = 0.5
LOOK_AGAIN = 2.0  # seconds between looks at a stage that another runner holds


class Runner:
    """One run of the selected stages."""

    def __init__(
        self,
        situation: Situation,
        folder: RunFolder,
        limits: Limits,
        console: Console,
        observer: Shielded,
        retry: str,
    ) -> None:
        self._situation = situation
        self._folder = folder
        self._limits = limits
        self._console = console
        self._observer = observer
        self._retry = retry
        self._facts: dict[str, StageFacts] = dict(situation.facts)
        self._failed: dict[str, str] = {}
        self._progress: dict[str, Progress] = {}
        self._notices: dict[str, Notices] = {}
        self._seconds: dict[str, float] = {}
        self._waits: dict[str, str] = {}
        self._looked = 0.0
        self._board = Board(situation.graph, situation.project.heavy())

    def run(self, launcher: Launcher) -> dict[str, Decision]:
        """Run until nothing is left that can run; returns how each stage stands."""
        self._take_in(launcher)
        self._console.show(self.views())
        while True:
            look_for_cancel(self._folder.path)
            self._launch_ready(launcher)
            held = [name for name, d in self.decisions().items() if d.state is State.RUNNING]
            if not launcher.running and not held:
                return self.decisions()
            if launcher.running:
                ended = launcher.wait(TICK)
                self._waits = {one.job.stage: one.waits_for for one in launcher.running}
                self._pass_on_notices()
                for running, outcome in ended:
                    self._ended(running, outcome)
            else:
                time.sleep(TICK)
            self._look_again(held)
            self._console.show(self.views())

    def decisions(self) -> dict[str, Decision]:
        """How every selected stage stands now."""
        situation = self._situation
        return decide(situation.graph, situation.selection, self._facts, self._failed)

    def artifacts(self) -> dict[str, Artifact]:
        """Every artifact of the recipe that is there, selected or not."""
        return {name: f.artifact for name, f in self._facts.items() if f.artifact is not None}

    def seconds(self) -> dict[str, float]:
        """How long each stage ran in this run."""
        return dict(self._seconds)

    def views(self) -> list[View]:
        """The rows of the live view."""
        begun = {name for name in self._progress if self._folder.log(name).exists()}
        return self._board.views(
            self.decisions(), self._progress, self._seconds, begun, self._waits
        )

    def stopped(self) -> None:
        """Nothing runs any more: the launcher has ended the stages before their time."""
        self._board.stop(set(self._progress))
        self._console.show(self.views())

    def _take_in(self, launcher: Launcher) -> None:
        """Move corrupt artifacts aside, copy adoptable ones in, find jobs of earlier runs."""
        for name in self._situation.selection.stages:
            fingerprint = self._situation.wanted[name].fingerprint
            if corrupt := self._facts[name].corrupt:
                aside = self._situation.store.mend(name, fingerprint)
                if aside is not None:
                    self._console.note(f"{name}: corrupt, made again. {corrupt}. Moved to {aside}")
                self._facts[name] = self._look(name)
            holder = self._facts[name].holder
            if holder and launcher.has(name, fingerprint):
                self._facts[name] = replace(self._facts[name], holder=None, worked_on=False)
            elif holder:
                self._console.note(f"{name}: {holder} runs it; waiting for its result")
        for name in self._wanted_stages():
            if self._facts[name].adoptable:
                self._adopt(name, self._situation.wanted[name].fingerprint)

    def _wanted_stages(self) -> list[str]:
        """The selected stages and, with `only`, the inputs that have to be there."""
        graph, selected = self._situation.graph, self._situation.selection.stages
        return list(dict.fromkeys([i for name in selected for i in (*graph.inputs(name), name)]))

    def _adopt(self, name: str, fingerprint: str) -> None:
        store = self._situation.store
        self._facts[name] = replace(self._facts[name], adoptable=False)
        while source := store.adoptable(name, fingerprint):
            try:
                artifact = store.adopt(name, fingerprint)
            except REFUSALS as error:
                self._console.note(f"{name}: cannot be adopted from {source}. {error}")
            else:
                self._facts[name] = replace(self._facts[name], artifact=artifact)
                self._console.note(f"{name}: adopted from {source}")
                return

    def _launch_ready(self, launcher: Launcher) -> None:
        ready = [name for name in self._ready() if name not in self._progress]
        ready.sort(key=lambda name: not self._situation.graph.stages[name].kind.light)
        at_once = len(launcher.running) + len(ready)
        for name in ready:
            if len(launcher.running) >= self._limits.max_parallel:
                return
            before = Attempts(self._work(name))
            where = launcher.place(self._situation.graph.stages[name], before, at_once)
            if where is not None:
                self._launch(self._job(name, where), launcher)

    def _launch(self, job: Job, launcher: Launcher) -> None:
        name = job.stage
        self._progress[name] = Progress(self._work(name))
        self._notices[name] = Notices(job.log)
        if loading := self._board.announce(name):
            self._console.event(f"{name}: {loading}")
        self._console.show(self.views())
        began = launcher.start(job).began
        resumes = " again from its work directory" if self._facts[name].worked_on else ""
        self._console.event(f"{name}: {began}{resumes} ({where_it_runs(job)})")
        self._observer.tell(
            "stage_started", name, job.wanted.fingerprint, self._work(name), job.resolved
        )

    def _ready(self) -> list[str]:
        return [
            name
            for name, decision in self.decisions().items()
            if decision.state in (State.RUN, State.RESUME)
            and all(self._facts[source].done for source in self._situation.graph.inputs(name))
        ]

    def _job(self, name: str, where: Place) -> Job:
        situation, node = self._situation, self._situation.graph.stages[name]
        threads = where.threads
        if self._facts[name].worked_on:
            before = Attempts(self._work(name))
            threads, warning = as_before(before, threads, where.processes, self._limits)
            if warning:
                self._console.note(f"{name}: {warning}")
        return Job(
            stage=name,
            kind=node.kind,
            config=node.config,
            resolved=situation.composed.root["stages"][name],
            wanted=situation.wanted[name],
            registry=situation.project.registry,
            store=situation.store.root,
            log=self._folder.log(name),
            folder=self._folder.job(name),
            threads=threads,
            processes=where.processes,
            nodes=where.nodes,
            engine_nodes=where.engine_nodes,
            devices=where.devices,
            patience=self._limits.patience,
        )

    def _ended(self, running: Started, outcome: Outcome) -> None:
        name = running.job.stage
        del self._progress[name], self._notices[name]
        self._seconds[name] = round(time.monotonic() - running.started, 2)
        self._facts[name] = self._look(name)
        artifact = self._facts[name].artifact
        if outcome.state == "held":
            self._facts[name] = replace(self._facts[name], holder=outcome.message)
            self._console.note(f"{name}: {outcome.message} runs it already; waiting for its result")
        elif artifact is not None:
            self._facts[name] = now_done(self._facts[name], artifact)
            self._console.event(f"{name}: done in {clock(self._seconds[name])}")
            self._observer.tell("stage_finished", name, artifact)
        else:
            message = outcome.message or self._facts[name].corrupt or "stopped"
            self._fail(name, message, running, outcome.log)

    def _pass_on_notices(self) -> None:
        """What the stages want their user to know at once."""
        for name, notices in self._notices.items():
            for text in notices.new():
                self._console.note(f"{name}: warning: {text}")

    def _fail(self, name: str, message: str, running: Started, log: Path | None) -> None:
        self._failed[name] = message
        code = "" if running.exit_code is None else f" (exit code {running.exit_code})"
        lines = [f"{name}: FAILED{code}: {message}"]
        log = log or running.job.log
        lines += [f"  last lines of {log}:"]
        lines += [f"  | {line}" for line in last_lines(log)]
        lines += [f"  to retry: {self._retry}"]
        self._console.note("\n".join(lines))
        self._observer.tell("stage_failed", name, message)

    def _look_again(self, held: list[str]) -> None:
        """See whether the stages that other runners hold are finished or free."""
        if not held or time.monotonic() - self._looked < LOOK_AGAIN:
            return
        self._looked = time.monotonic()
        for name in held:
            self._facts[name] = self._look(name)

    def _look(self, name: str) -> StageFacts:
        store = self._situation.store
        return look(store, name, self._situation.wanted[name].fingerprint)

    def _work(self, name: str) -> Path:
        return self._situation.store.work(name, self._situation.wanted[name].fingerprint)

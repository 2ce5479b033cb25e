"""How each stage of a run stands, in the words that people are shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from pipeline.graph import Graph
from pipeline.plan import Decision, State
from pipeline.progress import Progress, View

#: States of a plan that read otherwise while it is carried out.
_WORDS = {State.RUN: "waiting", State.RESUME: "waiting", State.RUNNING: "elsewhere"}


class Board:
    """The rows of the live view. heavy: modules that stages wait for before they begin."""

    def __init__(self, graph: Graph, heavy: Collection[str]) -> None:
        self._graph = graph
        self._stopped: Collection[str] | None = None
        self._announced = False
        self._heavy = f"loading {next(iter(heavy)).partition('.')[0]}" if heavy else "starting"

    def loading(self, name: str) -> str:
        """What a stage does before it begins; a light one waits for no modules."""
        return "starting" if self._graph.stages[name].kind.light else self._heavy

    def announce(self, name: str) -> str:
        """What the first stage waits for that is not light; empty for any other."""
        if self._announced or self._graph.stages[name].kind.light:
            return ""
        self._announced = True
        return self._heavy

    def stop(self, running: Collection[str]) -> None:
        """Nothing runs any more; these stages were ended before their time."""
        self._stopped = running

    def views(
        self,
        decisions: Mapping[str, Decision],
        progress: Mapping[str, Progress],
        seconds: Mapping[str, float],
        begun: Collection[str],
        waits: Mapping[str, str],
    ) -> list[View]:
        """One row per stage.

        progress: of those that were started. seconds: of those that ran. begun: those that were
        started and have a process of their own by now. waits: for what one waits that has none, if
        its launcher says so.
        """
        rows = []
        for name, decision in decisions.items():
            kind = self._graph.stages[name].kind.name
            if name in progress and self._stopped is None:
                view = progress[name].view(name, kind)
                waiting = waits.get(name) or ("" if name in begun else self.loading(name))
                rows.append(replace(view, state=waiting) if waiting else view)
            else:
                rows.append(View(name, kind, self._word(name, decision.state), seconds.get(name)))
        return rows

    def _word(self, name: str, state: State) -> str:
        if self._stopped is not None and name in self._stopped:
            return "stopped"
        if self._stopped is not None and state in _WORDS:
            return "not run"
        return _WORDS.get(state, str(state))


def blocked_lines(decisions: Mapping[str, Decision], say: Callable[[str], None]) -> None:
    """Name the stages that did not run because of others."""
    for name, decision in decisions.items():
        if decision.state is State.BLOCKED:
            say(f"{name}: blocked, {decision.reason}")

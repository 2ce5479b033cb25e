"""What a run may use of its machine, and what each stage of it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.attempts import Attempts
from pipeline.devices import visible
from pipeline.errors import UsageError
from pipeline.kinds import Needs, Stage
from pipeline.launchers.job import Job
from pipeline.manifest import cores
from pipeline.watchdog import Patience, patience


@dataclass(frozen=True)
class Limits:
    """What the launcher may use: stages at once, CPU threads, accelerators.

    threads: of each process; None: the cores are shared out. patience: with a stage that does not
    move.
    """

    max_parallel: int
    threads: int | None
    devices: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)

    def sharing(self, at_once: int) -> int:
        """How many stages share the machine when `at_once` could run now."""
        return min(self.max_parallel, max(1, at_once))

    def threads_for(self, at_once: int, processes: int = 1) -> int:
        """Threads of each of a stage's processes when `at_once` stages could run now."""
        if self.threads is not None:
            return self.threads
        return max(1, cores() // self.sharing(at_once) // processes)


ONE_AT_A_TIME = Limits(max_parallel=1, threads=None)


def limits_of(launcher: Mapping[str, Any]) -> Limits:
    """What the config says of a launcher, whichever it is. Raises UsageError."""
    parallel, threads = launcher.get("max_parallel", 1), launcher.get("threads")
    for key, value in (("max_parallel", parallel), ("threads", threads)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise UsageError(f"launcher.{key}: found {value!r}, expected a whole number above 0.")
    given = launcher.get("devices")
    devices = visible() if given is None else tuple(map(str, given))
    return Limits(parallel, threads, devices, patience(launcher.get("watchdog") or {}))


def as_before(
    before: Attempts, threads: int, processes: int, limits: Limits
) -> tuple[int, str | None]:
    """The threads that a resumed stage gets, and a warning where it cannot be exact.

    Another number of threads rounds otherwise, so a stage goes on with those of its last attempt.
    `launcher.threads` is obeyed; that, or other processes than before, is said.
    """
    then = before.last("threads"), before.last("processes")
    if then[0] is None:
        return threads, None
    if limits.threads is None and then[1] == processes:
        return then[0], None
    if then == (threads, processes):
        return threads, None
    now = f"{_count(processes, 'process')} of {_count(threads, 'thread')}"
    return threads, (
        f"goes on with {now}; its last attempt had {then[1]} of {then[0]}. Sums round otherwise, "
        "so the result will differ in rounding from that of an uninterrupted run"
    )


def needs_of(stage: Stage) -> Needs:
    """The processes and devices that a stage asks for, by its kind."""
    return stage.kind.needs(stage) if stage.kind.needs else Needs()


def needs_again(stage: Stage, before: Attempts, limits: Limits) -> Needs:
    """The same of a stage that resumes: where the config leaves it open, as many as before."""
    needs, processes = needs_of(stage), before.last("processes")
    if (
        needs.processes is not None
        or processes is None
        or processes + needs.beside > len(limits.devices)
    ):
        return needs
    return replace(needs, processes=processes, devices=processes + needs.beside)


def where_it_runs(job: Job) -> str:
    """A job's processes, threads and devices as words."""
    words = [f"{job.nodes} nodes"] if job.nodes > 1 else []
    words += [_count(job.engine_nodes, "engine node")] if job.engine_nodes else []
    words += [_count(job.processes, "process")] if job.processes > 1 else []
    words.append(_count(job.threads, "thread") + (" each" if job.processes > 1 else ""))
    if job.devices:
        words.append(f"{'GPU' if len(job.devices) == 1 else 'GPUs'} {','.join(job.devices)}")
    return ", ".join(words)


def _count(count: int, what: str) -> str:
    plural = "es" if what.endswith("s") else "s"
    return f"{count} {what}" if count == 1 else f"{count} {what}{plural}"

"""What `r1 doctor --cluster` learns of a Slurm cluster, and the probe as a job of it.

Stages that ask for the same partition, account, QOS, constraint and excluded nodes come in by the
same door; each door gets a probe, which asks for little so that it starts soon: a CPU of each node,
and a GPU where stages have some.
"""

from __future__ import annotations

import re
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipeline.attempts import Attempts
from pipeline.errors import RecipeError, UsageError
from pipeline.launchers.probe.examined import Asked, Offer, Party
from pipeline.launchers.probe.node import FAILED
from pipeline.launchers.slurm import cluster
from pipeline.launchers.slurm.advice import advised
from pipeline.launchers.slurm.cluster import Partition, SlurmError
from pipeline.launchers.slurm.script import UNSEEN, Shape, options, prelude, python
from pipeline.launchers.slurm.settings import Request, settings_of
from pipeline.launchers.slurm.shapes import Shapes
from pipeline.limits import Limits
from pipeline.situation import Situation

#: Lines of files that are sourced are not shown: they may hold secrets.
_SCRIPT = """\
folder={folder}
trap '[ "${{#BASH_SOURCE[@]}}" -gt 1 ] || echo "{failed}$BASH_COMMAND"' ERR
{prelude}
trap - ERR
[ -e "$folder/request.json" ] || exit {unseen}
srun --ntasks-per-node=1 --kill-on-bad-exit=0 --wait=0 \\
  bash -c 'exec "$@" --number "$SLURM_NODEID"' node \\
  {python} -m pipeline.launchers.probe.node "$folder" --of {nodes}
"""
_SECONDS, _MIB = 600, 4096  # of a probe, where the partition allows as much
_START = re.compile(r"to start at (\S+)")
_NO_OUTPUT = "0:53"  # Slurm's exit code of a job whose output file could not be opened
_LOOKS = 1.0  # seconds between looks at the queue


def examine(situation: Situation, limits: Limits) -> SlurmCluster:
    """The cluster that a composed recipe asks. Raises UsageError and SlurmError."""
    cluster.require()
    return SlurmCluster(situation, limits)


class SlurmCluster:
    """The partitions, and what the selected stages ask of them."""

    def __init__(self, situation: Situation, limits: Limits) -> None:
        self._situation = situation
        self._settings = settings_of(situation.composed.root["launcher"])
        self._profile = situation.composed.choices.get("profile", "")
        self._partitions = cluster.partitions()
        self._shapes = Shapes(self._settings, self._profile, limits, self._partitions)
        self._said: dict[tuple[str, ...], str] = {}
        self._doors: dict[Party, Request] = {}

    def offers(self) -> list[Offer]:
        """The partitions, as sinfo lists them."""
        return [_offer(partition) for partition in self._partitions.values()]

    def asked(self) -> list[Asked]:
        """What every selected stage would ask, with what Slurm itself says of it."""
        return [self._asked(name) for name in self._situation.selection.stages]

    def parties(self) -> list[Party]:
        """For each door as many nodes as its largest gang has; two, if there are two."""
        largest: dict[Request, tuple[int, int]] = {}
        for name in self._situation.selection.stages:
            with suppress(UsageError):
                request, nodes, gpus = self._shape(name)
                if self._shapes.partition(request).state != "up":
                    continue
                door = replace(request, time=None, nodes=1, gpus=None, cpus=None, memory=None)
                before = largest.get(door, (1, 0))
                largest[door] = max(nodes, before[0]), max(gpus, before[1])
        for door, (nodes, gpus) in largest.items():
            usable = self._shapes.partition(door).usable
            count = max(1, min(max(2, nodes), usable))
            party = Party(
                _words(door, self._shapes.partition(door)), count, min(1, gpus), nodes > 1
            )
            self._doors[party] = door
        return list(self._doors)

    def visit(self, party: Party, folder: Path) -> SlurmVisit:
        """Submit the probe. Raises SlurmError."""
        door = self._doors[party]
        partition = self._shapes.partition(door)
        minutes = max(1, min(_SECONDS, partition.seconds or _SECONDS) // 60)
        request = replace(door, time=str(minutes), memory=f"{min(_MIB, partition.memory)}M")
        shape, log = Shape(request, party.gpus, 1), folder / "log"
        lines = [f"#SBATCH {one}" for one in options("r1-doctor", party.nodes, shape, log)]
        body = _SCRIPT.format(
            failed=FAILED,
            prelude="\n".join(prelude(self._settings)),
            folder=shlex.quote(str(folder)),
            unseen=UNSEEN,
            python=python(self._settings),
            nodes=party.nodes,
        )
        script = folder / "batch.sh"
        script.write_text("\n".join(["#!/bin/bash", *lines, body]))
        return SlurmVisit(cluster.submit(script), folder)

    def _shape(self, name: str) -> tuple[Request, int, int]:
        """A stage's request, its nodes, and the GPUs of each. Raises UsageError."""
        stage = self._situation.graph.stages[name]
        self._shapes.check(stage)
        work = self._situation.store.work(name, self._situation.wanted[name].fingerprint)
        place = self._shapes.place(stage, Attempts(work))
        shape = self._shapes.of(name)
        return shape.request, place.nodes + place.engine_nodes if place else 1, shape.gpus

    def _asked(self, name: str) -> Asked:
        stage = self._situation.graph.stages[name]
        plain = self._settings.request(name, stage.kind.name, self._profile)
        known = Asked(name, stage.kind.name, plain.partition or "(default)")
        try:
            request, nodes, gpus = self._shape(name)
            partition = self._shapes.partition(request)
        except UsageError as error:
            return replace(known, refused=str(error))
        found = replace(
            known,
            where=partition.name,
            nodes=nodes,
            gpus=gpus,
            cpus=self._shapes.of(name).cpus,
            memory=request.memory or "",
            time=request.time or "",
        )
        if refused := _closed(partition, nodes):
            return replace(found, refused=refused)
        try:
            return replace(found, starts=self._test(name, nodes))
        except SlurmError as error:
            return replace(found, refused=str(error))

    def _test(self, name: str, nodes: int) -> str:
        """When Slurm would start such a job. Raises SlurmError: it would refuse it."""
        words = tuple(options("r1-doctor", nodes, self._shapes.of(name), Path("/dev/null")))
        if words not in self._said:
            lines = ["#!/bin/bash", *(f"#SBATCH {word}" for word in words), "true"]
            with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                said = cluster.when_it_starts(Path(file.name))
            start = _START.search(said)
            self._said[words] = start[1] if start else said
        return self._said[words]


class SlurmVisit:
    """A probe's job."""

    def __init__(self, job: str, folder: Path) -> None:
        self._job = job
        self._log = folder / "log"
        self._looked = 0.0
        self.name = f"job {job}"
        self.waits_for = ""
        self.ended = False

    def look(self) -> None:
        """Ask the queue, now and then. Raises SlurmError."""
        if time.monotonic() - self._looked < _LOOKS:
            return
        self._looked = time.monotonic()
        found = next((one for one in cluster.queue() if one.id == self._job), None)
        self.ended = found is None or found.ended
        self.waits_for = ""
        if found is not None and found.state == "PENDING":
            self.waits_for = (
                "pending" if found.reason == "None" else advised(f"pending: {found.reason}")
            )

    def printed(self) -> str:
        """The log of the batch script; where there is none, how the job ended."""
        with suppress(OSError):
            if text := self._log.read_text(errors="replace"):
                return text
        return "\n".join(_how_it_ended(cluster.facts(self._job), self._log))

    def stop(self) -> None:
        """Cancel it."""
        with suppress(RecipeError):
            cluster.cancel([self._job])


def _how_it_ended(told: Mapping[str, str], log: Path) -> Iterator[str]:
    """Of a job that printed nothing here."""
    state, nodes, code = (told.get(key, "?") for key in ("JobState", "NodeList", "ExitCode"))
    if code == _NO_OUTPUT:
        yield f"{nodes} did not see {log.parent}, where the job's output was to be"
    elif told:
        yield f"the job ended as {state} on {nodes}, exit code {code}, and printed nothing"


def _offer(partition: Partition) -> Offer:
    limit = partition.seconds
    return Offer(
        name=partition.name + ("*" if partition.default else ""),
        nodes=partition.nodes,
        state=", ".join([partition.state, *(f"{n} {s}" for s, n in partition.nodes_in.items())]),
        gpus=partition.gpus,
        cpus=partition.cpus,
        memory=partition.memory,
        time="" if limit is None else _clock(limit),
    )


def _closed(partition: Partition, nodes: int) -> str:
    """Why a partition would start nothing of so many nodes now; empty where it would."""
    if partition.state != "up":
        return (
            f"partition {partition.name} is {partition.state}: a job waits there until an "
            "administrator opens it. Name another: launcher.job.partition"
        )
    if partition.usable < nodes:
        return (
            f"{nodes} nodes are asked for, and {partition.usable} of the {partition.nodes} of "
            f"partition {partition.name} can be used (sinfo -R says why): lower "
            "launcher.kinds.….nodes, or wait"
        )
    return ""


def _clock(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    text = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}-{text}" if days else text


def _words(door: Request, partition: Partition) -> str:
    more = {"account": door.account, "qos": door.qos, "constraint": door.constraint}
    said = [f"{name} {value}" for name, value in {**more, "without": door.exclude}.items() if value]
    return ", ".join([f"partition {partition.name}", *said])

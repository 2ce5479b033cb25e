"""What each stage gets of the cluster: nodes, GPUs, CPUs, processes; and whether it has so much."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from pipeline.attempts import Attempts
from pipeline.devices import Place, place
from pipeline.errors import UsageError
from pipeline.kinds import Needs, Stage
from pipeline.launchers.slurm.cluster import Partition
from pipeline.launchers.slurm.script import Shape
from pipeline.launchers.slurm.settings import Request, Settings, seconds_of
from pipeline.limits import Limits, needs_again, needs_of

_MIB = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}


class Shapes:
    """By stage, from the settings and from what sinfo says."""

    def __init__(
        self,
        settings: Settings,
        profile: str,
        limits: Limits,
        partitions: Mapping[str, Partition],
    ) -> None:
        self.settings = settings
        self._profile = profile
        self._limits = limits
        self._partitions = partitions
        self._shapes: dict[str, Shape] = {}

    def of(self, stage: str) -> Shape:
        """Of a stage that has its place."""
        return self._shapes[stage]

    def check(self, stage: Stage) -> None:
        """Raises UsageError, with the key, for what the cluster cannot give."""
        request = self._request(stage)
        partition = self._partition(request)
        self._check_size(request, partition)
        self._check_time(request, partition)
        needs = needs_of(stage)
        nodes, gpus = self._nodes(request, needs), self._gpus(request, needs, partition)
        if gpus > partition.gpus:
            raise UsageError(
                f"{stage.name} asks for {gpus} GPUs on each of {nodes} node(s), and no node of "
                f"partition {partition.name} has more than {partition.gpus}. Set launcher.kinds."
                f"{stage.kind.name}.nodes higher, or parallel.processes lower."
            )
        found = self._found(request, needs, partition)
        if found is None:
            raise UsageError(
                f"{stage.name}: {nodes * gpus} GPUs are too few for it, or do not divide its work. "
                f"See launcher.kinds.{stage.kind.name}.gpus and .nodes."
            )
        if found.processes % nodes or (nodes > 1 and needs.beside):
            what = (
                "engines on GPUs of their own are for one node"
                if needs.beside
                else (f"its {found.processes} processes do not divide over {nodes} nodes")
            )
            raise UsageError(f"{stage.name}: {what}. See launcher.kinds.{stage.kind.name}.nodes.")

    def place(self, stage: Stage, before: Attempts) -> Place | None:
        """The place of a stage that was checked."""
        request = self._request(stage)
        partition = self._partition(request)
        first = needs_of(stage)
        total = self._nodes(request, first) * self._gpus(request, first, partition)
        devices = tuple(str(number) for number in range(total))
        needs = needs_again(stage, before, replace(self._limits, devices=devices))
        found = self._found(request, needs, partition) or self._found(request, first, partition)
        if found is None:
            return None
        nodes = self._nodes(request, first)
        here = max(1, found.processes // nodes)
        cpus = request.cpus or here * (self._limits.threads or 1)
        threads = self._limits.threads or max(1, cpus // here)
        gpus = self._gpus(request, first, partition)
        self._shapes[stage.name] = Shape(request, gpus, cpus)
        return Place(found.processes, None, threads, nodes)

    def _request(self, stage: Stage) -> Request:
        return self.settings.request(stage.name, stage.kind.name, self._profile)

    def _partition(self, request: Request) -> Partition:
        known = self._partitions
        if request.partition is not None and request.partition not in known:
            raise UsageError(
                f"launcher.job.partition: there is no partition `{request.partition}`. "
                f"sinfo lists: {', '.join(known) or 'none'}."
            )
        if request.partition is not None:
            return known[request.partition]
        default = next((found for found in known.values() if found.default), None)
        if default is None:
            raise UsageError(
                "launcher.job.partition: this cluster has no default partition; name one of "
                f"{', '.join(known) or 'none'}."
            )
        return default

    def _nodes(self, request: Request, needs: Needs) -> int:
        return 1 if needs.processes == 1 else request.nodes

    def _gpus(self, request: Request, needs: Needs, partition: Partition) -> int:
        """Of each node."""
        if partition.gpus == 0 and not request.gpus:
            return 0
        if request.gpus is not None:
            return request.gpus
        if needs.devices is None:
            return partition.gpus
        return math.ceil(needs.devices / self._nodes(request, needs))

    def _found(self, request: Request, needs: Needs, partition: Partition) -> Place | None:
        total = self._nodes(request, needs) * self._gpus(request, needs, partition)
        return place(needs, tuple(str(n) for n in range(total)), partition.gpus and total, 1)

    def _check_size(self, request: Request, partition: Partition) -> None:
        for key, asked, there in (
            ("nodes", request.nodes, partition.nodes),
            ("gpus", request.gpus or 0, partition.gpus),
            ("cpus", request.cpus or 0, partition.cpus),
            ("memory", _mib(request.memory), partition.memory),
        ):
            if asked > there:
                of = "nodes" if key == "nodes" else f"{key} on its largest node"
                unit = " MiB" if key == "memory" else ""
                raise UsageError(
                    f"launcher.job.{key}: {asked}{unit} are asked for, and partition "
                    f"{partition.name} has {there}{unit} {of}."
                )

    def _check_time(self, request: Request, partition: Partition) -> None:
        if request.time is None:
            return
        seconds = seconds_of(request.time) or 0
        if partition.seconds is not None and seconds > partition.seconds:
            raise UsageError(
                f"launcher.job.time: {request.time} is more than partition {partition.name} "
                f"allows ({partition.seconds // 60} minutes)."
            )
        if seconds <= 2 * self.settings.leave_seconds:
            raise UsageError(
                f"launcher.job.time: {request.time} leaves no time to work: a stage is asked to "
                f"leave {self.settings.leave_seconds} s before it (launcher.leave_seconds)."
            )


def _mib(memory: str | None) -> int:
    if memory is None:
        return 0
    unit = memory[-1].upper()
    return int(float(memory[:-1]) * _MIB[unit]) if unit in _MIB else int(memory)

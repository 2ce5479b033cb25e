"""What each stage gets of the cluster: nodes, GPUs, CPUs, processes; and whether it has so much."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.attempts import Attempts
from pipeline.devices import Place
from pipeline.errors import UsageError
from pipeline.kinds import Needs, Stage
from pipeline.launchers import spread
from pipeline.launchers.slurm.cluster import Partition
from pipeline.launchers.slurm.script import Shape
from pipeline.launchers.slurm.settings import Request, Settings, seconds_of
from pipeline.launchers.spread import gpus_of, mib_of, nodes_of
from pipeline.limits import Limits, needs_of


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
        partition = self.partition(request)
        needs = needs_of(stage)
        self._check_size(request, needs, partition)
        self._check_time(request, partition)
        nodes, gpus = nodes_of(request, needs), gpus_of(request, needs, partition.gpus)
        if gpus > partition.gpus:
            raise UsageError(
                f"{stage.name} asks for {gpus} GPUs on each of {nodes} node(s), and no node of "
                f"partition {partition.name} has more than {partition.gpus}. Set launcher.kinds."
                f"{stage.kind.name}.nodes higher, or parallel.processes lower."
            )
        spread.check(stage, request, partition.gpus)

    def place(self, stage: Stage, before: Attempts) -> Place | None:
        """The place of a stage that was checked."""
        request = self._request(stage)
        gpus = self.partition(request).gpus
        found = spread.spread(stage, before, request, gpus, self._limits)
        if found is None:
            return None
        self._shapes[stage.name] = Shape(request, found.gpus, found.cpus)
        return found.place

    def partition(self, request: Request) -> Partition:
        """The partition of a request. Raises UsageError: there is none."""
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

    def _request(self, stage: Stage) -> Request:
        return self.settings.request(stage.name, stage.kind.name, self._profile)

    def _check_size(self, request: Request, needs: Needs, partition: Partition) -> None:
        more = needs.engine_nodes
        for key, asked, there in (
            ("nodes", max(request.nodes, nodes_of(request, needs) + more), partition.nodes),
            ("gpus", request.gpus or 0, partition.gpus),
            ("cpus", request.cpus or 0, partition.cpus),
            ("memory", mib_of(request.memory), partition.memory),
        ):
            if asked > there:
                of = "nodes" if key == "nodes" else f"{key} on its largest node"
                unit = " MiB" if key == "memory" else ""
                some = f" ({more} of them for engines)" if more and key == "nodes" else ""
                raise UsageError(
                    f"launcher.job.{key}: {asked}{unit} are asked for{some}, and partition "
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

"""A Ray cluster whose nodes are machines of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.drill.cluster.machines import Machine, Machines, until

_PORT = 6379
#: A machine that is busy starts slowly, and is not lost for it.
_PATIENCE = {
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_COUNT = """\
import ray
ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
print(sum(node["Alive"] for node in ray.nodes()))
"""
_LEFT = """\
import ray
from ray.util.placement_group import placement_group_table
ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
for one in placement_group_table().values():
    if one["state"] != "REMOVED":
        print("placement group", one["state"])
whole, free = ray.cluster_resources(), ray.available_resources()
for name in ("CPU", "GPU"):
    if free.get(name, 0) != whole.get(name, 0):
        print(name, free.get(name, 0), "of", whole.get(name, 0), "are free")
"""


class Ray:
    """The head on the login node, which gives no CPUs; a raylet on every other one."""

    name = "ray"

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        address = f"{machines.address('login')}:{_PORT}"
        self._address = address
        self.words = ("launcher=ray", f"launcher.address={address}")
        self.environment = {**_PATIENCE, "RAY_ADDRESS": address}

    def up(self) -> None:
        """Start it on machines that are there."""
        login = self._machines.login
        words = ("--head", f"--port={_PORT}", "--num-cpus=0", "--include-dashboard=false")
        self._start(login, *words)
        log = self._log(login)
        until(lambda: "--block" in log.read_text(), "the head")
        for name in self._machines.nodes:
            self.join(name)
        self.wait_for_nodes()

    def join(self, name: str) -> None:
        """A node that has started comes into the cluster."""
        machine = self._machines.running[name]
        self._start(machine, f"--address={self._address}", "--num-cpus=2", "--num-gpus=0")

    def wait_for_nodes(self) -> None:
        """Until every node can be used."""
        there = str(1 + len(self._machines.nodes))
        until(lambda: self._ask(_COUNT) == there, "the number of nodes")

    def preempt(self, names: Sequence[str], seconds: float) -> None:
        """Nodes are taken out of the cluster in order, and come back."""
        for name in names:
            for pid, line in self._machines.running[name].processes().items():
                if "raylet/raylet" in line:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
        time.sleep(seconds)
        for name in names:
            machine = self._machines.running[name]
            until(partial(_has_left, machine), f"the end of {name}")
            self.join(name)
        self.wait_for_nodes()

    def left(self) -> list[str]:
        """What of a run that has ended is still in the cluster."""
        return self._ask(_LEFT).splitlines()

    def clear(self) -> None:
        """Actors end with their run."""

    def _start(self, machine: Machine, *words: str) -> None:
        machine.start(
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *words),
            *(f"--node-ip-address={machine.address}", "--object-store-memory=100000000"),
            log=self._log(machine),
            environment=self.environment,
        )

    def _log(self, machine: Machine) -> Path:
        return self._machines.folder / f"ray-{machine.name}.out"

    def _ask(self, script: str) -> str:
        return self._machines.login.ask(sys.executable, "-c", script, environment=self.environment)


def _has_left(machine: Machine) -> bool:
    return not machine.has("raylet/raylet")

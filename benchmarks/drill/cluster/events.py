"""What happens to a run over a cluster. Each event ends when the cluster is whole again."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.drill.cluster.mlflow_server import MLflow
from benchmarks.drill.cluster.play import Play

Happen = Callable[["Event"], None]


@dataclass
class Event:
    """One event: its moment, and what was done. number: by which it is drawn, with the seed."""

    number: int
    kind: str
    rng: random.Random
    play: Play
    mlflow: MLflow
    at: float = 0.0
    did: list[str] = field(default_factory=list)

    def node(self) -> str:
        """One of those that work; any, if none does."""
        machines = self.play.machines
        busy = [
            name
            for name in machines.nodes
            if any(
                "pipeline.launchers.node" in x for x in machines.running[name].processes().values()
            )
        ]
        return self.rng.choice(busy or list(machines.nodes))

    def moment(self, least: float, most: float) -> float:
        """Some seconds, told."""
        seconds = round(self.rng.uniform(least, most), 1)
        self.did.append(f"{seconds} s")
        return seconds


def node_killed(event: Event) -> None:
    """A node loses its power, and comes back; now and then all do."""
    machines, cluster = event.play.machines, event.play.cluster
    names = [event.node()] if event.rng.random() < 0.85 else list(machines.nodes)
    event.did += names
    for name in names:
        machines.kill(name)
    time.sleep(event.moment(2, 20))
    for name in names:
        machines.up(name)
        cluster.join(name)
    cluster.wait_for_nodes()


def preempted(event: Event) -> None:
    """Somebody else takes a node, or all, for a while."""
    nodes = event.play.machines.nodes
    names = [event.node()] if event.rng.random() < 0.5 else list(nodes)
    event.did += names
    event.play.cluster.preempt(names, event.moment(1, 8))


def runner_killed(event: Event) -> None:
    """The runner is killed, and its command given again."""
    event.play.kill()
    time.sleep(event.moment(0, 6))
    event.play.start()


def disk_full(event: Event) -> None:
    """A node's own disk has no room for a while: temporary files, the scheduler's own."""
    machines, name = event.play.machines, event.node()
    event.did.append(name)
    hog = machines.running[name].path(machines.local / "hog")
    with hog.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
    time.sleep(event.moment(3, 15))
    hog.unlink()


def clock_moved(event: Event) -> None:
    """A machine's clock is put ten minutes forth or back, and stays there."""
    name = event.rng.choice([event.node(), event.node(), "login"])
    seconds = event.rng.choice([-600, 600])
    event.did.append(f"{name} by {seconds:+d} s")
    event.play.machines.set_clock(name, seconds)


def mlflow_away(event: Event) -> None:
    """MLflow's server stands still, or is killed and started again."""
    if event.rng.random() < 0.5:
        event.did.append("stands still")
        event.mlflow.signal(signal.SIGSTOP)
        time.sleep(event.moment(3, 20))
        event.mlflow.signal(signal.SIGCONT)
    else:
        event.did.append("killed")
        event.mlflow.signal(signal.SIGKILL)
        time.sleep(event.moment(3, 20))
        event.mlflow.start()


#: With how often each is drawn.
EVENTS: dict[Happen, int] = {
    node_killed: 6,
    preempted: 4,
    runner_killed: 4,
    disk_full: 3,
    clock_moved: 3,
    mlflow_away: 2,
}

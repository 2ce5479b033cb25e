"""A Slurm whose nodes are machines of their own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from benchmarks.drill.cluster.machines import Machines, until
from tests.pipeline.slurm_cluster import CONF

_NODE = "NodeName={name} NodeHostname={name} NodeAddr={address} CPUs=2 RealMemory=12000 Gres=gpu:2"


class Slurm:
    """slurmctld on the login node, slurmd on every other one."""

    name = "slurm"
    words = ("launcher=slurm", "launcher.poll_seconds=1")

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        folder = machines.folder
        (folder / "state").mkdir()
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        said = {"host": "login", "address": machines.address("login"), "port": 6817}
        said |= {"user": "root", "folder": folder, "spool": machines.local}
        nodes = [_NODE.format(name=n, address=machines.address(n)) for n in machines.nodes]
        (folder / "slurm.conf").write_text(CONF.format(nodes="\n".join(nodes), **said))
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null,/dev/zero\n")

    def up(self) -> None:
        """Start it on machines that are there."""
        folder, login = self._machines.folder, self._machines.login
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        places = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munged.pid"}
        places |= {"log-file": "munged.log", "seed-file": "munged.seed"}
        words = [f"--{option}={folder / name}" for option, name in places.items()]
        login.start("munged", "--force", "--foreground", *words, log=folder / "munged.out")
        until(lambda: (folder / "munge.socket").exists(), "munged")
        daemon = ["slurmctld", "-D", "-f", self.environment["SLURM_CONF"]]
        login.start(*daemon, log=folder / "slurmctld.out", environment=self.environment)
        for name in self._machines.nodes:
            self.join(name)
        self.wait_for_nodes()

    def join(self, name: str) -> None:
        """A node that has started comes into the cluster."""
        machine = self._machines.running[name]
        machine.path(self._machines.local / f"spool-{name}").mkdir()
        machine.start(
            *("slurmd", "-D", "-N", name, "-f", self.environment["SLURM_CONF"]),
            log=self._machines.folder / f"slurmd-{name}.out",
            environment=self.environment,
        )

    def wait_for_nodes(self) -> None:
        """Until every node can be used."""
        until(lambda: not self._states() - {"idle", "mixed", "allocated", "completing"}, "a node")

    def preempt(self, names: Sequence[str], seconds: float) -> None:
        """A job of a higher partition takes nodes for so long, and has ended."""
        wrap = f"--wrap=sleep {seconds:.0f}"
        job = self._ask("sbatch", "--parsable", "-p", "urgent", "--exclusive", "--output=/dev/null",
                        f"--nodelist={','.join(names)}", f"--nodes={len(names)}", wrap)  # fmt: skip
        until(lambda: not self._ask("squeue", "-h", "-j", job, "-o", "%i"), "the urgent job")

    def left(self) -> list[str]:
        """What of a run that has ended is still in the cluster."""
        return [f"job {line}" for line in self._ask("squeue", "-h", "-o", "%i %j %T").splitlines()]

    def clear(self) -> None:
        if jobs := self._ask("squeue", "-h", "-o", "%i").split():
            self._ask("scancel", *jobs)
        until(lambda: not self._ask("squeue", "-h", "-o", "%i"), "jobs that were cancelled")

    def _states(self) -> set[str]:
        lines = self._ask("sinfo", "-h", "-N", "-p", "main", "-o", "%N %T").splitlines()
        return {line.split()[1] for line in lines} or {"unknown"}

    def _ask(self, *command: str) -> str:
        return self._machines.login.ask(*command, environment=self.environment)

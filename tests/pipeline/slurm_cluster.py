"""A Slurm cluster of two nodes on one machine: a slurmctld, and a slurmd a node on its own port.

Nothing of a Slurm or munge that the machine may have is touched: keys, sockets, ports and folders
are its own. Processes of a node that is killed live on, as on a node that only lost its network.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NODES = ("n1", "n2")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol")
#: host, address, port: of the controller; spool: the folder of the nodes' own files.
CONF = """\
ClusterName=test
SlurmctldHost={host}({address})
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={spool}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=3000
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
SlurmdTimeout=10
KillWait=2
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
SchedulerParameters=requeue_delay=1,sched_interval=1,bf_interval=1,batch_sched_delay=0
GresTypes=gpu
SlurmdParameters=config_overrides
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes=ALL MaxTime=60 State=UP PriorityTier=10 PreemptMode=OFF
"""
_NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=12000 "
    "Gres=gpu:2"
)


def absent() -> list[str]:
    """What of Slurm this machine lacks."""
    path = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))
    return [program for program in PROGRAMS if shutil.which(program, path=path) is None]


class Cluster:
    """A running cluster; its folder must have a short path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self._pids: list[int] = []
        (folder / "state").mkdir()
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(1 + len(NODES))
        lines = []
        for name, port in zip(NODES, ports[1:], strict=True):
            (folder / f"spool-{name}").mkdir()
            lines.append(_NODE.format(name=name, host=host, port=port))
        said = {"host": host, "address": "127.0.0.1", "port": ports[0], "user": getpass.getuser()}
        places = {"folder": folder, "spool": folder}
        self.conf.write_text(CONF.format(nodes="\n".join(lines), **said, **places))
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null,/dev/zero\n")

    def up(self) -> None:
        """Start it and wait until both nodes can be used."""
        self._munged()
        self._daemon("slurmctld", "-f", str(self.conf))
        for name in NODES:
            self._daemon("slurmd", "-N", name, "-f", str(self.conf))
        deadline = time.monotonic() + 30
        while self("sinfo", "-h", "-N", "-p", "main", "-o", "%T", check=False).count("idle") < len(
            NODES
        ):
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.1)

    def down(self) -> None:
        """End its daemons, and what they have started, by their ids."""
        jobs = self("squeue", "-h", "-o", "%i", check=False).split()
        if jobs:
            self("scancel", *jobs, check=False)
            time.sleep(1)
        for file in self.folder.glob("*.pid"):
            try:
                os.kill(int(file.read_text()), signal.SIGKILL)
            except (ProcessLookupError, ValueError):
                continue

    def __call__(self, *command: str, check: bool = True) -> str:
        """What a command of Slurm says."""
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment(), check=False, timeout=60
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))
        return {**os.environ, "SLURM_CONF": str(self.conf), "PATH": path}

    def _munged(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        places = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munged.pid"}
        places |= {"log-file": "munged.log", "seed-file": "munged.seed"}
        words = [f"--{option}={self.folder / name}" for option, name in places.items()]
        self._daemon("munged", "--force", *words)

    def _daemon(self, *command: str) -> None:
        """Start a program that goes into the background by itself."""
        subprocess.run(
            command, env=self.environment(), check=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _logs(self) -> str:
        return "\n".join(file.read_text()[-2000:] for file in self.folder.glob("*.log"))


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports

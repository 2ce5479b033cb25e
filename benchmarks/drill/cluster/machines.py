"""Machines on one machine: each with its own pids, network, host name, local disk and clock.

A machine is a set of namespaces below one first process. When that is killed, the kernel ends all
processes of its pid namespace, and network and mounts go with them: a power cut. What all machines
share is the file system of this one, which plays the cluster's disk. The first machine is the login
node; the bridge that connects all is in its network. If the drill dies, its machines die, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.drill.cluster import clock

NET = "10.77.0"  # no other network sees it
LOCAL_MIB = 512

_BOOT = """\
set -e
hostname {name}
mount -t tmpfs -o size=2g tmpfs /dev/shm
mount -t tmpfs -o size={mib}m tmpfs {local}
mkdir -p {local}/tmp {local}/ray /tmp/ray
mount --bind {local}/ray /tmp/ray
mount --bind {folder}/hosts /etc/hosts
mount --bind {folder}/nsswitch.conf /etc/nsswitch.conf
ip link set lo up
head -c 8 /dev/zero >{clock}
touch {ready}
while :; do sleep 60 & wait $!; done
"""
#: Python, with the machine's own temporary folder and clock for it and for all that it starts.
_PYTHON = """\
#!/bin/bash
export TMPDIR={local}/tmp
[ -e {shim} ] && export LD_PRELOAD={shim}
exec {python} "$@"
"""


@dataclass
class Machine:
    """One machine; first: the first process of its pid namespace, as seen from outside."""

    name: str
    address: str
    first: int
    outer: subprocess.Popen[bytes]
    entered: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def path(self, place: str | Path) -> Path:
        """A place of its file system, as seen from outside."""
        return Path(f"/proc/{self.first}/root") / str(place).lstrip("/")

    def start(
        self,
        *command: str,
        log: Path,
        folder: str | Path = "/",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """A command on it. Its process is below the one that is returned, and ends as that does."""
        with log.open("ab") as output:
            started = subprocess.Popen(
                [*self._enter(), "env", "-C", str(folder), *command],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.entered.append(started)
        return started

    def ask(self, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """What a command says. Raises RuntimeError when it fails."""
        done = subprocess.run(
            [*self._enter(), *command],
            env={**os.environ, **(environment or {})},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def processes(self) -> dict[int, str]:
        """What runs on it: pid, as seen from outside → command line."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(path / "ns/pid") == os.readlink(f"/proc/{self.first}/ns/pid"):
                    line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(path.name)] = line
            except OSError:
                continue
        return {pid: line for pid, line in found.items() if line and pid != self.first}

    def has(self, words: str) -> bool:
        """Whether a command line of it has these words."""
        return any(words in line for line in self.processes().values())

    def kill(self) -> None:
        """A power cut."""
        os.kill(self.first, signal.SIGKILL)
        for process in self.entered:
            process.kill()  # one that is stopped would not take leave of its child
        self.outer.wait()

    def _enter(self) -> list[str]:
        where = ["--net", "--uts", "--ipc", "--mount", "--pid"]
        return ["nsenter", "-t", str(self.first), *where]


class Machines:
    """A login node and some nodes, in a folder of the disk that they share."""

    def __init__(self, folder: Path, nodes: Sequence[str], python: str) -> None:
        self.folder = folder
        self.local = folder / "local"  # every machine has its own disk there
        self.python = folder / "python"
        self.nodes = tuple(nodes)
        self.running: dict[str, Machine] = {}
        self.local.mkdir(parents=True)
        names = {name: f"{NET}.{10 + number}" for number, name in enumerate(["login", *nodes])}
        self._addresses = names
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
        (folder / "hosts").write_text("\n".join(lines) + "\n")
        (folder / "nsswitch.conf").write_text("hosts: files\npasswd: files\ngroup: files\n")
        shim = clock.made_in(folder)
        self.has_clocks = shim.exists()
        words = {"python": python, "shim": shim, "local": self.local}
        self.python.write_text(_PYTHON.format(**words))
        self.python.chmod(0o755)

    @property
    def login(self) -> Machine:
        return self.running["login"]

    def address(self, name: str) -> str:
        return self._addresses[name]

    def up(self, name: str) -> Machine:
        """Start a machine, the login node first."""
        ready = self.folder / f"{name}.ready"
        ready.unlink(missing_ok=True)
        words = {"name": name, "mib": LOCAL_MIB, "local": self.local, "ready": ready}
        words |= {"folder": self.folder, "clock": clock.FILE}
        output = (self.folder / f"{name}.boot.log").open("ab")
        outer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts", "--ipc", "--mount",
             "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "bash", "-c",
             _BOOT.format(**words)],
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not ready.exists():
            if outer.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not start")
            time.sleep(0.02)
        [first] = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        machine = Machine(name, self._addresses[name], int(first), outer)
        self.running[name] = machine
        self._connect(machine)
        return machine

    def kill(self, name: str) -> None:
        self.running.pop(name).kill()

    def down(self) -> None:
        for name in [*reversed(self.running)]:
            self.kill(name)

    def set_clock(self, name: str, seconds: int) -> None:
        """Put a machine's clock so far off."""
        clock.set_to(self.running[name].path(clock.FILE), seconds)

    def _connect(self, machine: Machine) -> None:
        if machine.name == "login":
            _in_network(machine, "link", "add", "br0", "type", "bridge")
            _in_network(machine, "link", "set", "br0", "up")
            _in_network(machine, "addr", "add", f"{machine.address}/24", "dev", "br0")
            return
        own = f"v{machine.name}"
        _in_network(self.login, "link", "add", own, "type", "veth",
                    "peer", "name", "eth0", "netns", str(machine.first))  # fmt: skip
        _in_network(self.login, "link", "set", own, "master", "br0", "up")
        _in_network(machine, "addr", "add", f"{machine.address}/24", "dev", "eth0")
        _in_network(machine, "link", "set", "eth0", "up")


def _in_network(machine: Machine, *words: str) -> None:
    command = ["nsenter", "-t", str(machine.first), "--net", "ip", *words]
    deadline = time.monotonic() + 10
    while (done := subprocess.run(command, capture_output=True, text=True)).returncode:
        if time.monotonic() > deadline:  # a machine's end of a cable goes a moment after it
            raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
        time.sleep(0.2)


def until(holds: Callable[[], bool], what: str, seconds: float = 180.0) -> None:
    """Wait for it. Raises RuntimeError when it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not there after {seconds:g} s")
        time.sleep(0.2)

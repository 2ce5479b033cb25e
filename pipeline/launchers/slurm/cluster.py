"""Slurm, by the commands that every cluster has: sbatch, squeue, sinfo, scontrol, scancel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import RecipeError, UsageError
from pipeline.launchers.slurm.advice import advised
from pipeline.launchers.slurm.settings import seconds_of

SECONDS = 60.0  # that a command may take; Slurm's own patience with its controller is shorter
_GPUS = re.compile(r"gpu(?::[^:,(]+)?:(\d+)")
_GONE = ("down", "drain", "fail", "unknown", "inval", "error")
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"}
ENDED |= {"NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}


class SlurmError(RecipeError):
    """A command of Slurm that did not do what it was asked; its own words, and what to do."""


@dataclass(frozen=True)
class Queued:
    """A job as squeue lists it."""

    id: str
    name: str
    state: str
    reason: str
    nodes: str

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Partition:
    """What sinfo says of a partition, of its largest node. seconds: its time limit, if any.

    state: of the partition; up takes jobs and starts them. nodes_in: how many nodes by their state.
    """

    name: str
    default: bool
    seconds: int | None
    nodes: int
    cpus: int
    memory: int  # MiB
    gpus: int
    state: str = "up"
    nodes_in: Mapping[str, int] = field(default_factory=dict)

    @property
    def usable(self) -> int:
        """The nodes that can run a job now or when others have ended."""
        gone = sum(n for state, n in self.nodes_in.items() if state.startswith(_GONE))
        return self.nodes - gone


def require() -> None:
    """Raises UsageError where there is no Slurm."""
    absent = [name for name in ("sbatch", "squeue", "sinfo", "scancel") if not shutil.which(name)]
    if absent:
        raise UsageError(
            f"launcher=slurm: {', '.join(absent)} cannot be found on this machine. Run it on a "
            "login node of the cluster (`module load slurm` may be needed), or use launcher=local."
        )


def submit(script: Path) -> str:
    """Submit a batch script; the job's id. Raises SlurmError."""
    return _run("sbatch", "--parsable", str(script)).strip().partition(";")[0]


def when_it_starts(script: Path) -> str:
    """What Slurm says of a script that is not submitted. Raises SlurmError: it would be refused."""
    return _run("sbatch", "--test-only", str(script), errors=True)


def queue() -> list[Queued]:
    """This user's jobs, those that ended lately included. Raises SlurmError."""
    form = "%i|%j|%T|%r|%N"
    text = _run("squeue", "-h", "-a", "--states=all", "-u", str(os.getuid()), "-o", form)
    return [Queued(*line.split("|", 4)) for line in text.splitlines() if line.count("|") >= 4]


def cancel(jobs: Sequence[str]) -> None:
    """End jobs; one that has ended is no error. Raises SlurmError."""
    if jobs:
        _run("scancel", "--quiet", *jobs)


def requeue(job: str) -> None:
    """End a job's start, and let it wait for another. Raises SlurmError."""
    _run("scontrol", "requeue", job)


def start_now(job: str) -> None:
    """Have a job not wait for its time to begin. Raises SlurmError.

    "now" is by the clock of this machine: where that is ahead, the job would begin later by it.
    """
    if time.strftime("%Y-%m-%dT%H:%M:%S") < facts(job).get("StartTime", ""):
        _run("scontrol", "update", f"JobId={job}", "StartTime=now")


def facts(job: str) -> Mapping[str, str]:
    """What the controller knows of a job; empty when it has forgotten it."""
    try:
        text = _run("scontrol", "show", "job", "-o", job)
    except SlurmError:
        return {}
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def partitions() -> dict[str, Partition]:
    """The partitions that this user sees. Raises SlurmError."""
    found: dict[str, Partition] = {}
    for line in _run("sinfo", "-h", "-o", "%P|%a|%l|%D|%c|%m|%T|%G").splitlines():
        parts = (part.strip() for part in line.split("|", 7))
        name, up, limit, nodes, cpus, memory, state, gres = parts
        plain, default = name.rstrip("*"), name.endswith("*")
        gpus = sum(int(number) for number in _GPUS.findall(gres))
        one = Partition(
            name=plain,
            default=default,
            seconds=seconds_of(limit),
            nodes=int(nodes),
            cpus=_number(cpus),
            memory=_number(memory),
            gpus=gpus,
            state=up,
            nodes_in={state: int(nodes)},
        )
        found[plain] = _together(found[plain], one) if plain in found else one
    return found


def _together(a: Partition, b: Partition) -> Partition:
    """Two kinds of node of one partition."""
    return Partition(
        *(a.name, a.default, a.seconds, a.nodes + b.nodes),
        *(max(a.cpus, b.cpus), max(a.memory, b.memory), max(a.gpus, b.gpus)),
        *(a.state, Counter(a.nodes_in) + Counter(b.nodes_in)),
    )


def _number(text: str) -> int:
    return int(text.rstrip("+"))


def _run(*command: str, errors: bool = False) -> str:
    """What a command prints, or with `errors` what it says beside that."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:  # sbatch tries again while the queue is full
        said = " ".join((error.stderr or b"").decode(errors="replace").split()) or str(error)
        raise SlurmError(advised(f"{command[0]} does not answer: {said}")) from error
    except OSError as error:
        raise SlurmError(f"{command[0]} does not answer: {error}") from error
    if done.returncode:
        words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        said = words if words.startswith(command[0]) else f"{command[0]}: {words}"
        raise SlurmError(advised(said))
    return " ".join(done.stderr.split()) if errors else done.stdout


def _environment() -> dict[str, str]:
    """Ours, without what an allocation says in which the runner itself may run."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SLURM_") or name == "SLURM_CONF"
    }

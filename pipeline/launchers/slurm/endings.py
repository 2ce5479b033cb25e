"""How a job ended that could not say so itself, and what to do about it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.node import STARTS
from pipeline.launchers.slurm import cluster
from pipeline.launchers.slurm.cluster import Queued
from pipeline.launchers.slurm.script import ASKED, MEMORY, UNSEEN, batch_log
from pipeline.launchers.slurm.submission import Submission

_SRUN = "srun-"  # begins the files of what srun says, one a start


def why_it_ended(job: Job, sent: Submission, queued: Queued | None) -> Outcome:
    """The outcome of a job that left the queue without one."""
    told = cluster.facts(sent.id or "")
    state = told.get("JobState") or (queued.state if queued else "")
    log = batch_log(job).with_name(Path(sent.log).with_suffix(".slurm.log").name)
    log = log if log.exists() else Path(sent.log).with_suffix(".slurm.log")
    folder = Path(sent.folder)
    restarts = told.get("Restarts", "0")
    words = _words(job, state, (folder / MEMORY).exists())
    if state in ("FAILED", "TIMEOUT") and _asked(folder) == restarts:
        words = _too_short(job, told.get("TimeLimit", "?"))
    if told.get("ExitCode") == f"{UNSEEN}:0" or (not list(folder.glob(f"{_SRUN}*")) and told):
        words = (
            f"its node {told.get('NodeList', '')} did not see {folder}: paths.store and paths.runs "
            "must be on a disk that all nodes see under the same path"
        )
    starts = int(restarts) + 1
    often = f", after {starts} starts" if starts > 1 else ""
    return Outcome("failed", f"job {sent.id}{often}: {words}", log)


def starts_of(sent: Submission) -> int:
    """How many starts of a job in a row got no further, the one that runs included."""
    with suppress(OSError, ValueError):
        return int((Path(sent.folder) / STARTS).read_text())
    return 0


def why_put_back(job: Job, sent: Submission) -> str:
    """Why a job that ran waits again, as the last start of it says."""
    folder = Path(sent.folder)
    start = max((int(file.stem[len(_SRUN) :]) for file in folder.glob(f"{_SRUN}*.err")), default=0)
    if _asked(folder) == str(start):
        return "was asked to leave, near its time limit or preempted"
    with suppress(OSError, IndexError):
        last = (folder / f"start-{start}.node0.log").read_text().splitlines()[-1]
        if (found := last.removeprefix(f"{job.stage}: ")) != last:
            return "was asked to end" if found == "stopped" else found
    return "lost a node"


def _words(job: Job, state: str, memory: bool) -> str:
    key = f"launcher.kinds.{job.kind.name}"
    if state == "OUT_OF_MEMORY" or memory:
        return f"killed for memory: raise {key}.memory"
    match state:
        case "CANCELLED":
            return "cancelled from outside (CANCELLED), by scancel or an administrator"
        case "TIMEOUT":
            return f"ended at its time limit before it could leave (TIMEOUT): raise {key}.time"
        case "NODE_FAIL" | "BOOT_FAIL":
            return f"its node was lost ({state}), and Slurm did not start it again"
        case "":
            return "left the queue, and nobody knows how it ended"
        case _:
            return (
                f"ended without an outcome ({state}), as often as launcher.starts allows without "
                "getting any further: its nodes were lost or failed. Leave those out "
                "(launcher.job.exclude)"
            )


def _asked(folder: Path) -> str:
    """The start that the scheduler asked to leave last."""
    with suppress(OSError):
        return (folder / ASKED).read_text().strip()
    return ""


def _too_short(job: Job, limit: str) -> str:
    every = getattr(job.config, "save_steps", None)
    often = f" or lower stages.{job.stage}.save_steps ({every})" if every else ""
    return (
        f"was asked to leave, near its time limit ({limit}) or preempted, as often as "
        "launcher.starts allows without having saved anything new. Raise "
        f"launcher.kinds.{job.kind.name}.time above what lies between two saves{often}"
    )

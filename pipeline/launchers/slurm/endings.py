"""How a job ended that could not say so itself, and what to do about it."""

from __future__ import annotations

from pathlib import Path

from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.slurm import cluster
from pipeline.launchers.slurm.cluster import Queued
from pipeline.launchers.slurm.script import MEMORY, UNSEEN, batch_log
from pipeline.launchers.slurm.submission import Submission


def why_it_ended(job: Job, sent: Submission, queued: Queued | None) -> Outcome:
    """The outcome of a job that left the queue without one."""
    told = cluster.facts(sent.id or "")
    state = told.get("JobState") or (queued.state if queued else "")
    log = batch_log(job).with_name(Path(sent.log).with_suffix(".slurm.log").name)
    log = log if log.exists() else Path(sent.log).with_suffix(".slurm.log")
    folder = Path(sent.folder)
    words = _words(job, state, (folder / MEMORY).exists())
    if told.get("ExitCode") == f"{UNSEEN}:0" or (not list(folder.glob("srun-*")) and told):
        words = (
            f"its node {told.get('NodeList', '')} did not see {folder}: paths.store and paths.runs "
            "must be on a disk that all nodes see under the same path"
        )
    starts = int(told.get("Restarts", "0")) + 1
    often = f" after {starts} starts" if starts > 1 else ""
    return Outcome("failed", f"job {sent.id}: {words}{often}", log)


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
                f"ended without an outcome ({state}) in as many starts as launcher.starts allows "
                f"that get no further. If its time limit ends it, raise {key}.time, or let it save "
                "more often"
            )

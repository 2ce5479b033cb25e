"""What the queue says of the jobs of a store, for `r1 status` and `r1 cancel`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.launchers.slurm import cluster, submission
from pipeline.launchers.slurm.advice import advised
from pipeline.launchers.slurm.cluster import Queued, SlurmError

GONE = "gone from the queue"


@dataclass(frozen=True)
class JobRow:
    """A stage's job as it stands; state `unknown` where no queue can be asked."""

    stage: str
    fingerprint: str
    id: str | None
    state: str
    node: str
    reason: str

    @property
    def alive(self) -> bool:
        """Whether it waits or runs, as far as is known."""
        return self.state not in (*cluster.ENDED, GONE)

    def words(self) -> str:
        """In a line for people."""
        where = f" on {self.node}" if self.node else ""
        why = f" ({advised(self.reason)})" if self.reason else ""
        return f"job {self.id or 'that was not seen to be submitted'}: {self.state}{where}{why}"


def jobs(store: Path) -> list[JobRow]:
    """The jobs that this store has submitted and that no runner has taken leave of."""
    known = submission.everything(store)
    if not known:
        return []
    try:
        queue, why = cluster.queue(), ""
    except SlurmError as error:
        queue, why = None, str(error)
    rows = []
    for one in known:
        found = one.of(queue) if queue is not None else None
        state = found.state if found else GONE if queue is not None else "unknown"
        reason = _reason(found) if found else why
        node = found.nodes if found else ""
        rows.append(JobRow(one.stage, one.fingerprint, one.id, state, node, reason))
    return rows


def cancel_of(store: Path, run: Path) -> Iterator[str]:
    """Cancel what a run has submitted; the words for each job. Raises SlurmError."""
    for one in submission.everything(store):
        if run in Path(one.folder).parents:
            submission.cancel(one)
            submission.forget(store, one)
            yield f"job {one.id} ({one.stage}) is cancelled"


def _reason(job: Queued) -> str:
    return "" if job.reason in ("None", "") else job.reason

"""What to do about Slurm's own words: why a job waits (squeue), and why it was refused (sbatch)."""

from __future__ import annotations

import re

EXCLUDE = "launcher.job.exclude"

#: By what the words match, the first that does; each names the key that changes it.
_ADVICE = (
    (r"queue full|temporarily unable", "the cluster takes no more jobs now"),
    (r"submit limit|MaxSubmit|MaxJob", "the account or QOS allows fewer jobs at once, or smaller "
     "ones: lower launcher.max_parallel, or time, nodes and gpus in launcher.job"),
    (r"Unable to contact|cannot stat file", "Slurm's controller is not reached: it may start just "
     "now, or this is no login node"),
    (r"group not permitted|permission denied|Invalid user", "this user may not use it: "
     "another launcher.job.partition, or ask its administrators"),
    (r"account", "set launcher.job.account to one that may use the partition (`sacctmgr show assoc "
     "user=$USER`, or your site's page)"),
    (r"AssocGrp|AssocMax", "the account's share is used: wait, or set launcher.job.account"),
    (r"qos", "set launcher.job.qos to one that allows this much, or ask for less in launcher.job"),
    (r"PartitionTimeLimit|time limit", "lower launcher.job.time (and that of kinds and stages), or "
     "set launcher.job.partition"),
    (r"PartitionNodeLimit|node count", "lower nodes in launcher.kinds, or set "
     "launcher.job.partition"),
    (r"PartitionDown|PartitionInactive|partition not available|partition specified",
     "set launcher.job.partition to one that is up (`sinfo`), or wait"),
    (r"BadConstraints|feature", "set launcher.job.constraint to features that nodes have "
     "(`sinfo -o '%P %f'`)"),
    (r"ReqNodeNotAvail|NodeDown|Reserved", "nodes are down or reserved (`sinfo -R`): wait, or "
     "change launcher.job.exclude or .partition"),
    (r"JobHeld", "it is held: `scontrol release JOB`, or ask its administrators"),
    (r"node configuration|memory specification|CPU count|generic resource", "no node has this "
     "much together: lower gpus, cpus or memory in launcher.job"),
)  # fmt: skip


def advised(words: str) -> str:
    """Slurm's words, and what to do where that is known."""
    for pattern, what in _ADVICE:
        if re.search(pattern, words, re.IGNORECASE):
            return f"{words}. {what[0].upper()}{what[1:]}"
    return words


def may_be_taken_later(words: str, others: bool) -> bool:
    """Whether a job was refused since there are too many. others: whether this user has some now.

    Slurm says the same of a job that is too large and of one too many.
    """
    queue, limit = (pattern for pattern, _ in _ADVICE[:2])
    return bool(re.search(queue, words) or (others and re.search(limit, words)))

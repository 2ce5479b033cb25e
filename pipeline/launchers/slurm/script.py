"""The batch script of a job: what the node does before, around and after the stage."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.launchers.job import Job
from pipeline.launchers.node import INTERRUPTED, STARTS
from pipeline.launchers.slurm.settings import Request, Settings

UNSEEN = 66  # the exit code of a script that does not see the job's folder
MEMORY = "out-of-memory"  # in the job's folder: Slurm says that it was killed for memory
ASKED = "asked-to-leave"  # in the job's folder: the last start that the scheduler wanted to end
CANCELLED = "cancelled"  # in the job's folder: the user wants no more of it

#: Nodes that hold engines have a step of their own: the stage goes on without one that is lost.
#: With --no-kill Slurm does not put a job back that has lost its first node, with this script, and
#: calls it RUNNING until its time limit: so those that are left do it.
_ENGINES = """\
hold='while "${{@:2}}" --number $(($1 + SLURM_NODEID)); [ $? = {interrupted} ]; do
  first=$(scontrol show job -o "$SLURM_JOB_ID" | grep -o "BatchHost=[^ ]*" | cut -d= -f2)
  nodes=$(squeue -h -j "$SLURM_JOB_ID" -o %N)
  [ -z "$nodes" ] || scontrol show hostnames "$nodes" | grep -qx "$first" ||
    scontrol requeue "$SLURM_JOB_ID"
  sleep {rests}
done'
leaders "$hold" {first} {flags} --output="$folder/start-$start.engines%n.log" \\
  2>"$errors.engines" &
"""
#: After the stage: `$start` counts the starts before this one, `$step` is srun.
#: Where another machine dies, the surviving rank fails, and Slurm would call the job FAILED: it is
#: put back from in here unless the stage itself has said how it ended.
_AROUND = """\
leaders() {{  # how each is started; the number of the first one; options of srun
  exec srun --ntasks-per-node=1 --cpus-per-task={cpus} --open-mode=append "${{@:3}}" \\
    bash -c "$1" node "$2" {python} -m pipeline.launchers.node "$folder" \\
    --job "$SLURM_JOB_ID" --start "$start" --patience {patience}
}}
{engines}leaders 'exec "${{@:2}}" --number $(($1 + SLURM_NODEID))' 0 {flags} \\
  --output="$folder/start-$start.node%n.log" 2>"$errors" &
step=$!
trap 'echo "$(date +%T) asked to leave"; echo "$start" >"$folder/{asked}"; kill -USR2 $step' USR2
while kill -0 $step 2>/dev/null; do wait $step; done  # a trap ends a wait early
wait $step
code=$?
cat "$errors"
echo "$(date +%T) start $start ended with $code"
[ -e "$folder/outcome.json" ] && exit $code
[ -e "$folder/{cancelled}" ] && exit $code
if {{ tail -c "+$((before + 1))" "$log"; cat "$folder/start-$start".node*.log; }} 2>/dev/null |
    grep -qiE 'oom.?kill|out of memory|exceeded.*memory'; then
  touch "$folder/{memory}"
  exit $code
fi
state=$(scontrol show job -o "$SLURM_JOB_ID" | tr ' ' '\\n' | grep ^JobState=)
if [ "$state" = JobState=RUNNING ] && [ "$(cat "$count")" -lt {starts} ]; then
  echo "$(date +%T) back into the queue"
  scontrol requeue "$SLURM_JOB_ID"
  sleep 60
fi
exit $code
"""


@dataclass(frozen=True)
class Shape:
    """What a stage gets: its request, and of each node so many GPUs, CPUs."""

    request: Request
    gpus: int
    cpus: int


def text(job: Job, name: str, shape: Shape, settings: Settings) -> str:
    """The script. name: of the job."""
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in options(name, job.machines, shape, batch_log(job))),
        f"#SBATCH --comment={job.wanted.fingerprint}",
        f"#SBATCH --signal=B:USR2@{settings.leave_seconds}",
        "#SBATCH --requeue",
        *(["#SBATCH --no-kill"] if job.engine_nodes else []),
    ]
    lines += prelude(settings)
    lines += [
        f"folder={shlex.quote(str(job.folder))}",
        f"log={shlex.quote(str(batch_log(job)))}",
        f'[ -e "$folder/job.json" ] || exit {UNSEEN}',
        'before=$(wc -c <"$log")',
        "start=${SLURM_RESTART_COUNT:-0}",
        'errors="$folder/srun-$start.err"',
        f'count="$folder/{STARTS}"',
        'echo $(($(cat "$count" 2>/dev/null || echo 0) + 1)) >"$count"',
    ]
    patience = max(1.0, settings.leave_seconds * TO_LEAVE)
    around = _AROUND.format(
        engines=_engines(job),
        flags=" ".join(_step(job.nodes, "--kill-on-bad-exit=1", "--wait=60")),
        cpus=shape.cpus,
        python=python(settings),
        patience=f"{patience:g}",
        starts=settings.starts,
        asked=ASKED,
        cancelled=CANCELLED,
        memory=MEMORY,
    )
    return "\n".join([*lines, around])


def prelude(settings: Settings) -> list[str]:
    """What the batch script of a stage begins with: its environment, and where it works."""
    lines = [f"module load {shlex.quote(module)}" for module in settings.modules]
    lines += settings.setup
    if settings.environment_file is not None:
        file = shlex.quote(str(Path(settings.environment_file).expanduser().absolute()))
        lines += ["set -a", f". {file}", "set +a"]
    return [
        *lines,
        f"cd {shlex.quote(os.getcwd())} || exit",
        f"export PYTHONPATH={shlex.quote(os.pathsep.join(_import_paths()))}",
        "export PYTORCH_NVML_BASED_CUDA_CHECK=1",  # GPUs are counted before the stage is forked
    ]


def python(settings: Settings) -> str:
    """The command that a stage's Python is."""
    found = shlex.quote(settings.python or sys.executable)
    return f"{settings.container} {found}" if settings.container else found


def batch_log(job: Job) -> Path:
    """What the batch script prints, of all starts."""
    return job.log.with_suffix(".slurm.log")


_RESTS = 5  # seconds between looks at what Slurm says of a first node that is silent
TO_LEAVE = 0.6  # of leave_seconds: then a stage that is still there is ended


def options(name: str, nodes: int, shape: Shape, log: Path) -> list[str]:
    """What sbatch is asked for, as its words. log: of the batch script."""
    request = shape.request
    given = {
        "job-name": name,
        "partition": request.partition,
        "account": request.account,
        "qos": request.qos,
        "time": request.time,
        "nodes": nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": shape.cpus,
        "gres": f"gpu:{shape.gpus}" if shape.gpus else None,
        "mem": request.memory,
        "constraint": f'"{request.constraint}"' if request.constraint else None,
        "exclude": request.exclude,
        "open-mode": "append",
        "output": '"{}"'.format(str(log).replace("%", "%%")),
    }
    return [f"--{option}={value}" for option, value in given.items() if value is not None]


def _engines(job: Job) -> str:
    """What holds engines beside the stage, if anything does."""
    if not job.engine_nodes:
        return ""
    flags = [f"--relative={job.nodes}", "--no-kill", "--kill-on-bad-exit=0", "--wait=0"]
    return _ENGINES.format(
        first=job.nodes,
        flags=" ".join(_step(job.engine_nodes, *flags)),
        interrupted=INTERRUPTED,
        rests=_RESTS,
    )


def _step(nodes: int, *flags: str) -> list[str]:
    """Of srun, for one leader on each of so many nodes."""
    return [f"--nodes={nodes}", f"--ntasks={nodes}", *flags]


def _import_paths() -> list[str]:
    """Where this process was told to find what it imports, beside the folder that it works in."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path(path).absolute()) for path in given if path]

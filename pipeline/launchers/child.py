"""What happens inside the process of one stage, from its lease to its published artifact.

The process is forked from a server that has the heavy modules imported and nothing started: no
thread pool, no CUDA. It leads its own process group, so that whatever it starts can be ended with
it, and it ends itself when the runner that asked for it is gone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import random
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from pipeline import disk, manifest, meter, notices, threads
from pipeline.artifact import METRICS, Inputs
from pipeline.attempts import Attempts
from pipeline.context import Context
from pipeline.errors import RecipeError, StageFailed
from pipeline.kinds import Outputs
from pipeline.launchers import files, gang
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.record import inputs_of, manifest_of
from pipeline.lease import Lease
from pipeline.manifest import CorruptArtifact
from pipeline.project import load
from pipeline.seeds import plain
from pipeline.sources import code_root
from pipeline.store import Store
from pipeline.watchdog import watching

Entry = Callable[[Any, Inputs, Context], Outputs]


def main(job: Job, answer: Connection) -> None:
    """Run the job of a runner of this machine, say how it ended, and exit."""
    gc.freeze()  # else a collection copies every page of what the fork server imported
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    _redirect_output(job.log)
    _end_with_parent()
    outcome = guarded(job)
    with contextlib.suppress(OSError):  # the log may lie on a full disk
        sys.stdout.flush()
        sys.stderr.flush()
    try:
        files.write_outcome(job.folder, outcome)
    except OSError:  # as may the job's folder
        with contextlib.suppress(OSError):
            answer.send(outcome)
    os._exit(0 if outcome.state in ("finished", "held") else 1)


def guarded(job: Job) -> Outcome:
    """The job under its lease; every way it can end becomes an Outcome."""
    try:
        store = Store(job.store)
        work = store.begin(job.stage, job.wanted.fingerprint)
        attempts = Attempts(work)
        lease = Lease(store.lease(job.stage, job.wanted.fingerprint), attempts.beat, _stop)
        if (holder := lease.acquire()) is not None:
            return Outcome("held", str(holder))
        try:
            outcome = _attempt(job, store, work, attempts, lease)
            other = lease.lost_to()
            return outcome if other is None else Outcome("held", str(other))
        finally:
            lease.release()
    except Exception as error:
        return Outcome("failed", _message(error, job))


def _attempt(job: Job, store: Store, work: Path, attempts: Attempts, lease: Lease) -> Outcome:
    try:
        if _is_there(job, store):
            return Outcome("finished")  # another runner published it while we waited
        attempts.start(os.uname().nodename, job.threads, job.processes)
        _run(job, store, work, attempts, lease)
    except SystemExit as exit_:
        if exit_.code == _SIGTERM_CODE:
            _end_attempt(attempts, "stopped")
            return Outcome("stopped")
        return _failed(attempts, f"the stage called exit({exit_.code})")
    except gang.RankFailed as error:
        return _failed(attempts, str(error), error.log)
    except BaseException as error:
        return _failed(attempts, _message(error, job))
    attempts.close()
    shutil.rmtree(work, ignore_errors=True)
    return Outcome("finished")


def _is_there(job: Job, store: Store) -> bool:
    """Whether the result is there by now. A corrupt one is moved aside, and told."""
    try:
        return store.find(job.stage, job.wanted.fingerprint) is not None
    except CorruptArtifact as error:
        aside = store.set_aside(job.stage, job.wanted.fingerprint)
        notices.warn(f"corrupt, made again. {error}. Moved to {aside}")
        return False


def _run(job: Job, store: Store, work: Path, attempts: Attempts, lease: Lease) -> None:
    """Call the stage's entry function and publish what it made."""

    def fence() -> None:
        if lease.lost_to() is not None or not attempts.is_current():
            raise StageFailed("another process took this stage over; what this one made is dropped")

    commit, sources = manifest.commit(code_root(job.kind)), store.sources.digest(job.kind)
    output = work / "output"
    if output.is_symlink() or output.is_file():
        output.unlink()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    if job.devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(job.devices)
    entry = load(job.kind.entry)
    seed = int(getattr(job.config, "seed", 0))
    context = Context(
        plain(job.stage),
        job.wanted.fingerprint,
        work,
        output,
        seed,
        job.threads,
        store.shared,
        fence=fence,
    )
    inputs = inputs_of(job, store)
    outputs = _outputs(job, entry, inputs, context)
    if (work / METRICS).exists():
        shutil.copy(work / METRICS, output / METRICS)
    code = {"commit": commit, "sources": sources}
    whole = manifest_of(job, outputs, seed, code, attempts.finish(), meter.total(work))
    store.publish(output, whole, fence)
    store.save_caches()


def _stop() -> None:
    """Another process has this stage: end this one as a runner would, and if need be by force."""
    by_force = threading.Timer(_GRACE, os.killpg, (0, signal.SIGKILL))
    by_force.daemon = True
    by_force.start()
    os.kill(os.getpid(), signal.SIGTERM)


def _outputs(job: Job, entry: Entry, inputs: Inputs, context: Context) -> Outputs:
    """What the stage's entry function returns: called here, or in every rank of a gang."""

    def call(context: Context) -> Outputs:
        _prepare(job.threads, context.seed)
        with watching(job.patience), meter.running(context.work, context.rank):
            outputs = entry(job.config, inputs, context)
        if not isinstance(outputs, Outputs):
            raise StageFailed(f"{job.kind.entry} returned {type(outputs).__name__}, not Outputs")
        funnel = manifest.jsonable(outputs.funnel, "funnel")
        return Outputs(manifest.jsonable(outputs.facts), funnel)

    if job.processes == 1:
        return call(context)

    def body(rank: gang.Rank) -> Outputs:
        _end_with_parent()
        return call(replace(context, rank=rank.number, processes=rank.of))

    return gang.run(job.processes, job.log, context.work, body, lambda e: _message(e, job))


def _prepare(threads: int, seed: int) -> None:
    """Threads and seeds of the libraries that the stage has imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)


def _redirect_output(log: Path) -> None:
    """Send everything that this process and its children print to the stage's log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()


def _end_with_parent() -> None:
    """A runner killed with SIGKILL cannot stop its stages: each process watches for its end."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)

    threads.start(threading.Thread(target=watch, name="parent-watch", daemon=True))


_LONGEST_MESSAGE = 4000  # well below a pipe's buffer: the answer must never block

_SIGTERM_CODE = 128 + signal.SIGTERM
_GRACE = 5.0  # seconds to close pools and files in


def _exit_on_sigterm(*_: Any) -> None:
    """Let the stage close its pools and files; the runner kills what does not end in time."""
    raise SystemExit(_SIGTERM_CODE)


def _failed(attempts: Attempts, message: str, log: Path | None = None) -> Outcome:
    _end_attempt(attempts, "failed", message)
    return Outcome("failed", message, log)


def _end_attempt(attempts: Attempts, outcome: str, message: str | None = None) -> None:
    with contextlib.suppress(OSError):  # a full disk must not hide the first error
        attempts.end(outcome, message)


def _message(error: BaseException, job: Job) -> str:
    """One message for the user; only what nobody foresaw leaves a traceback in the log."""
    if (full := disk.full_disk(error, job.store)) is not None:
        message = disk.full_message(full)
    elif isinstance(error, RecipeError):
        message = str(error)
    elif isinstance(error, ImportError) and error.name:
        message = f"the Python module `{error.name}` cannot be imported ({error}); install it"
    else:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    with contextlib.suppress(OSError):  # the log may lie on the same full disk
        print(message, file=sys.stderr)
    return message[:_LONGEST_MESSAGE]

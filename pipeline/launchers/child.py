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
from datetime import UTC, datetime
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from pipeline import manifest
from pipeline.artifact import METRICS, Artifact, Inputs
from pipeline.attempts import Attempts
from pipeline.context import Context
from pipeline.errors import RecipeError, StageFailed
from pipeline.kinds import Outputs
from pipeline.launchers import gang
from pipeline.launchers.job import Job, Outcome
from pipeline.lease import Lease
from pipeline.project import load
from pipeline.sources import code_root
from pipeline.store import Store, disk_full, disk_full_message
from pipeline.watchdog import watching

Entry = Callable[[Any, Inputs, Context], Outputs]


def main(job: Job, answer: Connection) -> None:
    """Run the job, send its Outcome, and exit."""
    gc.freeze()  # else a collection copies every page of what the fork server imported
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    _redirect_output(job.log)
    _end_with_parent()
    outcome = _guarded(job)
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        answer.send(outcome)
    os._exit(0 if outcome.state in ("finished", "held") else 1)


def _guarded(job: Job) -> Outcome:
    """The job under its lease; every way it can end becomes an Outcome."""
    work = Store(job.store).work(job.stage, job.wanted.fingerprint)
    try:
        work.mkdir(parents=True, exist_ok=True)
        attempts = Attempts(work)
        lease = Lease(Store(job.store).lease(job.stage, job.wanted.fingerprint), attempts.beat)
        if (holder := lease.acquire()) is not None:
            return Outcome("held", str(holder))
        try:
            return _attempt(job, work, attempts)
        finally:
            lease.release()
    except OSError as error:
        return Outcome("failed", _message(error, job))


def _attempt(job: Job, work: Path, attempts: Attempts) -> Outcome:
    store = Store(job.store)
    if store.find(job.stage, job.wanted.fingerprint) is not None:
        return Outcome("finished")  # another runner published it while we waited
    try:
        attempts.start(os.uname().nodename, job.threads, job.processes)
        _run(job, store, work, attempts)
    except SystemExit as exit_:
        if exit_.code == _SIGTERM_CODE:
            _end_attempt(attempts, "stopped")
            return Outcome("stopped")
        return _failed(attempts, f"the stage called exit({exit_.code})")
    except gang.RankFailed as error:
        return _failed(attempts, str(error), error.log)
    except BaseException as error:
        return _failed(attempts, _message(error, job))
    shutil.rmtree(work, ignore_errors=True)
    return Outcome("finished")


def _run(job: Job, store: Store, work: Path, attempts: Attempts) -> None:
    """Call the stage's entry function and publish what it made."""
    commit, sources = manifest.commit(code_root(job.kind)), store.sources.digest(job.kind)
    output = work / "output"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    if job.devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(job.devices)
    entry = load(job.kind.entry)
    seed = int(getattr(job.config, "seed", 0))
    context = Context(
        job.stage, job.wanted.fingerprint, work, output, seed, job.threads, store.shared
    )
    inputs = _inputs(job, store)
    outputs = _outputs(job, entry, inputs, context)
    if (work / METRICS).exists():
        shutil.copy(work / METRICS, output / METRICS)
    attempts.end("finished")
    code = {"commit": commit, "sources": sources}
    store.publish(output, _manifest(job, outputs, seed, code, attempts))
    store.save_caches()


def _outputs(job: Job, entry: Entry, inputs: Inputs, context: Context) -> Outputs:
    """What the stage's entry function returns: called here, or in every rank of a gang."""

    def call(context: Context) -> Outputs:
        _prepare(job.threads, context.seed)
        with watching(job.patience):
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


def _manifest(
    job: Job, outputs: Outputs, seed: int, code: dict[str, Any], attempts: Attempts
) -> dict[str, Any]:
    return {
        "format": manifest.FORMAT,
        "stage": job.stage,
        "kind": job.kind.name,
        "version": job.kind.version,
        "type": job.kind.produces,
        "fingerprint": job.wanted.fingerprint,
        "created": datetime.now(UTC).isoformat(),
        "seconds": attempts.seconds,
        "config": job.resolved,
        "identity": job.wanted.identity,
        "inputs": [
            {"edge": i.edge, "stage": i.stage, "fingerprint": i.fingerprint}
            for i in job.wanted.inputs
        ],
        "facts": outputs.facts,
        "funnel": outputs.funnel,
        "seed": seed,
        "versions": manifest.versions(),
        "host": manifest.host(),
        "code": code,
        "attempts": attempts.all,
    }


def _inputs(job: Job, store: Store) -> dict[str, tuple[Artifact, ...]]:
    """The input artifacts by edge, in config order."""
    found: dict[str, list[Artifact]] = {}
    for source in job.wanted.inputs:
        artifact = store.find(source.stage, source.fingerprint)
        if artifact is None:
            raise StageFailed(
                f"{job.stage}: its input {source.stage} ({source.fingerprint}) is gone from "
                f"{store.root}. Give the same command again: it will be made again."
            )
        found.setdefault(source.edge, []).append(artifact)
    return {edge: tuple(artifacts) for edge, artifacts in found.items()}


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

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


_LONGEST_MESSAGE = 4000  # well below a pipe's buffer: the answer must never block

_SIGTERM_CODE = 128 + signal.SIGTERM


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
    if disk_full(error):
        message = disk_full_message(job.store)
    elif isinstance(error, RecipeError):
        message = str(error)
    elif isinstance(error, ImportError) and error.name:
        message = f"the Python module `{error.name}` cannot be imported ({error}); install it"
    else:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    print(message, file=sys.stderr)
    return message[:_LONGEST_MESSAGE]

"""What happens inside an engine's process: shards of requests in, completions out as they finish.

The process leads its own group and ends with everything that its engine started when its parent
ends, be it in the middle of a message, or says so. The engine runs in a thread of its own, since
OpenMP's threads do not survive a fork: a fork of a process that has used them hangs at its first
parallel loop, unless that loop is in a new thread (run on Linux with torch 2.13). Another thread
sends, so that an engine goes on with its next shard while the parent is busy judging and reads
nothing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

import torch

from pipeline import meter, threads
from pipeline.errors import RecipeError, StageFailed
from stages.rollout.collective import Meeting
from stages.rollout.engine import Engine, EngineDied, Finished
from stages.rollout.opening import open_engine
from stages.rollout.shards import Shard
from stages.rollout.weights import Stamps, stamps
from stages.settings.generation import Rollout

GRACE = 10.0  # seconds that what an engine started has to end by itself
SEEN_WITHIN = 120.0  # seconds after which a network disk shows what another machine wrote
GANG = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Start:
    """Which engine a process holds.

    devices: its CUDA_VISIBLE_DEVICES; None on a CPU. shares_gpu: with training.
    """

    model_path: Path
    rollout: Rollout
    threads: int
    devices: str | None
    shares_gpu: bool = False


@dataclass(frozen=True)
class Sync:
    """Take over a folder's weights. files: their stamps, as who wrote them sees them."""

    number: int
    folder: Path
    files: Stamps


@dataclass(frozen=True)
class Receive:
    """Take over weights that are broadcast. rank: of the engine's first worker."""

    number: int
    meeting: Meeting
    rank: int


@dataclass(frozen=True)
class Sleep:
    """Free the GPU for training."""

    number: int


@dataclass(frozen=True)
class Wake:
    """Take it back."""

    number: int


@dataclass(frozen=True)
class Answers:
    """Some completions of a shard."""

    shard: int
    finished: Finished


@dataclass(frozen=True)
class Done:
    """An order is carried out: a shard has all its completions, weights are there, …

    spent: since the order before.
    """

    order: int
    spent: meter.Spent


@dataclass(frozen=True)
class Died:
    """The engine cannot go on, but another one may; the process ends."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """The engine raised what a repetition would raise again."""

    error: Exception


Order = Shard | Sync | Receive | Sleep | Wake
Message = Answers | Done | Died | Failed


def main(connection: Connection, start: Start) -> None:
    """Carry out orders until the parent sends None or is gone."""
    os.setpgid(0, 0)
    meter.begin()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for name in GANG:  # a process that trains in a gang has them, and vLLM would read them
        os.environ.pop(name, None)
    if start.devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = start.devices
    inbox: SimpleQueue[Order] = SimpleQueue()
    outbox: SimpleQueue[Message] = SimpleQueue()
    _in_thread(_end_with_parent)
    _in_thread(_send, connection, outbox)
    _in_thread(_serve, start, inbox, outbox.put)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while (order := connection.recv()) is not None:
            inbox.put(order)
    _end()


def _in_thread(work: Callable[..., None], *arguments: Any) -> None:
    threads.start(threading.Thread(target=work, args=arguments, daemon=True))


def _end_with_parent() -> None:
    """A fork holds its parent's end of the pipe, too, so the pipe does not show that it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    _end()


def _serve(start: Start, inbox: SimpleQueue[Order], send: Callable[[Message], None]) -> None:
    try:
        with _counted("engine_start_seconds"):
            engine = open_engine(start.model_path, start.rollout, start.threads, start.shares_gpu)
        while True:
            order = inbox.get()
            match order:
                case Shard():
                    _answer(engine, order, send)
                case Sync():
                    _sync(engine, order)
                case Receive():
                    _receive(engine, order)
                case Sleep():
                    engine.sleep()
                case Wake():
                    engine.wake()
            send(Done(order.number, meter.take()))
    except (EngineDied, MemoryError, torch.OutOfMemoryError) as error:
        traceback.print_exc()
        send(Died(f"{type(error).__name__}: {error}"))
    except Exception as error:
        send(Failed(_portable(error)))


def _answer(engine: Engine, shard: Shard, send: Callable[[Message], None]) -> None:
    numbers = list(shard.requests)
    with _counted("engine_seconds"):
        for finished in engine.stream(list(shard.requests.values()), shard.sampling):
            send(Answers(shard.number, [(numbers[place], each) for place, each in finished]))


@contextlib.contextmanager
def _counted(name: str) -> Iterator[None]:
    """Seconds of an engine, which its stage waits for or works beside."""
    started = time.monotonic()
    yield
    meter.count(**{name: time.monotonic() - started})


def _sync(engine: Engine, order: Sync) -> None:
    """New weights, once they are seen here: a network disk may show a folder as it was."""
    deadline = time.monotonic() + SEEN_WITHIN
    while stamps(order.folder) != order.files:
        if time.monotonic() > deadline:
            raise StageFailed(
                f"{order.folder}: an engine does not see these weights, or old ones; they have to "
                "be on a disk that its machine and that of training have under one path"
            )
        time.sleep(0.1)
    engine.sync(order.folder)


def _receive(engine: Engine, order: Receive) -> None:
    """New weights, or the end: half of them are of no use."""
    try:
        engine.receive(order.meeting, order.rank)
    except RecipeError:
        raise
    except Exception as error:
        raise EngineDied(f"weights did not come by broadcast: {error}") from error


def _portable(error: Exception) -> Exception:
    """The error as the parent can raise it; its traceback goes to the log."""
    if isinstance(error, RecipeError):
        return error
    traceback.print_exception(error)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign exception does when it is pickled
        return StageFailed(f"the engine failed with {type(error).__name__}: {error}")
    return error


def _send(connection: Connection, outbox: SimpleQueue[Message]) -> None:
    try:
        while True:
            message = outbox.get()
            connection.send(message)
            if isinstance(message, Died | Failed):
                _end()
    except OSError:  # the parent is gone
        _end()


def _end() -> NoReturn:
    """End what the engine started, politely at first, and this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    started = multiprocessing.active_children()
    for process in started:
        process.terminate()
    for process in started:
        process.join(GRACE)
    os.killpg(0, signal.SIGKILL)
    raise SystemExit  # not reached

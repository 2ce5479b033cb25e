"""What `r1 engine` does: lends this machine's engine to one job after the other.

A job has a process of its own (replica_process.py), which serves the job's connection itself and
ends with it, so a client that vanishes frees the engine.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import struct
import sys
from dataclasses import replace
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge, wait
from typing import Any

import stages.rollout.transformers_engine
import stages.training.common  # noqa: F401  # both so that a job's process forks with them
from stages.rollout.remote import PROTOCOL, Hello, Reply, settle, versions
from stages.rollout.replica_process import Start, main

HANDSHAKE_SECONDS = 10  # that a client may take for each word of it


class Listener:
    """One engine at an address.

    key: what clients have to know. threads: CPU threads of the engine. devices: its
    CUDA_VISIBLE_DEVICES; None: all that are visible here.
    """

    def __init__(
        self, address: tuple[str, int], key: bytes, threads: int, devices: str | None = None
    ) -> None:
        """Raises OSError where the address is taken, or not this machine's."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.create_server(address, family=family)
        self._key = key
        self._threads = threads
        self._devices = devices
        self._job: Any = None
        self._client = ""

    @property
    def port(self) -> int:
        """Where it listens; the system has chosen it where the address said 0."""
        return int(self._socket.getsockname()[1])

    def serve(self) -> None:
        """Take jobs until SIGTERM, or until the process is gone that started this one."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        parent = parent_process()
        above = [parent.sentinel] if parent else []
        try:
            while True:
                jobs = [self._job.sentinel] if self._job else []
                ready = wait([self._socket, *jobs, *above])
                if above and above[0] in ready:
                    return
                if self._job and self._job.sentinel in ready:
                    self._free()
                if self._socket in ready:
                    taken, (host, *_) = self._socket.accept()
                    self._greet(taken, host)
        finally:
            self._free()
            self._socket.close()

    def _greet(self, taken: socket.socket, host: str) -> None:
        """Let a client in that knows the key, and begin its job."""
        patience = struct.pack("ll", HANDSHAKE_SECONDS, 0)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        connection = settle(taken)
        try:
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            hello = Hello(*connection.recv())
            reply = self._reply(hello)
            connection.send(tuple(reply))
            if reply.welcome:
                self._begin(connection, pickle.loads(hello.start), host)
            else:
                _say(f"told {host}: {reply.words}")
        except Exception as error:  # whatever a client sends
            _say(f"turned away {host}: {error or type(error).__name__}")
        finally:
            connection.close()

    def _reply(self, hello: Hello) -> Reply:
        if trouble := _differs(hello):
            return Reply(welcome=False, later=False, words=trouble)
        if self._job:
            return Reply(welcome=False, later=True, words=f"it works for {self._client}")
        trouble = _lacks(pickle.loads(hello.start))
        return Reply(welcome=not trouble, later=True, words=trouble)

    def _begin(self, connection: Connection, start: Start, host: str) -> None:
        """Give the connection to a process of the job's own."""
        _set_patience(connection)
        mine = replace(start, threads=self._threads, devices=self._devices, shares_gpu=False)
        self._job = get_context("fork").Process(target=self._work, args=(connection, mine))
        self._job.start()
        self._client = host
        _say(f"works for {host}: {start.model_path}")

    def _work(self, connection: Connection, start: Start) -> None:
        self._socket.close()
        main(connection, start)

    def _free(self) -> None:
        """End the job's process, and what it has started."""
        if self._job is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._job.pid, signal.SIGKILL)
        self._job.kill()  # it may not have made its group yet
        self._job.join()
        self._job = None
        _say(f"free; {self._client} has gone")


def _differs(hello: Hello) -> str:
    """What is not the same on both machines, in words for the client; empty where all is."""
    if hello.protocol != PROTOCOL:
        return (
            f"it speaks version {PROTOCOL} of our protocol, this machine {hello.protocol}: "
            "use the same commit on both"
        )
    here = versions()
    for name in ("torch", "transformers", "vllm"):
        ours, theirs = here.get(name, "none"), hello.versions.get(name, "none")
        if ours != theirs:
            return f"it has {name} {ours}, this machine {theirs}: install the same on both"
    return ""


def _lacks(start: Start) -> str:
    """Why the engine cannot be what is asked for; empty where it can."""
    if (start.model_path / "config.json").is_file():
        return ""
    return (
        f"it sees no model at {start.model_path}: the store has to be on a disk that both "
        "machines have under one path"
    )


def _set_patience(connection: Connection) -> None:
    """The job's orders may take any time to come."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))


def _say(what: str) -> None:
    print(f"engine: {what}", flush=True)

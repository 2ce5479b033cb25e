"""The actor that leads a job on one node: it starts the node's part and waits for it.

It is sent to the cluster whole (`ray.cloudpickle`), so that a node needs Ray and the job's folder
to begin. What it starts has a process group of its own, and ends itself when the actor is gone
(pipeline/launchers/node.py): a raylet that is killed takes its actors along, and nothing else.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence


class Leader:
    """One node's part of a job. `run` and `end` are called side by side."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def where(self) -> tuple[str, str]:
        """The node's name, and the address by which other nodes reach it."""
        import ray

        return socket.gethostname(), ray.util.get_node_ip_address()

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], folder: str, log: str
    ) -> int:
        """Run a command to its end; its exit code. Raises OSError where it cannot be started."""
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process.wait()

    def end(self, grace: float) -> None:
        """Ask the command to end, and see to it after `grace` seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)

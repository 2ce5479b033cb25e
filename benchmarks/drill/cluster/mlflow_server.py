"""A tracking server on the login node, which can be away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from benchmarks.drill.cluster.machines import Machines


class MLflow:
    """The server, with its database and files in the shared folder."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://{machines.address('login')}:5000"

    def start(self) -> None:
        """Start it; it answers some seconds later."""
        folder = self._machines.folder
        self._process = self._machines.login.start(
            *(sys.executable, "-m", "mlflow", "server", "--host", "0.0.0.0", "--port", "5000"),
            *("--workers", "1", "--disable-security-middleware"),
            *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
            *("--artifacts-destination", str(folder / "mlartifacts")),
            log=folder / "mlflow.log",
        )

    def wait(self) -> None:
        """Until it answers."""
        script = f"import urllib.request as u; u.urlopen('{self.uri}/health', timeout=5)"
        deadline = time.monotonic() + 120
        while True:
            try:
                self._machines.login.ask(sys.executable, "-c", script)
                return
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def signal(self, number: signal.Signals) -> None:
        """To all of its processes."""
        for pid, line in self._machines.login.processes().items():
            if "mlflow server" in line or "mlflow.server" in line:
                os.kill(pid, number)
        if number == signal.SIGCONT and self._process is not None:
            self._process.send_signal(number)  # what waits for it stopped when it did

"""`make ui`: MLflow's pages for the runs in a root, opened in the view for model training.

MLflow 3.17 opens every experiment in its view for GenAI applications, whatever the experiment's
tags say; only the address, or what a browser remembers of the last visit, chooses the other.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.tracking.observer import QUIET
from pipeline.tracking.places import DATABASE, settle

HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Replace this process by MLflow's server; 2 where it cannot start."""
    parser = argparse.ArgumentParser(prog="make ui", description=__doc__)
    parser.add_argument("root", type=Path, help="the folder with mlflow.db, e.g. outputs")
    parser.add_argument("port", type=int, help="the port of the pages")
    given = parser.parse_args(arguments)
    try:
        serve(given.root.absolute(), given.port)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def serve(root: Path, port: int) -> None:
    """Check, say where the pages are, and become the server."""
    if not (root / DATABASE).is_file():
        raise UsageError(f"{root}: there is no {DATABASE} yet; a run with tracking makes it")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port}: {error}; take another, e.g. `make ui PORT=5001`"
            ) from None
    settle(root)
    print(
        f"runs: http://{HOST}:{port}/#/experiments/{_experiment(root)}/runs"
        "?workflowType=machine_learning",
        flush=True,
    )
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{root / DATABASE}"]
    os.execve(command[0], command, QUIET | dict(os.environ))


def _experiment(root: Path) -> str:
    """The number of the experiment that was made last."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(root / DATABASE, timeout=30)) as connection:
        ((number,),) = connection.execute("SELECT max(experiment_id) FROM experiments")
    return str(number or 0)


if __name__ == "__main__":
    sys.exit(main())

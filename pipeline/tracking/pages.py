"""What `make ui` does before MLflow's server starts: the database is told where it lies, the user
which page to open.

MLflow 3.17 opens every experiment in its view for GenAI applications, whatever the experiment's
tags say; only the address, or what a browser remembers of the last visit, chooses model training.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from pipeline.tracking.places import DATABASE, settle


def main(arguments: Sequence[str] | None = None) -> None:
    """Settle the database of a root and print the page with its runs."""
    parser = argparse.ArgumentParser(prog="make ui", description=__doc__)
    parser.add_argument("root", type=Path, help="the folder with mlflow.db, e.g. outputs")
    parser.add_argument("port", type=int, help="the port of the pages")
    given = parser.parse_args(arguments)
    root = given.root.absolute()
    settle(root)
    print(f"The runs will be at {address(root, given.port)}", flush=True)


def address(root: Path, port: int) -> str:
    """The page with the runs of the experiment that was made last."""
    page = f"http://127.0.0.1:{port}/#/experiments"
    with closing(sqlite3.connect(root / DATABASE, timeout=30)) as connection:
        number = None
        with suppress(sqlite3.OperationalError):  # nothing in it yet
            ((number,),) = connection.execute("SELECT max(experiment_id) FROM experiments")
    return f"{page}/{number}/runs?workflowType=machine_learning" if number else page


if __name__ == "__main__":
    main()

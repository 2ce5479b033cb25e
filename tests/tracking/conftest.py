"""No server named in the environment, and a database of MLflow that is made once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow exports what it was told in this process


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`mlflow.db` of an older run: to be copied, since MLflow takes seconds to make one."""
    from mlflow import MlflowClient

    root = tmp_path_factory.mktemp("older")
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    client.create_experiment("r1", artifact_location=f"file://{root}/mlartifacts")
    return root / "mlflow.db"

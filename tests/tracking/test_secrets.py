"""A password in an address gets into no file and onto no screen."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from pipeline import addresses
from pipeline.errors import UsageError
from pipeline.tracking.destination import described
from pipeline.tracking.sign_in import keep_quiet_about, signed_in
from stages.project import main

SECRET = "hunter2"
ADDRESSES = (
    f"http://me:{SECRET}@127.0.0.1:9/mlflow",
    f"https://{SECRET}@mlflow.local",
    f"postgresql+psycopg2://me:{SECRET}/x@db/mlflow",
    f"http://mlflow.local/?api_token={SECRET}",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_password_in_tracking_uri_is_refused_before_anything_is_written(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "-m", f"tracking.uri='{address}'", "seed=1,2"]) == 2
    said = capsys.readouterr()
    assert "MLFLOW_TRACKING_PASSWORD" in said.err
    assert SECRET not in said.err + said.out
    assert not list(tmp_path.rglob("*"))


def test_a_password_in_a_config_file_is_refused_with_its_key() -> None:
    config = {"tracking": {"uri": ADDRESSES[0]}, "prompts": ["see http://a b:c@d"]}
    with pytest.raises(UsageError, match=r"^tracking\.uri: "):
        addresses.refuse(config)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5000",
        "sqlite:////home/me@work/mlflow.db",
        "postgresql://me@db/mlflow",
        "http://localhost:8000/v1/models/a@b",
        "hf://datasets/org/name@main",
    ],
)
def test_an_address_without_a_secret_is_taken_and_shown_as_it_is(address: str) -> None:
    addresses.refuse({"tracking": {"uri": address}})
    assert addresses.shown(address) == address


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_doctor_does_not_show_the_password_of_the_environment(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    shown = described({"tracking": {"uri": None}}, "/data")
    assert SECRET not in shown
    assert "MLFLOW_TRACKING_PASSWORD" in shown


def test_the_server_is_asked_with_the_password_of_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    assert signed_in(ADDRESSES[0]) == "http://127.0.0.1:9/mlflow"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "me"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == SECRET


def test_the_log_of_what_is_sent_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stdout", log)
    monkeypatch.setattr(sys, "stderr", log)
    keep_quiet_about(ADDRESSES[2])
    print(f"no such database: {ADDRESSES[2]}", file=sys.stderr)
    assert log.getvalue() == "no such database: postgresql+psycopg2://me:***@db/mlflow\n"

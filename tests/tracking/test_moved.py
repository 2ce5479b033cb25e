"""Outputs that were moved or copied are whole where they are, and the old place stays as it was."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.tracking import pages, send_later
from pipeline.tracking.places import Places
from tests.tracking.told_runs import NAME, Pipeline, Seen, send_here


def finished(root: Path, database: Path) -> Pipeline:
    """A run that was sent where it was made."""
    pipeline = Pipeline(root)
    shutil.copy(database, root)
    pipeline.log(1, 3)
    pipeline.finish_quietly()
    assert send_here(root) == 0
    return pipeline


def test_a_moved_run_is_sent_from_where_it_is_now(database: Path, tmp_path: Path) -> None:
    born, now = tmp_path / "born here", tmp_path / "now"
    finished(born, database)
    born.rename(now)
    send_later(now / "runs" / NAME)
    assert not born.exists()
    seen = Seen(now)
    assert len(seen.runs) == 3
    assert seen.files("zero") == {"manifest.json", "zero.log"}
    locations = {run.info.artifact_uri for run in seen.runs.values()}
    assert all(where.startswith((now / "mlartifacts").as_uri()) for where in locations)


def test_a_copy_leaves_the_folder_that_it_was_copied_from_alone(
    database: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    finished(first, database)
    before = sorted(first.rglob("*")), (first / "mlflow.db").read_bytes()
    shutil.copytree(first, second)
    Pipeline(second, name="20260102-000000-r1-tiny").tell(("run_finished", {"report": None}))
    assert send_here(second, second / "runs" / "20260102-000000-r1-tiny") == 0
    assert (sorted(first.rglob("*")), (first / "mlflow.db").read_bytes()) == before
    assert "config.yaml" in Seen(second).files("20260102-000000-r1-tiny")


def test_the_pages_of_moved_runs_open_in_the_view_for_training_and_find_their_files(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path / "born", database)
    (tmp_path / "born").rename(tmp_path / "now here")
    pages.main([str(tmp_path / "now here"), "5001"])
    url = "http://127.0.0.1:5001/#/experiments/1/runs?workflowType=machine_learning"
    assert url in capsys.readouterr().out
    with closing(sqlite3.connect(tmp_path / "now here" / "mlflow.db")) as connection:
        found = connection.execute("SELECT artifact_uri FROM runs").fetchall()
    here = (tmp_path / "now here" / "mlartifacts").as_uri()
    assert found
    assert all(uri.startswith(here) for (uri,) in found)


def test_runs_kept_outside_of_the_root_are_taken_as_they_were_written(tmp_path: Path) -> None:
    config = {"paths": {"root": "outputs", "runs": "/elsewhere/runs"}}
    places = Places.of(tmp_path / "x", config, "/born/outputs")
    assert places.found("/born/outputs/store/a") == Path("/born/outputs/store/a")
    assert places.named(Path("/born/outputs/store/a")) == "store/a"
    assert places.named(Path("/big/disk/store/a")) == "/big/disk/store/a"

"""What goes wrong between a stage and the hub: each passes, or is told with what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import RecipeError
from tests.hub.asking import QUICK, read, read_with
from tests.hub.hub_world import CUT, DROP, Fault

COUNT = 4000
ROWS = "".join(
    json.dumps({"question": f"What is {n} + {n}?", "answer": f"#### {2 * n}"}) + "\n"
    for n in range(COUNT)
).encode()
FILES = {"train.jsonl": ROWS}


@pytest.fixture
def loaded(ask, tmp_path):
    def load(name, **config):
        return ask(read, tmp_path, **{"format": "gsm8k", "path": name, **config})

    return load


def reading(folder: Path, name: str) -> str:
    """The same as `loaded`, for a process of its own."""
    return (
        "from pathlib import Path\nfrom tests.hub.asking import read\n"
        f"print(len(read(Path({str(folder)!r}), format='gsm8k', path={name!r})[1]), 'rows')"
    )


@pytest.mark.parametrize("what", [429, 500, 503, DROP])
def test_what_passes_is_tried_again(hub, loaded, what):
    hub.put(f"org/passes-{what}", FILES)
    hub.faults += [Fault("/api/", what, times=2), Fault("/resolve/", what, times=2)]
    _, rows = loaded(f"org/passes-{what}")
    assert len(rows) == COUNT
    assert hub.sent["train.jsonl"] == len(ROWS)


def test_a_connection_that_breaks_within_a_file_is_gone_on_with_where_it_broke(hub, loaded):
    hub.put("org/breaks", FILES)
    hub.faults.append(Fault("/resolve/", CUT, times=2, after=50_000))
    _, rows = loaded("org/breaks")
    assert len(rows) == COUNT
    assert hub.sent["train.jsonl"] == len(ROWS)


def test_what_does_not_pass_ends_with_the_tries_and_the_key_and_is_gone_on_with(hub, loaded):
    hub.put("org/stays", FILES)
    hub.faults += [Fault("/resolve/", CUT, after=90_000), Fault("/resolve/", 503, times=9)]
    with pytest.raises(RecipeError) as told:
        loaded("org/stays")
    assert "stages.set.path=org/stays: the hub gave HTTP 503, tried 4 times" in str(told.value)
    assert "stages.set.hub.retries" in str(told.value)
    hub.faults.clear()
    _, rows = loaded("org/stays")
    assert len(rows) == COUNT
    assert hub.sent["train.jsonl"] == len(ROWS)


def test_a_server_that_knows_no_ranges_sends_a_file_again(hub, loaded):
    hub.put("org/ranges", FILES)
    hub.ranges = False
    hub.faults.append(Fault("/resolve/", CUT, after=50_000))
    _, rows = loaded("org/ranges")
    assert len(rows) == COUNT


def test_a_stage_that_is_killed_within_a_file_fetches_only_the_rest(
    hub, hub_environment, loaded, tmp_path
):
    hub.put("org/killed", FILES)
    hub.faults.append(Fault("/resolve/", CUT, after=100_000))
    code = (
        "import os, stages.hub.patience as p\n"
        "p._wait = lambda pause: os._exit(9)\n"  # the end of a process while it waits to go on
    ) + reading(tmp_path, "org/killed")
    done = subprocess.run([sys.executable, "-c", code], env=hub_environment, check=False)
    assert done.returncode == 9
    _, rows = loaded("org/killed")
    assert len(rows) == COUNT
    assert hub.sent["train.jsonl"] == len(ROWS)


def test_nothing_is_fetched_twice_and_a_pinned_set_not_even_asked_for(hub, loaded):
    repo = hub.put("org/once", FILES)
    loaded("org/once")
    hub.asked.clear()
    hub.sent.clear()
    loaded("org/once")
    assert hub.asked == ["GET /api/datasets/org/once"]  # which commit is the newest
    hub.asked.clear()
    loaded("org/once", revision=repo.at("main"))
    assert hub.asked == []
    assert not hub.sent


def test_without_a_network_what_was_fetched_is_read(hub, loaded, loopback):
    hub.put("org/away", FILES)
    loaded("org/away")
    loopback.stop()
    try:
        _, rows = loaded("org/away")
        assert len(rows) == COUNT
        with pytest.raises(RecipeError) as told:
            loaded("org/never")
    finally:
        loopback.start()
    text = str(told.value)
    assert text.startswith("stages.set.path=org/never: http://127.0.0.1")
    assert "cannot be reached" in text
    assert "stages.set.path=FILE.jsonl" in text


def test_offline_what_hf_download_brought_is_read(hub, ask, tmp_path):
    """The layout of the hub's own cache: a commit under refs, its files under snapshots."""
    cache, commit = tmp_path / "hub", "c" * 40
    repo = cache / "datasets--org--brought"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs/main").write_text(commit)
    (repo / "snapshots" / commit).mkdir(parents=True)
    (repo / "snapshots" / commit / "train.jsonl").write_bytes(ROWS)
    changes = {"HF_HUB_OFFLINE": True, "HF_HUB_CACHE": str(cache)}
    config = {"format": "gsm8k", "path": "org/brought"}
    facts, rows = ask(read_with, changes, tmp_path / "stage", **config)
    assert (len(rows), facts["revision"]) == (COUNT, commit)
    with pytest.raises(RecipeError, match="HF_HUB_OFFLINE is set, and what is needed of it"):
        ask(read_with, changes, tmp_path / "stage", **config | {"path": "org/not-brought"})
    assert hub.asked == []


def test_a_gated_set_says_where_its_terms_are_and_how_to_log_in(hub, loaded):
    hub.put("org/gated", FILES, gated=True)
    with pytest.raises(RecipeError) as told:
        loaded("org/gated")
    assert "stages.set.path=org/gated: its owners ask for consent" in str(told.value)
    assert "/datasets/org/gated, then log in with `hf auth login`" in str(told.value)


def test_a_set_that_is_not_there_and_a_revision_that_is_gone_are_told(hub, loaded):
    repo = hub.put("org/moved", FILES)
    with pytest.raises(RecipeError, match=r"set\.path=org/none: there is no such data set at"):
        loaded("org/none")
    gone = "d" * 40
    with pytest.raises(RecipeError) as told:
        loaded("org/moved", revision=gone)
    assert f"its revision {gone} is gone. Set stages.set.revision to" in str(told.value)
    assert "/datasets/org/moved/commits/main" in str(told.value)
    assert repo.at(gone) is None


def test_a_file_that_came_otherwise_than_the_hub_tells_is_fetched_anew(hub, loaded, monkeypatch):
    hub.put("org/harmed", FILES)
    hub.faults.append(Fault("/resolve/", "harm"))
    _, rows = loaded("org/harmed")
    assert len(rows) == COUNT
    assert hub.sent["train.jsonl"] == 2 * len(ROWS)


def test_a_full_disk_within_a_download_is_told_and_gone_on_with_when_there_is_room(
    hub, hub_environment, small_disk, tmp_path
):
    hub.put("org/full", {"train.jsonl": ROWS * 2})
    environment = hub_environment | {"HF_HOME": str(small_disk)}

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-c", reading(tmp_path, "org/full")],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    text = run()
    assert f"stages.set.path=org/full: the disk is full: 0 MiB left for {small_disk}/assets" in text
    assert "train.jsonl takes 0.5 MiB" in text
    assert "set HF_HOME to a folder on another disk" in text
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    hub.sent.clear()
    assert f"{2 * COUNT} rows" in run()
    assert hub.sent["train.jsonl"] < 1.6 * len(ROWS)  # what had room was not sent again


def test_the_pause_that_a_server_asks_for_is_kept(hub, ask, tmp_path):
    hub.put("org/busy", FILES)
    hub.faults.append(Fault("/api/", 429, head={"Retry-After": "7"}))
    hasty = replace(QUICK, retries=1, pause=0.0, longest_pause=0.02)
    _, rows = ask(read, tmp_path, hub=hasty, format="gsm8k", path="org/busy")
    assert len(rows) == COUNT  # never longer than longest_pause

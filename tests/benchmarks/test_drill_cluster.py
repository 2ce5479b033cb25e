"""What the drill over a cluster sees of a run from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.drill.cluster.watch import Watch


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / ".work" / "zero" / "f00d"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    yield made
    made.close()


def show(work: Path, outcomes: list[str], steps: int) -> None:
    """The files of a stage's last attempt, for longer than between two looks."""
    points = [json.dumps({"step": step}) for step in range(1, steps + 1)]
    (work / "metrics.jsonl").write_text("".join(f"{point}\n" for point in points))
    (work / "attempts.json").write_text(json.dumps([{"outcome": one} for one in outcomes]))
    time.sleep(0.25)


def test_what_a_killed_attempt_leaves_to_be_made_again_is_counted(work: Path, watch: Watch) -> None:
    for steps in (1, 2, 3, 4, 5):
        show(work, ["running"], steps)
    before = time.monotonic() - 0.8  # something that harmed nobody
    killed = time.monotonic()
    time.sleep(0.5)
    show(work, ["killed", "running"], 5)  # its curve is not cut back yet
    for steps in (3, 4, 5, 6):
        show(work, ["killed", "running"], steps)
    [lost] = watch.lost([before, killed])
    assert (lost.stage, lost.at, lost.steps) == ("zero", killed, 2)
    assert lost.seconds == pytest.approx(0.75, abs=0.2), "since step 3"
    assert lost.until_back == pytest.approx(1.5, abs=0.2), "until step 6"


def test_an_attempt_that_was_asked_to_leave_ends_when_it_has_saved(
    work: Path, watch: Watch
) -> None:
    show(work, ["running"], 1)
    asked = time.monotonic()
    show(work, ["running"], 2)
    show(work, ["stopped"], 2)
    show(work, ["stopped", "running"], 2)
    [lost] = watch.lost([asked])
    assert (lost.at, lost.steps) == (asked, 0)


def test_a_result_that_is_put_in_the_place_of_another_is_seen(tmp_path: Path, watch: Watch) -> None:
    for content in ("one", "the other"):
        made = tmp_path / "made"
        made.mkdir(exist_ok=True)
        (made / "manifest.json").write_text(content)
        target = tmp_path / "zero" / "f00d"
        if target.exists():
            target.rename(tmp_path / ".corrupt")
        target.parent.mkdir(exist_ok=True)
        made.rename(target)
        time.sleep(0.25)
        assert watch.twice == (set() if content == "one" else {"zero"})

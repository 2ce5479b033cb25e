"""Of two attempts at one stage that both run, only the later one writes and publishes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.attempts import Attempts
from pipeline.context import Context
from pipeline.errors import StageFailed


def listed(work: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((work / "attempts.json").read_text())
    return found


def test_an_attempt_that_another_has_followed_writes_no_more(tmp_path: Path) -> None:
    first, second = Attempts(tmp_path), Attempts(tmp_path)
    first.start("here")
    second.start("there")
    assert second.is_current()
    assert not first.is_current()
    first.beat()
    first.end("failed", "its files are gone")
    assert [a["host"] for a in listed(tmp_path)] == ["here", "there"]
    assert [a["outcome"] for a in listed(tmp_path)] == ["killed", "running"]


def test_a_curve_and_its_progress_are_those_of_the_last_attempt(tmp_path: Path) -> None:
    first, second = Attempts(tmp_path), Attempts(tmp_path)

    def context(attempts: Attempts) -> Context:
        def fence() -> None:
            if not attempts.is_current():
                raise StageFailed("taken over")

        return Context("zero", "f" * 16, tmp_path, tmp_path, 0, 1, tmp_path, fence=fence)

    first.start("here")
    context(first).log(1, {"loss": 1})
    second.start("there")
    context(second).rewind(0)
    for write in (lambda c: c.log(1, {"loss": 2}), lambda c: c.progress(1, 1)):
        with pytest.raises(StageFailed, match="taken over"):
            write(context(first))
    context(second).log(1, {"loss": 3})
    assert [point["loss"] for point in context(second).points()] == [3]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text().replace("0.2", "0.9")),
        lambda path: path.write_bytes(path.read_bytes()[:40]),
    ],
    ids=["gone", "digit", "cut"],
)
def test_a_harmed_curve_goes_on_from_what_the_checkpoint_keeps(
    tmp_path: Path, harm: Callable[[Path], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    context = Context("zero", "f" * 16, tmp_path, tmp_path, 0, 1, tmp_path)
    checkpoint = tmp_path / "checkpoint-2"
    checkpoint.mkdir()
    for step in (1, 2, 3):
        context.log(step, {"loss": step / 10})
        if step == 2:
            context.keep_curve(checkpoint)
    whole = (tmp_path / "metrics.jsonl").read_bytes()
    context.rewind(2, checkpoint)
    assert capsys.readouterr().err == ""
    (tmp_path / "metrics.jsonl").write_bytes(whole)
    harm(tmp_path / "metrics.jsonl")
    context.rewind(2, checkpoint)
    assert (tmp_path / "metrics.jsonl").read_bytes() == b"".join(whole.splitlines(True)[:2])
    assert "metrics.jsonl was harmed: its points are taken from checkpoint-2" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("harm", [Path.mkdir, lambda path: path.symlink_to(path)])
def test_a_curve_that_is_no_file_is_begun_anew(tmp_path: Path, harm: Callable[[Path], Any]) -> None:
    context = Context("zero", "f" * 16, tmp_path, tmp_path, 0, 1, tmp_path)
    harm(tmp_path / "metrics.jsonl")
    assert context.points() == []
    context.rewind(-1)
    context.log(1, {"loss": 2})
    assert [point["step"] for point in context.points()] == [1]


def test_the_attempts_of_a_manifest_do_not_change_with_the_next_heartbeat(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path)
    attempts.start("here")
    [kept] = attempts.finish()
    before = dict(kept)
    attempts._clock -= 60
    attempts.beat()
    assert kept == before
    assert kept["outcome"] == "finished"
    assert listed(tmp_path)[0]["seconds"] >= 60


def test_an_attempt_that_is_killed_before_it_has_published_counts_as_killed(tmp_path: Path) -> None:
    killed = Attempts(tmp_path)
    killed.start("here")
    killed.finish()
    again = Attempts(tmp_path)
    again.start("here")
    assert [a["outcome"] for a in listed(tmp_path)] == ["killed", "running"]


def test_a_heartbeat_before_the_attempt_or_after_its_end_writes_nothing(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "work")
    attempts.beat()
    assert not (tmp_path / "work").exists()
    attempts.start("here")
    attempts.close()
    (tmp_path / "work" / "attempts.json").unlink()
    attempts.beat()
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    ["null", "7", "{}", '[{"outcome": 1}]', '[{"outcome": "running"}]', "[" * 9999, "[null]"],
)
def test_attempts_of_another_shape_count_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "attempts.json").write_text(content)
    attempts = Attempts(tmp_path)
    assert attempts.failure() is None
    assert attempts.last("threads") is None
    attempts.start("here", threads=2)
    attempts.end("failed", "half a pair: \ud83d")
    assert Attempts(tmp_path).failure() == "half a pair: ?"
    assert Attempts(tmp_path).last("threads") == 2
